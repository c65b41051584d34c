package remote

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/sony/gobreaker/v2"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// Breaking is how operators say when a service counts as down.
type Breaking struct {
	Enabled  bool   `json:"enabled"`
	Failures int    `json:"failures"` // in a row
	Pause    string `json:"pause"`
}

// breaker lets no call through to a service that is down, so that requests do
// not pile up waiting for it. After a pause one call may try again; if that is
// answered, all may.
type breaker struct {
	circuit    *gobreaker.CircuitBreaker[*Answer]
	host       string
	retryAfter string // seconds, as the header has it
}

// open is the breaker for a service. All that call the same host with the same
// settings have the same one.
func (b Breaking) open(environment pipeline.Environment, service *url.URL) (*breaker, error) {
	at := document.Path{"circuit_breaker", "pause"}
	pause, err := pipeline.ParseDuration(b.Pause, at...)
	if err != nil {
		return nil, err
	}
	if pause == 0 {
		return nil, &pipeline.Mistake{Path: at, Message: "has to be longer than 0s, or the service is never left alone"}
	}
	if !b.Enabled {
		return nil, nil
	}
	key := fmt.Sprintf("circuit breaker %s://%s %d %s", service.Scheme, service.Host, b.Failures, pause)
	return pipeline.Share(environment, key, func() *breaker {
		return &breaker{
			host:       service.Host,
			retryAfter: strconv.Itoa(int(math.Ceil(pause.Seconds()))),
			circuit: gobreaker.NewCircuitBreaker[*Answer](gobreaker.Settings{
				Timeout:     pause,
				ReadyToTrip: func(counts gobreaker.Counts) bool { return int(counts.ConsecutiveFailures) >= b.Failures },
				IsExcluded:  func(err error) bool { return errors.Is(err, errSaysNothing) },
			}),
		}
	}), nil
}

// errDown is how the circuit hears of an answer that says that the service is
// out of order. A 500 is not one: it may be about this one request.
var errDown = errors.New("the service answered that it is out of order")

// errSaysNothing is how it hears of a failure that says nothing about the
// service: an answer that is too long, or a client that went away, unless it had
// waited long enough to.
var errSaysNothing = errors.New("not to be counted")

// longForAnswer is how long a client has to have waited that its going away
// counts against the service.
const longForAnswer = time.Second

func (b *breaker) call(call func() (*Answer, error)) (*Answer, error) {
	began := time.Now()
	var failure error
	answer, err := b.circuit.Execute(func() (*Answer, error) {
		answer, err := call()
		switch failure = err; {
		case err == nil && isDown(answer.Status):
			return answer, errDown
		case errors.Is(err, errTooLong), errors.Is(err, context.Canceled) && time.Since(began) < longForAnswer:
			return nil, errSaysNothing
		}
		return answer, err
	})
	switch {
	case errors.Is(err, errDown), errors.Is(err, errSaysNothing):
		return answer, failure
	case errors.Is(err, gobreaker.ErrOpenState), errors.Is(err, gobreaker.ErrTooManyRequests):
		refusal := pipeline.Unavailable.From(fmt.Errorf("%s was down at the last calls, and is not called for a moment", b.host))
		refusal.Header = http.Header{"Retry-After": {b.retryAfter}}
		return nil, refusal
	default:
		return answer, err
	}
}

func isDown(status int) bool {
	return status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout
}

// NewGuarded makes a client that asks once, and not at all for a while when the
// service is down. An error is a [pipeline.Mistake].
func NewGuarded(environment pipeline.Environment, service *url.URL, timeout time.Duration, breaking Breaking) (*Client, error) {
	guard, err := breaking.open(environment, service)
	if err != nil {
		return nil, err
	}
	client := New(environment, timeout)
	client.guard = guard
	return client, nil
}

// Package remote is the one way in which handlers call services: with a
// time-out, a bounded body, no redirects, and failures that say whose they
// are. It does not know what is asked or what the answer means.
package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"ostiary/pipeline"
)

// maxBody bounds the answer that is read, in bytes (contract 14).
const maxBody = 1 << 20

// Client calls one service. It is safe for concurrent use.
type Client struct {
	once    *http.Client          // for a call that is made once
	again   *retryablehttp.Client // for one that may be repeated; nil: none may
	timeout time.Duration         // for a whole call: all attempts, and reading the answer
	guard   *breaker              // nil: every call is made
}

// Answer is what a service said, read to its end.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// New makes a client that asks once.
func New(environment pipeline.Environment, timeout time.Duration) *Client {
	return NewPatient(environment, Patience{Total: timeout})
}

// NewPatient makes a client that may ask again. A service that asks to slow
// down is not asked again: that is for the client to hear.
func NewPatient(environment pipeline.Environment, patience Patience) *Client {
	client := &Client{
		timeout: patience.Total,
		once: &http.Client{
			Transport: traced{environment.Transport},
			// A redirect would carry the client's credentials somewhere
			// the operator did not name.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	if patience.Attempt > 0 && patience.Attempt < patience.Total {
		client.once.Timeout = patience.Attempt
	}
	if patience.Retries > 0 {
		client.again = &retryablehttp.Client{
			HTTPClient:   client.once,
			RetryMax:     patience.Retries,
			RetryWaitMin: min(50*time.Millisecond, patience.Wait),
			RetryWaitMax: patience.Wait,
			CheckRetry:   patience.again,
			Backoff:      backoff,
			ErrorHandler: retryablehttp.PassthroughErrorHandler,
		}
	}
	return client
}

// Do sends the request and reads the answer, whatever its status. A failure is
// a pipeline.Slow when the service took too long and a pipeline.Unavailable
// otherwise (contract 14, dependency failures).
func (c *Client) Do(ctx context.Context, request *http.Request) (*Answer, error) {
	if c.guard != nil {
		return c.guard.call(func() (*Answer, error) { return c.do(ctx, request) })
	}
	return c.do(ctx, request)
}

func (c *Client) do(ctx context.Context, request *http.Request) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	response, err := c.send(request.WithContext(ctx))
	if err != nil {
		return nil, failure(request.URL, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := read(response, request.Method)
	if err != nil {
		return nil, failure(request.URL, err)
	}
	return &Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

func (c *Client) send(request *http.Request) (*http.Response, error) {
	switch {
	case c.again != nil:
	case c.once.Timeout == 0 && request.URL.User == nil:
		// All that the client would add is to copy the header, for redirects.
		return c.once.Transport.RoundTrip(request)
	default:
		return c.once.Do(request)
	}
	repeatable, err := retryablehttp.FromRequest(request)
	if err != nil {
		return nil, err
	}
	return c.again.Do(repeatable)
}

// read reads the body of an answer, into one piece of memory if the service
// says how long it is.
func read(response *http.Response, method string) ([]byte, error) {
	switch length := response.ContentLength; {
	case method == http.MethodHead: // the length is that of another answer
		return nil, nil
	case length > maxBody:
		return nil, errTooLong
	case length >= 0:
		body := make([]byte, length)
		_, err := io.ReadFull(response.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errTooLong
	}
	return body, err
}

var errTooLong = fmt.Errorf("the answer is longer than %d bytes", maxBody)

// failure names the service by its host alone: its URL may hold credentials.
func failure(service *url.URL, err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	cause := fmt.Errorf("calling %s: %w", service.Host, err)
	if errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err) {
		return pipeline.Slow.From(cause)
	}
	return pipeline.Unavailable.From(cause)
}

// passedOn are the headers of a 429 that the client gets to see (contract 4.7).
var passedOn = []string{"Retry-After", "X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "X-Ratelimit-Type"}

// Limited is the error for an answer of 429.
func (a *Answer) Limited() error {
	refusal := pipeline.Limited.Because("a service that this request depends on asks to slow down")
	refusal.Header = make(http.Header)
	for _, name := range passedOn {
		if values := a.Header.Values(name); len(values) > 0 {
			refusal.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	return refusal
}

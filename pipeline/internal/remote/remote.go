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
	client  *retryablehttp.Client
	timeout time.Duration // for a whole call: all attempts, and reading the answer
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
	return &Client{
		timeout: patience.Total,
		client: &retryablehttp.Client{
			HTTPClient: &http.Client{
				Transport: traced{environment.Transport},
				Timeout:   patience.Attempt,
				// A redirect would carry the client's credentials somewhere
				// the operator did not name.
				CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
			},
			RetryMax:     patience.Retries,
			RetryWaitMin: min(50*time.Millisecond, patience.Wait),
			RetryWaitMax: patience.Wait,
			CheckRetry:   patience.again,
			Backoff:      backoff,
			ErrorHandler: retryablehttp.PassthroughErrorHandler,
		},
	}
}

// Do sends the request and reads the answer, whatever its status. A failure is
// a pipeline.Slow when the service took too long and a pipeline.Unavailable
// otherwise (contract 14, dependency failures).
func (c *Client) Do(ctx context.Context, request *http.Request) (*Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	repeatable, err := retryablehttp.FromRequest(request)
	if err != nil {
		return nil, failure(request.URL, err)
	}
	response, err := c.client.Do(repeatable.WithContext(ctx))
	if err != nil {
		return nil, failure(request.URL, err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody+1))
	if err != nil {
		return nil, failure(request.URL, err)
	}
	if len(body) > maxBody {
		return nil, failure(request.URL, fmt.Errorf("the answer is longer than %d bytes", maxBody))
	}
	return &Answer{Status: response.StatusCode, Header: response.Header, Body: body}, nil
}

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

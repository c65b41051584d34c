package remote

import (
	"context"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"ostiary/pipeline"
)

const (
	maxRetries  = 4                      // after the first attempt (contract 4.6)
	longestWait = 100 * time.Millisecond // between two attempts; a client is waiting
)

// Patience says how long to wait for a service, and how often to ask.
type Patience struct {
	Total   time.Duration // for everything
	Attempt time.Duration // for one attempt; 0: as long as everything
	Retries int           // after the first attempt, if that failed or was answered with 5xx
	Wait    time.Duration // at most between two attempts
}

// again reports whether another attempt may help, and there is time for it:
// what the service said last is worth more than an answer that cannot come.
func (p Patience) again(ctx context.Context, response *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	if end, bounded := ctx.Deadline(); bounded && time.Until(end) <= p.Wait {
		return false, nil
	}
	if response != nil && response.StatusCode == http.StatusTooManyRequests {
		return false, nil
	}
	return retryablehttp.DefaultRetryPolicy(ctx, response, err)
}

// backoff waits twice as long each time. Retry-After counts up to the longest
// wait, because all attempts share one deadline (contract 14).
func backoff(shortest, longest time.Duration, attempt int, response *http.Response) time.Duration {
	return min(retryablehttp.DefaultBackoff(shortest, longest, attempt, response), longest)
}

// Within is the patience with a service that is asked again for as long as a
// timeout of the configuration says, up to five times.
func Within(timeout time.Duration) Patience {
	return Patience{Total: timeout, Attempt: timeout, Retries: maxRetries, Wait: longestWait}
}

// Retry is how operators say how patient to be. A bound that is empty, or 0,
// is not configured: the timeout of the whole call takes its place.
type Retry struct {
	MaxDelay    string `json:"max_delay"`
	GiveUpAfter string `json:"give_up_after"`
}

// Patience makes bounds of the configuration. One answer may take max_delay,
// and no new attempt is made once give_up_after is over; so everything
// together takes the longer of the two at most, and an answer that comes at
// once is never lost to a give_up_after that is shorter than the way there and
// back. An error is a [pipeline.Mistake].
func (r Retry) Patience(timeout string) (Patience, error) {
	whole, err := ParseTimeout(timeout, "timeout")
	if err != nil {
		return Patience{}, err
	}
	attempt, err := boundOr(whole, r.MaxDelay, "retry", "max_delay")
	if err != nil {
		return Patience{}, err
	}
	trying, err := boundOr(whole, r.GiveUpAfter, "retry", "give_up_after")
	if err != nil {
		return Patience{}, err
	}
	return Patience{
		Total:   max(attempt, trying),
		Attempt: attempt,
		Retries: min(maxRetries, int(trying/longestWait)),
		Wait:    longestWait,
	}, nil
}

// PatienceOnce is [Retry.Patience] for a service that is asked again only if
// give_up_after says how long that may go on.
func (r Retry) PatienceOnce(timeout string) (Patience, error) {
	patience, err := r.Patience(timeout)
	if r.GiveUpAfter == "" {
		patience.Retries = 0
	}
	return patience, err
}

func boundOr(otherwise time.Duration, text string, at ...string) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	bound, err := pipeline.ParseDuration(text, at...)
	if bound == 0 {
		bound = otherwise
	}
	return bound, err
}

// ParseTimeout reads how long something may take at most. at is where the
// configuration has it, for the [pipeline.Mistake] that an error is.
func ParseTimeout(text string, at ...string) (time.Duration, error) {
	timeout, err := pipeline.ParseDuration(text, at...)
	if err == nil && timeout == 0 {
		err = &pipeline.Mistake{Path: at, Message: "has to be longer than 0s, or no answer comes in time"}
	}
	return timeout, err
}

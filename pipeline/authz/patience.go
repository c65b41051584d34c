package authz

import (
	"time"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/remote"
)

const (
	maxRetries  = 4                      // after the first attempt (contract 4.6)
	longestWait = 100 * time.Millisecond // between two attempts; a client is waiting
)

// retryConfig says how patient to be with a service. What is not configured is
// nil: the timeout of the whole call takes its place.
type retryConfig struct {
	MaxDelay    *string `json:"max_delay"`
	GiveUpAfter *string `json:"give_up_after"`
}

// patience makes bounds of the configuration. One answer may take max_delay,
// and no new attempt is made once give_up_after is over; so everything
// together takes the longer of the two at most, and an answer that comes at
// once is never lost to a give_up_after that is shorter than the way there and
// back.
func (c retryConfig) patience(timeout string) (remote.Patience, error) {
	whole, err := timeoutOf(timeout)
	if err != nil {
		return remote.Patience{}, err
	}
	attempt, err := c.or(whole, "max_delay", c.MaxDelay)
	if err != nil {
		return remote.Patience{}, err
	}
	trying, err := c.or(whole, "give_up_after", c.GiveUpAfter)
	if err != nil {
		return remote.Patience{}, err
	}
	return remote.Patience{
		Total:   max(attempt, trying),
		Attempt: attempt,
		Retries: min(maxRetries, int(trying/longestWait)),
		Wait:    longestWait,
	}, nil
}

// or is the configured duration; one that is not there, or is 0, is the
// default.
func (c retryConfig) or(otherwise time.Duration, key string, configured *string) (time.Duration, error) {
	if configured == nil {
		return otherwise, nil
	}
	duration, err := time.ParseDuration(*configured)
	if err != nil {
		return 0, &pipeline.Mistake{Path: document.Path{"retry", key}, Message: err.Error()}
	}
	if duration == 0 {
		return otherwise, nil
	}
	return duration, nil
}

// timeoutOf reads how long a service may take.
func timeoutOf(text string) (time.Duration, error) {
	timeout, err := time.ParseDuration(text)
	if err != nil {
		return 0, &pipeline.Mistake{Path: document.Path{"timeout"}, Message: err.Error()}
	}
	if timeout == 0 {
		return 0, &pipeline.Mistake{Path: document.Path{"timeout"}, Message: "has to be longer than 0s, or no answer comes in time"}
	}
	return timeout, nil
}

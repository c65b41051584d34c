package authn

import (
	"net/url"
	"time"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/remote"
)

const (
	maxRetries  = 4                      // after the first attempt (contract 4.6)
	longestWait = 100 * time.Millisecond // between two attempts; a client is waiting
)

// retryConfig says how patient to be with a service. What is empty is not
// configured.
type retryConfig struct {
	MaxDelay    string `json:"max_delay"`
	GiveUpAfter string `json:"give_up_after"`
}

// patience makes bounds of the configuration: max_delay is for one answer, and
// give_up_after for everything together. The service is asked again only if
// give_up_after says how long that may go on; otherwise the timeout bounds the
// one question there is.
func (c retryConfig) patience(timeout string) (remote.Patience, error) {
	p := remote.Patience{Wait: longestWait}
	var err error
	if p.Total, err = duration(timeout, "timeout"); err != nil {
		return p, err
	}
	if c.MaxDelay != "" {
		if p.Attempt, err = duration(c.MaxDelay, "retry", "max_delay"); err != nil {
			return p, err
		}
	}
	if c.GiveUpAfter == "" {
		return p, nil
	}
	if p.Attempt == 0 {
		p.Attempt = p.Total
	}
	p.Retries = maxRetries
	p.Total, err = duration(c.GiveUpAfter, "retry", "give_up_after")
	return p, err
}

// duration reads how long something may take at most.
func duration(text string, at ...string) (time.Duration, error) {
	read, err := time.ParseDuration(text)
	if err != nil {
		return 0, &pipeline.Mistake{Path: document.Path(at), Message: err.Error()}
	}
	if read <= 0 {
		return 0, &pipeline.Mistake{Path: document.Path(at), Message: "has to be longer than 0s, or no answer comes in time"}
	}
	return read, nil
}

// lifetime reads how long something is kept; nothing is configured if it is
// empty, and then otherwise counts.
func lifetime(text string, otherwise time.Duration) (time.Duration, error) {
	if text == "" {
		return otherwise, nil
	}
	read, err := time.ParseDuration(text)
	if err != nil {
		return 0, &pipeline.Mistake{Path: document.Path{"cache", "ttl"}, Message: err.Error()}
	}
	return read, nil
}

// serviceURL reads the address of a service.
func serviceURL(text string, at ...string) (*url.URL, error) {
	service, err := url.Parse(text)
	if err != nil || (service.Scheme != "http" && service.Scheme != "https") || service.Host == "" {
		return nil, &pipeline.Mistake{Path: document.Path(at), Message: "is not a URL of the form http://host:port/path"}
	}
	return service, nil
}

package repository

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
)

// errTimeout is for what does not answer in time.
var errTimeout = errors.New("no answer in time")

// unreachable is why a server gave no answer, or not to the end.
type unreachable struct{ cause error }

func (e *unreachable) Error() string { return e.cause.Error() }
func (e *unreachable) Unwrap() error { return e.cause }

// Temporary reports whether the same question may be answered in a moment: the
// server was not reached, or it is out of order, or asks to slow down.
func Temporary(err error) bool {
	var answered *statusError
	if errors.As(err, &answered) {
		return answered.status == http.StatusTooManyRequests ||
			answered.status >= http.StatusInternalServerError && answered.status != http.StatusNotImplemented
	}
	var silent *unreachable
	return errors.As(err, &silent)
}

// notReached is an error of a request that was not answered. It does not say what
// was asked for: messages begin with that, and it may hold a password. It is in
// the same words for the same reason, so that each is told once.
func notReached(err error) error {
	reached := fmt.Errorf("not reached: %w", plain(err))
	var distrust *tls.CertificateVerificationError
	var astray *redirectError
	if errors.As(err, &distrust) || errors.As(err, &astray) {
		return reached // and will not be by asking again
	}
	return &unreachable{reached}
}

// brokenOff is an error in the middle of an answer.
func brokenOff(err error) error {
	return &unreachable{fmt.Errorf("the answer breaks off: %w", plain(err))}
}

// plain is an error without the URL that was asked for, and without what is
// another each time, such as the port of this side.
func plain(err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		return plain(asked.Err)
	}
	var waited net.Error
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &waited) && waited.Timeout() {
		return errTimeout
	}
	var operation *net.OpError
	if errors.As(err, &operation) {
		without := *operation
		without.Source = nil
		return &without
	}
	return err
}

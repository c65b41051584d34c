package pipeline

import (
	"context"
	"encoding/json"
)

// The four kinds of handlers. One instance serves all the requests of every
// rule with the same configuration, at the same time; it never writes to the
// Request, and it returns what it found instead of answering anybody.
type (
	// Authenticator finds out who sends a request. It fills in the session's
	// Subject and Extra, or returns ErrNotResponsible if the request has
	// nothing for it to judge; every other error is final (contract 4.2).
	Authenticator interface {
		Authenticate(ctx context.Context, request *Request, session *Session) error
	}

	// Authorizer decides whether the session may do what the request asks. A
	// nil error allows it.
	Authorizer interface {
		Authorize(ctx context.Context, request *Request, session *Session) error
	}

	// Mutator adds to the session what the upstream shall know.
	Mutator interface {
		Mutate(ctx context.Context, request *Request, session *Session) error
	}

	// ErrorHandler answers a client that was refused.
	ErrorHandler interface {
		// Responsible reports whether this handler answers that error for
		// that request: its `when` (contract 8.5).
		Responsible(request *Request, refusal error) bool
		Respond(request *Request, refusal error) Response
	}
)

// HeaderSetter is implemented by handlers that set headers of names known
// beforehand. A client's own headers of these names never go
// upstream (contract 14, identity headers).
type HeaderSetter interface{ SetsHeaders() []string }

// KeyPublisher is implemented by mutators that sign with keys whose public
// halves the engine publishes (contract 11.5). The keys are JSON Web Keys.
type KeyPublisher interface {
	PublicKeys(ctx context.Context) ([]json.RawMessage, error)
}

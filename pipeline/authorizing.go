package pipeline

import (
	"context"
	"errors"
)

// ErrUndecided is in a Forbidden by which an authorizer says that it cannot
// tell, as against one by which it says no. Both refuse; but none_of, which
// allows what its authorizers say no to, does not take it for a no.
var ErrUndecided = errors.New("the authorizer cannot tell")

// isNo reports whether an authorizer's error is its answer. Anything else is a
// failure to answer.
func isNo(err error) bool { return KindOf(err) == Forbidden && !errors.Is(err, ErrUndecided) }

// authorizing is one authorizer of a rule, or several that decide together. It
// returns the id of the handler whose word decided. Groups have at least one
// member: Build sees to it.
type authorizing interface {
	authorize(ctx context.Context, request *Request, session *Session) (handler string, err error)
	setsHeaders() Names
}

// sole is an authorizer that decides alone.
type sole step[Authorizer]

func (s sole) authorize(ctx context.Context, request *Request, session *Session) (string, error) {
	return s.id, s.handler.Authorize(ctx, request, session)
}

func (s sole) setsHeaders() Names { return setsHeaders(s.handler) }

// allOf allows what all of its members allow. They are asked in order, and the
// first that does not allow it has the last word.
type allOf []authorizing

func (all allOf) authorize(ctx context.Context, request *Request, session *Session) (handler string, err error) {
	for _, one := range all {
		if handler, err = one.authorize(ctx, request, session); err != nil {
			return handler, err
		}
	}
	return handler, nil
}

func (all allOf) setsHeaders() Names { return headersOf(all) }

// anyOf allows what one of its members allows; those after it are not asked.
// If none does, the first one that failed to answer is heard before all that
// said no: it might have allowed the request, so that a client which comes back
// after an outage may fare better. What a refusing member set in the session
// is taken back.
type anyOf []authorizing

func (some anyOf) authorize(ctx context.Context, request *Request, session *Session) (handler string, refusal error) {
	for _, one := range some {
		before := session.Header.Clone()
		asked, err := one.authorize(ctx, request, session)
		if err == nil {
			return asked, nil
		}
		session.Header = before
		if refusal == nil || (isNo(refusal) && !isNo(err)) {
			handler, refusal = asked, err
		}
		if ctx.Err() != nil {
			break // the client is gone
		}
	}
	return handler, refusal
}

func (some anyOf) setsHeaders() Names { return headersOf(some) }

// noneOf allows what all of its members say no to. One that allows the request
// refuses it, and so does one that fails to answer: what cannot be ruled out
// is not allowed.
type noneOf []authorizing

func (none noneOf) authorize(ctx context.Context, request *Request, session *Session) (handler string, err error) {
	for _, one := range none {
		before := session.Header.Clone()
		handler, err = one.authorize(ctx, request, session)
		switch {
		case err == nil:
			return handler, Forbidden.Because("the rule refuses what this authorizer allows")
		case !isNo(err):
			return handler, err
		}
		session.Header = before
	}
	return handler, nil
}

func (none noneOf) setsHeaders() Names { return headersOf(none) }

func headersOf(members []authorizing) Names {
	var names Names
	for _, one := range members {
		if one != nil { // else the rule is broken
			names = append(names, one.setsHeaders()...)
		}
	}
	return names
}

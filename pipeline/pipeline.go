package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/net/http/httpguts"
)

// Pipeline is the compiled pipeline of one rule. It does not change once it is
// in force, so any number of requests may run through it at the same time.
type Pipeline struct {
	rule           string
	authenticators []step[Authenticator]
	authorizer     authorizing
	mutators       []step[Mutator]
	errors         answering
	fallback       answering
	upstream       *Upstream
	identity       Names
	broken         bool // a part could not be built: everything is denied
}

type step[T any] struct {
	id      string
	handler T
}

// Broken reports whether the pipeline denies everything because a part of it
// could not be built.
func (p *Pipeline) Broken() bool { return p.broken }

// Identity is the headers that only this rule may set.
func (p *Pipeline) Identity() Names { return p.identity }

// Upstream is where allowed requests go; nil if the rule has none.
func (p *Pipeline) Upstream() *Upstream { return p.upstream }

// Claim adds headers that no client may set at this rule, though it may not set
// them itself. It is to be called before the first request.
func (p *Pipeline) Claim(names Names) { p.identity = slices.Concat(p.identity, names).canonical() }

// Run decides on a request. captures tells what the rule's URL pattern
// captured; it is called only if a handler asks.
func (p *Pipeline) Run(ctx context.Context, request *Request, captures Captures) Decision {
	if p.broken {
		return p.Refuse(request, Matching, "", Misconfigured.Because("a part of the rule could not be built when it was loaded"))
	}
	ctx = withTrace(ctx, request.Header)
	session := &Session{}
	session.MatchContext = MatchContext{request: request, captures: captures, captured: &session.captured}
	if at, handler, err := p.pass(ctx, request, session); err != nil {
		if ctx.Err() != nil && errors.Is(ctx.Err(), context.Canceled) {
			err = ClientGone.From(err)
		}
		refused := p.Refuse(request, at, handler, err)
		if len(session.SetCookie) > 0 { // a session that goes on goes on elsewhere, too
			refused.Response.Header["Set-Cookie"] = append(slices.Clip(refused.Response.Header["Set-Cookie"]), session.SetCookie...)
		}
		return refused
	}
	if request.Forward && p.upstream == nil {
		return p.Refuse(request, Forwarding, "", Misconfigured.Because("the rule has no upstream.url to forward the request to"))
	}
	return Decision{Allowed: true, Rule: p.rule, Session: session, Upstream: p.upstream, Identity: p.identity}
}

// pass takes a request through the stages, up to the one that refuses it.
func (p *Pipeline) pass(ctx context.Context, request *Request, session *Session) (Stage, string, error) {
	if handler, err := p.authenticate(ctx, request, session); err != nil {
		return Authenticate, handler, err
	}
	if handler, err := p.authorizer.authorize(ctx, request, session); err != nil {
		return Authorize, handler, err
	}
	handler, err := p.mutate(ctx, request, session)
	return Mutate, handler, err
}

// authenticate asks the authenticators in order until one is responsible; its
// word is final (contract 4.2).
func (p *Pipeline) authenticate(ctx context.Context, request *Request, session *Session) (string, error) {
	for _, s := range p.authenticators {
		err := s.handler.Authenticate(ctx, request, session)
		if !errors.Is(err, ErrNotResponsible) {
			return s.id, err
		}
	}
	return "", NoCredential.Because("no authenticator of the rule found a credential in the request")
}

func (p *Pipeline) mutate(ctx context.Context, request *Request, session *Session) (string, error) {
	for _, s := range p.mutators {
		if err := s.handler.Mutate(ctx, request, session); err != nil {
			return s.id, err
		}
	}
	return "", checkHeader(session)
}

// checkHeader refuses names and values that would end a header line early:
// they may come from a session store and hold anything.
func checkHeader(session *Session) error {
	for name, values := range session.Header {
		if !httpguts.ValidHeaderFieldName(name) {
			return Internal.From(fmt.Errorf("%q is no name for a header", name))
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return Internal.From(fmt.Errorf("the value for the header %s has control characters", name))
			}
		}
	}
	return nil
}

// Refuse is the decision against a request, with the response that the rule's
// error handlers give.
func (p *Pipeline) Refuse(request *Request, stage Stage, handler string, refusal error) Decision {
	return Decision{
		Rule:     p.rule,
		Stage:    stage,
		Handler:  handler,
		Err:      refusal,
		Response: p.answer(request, refusal),
	}
}

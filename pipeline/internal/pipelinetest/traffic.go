package pipelinetest

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"sync"

	"ostiary/pipeline"
)

const (
	atOnce = 4 // requests that run through a handler at the same time
	rounds = 3
)

// traffic is what requests go through a handler for: to see what it does to
// them.
type traffic struct {
	ctx      context.Context
	complain func(format string, args ...any) // safe for concurrent use
}

// through sends requests through a handler of any stage, from several
// goroutines at once: with the race detector on, that finds what they share.
// None of them may be written to.
func (t traffic) through(handler any) {
	all := requests()
	before := make(map[string]*pipeline.Request, len(all))
	for name, request := range all {
		before[name] = clone(request)
	}
	var group sync.WaitGroup
	for range atOnce {
		group.Go(func() {
			for range rounds {
				for _, name := range slices.Sorted(maps.Keys(all)) {
					t.pass(name, handler, all[name])
				}
			}
		})
	}
	group.Wait()
	for name, request := range all {
		if !reflect.DeepEqual(before[name], request) {
			t.complain("it writes to the request with %s:\nbefore %+v\nafter  %+v", name, before[name], request)
		}
	}
}

func (t traffic) pass(name string, handler any, request *pipeline.Request) {
	switch h := handler.(type) {
	case pipeline.Authenticator:
		t.authenticate(name, h, request)
	case pipeline.Authorizer:
		session := authenticated(request)
		t.kinded(name, h.Authorize(t.ctx, request, session))
		t.headers(name, h, session)
	case pipeline.Mutator:
		session := authenticated(request)
		t.kinded(name, h.Mutate(t.ctx, request, session))
		t.headers(name, h, session)
	case pipeline.ErrorHandler:
		for kind := range pipeline.Kind(20) {
			t.respond(name, h, request, kind)
		}
	default:
		t.complain("%T is a handler of no stage", handler)
	}
}

func authenticated(request *pipeline.Request) *pipeline.Session {
	captures := func() ([]string, error) { return []string{"a b", "7"}, nil }
	return Knowing(map[string]any{"role": "editor"}, pipeline.Session{
		Subject:      "ada",
		MatchContext: pipeline.NewMatchContext(request, captures),
	})
}

// authenticate: who passes a request on has left no trace of it.
func (t traffic) authenticate(name string, h pipeline.Authenticator, request *pipeline.Request) {
	match := pipeline.NewMatchContext(request, func() ([]string, error) { return nil, nil })
	session := &pipeline.Session{MatchContext: match}
	err := h.Authenticate(t.ctx, request, session)
	if !errors.Is(err, pipeline.ErrNotResponsible) {
		t.kinded(name, err)
		return
	}
	session.MatchContext = pipeline.MatchContext{}
	if !reflect.DeepEqual(session, &pipeline.Session{}) {
		t.complain("%s: it is not responsible and leaves %+v in the session", name, session)
	}
}

// kinded: an error says what kind of error it is.
func (t traffic) kinded(name string, err error) {
	var kind pipeline.Kind
	if err != nil && !errors.As(err, &kind) {
		t.complain("%s: the error has no kind: %v", name, err)
	}
}

// headers have canonical names, and are those that were announced.
func (t traffic) headers(name string, handler any, session *pipeline.Session) {
	setter, announces := handler.(pipeline.HeaderSetter)
	for header := range session.Header {
		if header != http.CanonicalHeaderKey(header) {
			t.complain("%s: it sets the header %q, which is not how it is written", name, header)
		}
		if announces && !pipeline.Names(setter.SetsHeaders()).Cover(header) {
			t.complain("%s: it sets the header %s, which it does not announce", name, header)
		}
	}
}

// respond: an answer is a refusal, and is the client's own: what a front end
// adds to it reaches no other client.
func (t traffic) respond(name string, h pipeline.ErrorHandler, request *pipeline.Request, kind pipeline.Kind) {
	refusal := kind.Because("a reason")
	h.Responsible(request, refusal)
	first := h.Respond(request, refusal)
	if first.Status < 300 || first.Status > 599 {
		t.complain("%s: it answers a refusal with %d", name, first.Status)
	}
	for header := range first.Header {
		if header != http.CanonicalHeaderKey(header) {
			t.complain("%s: it answers the header %q, which is not how it is written", name, header)
		}
	}
	unwritten := pipeline.Response{Status: first.Status, Header: first.Header.Clone(), Body: slices.Clone(first.Body)}
	first.Header.Set("Content-Type", "text/written")
	first.Header.Set("X-Written", "by the front end")
	for i := range first.Body {
		first.Body[i] = '*'
	}
	if second := h.Respond(request, refusal); !reflect.DeepEqual(unwritten, second) {
		t.complain("%s: two answers to the same refusal share something:\nfirst  %+v\nsecond %+v", name, unwritten, second)
	}
}

package pipelinetest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"ostiary/pipeline"
)

// The functions that misbehave in these tests are handlers of the stage that
// their type says.
type (
	authenticator func(*pipeline.Request, *pipeline.Session) error
	mutator       func(*pipeline.Request, *pipeline.Session) error
	authorizer    func(*pipeline.Request, *pipeline.Session) error
	errorHandler  func(*pipeline.Request) pipeline.Response
	announcing    struct{ mutator }
)

func (f authenticator) Authenticate(_ context.Context, r *pipeline.Request, s *pipeline.Session) error {
	return f(r, s)
}

func (f mutator) Mutate(_ context.Context, r *pipeline.Request, s *pipeline.Session) error {
	return f(r, s)
}

func (f authorizer) Authorize(_ context.Context, r *pipeline.Request, s *pipeline.Session) error {
	return f(r, s)
}
func (errorHandler) Responsible(*pipeline.Request, error) bool { return true }
func (f errorHandler) Respond(r *pipeline.Request, _ error) pipeline.Response {
	return f(r)
}
func (announcing) SetsHeaders() []string { return []string{"X-User"} }

func TestTrafficFindsWhatHandlersMayNotDo(t *testing.T) {
	t.Parallel()
	var once sync.Once
	common := http.Header{"Content-Type": {"text/plain"}}
	var turn sync.Mutex // keeps what is shared on purpose from being a data race
	tests := map[string]struct {
		handler any
		want    string // part of the first complaint; empty for none
	}{
		"a good authenticator": {authenticator(func(*pipeline.Request, *pipeline.Session) error { return nil }), ""},
		"a good mutator": {announcing{func(_ *pipeline.Request, s *pipeline.Session) error {
			s.SetHeader("x-user", s.Subject)
			return nil
		}}, ""},
		"a good error handler": {errorHandler(func(*pipeline.Request) pipeline.Response {
			return pipeline.Response{Status: 401, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("no")}
		}), ""},
		"a request that is written to": {authenticator(func(r *pipeline.Request, _ *pipeline.Session) error {
			once.Do(func() { r.Path = "/other" })
			return nil
		}), "it writes to the request with"},
		"a header that is written to": {authorizer(func(r *pipeline.Request, _ *pipeline.Session) error {
			turn.Lock()
			defer turn.Unlock()
			r.Header.Set("X-Seen", "yes")
			return nil
		}), "it writes to the request with"},
		"a trace of a request that was passed on": {authenticator(func(_ *pipeline.Request, s *pipeline.Session) error {
			s.Withheld.Headers = []string{"Authorization"}
			return pipeline.ErrNotResponsible
		}), "it is not responsible and leaves"},
		"an error without a kind":     {mutator(func(*pipeline.Request, *pipeline.Session) error { return errors.New("oops") }), "the error has no kind: oops"},
		"an authorizer's without one": {authorizer(func(*pipeline.Request, *pipeline.Session) error { return errors.New("oops") }), "the error has no kind: oops"},
		"a header in small letters": {mutator(func(_ *pipeline.Request, s *pipeline.Session) error {
			s.Header = http.Header{"x-user": {"ada"}}
			return nil
		}), `it sets the header "x-user", which is not how it is written`},
		"a header that is not announced": {announcing{func(_ *pipeline.Request, s *pipeline.Session) error {
			s.SetHeader("X-Role", "editor")
			return nil
		}}, "it sets the header X-Role, which it does not announce"},
		"an answer that allows": {errorHandler(func(*pipeline.Request) pipeline.Response {
			return pipeline.Response{Status: 200, Header: http.Header{}}
		}), "it answers a refusal with 200"},
		"an answered header in small letters": {errorHandler(func(*pipeline.Request) pipeline.Response {
			return pipeline.Response{Status: 401, Header: http.Header{"location": {"/"}}}
		}), `it answers the header "location", which is not how it is written`},
		"a header that answers share": {errorHandler(func(*pipeline.Request) pipeline.Response {
			return pipeline.Response{Status: 401, Header: common}
		}), "two answers to the same refusal share something"},
		"no handler at all": {42, "int is a handler of no stage"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var mutex sync.Mutex
			var complaints []string
			way := traffic{t.Context(), func(format string, args ...any) {
				mutex.Lock()
				defer mutex.Unlock()
				complaints = append(complaints, fmt.Sprintf(format, args...))
			}}
			if _, isErrorHandler := test.handler.(errorHandler); isErrorHandler {
				way.pass("once", test.handler, Request()) // one at a time: what answers share would be a data race
			} else {
				way.through(test.handler)
			}
			switch {
			case test.want == "" && len(complaints) > 0:
				t.Errorf("complaints: %q", complaints)
			case test.want != "" && !strings.Contains(strings.Join(complaints, "\n"), test.want):
				t.Errorf("complaints: %q, want %q", complaints, test.want)
			}
		})
	}
}

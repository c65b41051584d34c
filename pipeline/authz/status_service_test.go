package authz

import (
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// whileFailing is how the tests ask services that fail: without asking again.
const whileFailing = `"retry": {"give_up_after": "1ms"}, `

// statusHandlers are the handlers that go by the status of the answer.
var statusHandlers = map[string]struct {
	definition pipeline.Definition[pipeline.Authorizer]
	config     string // the beginning of it
}{
	"remote":      {remoteAuthorizer, `{`},
	"remote_json": {remoteJSON, `{"payload": "{}", `},
}

func TestStatusOfTheAnswerDecides(t *testing.T) {
	t.Parallel()
	kinds := map[int]pipeline.Kind{
		201: pipeline.Internal, 202: pipeline.Internal, 204: pipeline.Internal, 206: pipeline.Internal,
		301: pipeline.Internal, 302: pipeline.Internal, 307: pipeline.Internal, 308: pipeline.Internal,
		400: pipeline.Internal, 401: pipeline.Internal, 404: pipeline.Internal, 413: pipeline.Internal,
		403: pipeline.Forbidden, 429: pipeline.Limited,
		500: pipeline.Unavailable, 501: pipeline.Unavailable, 502: pipeline.Unavailable, 503: pipeline.Unavailable, 504: pipeline.Unavailable,
	}
	for name, handler := range statusHandlers {
		for status, kind := range kinds {
			t.Run(fmt.Sprintf("%s: %d", name, status), func(t *testing.T) {
				t.Parallel()
				service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/ask" {
						return // 200: the page behind a redirect
					}
					w.Header().Set("Location", "/login")
					w.WriteHeader(status)
				})
				authorizer := pipelinetest.New(t, handler.definition,
					at(t, "remote", service.URL+"/ask", handler.config+whileFailing+`"headers": {}}`), pipelinetest.Environment(t))
				request := pipelinetest.Request()
				err := authorizer.Authorize(t.Context(), request, sessionFor(request))
				wantRefusal(t, err, kind, false)
				if asked := service.Asked(); len(asked) != 1 || asked[0].Target != "/ask" {
					t.Errorf("asked: %v", asked)
				}
			})
		}
	}
}

func TestStatusServiceThatAsksToSlowDownIsHeardByTheClient(t *testing.T) {
	t.Parallel()
	for name, handler := range statusHandlers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, saying(429, "Retry-After", "7", "X-Ratelimit-Limit", "50", "X-Ratelimit-Remaining", "0", "X-Other", "kept back"))
			authorizer := pipelinetest.New(t, handler.definition,
				at(t, "remote", service.URL, handler.config+`"headers": {}}`), pipelinetest.Environment(t))
			request := pipelinetest.Request()
			err := authorizer.Authorize(t.Context(), request, sessionFor(request))
			wantRefusal(t, err, pipeline.Limited, false)
			want := http.Header{"Retry-After": {"7"}, "X-Ratelimit-Limit": {"50"}, "X-Ratelimit-Remaining": {"0"}}
			sent := pipeline.ErrorResponse(err, "", false).Header
			sent.Del("Content-Type")
			sent.Del("Ory-Error-Id")
			if diff := cmp.Diff(want, sent); diff != "" {
				t.Error(diff)
			}
			if asked := service.Asked(); len(asked) != 1 {
				t.Errorf("it was asked %d times", len(asked))
			}
		})
	}
}

func TestStatusServiceInTroubleIsAskedAgain(t *testing.T) {
	t.Parallel()
	for name, handler := range statusHandlers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(503, ""))
			authorizer := pipelinetest.New(t, handler.definition,
				at(t, "remote", service.URL, handler.config+`"timeout": "1m"}`), pipelinetest.Environment(t))
			request := pipelinetest.Request()
			wantRefusal(t, authorizer.Authorize(t.Context(), request, sessionFor(request)), pipeline.Unavailable, false)
			if asked := service.Asked(); len(asked) != 5 {
				t.Errorf("it was asked %d times, want 5", len(asked))
			}
		})
	}
}

func TestStatusServiceThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	stall := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	breakOff := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	tests := map[string]struct {
		config string
		answer http.HandlerFunc
		kind   pipeline.Kind
	}{
		"stalls past its time":                     {`"timeout": "50ms"}`, stall, pipeline.Slow},
		"stalls past max_delay":                    {`"retry": {"max_delay": "50ms", "give_up_after": "1ms"}}`, stall, pipeline.Slow},
		"stalls past max_delay, time after time":   {`"retry": {"max_delay": "20ms", "give_up_after": "150ms"}}`, stall, pipeline.Slow},
		"stalls past max_delay without a bound":    {`"retry": {"max_delay": "20ms"}}`, stall, pipeline.Slow},
		"stalls past its time, whatever the retry": {`"timeout": "50ms", "retry": {"give_up_after": "1ms"}}`, stall, pipeline.Slow},
		"breaks off": {whileFailing + `"headers": {}}`, breakOff, pipeline.Unavailable},
	}
	for name, handler := range statusHandlers {
		for how, test := range tests {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				service := pipelinetest.Serve(t, test.answer)
				authorizer := pipelinetest.New(t, handler.definition,
					at(t, "remote", service.URL, handler.config+test.config), pipelinetest.Environment(t))
				request := pipelinetest.Request()
				wantRefusal(t, authorizer.Authorize(t.Context(), request, sessionFor(request)), test.kind, false)
			})
		}
	}
}

func TestStatusServiceThatNobodyRuns(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	for name, handler := range statusHandlers {
		authorizer := pipelinetest.New(t, handler.definition,
			at(t, "remote", address, handler.config+whileFailing+`"headers": {}}`), pipelinetest.Environment(t))
		request := pipelinetest.Request()
		err := authorizer.Authorize(t.Context(), request, sessionFor(request))
		wantRefusal(t, err, pipeline.Unavailable, false)
		if reason := pipelinetest.ReasonOf(err); reason != "" {
			t.Errorf("%s: clients would read %q", name, reason)
		}
	}
}

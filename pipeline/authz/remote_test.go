package authz

import (
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestRemoteShowsTheServiceTheBodyAndLittleElse(t *testing.T) {
	t.Parallel()
	cookies := []string{"Cookie", "sid=1", "X-User", "mallory", "X-Request-Id", "id-1"}
	tests := map[string]struct {
		config  string
		request *pipeline.Request
		want    pipelinetest.Question
	}{
		"the body with its type": {
			`{}`, withBody(`{"a": 1}`, append(cookies, "Content-Type", "application/json")...),
			pipelinetest.Question{Method: "POST", Target: "/ask", Body: `{"a": 1}`, Header: http.Header{"Content-Type": {"application/json"}}},
		},
		"no body and a type that is empty": {
			`{}`, pipelinetest.Request(cookies...),
			pipelinetest.Question{Method: "POST", Target: "/ask", Header: http.Header{"Content-Type": {""}}},
		},
		"the credentials": {
			`{}`, pipelinetest.Request("Authorization", "Bearer t"),
			pipelinetest.Question{Method: "POST", Target: "/ask", Header: http.Header{"Content-Type": {""}, "Authorization": {"Bearer t"}}},
		},
		"all credentials, if there are several": {
			`{}`, pipelinetest.Request("Authorization", "Bearer t", "Authorization", "Basic u"),
			pipelinetest.Question{Method: "POST", Target: "/ask", Header: http.Header{"Content-Type": {""}, "Authorization": {"Bearer t", "Basic u"}}},
		},
		"the query of its own address": {
			`{}`, pipelinetest.Request(),
			pipelinetest.Question{Method: "POST", Target: "/ask?scope=read", Header: http.Header{"Content-Type": {""}}},
		},
		"headers from templates": {
			`{"headers": {"x-subject": "{{ print .Subject }}", "X-Book": "{{ printIndex .MatchContext.RegexpCaptureGroups 1 }}"}}`, pipelinetest.Request(),
			pipelinetest.Question{Method: "POST", Target: "/ask", Header: http.Header{"Content-Type": {""}, "X-Subject": {"ada"}, "X-Book": {"7"}}},
		},
		"no header that is empty": {
			`{"headers": {"X-Nothing": "{{ print .Extra.nothing }}", "Authorization": ""}}`, pipelinetest.Request("Authorization", "Bearer t"),
			pipelinetest.Question{Method: "POST", Target: "/ask", Header: http.Header{"Content-Type": {""}, "Authorization": {"Bearer t"}}},
		},
		"configured credentials in place of the client's": {
			`{"headers": {"Authorization": "Basic c2VydmljZQ==", "Content-Type": "text/x"}}`, withBody("x", "Authorization", "Bearer t", "Content-Type", "text/csv"),
			pipelinetest.Question{Method: "POST", Target: "/ask", Body: "x", Header: http.Header{"Content-Type": {"text/x"}, "Authorization": {"Basic c2VydmljZQ=="}}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, ""))
			handler := pipelinetest.New(t, remoteAuthorizer, at(t, "remote", service.URL+test.want.Target, test.config), pipelinetest.Environment(t))
			if err := handler.Authorize(t.Context(), test.request, sessionFor(test.request)); err != nil {
				t.Fatal(err)
			}
			asked := service.Asked()
			for i := range asked {
				asked[i].Host, asked[i].Header = "", endToEnd(asked[i].Header)
			}
			if diff := cmp.Diff([]pipelinetest.Question{test.want}, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRemoteGrantsHeadersOfTheAnswer(t *testing.T) {
	t.Parallel()
	answer := saying(200, "X-Tier", "gold", "X-Role", "a", "X-Role", "b", "X-Secret", "hush", "X-Empty", "",
		"Connection", "x-tier", "Content-Type", "text/html", "Content-Language", "pt", "Keep-Alive", "1", "Upgrade", "h2c")
	tests := map[string]struct {
		listed string
		sets   []string
		want   http.Header
	}{
		"none, if none is listed":                    {`[]`, nil, nil},
		"those that are listed, however written":     {`["x-tier"]`, []string{"X-Tier"}, http.Header{"X-Tier": {"gold"}}},
		"with all their values":                      {`["X-Role"]`, []string{"X-Role"}, http.Header{"X-Role": {"a", "b"}}},
		"an empty one in place of one that is empty": {`["X-Empty"]`, []string{"X-Empty"}, http.Header{"X-Empty": {""}}},
		"an empty one in place of one that is not there": {
			`["X-Tier", "X-Account"]`, []string{"X-Tier", "X-Account"}, http.Header{"X-Tier": {"gold"}, "X-Account": {""}},
		},
		"but none that is about the connection or the answer": {
			`["Host", "Connection", "Keep-Alive", "Upgrade", "TE", "Trailer", "Transfer-Encoding", "Proxy-Authorization",
			  "HTTP2-Settings", "content-type", "Content-Length", "Content-Language", "Content-Encoding", "X-Tier"]`,
			[]string{"X-Tier"},
			http.Header{"X-Tier": {"gold"}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, answer)
			handler := pipelinetest.New(t, remoteAuthorizer,
				at(t, "remote", service.URL, `{"forward_response_headers_to_upstream": `+test.listed+`}`), pipelinetest.Environment(t))
			request := pipelinetest.Request("X-Tier", "diamond")
			session := sessionFor(request)
			if err := handler.Authorize(t.Context(), request, session); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, session.Header); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.sets, handler.(pipeline.HeaderSetter).SetsHeaders()); diff != "" {
				t.Errorf("announced: %s", diff)
			}
		})
	}
}

func TestRemoteGrantsNothingUnlessItAllows(t *testing.T) {
	t.Parallel()
	for _, status := range []int{201, 204, 302, 400, 403, 429, 500} {
		service := pipelinetest.Serve(t, saying(status, "X-Tier", "gold", "Location", "/elsewhere"))
		handler := pipelinetest.New(t, remoteAuthorizer,
			at(t, "remote", service.URL, `{"forward_response_headers_to_upstream": ["X-Tier"], "retry": {"give_up_after": "1ms"}}`),
			pipelinetest.Environment(t))
		request := pipelinetest.Request()
		session := sessionFor(request)
		if err := handler.Authorize(t.Context(), request, session); err == nil {
			t.Errorf("%d allows", status)
		}
		if session.Header != nil {
			t.Errorf("%d grants %v", status, session.Header)
		}
	}
}

func TestRemoteReadsABodyUpToItsLimit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		length int
		shown  bool
	}{
		"as long as the limit":        {`{"max_request_body": 10}`, 10, true},
		"longer than the limit":       {`{"max_request_body": 10}`, 11, false},
		"none, of nothing":            {`{"max_request_body": 0}`, 0, true},
		"one byte, of nothing":        {`{"max_request_body": 0}`, 1, false},
		"1 MiB by default":            {`{}`, 1 << 20, true},
		"more than 1 MiB by default":  {`{}`, 1<<20 + 1, false},
		"more than 1 MiB if allowed":  {`{"max_request_body": 3145728}`, 3 << 20, true},
		"beyond what is allowed then": {`{"max_request_body": 3145728}`, 3<<20 + 1, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, ""))
			handler := pipelinetest.New(t, remoteAuthorizer, at(t, "remote", service.URL, test.config), pipelinetest.Environment(t))
			body := strings.Repeat("b", test.length)
			request := withBody(body)
			err := handler.Authorize(t.Context(), request, sessionFor(request))
			forwarded := readAll(t, request.Body.Forward())
			if forwarded != body {
				t.Errorf("the upstream would get %d bytes, want %d", len(forwarded), len(body))
			}
			if !test.shown {
				wantRefusal(t, err, pipeline.TooLarge, false)
				if len(service.Asked()) != 0 {
					t.Error("the service was asked")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if asked := service.Asked(); len(asked) != 1 || asked[0].Body != body {
				t.Errorf("the service got another body than the client sent")
			}
		})
	}
}

func TestRemoteRefusesABodyThatBreaksOff(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, pipelinetest.Answer(200, ""))
	handler := pipelinetest.New(t, remoteAuthorizer, at(t, "remote", service.URL, `{}`), pipelinetest.Environment(t))
	request := pipelinetest.Request()
	request.Body = pipeline.NewBody(brokenBody{})
	wantRefusal(t, handler.Authorize(t.Context(), request, sessionFor(request)), pipeline.Malformed, false)
	if asked := service.Asked(); len(asked) != 0 {
		t.Errorf("the service was asked: %v", asked)
	}
}

func TestRemoteShowsTheWholeBodyAgainWhenItAsksAgain(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, _ *http.Request) {
		switch asked.Add(1) {
		case 1:
			w.WriteHeader(http.StatusServiceUnavailable)
		case 2:
			panic(http.ErrAbortHandler)
		}
	})
	handler := pipelinetest.New(t, remoteAuthorizer, at(t, "remote", service.URL, `{}`), pipelinetest.Environment(t))
	request := withBody("all of it")
	if err := handler.Authorize(t.Context(), request, sessionFor(request)); err != nil {
		t.Fatal(err)
	}
	questions := service.Asked()
	if len(questions) != 3 {
		t.Fatalf("the service was asked %d times, want 3", len(questions))
	}
	for i, q := range questions {
		if q.Body != "all of it" {
			t.Errorf("attempt %d has the body %q", i+1, q.Body)
		}
	}
	if got := readAll(t, request.Body.Forward()); got != "all of it" {
		t.Errorf("the upstream would get %q", got)
	}
}

func TestRemoteNeverSendsControlCharacters(t *testing.T) {
	t.Parallel()
	for _, subject := range []string{"eve\r\nX-Role: admin", "eve\nX-Role: admin", "eve\x00", "eve\x7f", "\r"} {
		service := pipelinetest.Serve(t, pipelinetest.Answer(200, ""))
		handler := pipelinetest.New(t, remoteAuthorizer,
			at(t, "remote", service.URL, `{"headers": {"X-Subject": "{{ .Subject }}"}}`), pipelinetest.Environment(t))
		request := pipelinetest.Request()
		session := sessionFor(request)
		session.Subject = subject
		wantRefusal(t, handler.Authorize(t.Context(), request, session), pipeline.Internal, false)
		if asked := service.Asked(); len(asked) != 0 {
			t.Errorf("%q was sent: %v", subject, asked)
		}
	}
}

func TestRemoteRefusesWhatATemplateFailsFor(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, pipelinetest.Answer(200, ""))
	handler := pipelinetest.New(t, remoteAuthorizer,
		at(t, "remote", service.URL, `{"headers": {"X-A": "{{ index .Extra.teams 9 }}"}}`), pipelinetest.Environment(t))
	request := pipelinetest.Request()
	wantRefusal(t, handler.Authorize(t.Context(), request, sessionFor(request)), pipeline.Misconfigured, false)
	if asked := service.Asked(); len(asked) != 0 {
		t.Errorf("the service was asked: %v", asked)
	}
}

func TestRemoteSaysAtLoadWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ config, want string }{
		"no address":              {`{}`, `remote: is required`},
		"an address of no server": {`{"remote": "file:///etc/passwd"}`, `remote: is not a URL of the form http://host:port/path`},
		"no host":                 {`{"remote": "http:///path"}`, `remote: is not a URL of the form http://host:port/path`},
		"a template that is none": {`{"remote": "http://a", "headers": {"X-A": "{{ .Subject"}}`, `headers.X-A: the template does not parse: X-A:1: unclosed action`},
		"no name for a header":    {`{"remote": "http://a", "headers": {"X A": "a"}}`, `headers["X A"]: is no name for a header`},
		"no name to forward":      {`{"remote": "http://a", "forward_response_headers_to_upstream": ["X A"]}`, `forward_response_headers_to_upstream: has an item that is no name for a header`},
		"no time to answer":       {`{"remote": "http://a", "timeout": "0s"}`, `timeout: has to be longer than 0s, or no answer comes in time`},
		"a duration of centuries": {`{"remote": "http://a", "timeout": "99999999999h"}`, `timeout: is not a duration such as 500ms, 5s or 10m`},
		"such a delay":            {`{"remote": "http://a", "retry": {"max_delay": "99999999999h"}}`, `retry.max_delay: is not a duration such as 500ms, 5s or 10m`},
		"such patience":           {`{"remote": "http://a", "retry": {"give_up_after": "99999999999h"}}`, `retry.give_up_after: is not a duration such as 500ms, 5s or 10m`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff([]string{test.want}, pipelinetest.Mistakes(t, remoteAuthorizer, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// brokenBody is the body of a client that goes away in the middle of it.
type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, errors.New("connection reset") }
func (brokenBody) Close() error             { return nil }

package authz

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// paying is a configuration of remote_json with a payload.
func paying(t testing.TB, payload string) string {
	t.Helper()
	text, err := json.Marshal(map[string]any{"payload": payload, "headers": map[string]string{"X-Client": "gateway"}})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRemoteJSONSendsThePayload(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ payload, want string }{
		"from the session":        {`{"who": {{ toJson .Subject }}, "teams": {{ toJson .Extra.teams }}, "age": {{ .Extra.age }}}`, `{"who": "ada", "teams": ["red","blue"], "age": 41}`},
		"from the request":        {`{"verb": "{{ .MatchContext.Method }}", "page": {{ printIndex .MatchContext.RegexpCaptureGroups 1 }}}`, `{"verb": "GET", "page": 7}`},
		"quotes and all":          {`{"mail": {{ toJson .Extra.mail }}}`, `{"mail": "ada\"@example.test"}`},
		"a text":                  {`"{{ .Subject }}"`, `"ada"`},
		"nothing":                 {`null`, `null`},
		"what is missing":         {`{"m": "{{ print .Extra.missing }}"}`, `{"m": ""}`},
		"equal names far between": {`{"a": {"a": 1}, "b": [{"a": 2}, {"a": 3}]}`, `{"a": {"a": 1}, "b": [{"a": 2}, {"a": 3}]}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, ""))
			handler := pipelinetest.New(t, remoteJSON, at(t, "remote", service.URL+"/eval", paying(t, test.payload)), pipelinetest.Environment(t))
			request := withBody("the client's", "Authorization", "Bearer t", "Content-Type", "text/plain", "Cookie", "sid=1")
			if err := handler.Authorize(t.Context(), request, sessionFor(request)); err != nil {
				t.Fatal(err)
			}
			want := []pipelinetest.Question{{Method: "POST", Target: "/eval", Body: test.want, Header: http.Header{
				"Authorization": {"Bearer t"}, "Content-Type": {"application/json"}, "X-Client": {"gateway"},
			}}}
			asked := service.Asked()
			for i := range asked {
				asked[i].Host, asked[i].Header = "", endToEnd(asked[i].Header)
			}
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Error(diff)
			}
			if got := readAll(t, request.Body.Forward()); got != "the client's" {
				t.Errorf("the upstream would get %q", got)
			}
		})
	}
}

func TestRemoteJSONDoesNotSendWhatIsNoPayload(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		payload string
		kind    pipeline.Kind
	}{
		"no JSON":                              {`{"who": {{ .Subject }}}`, pipeline.Internal},
		"nothing at all":                       {`{{ print .Extra.missing }}`, pipeline.Internal},
		"two documents":                        {`{} {}`, pipeline.Internal},
		"nesting without end":                  {`{{ repeat 10001 "[" }}{{ repeat 10001 "]" }}`, pipeline.Internal},
		"two members of one name":              {`{"who": "guest", "who": "root"}`, pipeline.Internal},
		"two of them further down":             {`{"a": [{"who": "guest", "who": "root"}]}`, pipeline.Internal},
		"a value that ends its quotes":         {`{"who": "guest", "path": "{{ .MatchContext.URL.Path }}"}`, pipeline.Internal},
		"a template that fails":                {`{"a": "{{ .Nope }}"}`, pipeline.Misconfigured},
		"a template that renders without end":  {`"{{ range until 3000 }}{{ repeat 1000 "x" }}{{ end }}"`, pipeline.Misconfigured},
		"a template that looks beyond an edge": {`"{{ index .Extra.teams 9 }}"`, pipeline.Misconfigured},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, ""))
			handler := pipelinetest.New(t, remoteJSON, at(t, "remote", service.URL, paying(t, test.payload)), pipelinetest.Environment(t))
			request := pipelinetest.Request()
			request.Path = `/a", "who": "root`
			wantRefusal(t, handler.Authorize(t.Context(), request, sessionFor(request)), test.kind, false)
			if asked := service.Asked(); len(asked) != 0 {
				t.Errorf("the service was asked: %v", asked)
			}
		})
	}
}

func TestRemoteJSONGrantsHeadersOfTheAnswer(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, saying(200, "X-Grant", "g-1", "X-Debug", "trace"))
	handler := pipelinetest.New(t, remoteJSON,
		at(t, "remote", service.URL, `{"payload": "{}", "forward_response_headers_to_upstream": ["X-Grant", "Connection"]}`), pipelinetest.Environment(t))
	request := pipelinetest.Request()
	session := sessionFor(request)
	if err := handler.Authorize(t.Context(), request, session); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(http.Header{"X-Grant": {"g-1"}}, session.Header); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"X-Grant"}, handler.(pipeline.HeaderSetter).SetsHeaders()); diff != "" {
		t.Errorf("announced: %s", diff)
	}
}

func TestRemoteJSONSaysAtLoadWhatIsWrong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		want   []string
	}{
		"nothing configured":      {`{}`, []string{`payload: is required`, `remote: is required`}},
		"an address of no server": {`{"remote": "ldap://a", "payload": "{}"}`, []string{`remote: is not a URL of the form http://host:port/path`}},
		"a template that is none": {`{"remote": "http://a", "payload": "{{ if }}"}`, []string{`payload: the template does not parse: payload:1: missing value for if`}},
		"a key of remote":         {`{"remote": "http://a", "payload": "{}", "max_request_body": 1}`, []string{`max_request_body: unknown key; known are forward_response_headers_to_upstream, headers, payload, remote, retry, timeout`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, remoteJSON, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func BenchmarkRemoteJSON(b *testing.B) {
	service := pipelinetest.Serve(b, pipelinetest.Answer(200, ""))
	handler := pipelinetest.New(b, remoteJSON,
		at(b, "remote", service.URL, paying(b, `{"who": {{ toJson .Subject }}, "path": {{ toJson .MatchContext.URL.Path }}}`)), answeringAtOnce())
	request := pipelinetest.Request("Authorization", "Bearer t")
	session := sessionFor(request)
	b.ReportAllocs()
	for b.Loop() {
		if err := handler.Authorize(b.Context(), request, session); err != nil {
			b.Fatal(err)
		}
	}
}

// answeringAtOnce is a network in which everybody says yes without a word, so
// that a benchmark measures nothing but the handler.
func answeringAtOnce() pipeline.Environment {
	return pipeline.Environment{Transport: roundTrip(func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Body: http.NoBody}, nil
	})}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

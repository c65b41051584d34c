package authn

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestIntrospectionAsks(t *testing.T) {
	t.Parallel()
	form := func(more http.Header) http.Header {
		header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
		maps.Copy(header, more)
		return header
	}
	tests := map[string]struct {
		config, token, path string
		want                pipelinetest.Question
	}{
		"with the token and the scopes that the endpoint is to compare": {
			`{"required_scope": ["orders.read", "orders.write"]}`, "t", "/introspect",
			pipelinetest.Question{Target: "/introspect", Header: form(nil), Body: "scope=orders.read+orders.write&token=t"},
		},
		"with the scopes even if there are none": {
			`{}`, "t", "/introspect",
			pipelinetest.Question{Target: "/introspect", Header: form(nil), Body: "scope=&token=t"},
		},
		"without the scopes that are compared here": {
			`{"scope_strategy": "exact"}`, "t", "/introspect",
			pipelinetest.Question{Target: "/introspect", Header: form(nil), Body: "token=t"},
		},
		"with the token as it is": {
			`{"scope_strategy": "exact"}`, "a+b&scope=admin/=", "/introspect",
			pipelinetest.Question{Target: "/introspect", Header: form(nil), Body: "token=a%2Bb%26scope%3Dadmin%2F%3D"},
		},
		"at its own path, with its own query": {
			`{"scope_strategy": "exact"}`, "t", "/a%2Fb/?tenant=red",
			pipelinetest.Question{Target: "/a%2Fb/?tenant=red", Header: form(nil), Body: "token=t"},
		},
		"with headers that are configured, but for the kind of the body": {
			`{"scope_strategy": "exact", "introspection_request_headers": {"x-api-key": "k", "Authorization": "Basic Zzpz", "content-type": "text/plain"}}`, "t", "",
			pipelinetest.Question{Target: "/", Header: form(http.Header{"X-Api-Key": {"k"}, "Authorization": {"Basic Zzpz"}}), Body: "token=t"},
		},
		"for the host that is configured": {
			`{"scope_strategy": "exact", "introspection_request_headers": {"Host": "tenant.test"}}`, "t", "",
			pipelinetest.Question{Target: "/", Host: "tenant.test", Header: form(nil), Body: "token=t"},
		},
		"with the host of the request": {
			`{"scope_strategy": "exact", "preserve_host": true}`, "t", "",
			pipelinetest.Question{Target: "/", Header: form(http.Header{"X-Forwarded-Host": {"api.example.test"}}), Body: "token=t"},
		},
		"with that host whatever is configured": {
			`{"scope_strategy": "exact", "preserve_host": true, "introspection_request_headers": {"X-Forwarded-Host": "other.test"}}`, "t", "",
			pipelinetest.Question{Target: "/", Header: form(http.Header{"X-Forwarded-Host": {"api.example.test"}}), Body: "token=t"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"active": true}`))
			handler := introspecting(t, pipelinetest.Environment(t), service.URL+test.path, layered(t, `{"token_from": {"header": "X-Token"}}`, test.config))
			request := pipelinetest.Request("X-Token", test.token, "Cookie", "sid=1", "X-Api-Key", "mine", "Accept-Encoding", "br", "Content-Length", "9")
			if _, err := pass(t, handler, request); err != nil {
				t.Fatal(err)
			}
			test.want.Method = http.MethodPost
			if test.want.Host == "" {
				test.want.Host = strings.TrimPrefix(service.URL, "http://")
			}
			got := service.Asked()
			for _, question := range got {
				maps.DeleteFunc(question.Header, func(name string, _ []string) bool {
					return name == "User-Agent" || name == "Content-Length" || (name == "Accept-Encoding" && question.Header.Get(name) == "gzip")
				})
			}
			if diff := cmp.Diff([]pipelinetest.Question{test.want}, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// hasty is a configuration that gives an endpoint little time.
const hasty = `{"timeout": "100ms"}`

// dependencyFailures are the ways in which any service can fail, with the kind
// of error that each is (contract 14).
var dependencyFailures = map[string]struct {
	config string
	answer http.HandlerFunc
	want   pipeline.Kind
}{
	"breaks off":                     {`{}`, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, pipeline.Unavailable},
	"breaks off in the middle":       {`{}`, func(w http.ResponseWriter, _ *http.Request) { halfAnAnswer(w); panic(http.ErrAbortHandler) }, pipeline.Unavailable},
	"is too slow to begin":           {hasty, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, pipeline.Slow},
	"is too slow to end":             {hasty, func(w http.ResponseWriter, r *http.Request) { halfAnAnswer(w); <-r.Context().Done() }, pipeline.Slow},
	"has its own time to be slow in": {`{"retry": {"max_delay": "100ms", "give_up_after": "250ms"}}`, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, pipeline.Slow},
	"answers without an end":         {`{}`, endless, pipeline.Unavailable},
	"packs a bomb":                   {`{}`, bomb, pipeline.Unavailable},
	"says that it packs and does not": {`{}`, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = io.WriteString(w, `{"active": true}`)
	}, pipeline.Unavailable},
	"says 500": {`{}`, pipelinetest.Answer(500, `{"active": true, "access_token": "t"}`), pipeline.Unavailable},
	"says 502": {`{}`, pipelinetest.Answer(502, `bad gateway`), pipeline.Unavailable},
	"says 503": {`{}`, pipelinetest.Answer(503, ``), pipeline.Unavailable},
	"says 504": {`{}`, pipelinetest.Answer(504, ``), pipeline.Unavailable},
	"says 599": {`{}`, pipelinetest.Answer(599, ``), pipeline.Unavailable},
}

func halfAnAnswer(w http.ResponseWriter) {
	_, _ = io.WriteString(w, `{"active": true, "access_token": "t"}`)
	_ = http.NewResponseController(w).Flush()
}

// endless writes until the reader has had enough.
func endless(w http.ResponseWriter, _ *http.Request) {
	blanks := bytes.Repeat([]byte(" "), 64<<10)
	for {
		if _, err := w.Write(blanks); err != nil {
			return
		}
	}
}

// packedBlanks are few bytes on the wire and 8 MiB when they are unpacked.
var packedBlanks = sync.OnceValue(func() []byte {
	var packed bytes.Buffer
	writer := gzip.NewWriter(&packed)
	_, _ = writer.Write(bytes.Repeat([]byte(" "), 8<<20))
	_ = writer.Close()
	return packed.Bytes()
})

func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(packedBlanks())
}

func TestIntrospectionTellsWhyAnEndpointDoesNotAnswer(t *testing.T) {
	t.Parallel()
	packedBlanks() // which takes its time
	for name, test := range dependencyFailures {
		t.Run("because it "+name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, test.answer)
			_, err := pass(t, introspecting(t, pipelinetest.Environment(t), service.URL, test.config), opaque("t"))
			if got := kindOf(t, err); !errors.Is(got, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func TestIntrospectionCannotUseOtherAnswers(t *testing.T) {
	t.Parallel()
	const yes = `{"active": true, "sub": "ada"}`
	tests := map[string]struct {
		status int
		body   string
	}{
		"of 401":                       {401, yes},
		"of 404":                       {404, yes},
		"of 201":                       {201, yes},
		"of 204":                       {204, ``},
		"that are nothing":             {200, ``},
		"that are no JSON":             {200, `active`},
		"that end too soon":            {200, `{"active": true`},
		"that go on":                   {200, yes + yes},
		"that are null":                {200, `null`},
		"that are a list":              {200, `[` + yes + `]`},
		"that are a text":              {200, `"active"`},
		"that are true":                {200, `true`},
		"that say two things":          {200, `{"active": false, "active": true}`},
		"that say active in a text":    {200, `{"active": "true"}`},
		"that say active in a number":  {200, `{"active": 1}`},
		"with a subject of a number":   {200, `{"active": true, "sub": 7}`},
		"with a scope of a list":       {200, `{"active": true, "scope": ["a"]}`},
		"with an audience of a number": {200, `{"active": true, "aud": 7}`},
		"with an audience of numbers":  {200, `{"active": true, "aud": ["a", 7]}`},
		"with an audience with null":   {200, `{"active": true, "aud": ["a", null]}`},
		"with half a second of life":   {200, `{"active": true, "exp": 4102444800.5}`},
		"with an end in a text":        {200, `{"active": true, "exp": "4102444800"}`},
		"with an end beyond numbers":   {200, `{"active": true, "exp": 1e400}`},
		"with an ext that is a list":   {200, `{"active": true, "ext": []}`},
		"with an ext beyond numbers":   {200, `{"active": true, "ext": {"n": 1e999}}`},
		"that are too deep":            {200, `{"active": true, "x": ` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + `}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(test.status, test.body))
			handler := introspecting(t, pipelinetest.Environment(t), service.URL, `{"cache": {"enabled": true}}`)
			for use := 1; use <= 2; use++ {
				_, err := pass(t, handler, opaque("t"))
				if got := kindOf(t, err); !errors.Is(got, pipeline.Internal) {
					t.Errorf("got %v", err)
				}
				if asked := len(service.Asked()); asked != use {
					t.Errorf("after use %d the endpoint was asked %d times", use, asked)
				}
			}
		})
	}
}

func TestIntrospectionPassesOnARequestToSlowDown(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, busy)
	handler := introspecting(t, pipelinetest.Environment(t), service.URL, `{"retry": {"give_up_after": "10s"}}`)
	_, err := pass(t, handler, opaque("t"))
	wantSlowDown(t, err)
	if asked := len(service.Asked()); asked != 1 {
		t.Errorf("it was asked %d times", asked)
	}
}

func TestIntrospectionDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"active": true}`))
	for _, status := range []int{301, 302, 303, 307, 308} {
		service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
		_, err := pass(t, introspecting(t, pipelinetest.Environment(t), service.URL, `{}`), opaque("t"))
		if got := kindOf(t, err); !errors.Is(got, pipeline.Internal) {
			t.Errorf("%d: got %v", status, err)
		}
	}
	if asked := elsewhere.Asked(); len(asked) != 0 {
		t.Errorf("the token went elsewhere: %+v", asked)
	}
}

func TestIntrospectionAsksAgainIfItIsToldHowLong(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		failed int
		asked  int
		want   error
	}{
		"not otherwise":         {`{}`, 1, 1, pipeline.Unavailable},
		"until it answers":      {`{"retry": {"give_up_after": "10s"}}`, 2, 3, nil},
		"but not without limit": {`{"retry": {"give_up_after": "10s", "max_delay": "1s"}}`, 100, 5, pipeline.Unavailable},
		"not for a max_delay":   {`{"retry": {"max_delay": "1s"}}`, 1, 1, pipeline.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			left := make(chan struct{}, test.failed)
			for range test.failed {
				left <- struct{}{}
			}
			service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-left:
					w.WriteHeader(http.StatusBadGateway)
				default:
					pipelinetest.Answer(200, `{"active": true}`)(w, r)
				}
			})
			_, err := pass(t, introspecting(t, pipelinetest.Environment(t), service.URL, test.config), opaque("t"))
			if got := kindOf(t, err); !errors.Is(got, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			questions := service.Asked()
			if len(questions) != test.asked {
				t.Errorf("it was asked %d times, want %d", len(questions), test.asked)
			}
			for _, question := range questions {
				if question.Body != "scope=&token=t" {
					t.Errorf("it was asked %q", question.Body)
				}
			}
		})
	}
}

func TestIntrospectionEndsWhenTheClientIsGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	service := pipelinetest.Serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		<-r.Context().Done()
	})
	handler := introspecting(t, pipelinetest.Environment(t), service.URL, `{"cache": {"enabled": true}}`)
	if err := handler.Authenticate(ctx, opaque("t"), new(pipeline.Session)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestIntrospectionSaysNothingOfTokensAndAddresses(t *testing.T) {
	t.Parallel()
	const token = "s3cr3t-token"
	answers := map[string]http.HandlerFunc{
		"that are no JSON":   pipelinetest.Answer(200, token),
		"that are refusals":  pipelinetest.Answer(403, token),
		"that are failures":  pipelinetest.Answer(500, token),
		"that are inactive":  pipelinetest.Answer(200, `{"active": false, "sub": "`+token+`"}`),
		"that are cut short": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, answer)
			address := strings.Replace(service.URL, "http://", "http://gate:s3cr3t-password@", 1)
			_, err := pass(t, introspecting(t, pipelinetest.Environment(t), address, `{}`), opaque(token))
			if err == nil || strings.Contains(err.Error(), "s3cr3t") {
				t.Errorf("the log would say %v", err)
			}
			if reason := pipelinetest.ReasonOf(err); strings.Contains(reason, "127.0.0.1") {
				t.Errorf("clients would read %q", reason)
			}
		})
	}
}

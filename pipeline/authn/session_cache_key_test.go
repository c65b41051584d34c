package authn

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// requestWith is a request with these changes.
func requestWith(headers []string, changes ...func(*pipeline.Request)) *pipeline.Request {
	request := pipelinetest.Request(headers...)
	for _, change := range changes {
		change(request)
	}
	return request
}

// TestSessionCacheIsKeyedByTheWholeQuestion: an answer is for whoever puts the
// same question, byte for byte, and for nobody else.
func TestSessionCacheIsKeyedByTheWholeQuestion(t *testing.T) {
	t.Parallel()
	const fixed = `"preserve_path": true, "force_method": "GET"`
	path := func(r *pipeline.Request) { r.Path, r.RawPath = "/other", "/other" }
	escapedPath := func(r *pipeline.Request) { r.RawPath = "/orders/a%20b%2F7" }
	query := func(r *pipeline.Request) { r.RawQuery = "page=3" }
	method := func(r *pipeline.Request) { r.Method = http.MethodDelete }
	host := func(r *pipeline.Request) { r.Host = "other.test" }
	sid := []string{"Cookie", "sid=1"}
	tests := map[string]struct {
		config        string
		first, second *pipeline.Request
		shared        bool
	}{
		"the same twice":                  {fixed, requestWith(sid), requestWith(sid), true},
		"another cookie":                  {fixed, requestWith(sid), requestWith([]string{"Cookie", "sid=2"}), false},
		"a cookie in another case":        {fixed, requestWith([]string{"Cookie", "sid=a"}), requestWith([]string{"Cookie", "sid=A"}), false},
		"one more cookie":                 {fixed, requestWith(sid), requestWith([]string{"Cookie", "sid=1; x=1"}), false},
		"cookies in another order":        {fixed, requestWith([]string{"Cookie", "sid=1; x=1"}), requestWith([]string{"Cookie", "x=1; sid=1"}), false},
		"two lines instead of one":        {fixed, requestWith([]string{"Cookie", "sid=1; x=1"}), requestWith([]string{"Cookie", "sid=1", "Cookie", "x=1"}), false},
		"one more line":                   {fixed, requestWith(sid), requestWith([]string{"Cookie", "sid=1", "Cookie", ""}), false},
		"a cookie that is not asked of":   {fixed + `, "only": ["sid"], "send_only": true`, requestWith(sid), requestWith([]string{"Cookie", "theme=dark; sid=1"}), true},
		"a cookie that is sent along":     {fixed + `, "only": ["sid"]`, requestWith(sid), requestWith([]string{"Cookie", "theme=dark; sid=1"}), false},
		"a header that is not sent":       {fixed, requestWith(sid), requestWith(append(sid, "X-Tenant", "red")), true},
		"a header that is":                {fixed + `, "forward_http_headers": ["X-Tenant"]`, requestWith(append(sid, "X-Tenant", "red")), requestWith(append(sid, "X-Tenant", "blue")), false},
		"none instead of it":              {fixed + `, "forward_http_headers": ["X-Tenant"]`, requestWith(append(sid, "X-Tenant", "red")), requestWith(sid), false},
		"an empty one instead of none":    {fixed + `, "forward_http_headers": ["X-Tenant"]`, requestWith(append(sid, "X-Tenant", "")), requestWith(sid), false},
		"two values instead of one":       {fixed + `, "forward_http_headers": ["X-Tenant"]`, requestWith(append(sid, "X-Tenant", "a", "X-Tenant", "b")), requestWith(append(sid, "X-Tenant", "a, b")), false},
		"a value under another name":      {fixed + `, "forward_http_headers": ["X-A", "X-B"]`, requestWith(append(sid, "X-A", "1")), requestWith(append(sid, "X-B", "1")), false},
		"values of two names exchanged":   {fixed + `, "forward_http_headers": ["X-A", "X-B"]`, requestWith(append(sid, "X-A", "1", "X-B", "2")), requestWith(append(sid, "X-A", "2", "X-B", "1")), false},
		"a value that wanders":            {fixed + `, "forward_http_headers": ["X-A", "X-B"]`, requestWith(append(sid, "X-A", "1", "X-A", "2", "X-B", "3")), requestWith(append(sid, "X-A", "1", "X-B", "2", "X-B", "3")), false},
		"another path that is not sent":   {fixed, requestWith(sid), requestWith(sid, path), true},
		"another path":                    {`"force_method": "GET"`, requestWith(sid), requestWith(sid, path), false},
		"the path, escaped otherwise":     {`"force_method": "GET"`, requestWith(sid), requestWith(sid, escapedPath), false},
		"another query that is not sent":  {fixed, requestWith(sid), requestWith(sid, query), true},
		"another query":                   {fixed + `, "preserve_query": false`, requestWith(sid), requestWith(sid, query), false},
		"another method that is not sent": {fixed, requestWith(sid), requestWith(sid, method), true},
		"another method":                  {`"preserve_path": true`, requestWith(sid), requestWith(sid, method), false},
		"another host that is not sent":   {fixed, requestWith(sid), requestWith(sid, host), true},
		"another host":                    {fixed + `, "preserve_host": true`, requestWith(sid), requestWith(sid, host), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kratos := serveKratos(t, pipelinetest.Answer(200, `{"subject": "ada"}`))
			config := layered(t, `{"check_session_url": "`+kratos.URL+`/whoami?a=b", `+test.config+`}`, cached(``))
			handler := pipelinetest.New(t, cookieSession, config, newWorld(t).Environment)
			want := 2
			if test.shared {
				want = 1
			}
			for range 2 {
				expect(t, handler, test.first, "ada", nil)
				if expect(t, handler, test.second, "ada", nil); kratos.calls() != want {
					t.Errorf("%d calls, want %d", kratos.calls(), want)
				}
			}
		})
	}
}

// TestSessionCacheTellsTokensApart wherever they are, if the service sees them.
func TestSessionCacheTellsTokensApart(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config        string
		first, second []string
	}{
		"in the usual place":    {`{}`, []string{"Authorization", "Bearer 1"}, []string{"Authorization", "Bearer 2"}},
		"by the scheme":         {`{}`, []string{"Authorization", "Bearer 1"}, []string{"Authorization", "bearer 1"}},
		"in a header":           {`{"token_from": {"header": "X-Session-Token"}, "forward_http_headers": ["X-Session-Token"]}`, []string{"X-Session-Token", "1"}, []string{"X-Session-Token", "2"}},
		"in a cookie":           {`{"token_from": {"cookie": "sid"}, "forward_http_headers": ["Cookie"]}`, []string{"Cookie", "sid=1"}, []string{"Cookie", "sid=2"}},
		"beside another header": {`{"token_from": {"header": "X-Session-Token"}, "forward_http_headers": ["X-Session-Token"]}`, []string{"X-Session-Token", "1", "Authorization", "x"}, []string{"X-Session-Token", "1", "Authorization", "y"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kratos := serveKratos(t, pipelinetest.Answer(200, `{"sub": "ada"}`))
			config := layered(t, `{"check_session_url": "`+kratos.URL+`/whoami", "preserve_path": true}`, test.config, cached(``))
			handler := pipelinetest.New(t, bearerToken, config, newWorld(t).Environment)
			for range 2 {
				expect(t, handler, requestWith(test.first), "ada", nil)
				expect(t, handler, requestWith(test.second), "ada", nil)
			}
			if calls := kratos.calls(); calls != 2 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

// TestSessionCacheOfKratosIsKeyedByTheCredential and by how it is sent.
func TestSessionCacheOfKratosIsKeyedByTheCredential(t *testing.T) {
	t.Parallel()
	kratos := serveKratos(t, good("ada"))
	handler := checkers["kratos_session"].with(t, newWorld(t).Environment, kratos.URL, `{"credentials": ["cookie", "session_token", "bearer"], "bearer_prefix": ""}`)
	for want, headers := range [][]string{
		{"Cookie", "ory_kratos_session=1"},
		{"Cookie", "ory_kratos_session=2"},
		{"Cookie", "ory_kratos_session=a"},
		{"Cookie", "ory_kratos_session=A"},
		{"X-Session-Token", "1"},
		{"X-Session-Token", "2"},
		{"Authorization", "Bearer 1"},
		{"Authorization", "Bearer 2"},
		{"X-Session-Token", "ory_kratos_session=1"},
	} {
		for range 2 {
			expect(t, handler, requestWith(headers), "ada", nil)
			other := func(r *pipeline.Request) {
				r.Path, r.RawPath, r.RawQuery, r.Method, r.Host = "/other", "/other", "q=1", http.MethodPut, "other.test"
			}
			expect(t, handler, requestWith(append(headers, "X-Other", "1"), other), "ada", nil)
		}
		if calls := kratos.calls(); calls != want+1 {
			t.Errorf("%v: %d calls, want %d", headers, calls, want+1)
		}
	}
}

// TestSessionCacheIsForEqualConfigurations: rules that ask in the same way
// share what is remembered, and others see nothing of it.
func TestSessionCacheIsForEqualConfigurations(t *testing.T) {
	t.Parallel()
	const on = `"cache": {"enabled": true}`
	tests := map[string]struct {
		id     string
		first  string
		second string
		shared bool
	}{
		"nothing but the credentials' way on":  {"cookie_session", `{` + on + `}`, `{` + on + `, "pass_credentials": false}`, true},
		"for a token, too":                     {"bearer_token", `{` + on + `}`, `{` + on + `, "pass_credentials": false, "prefix": "ory_"}`, true},
		"the subject":                          {"cookie_session", `{` + on + `}`, `{` + on + `, "subject_from": "id"}`, false},
		"the subject's header":                 {"cookie_session", `{` + on + `}`, `{` + on + `, "subject_from_header": "X-User"}`, false},
		"the extra":                            {"cookie_session", `{` + on + `}`, `{` + on + `, "extra_from": "identity"}`, false},
		"the headers of the answer":            {"cookie_session", `{` + on + `}`, `{` + on + `, "answer_headers": ["X-User"]}`, false},
		"the additional headers":               {"cookie_session", `{` + on + `}`, `{` + on + `, "additional_headers": {"X-App": "shop"}}`, false},
		"the cookies that it judges":           {"cookie_session", `{` + on + `}`, `{` + on + `, "only": ["ory_kratos_session", "x"]}`, true},
		"the cookies that are sent":            {"cookie_session", `{` + on + `, "send_only": true}`, `{` + on + `, "send_only": true, "only": ["ory_kratos_session", "x"]}`, false},
		"whether all cookies are sent":         {"cookie_session", `{` + on + `}`, `{` + on + `, "send_only": true}`, false},
		"the statuses":                         {"cookie_session", `{` + on + `}`, `{` + on + `, "valid_status": [200, 204]}`, false},
		"what an empty subject is":             {"cookie_session", `{` + on + `}`, `{` + on + `, "allow_empty_subject": true}`, false},
		"the time-out":                         {"cookie_session", `{` + on + `}`, `{` + on + `, "timeout": "4s"}`, false},
		"the cache":                            {"cookie_session", `{` + on + `}`, `{"cache": {"enabled": true, "ttl": "1h"}}`, false},
		"what a login has to be":               {"kratos_session", `{}`, `{"required_aal": "aal1", "max_auth_age": "1h"}`, true},
		"where the credential is":              {"kratos_session", `{}`, `{"credentials": ["cookie"], "bearer_prefix": "", "pass_credentials": false}`, true},
		"whether cookies are passed":           {"kratos_session", `{}`, `{"pass_set_cookie": true}`, true},
		"the subject, of Kratos":               {"kratos_session", `{}`, `{"subject_from": "identity.traits.email"}`, false},
		"the extra, of Kratos":                 {"kratos_session", `{}`, `{"extra_from": "identity.traits"}`, false},
		"the time-out, of Kratos":              {"kratos_session", `{}`, `{"timeout": "4s"}`, false},
		"the cache, of Kratos":                 {"kratos_session", `{}`, `{"cache": {"ttl": "1h"}}`, false},
		"whether anything is remembered":       {"kratos_session", `{}`, `{"cache": {"enabled": false}}`, false},
		"whether a service that is down rests": {"kratos_session", `{}`, `{"circuit_breaker": {"enabled": false}}`, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := checkers[test.id]
			kratos := serveKratos(t, withHeader("X-User", "ada", good("ada")))
			environment := pipelinetest.Sharing(t, newWorld(t).Environment)
			request := c.bearing("1")
			first, second := c.with(t, environment, kratos.URL, test.first), c.with(t, environment, kratos.URL, test.second)
			for _, handler := range []pipeline.Authenticator{first, second, first} {
				if _, err := pass(t, handler, request); err != nil {
					t.Fatal(err)
				}
			}
			want := 2
			if test.shared {
				want = 1
			}
			if calls := kratos.calls(); calls != want {
				t.Errorf("%d calls, want %d", calls, want)
			}
		})
	}
}

// TestSessionCacheIsNotSharedBetweenKindsOfAuthenticators: the same service
// may be asked with different credentials.
func TestSessionCacheIsNotSharedBetweenKindsOfAuthenticators(t *testing.T) {
	t.Parallel()
	kratos := serveKratos(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Cookie") != "" {
			good("ada")(w, r)
			return
		}
		good("bob")(w, r)
	})
	environment := pipelinetest.Sharing(t, newWorld(t).Environment)
	config := `{"check_session_url": "` + kratos.URL + `", ` + scenario + `, "cache": {"enabled": true}}`
	byCookie := pipelinetest.New(t, cookieSession, config, environment)
	byToken := pipelinetest.New(t, bearerToken, config, environment)
	request := pipelinetest.Request("Cookie", "x", "Authorization", "Bearer x")
	request.Header.Set("Cookie", "x=1")
	for range 2 {
		expect(t, byCookie, request, "ada", nil)
		expect(t, byToken, request, "bob", nil)
	}
}

// TestSessionCacheDoesNotLookAtBodies: they are never part of the question.
func TestSessionCacheDoesNotLookAtBodies(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		kratos := serveKratos(t, good("ada"))
		handler := c.with(t, newWorld(t).Environment, kratos.URL, cached(``))
		for _, text := range []string{"a", "b"} {
			request := c.bearing("1")
			request.Body = pipeline.NewBody(io.NopCloser(strings.NewReader(text)))
			expect(t, handler, request, "ada", nil)
			if rest, err := io.ReadAll(request.Body.Forward()); err != nil || string(rest) != text {
				t.Errorf("the upstream would get %q, %v", rest, err)
			}
		}
		if calls := kratos.calls(); calls != 1 {
			t.Errorf("%d calls", calls)
		}
	})
}

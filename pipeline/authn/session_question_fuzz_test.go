package authn

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
	"ostiary/pipeline/internal/remote"
)

// FuzzSessionQuestion: whatever a client asks for, the session service is asked
// at its own host, about that path and query, and an answer is remembered for
// those requests only that lead to the same question.
func FuzzSessionQuestion(f *testing.F) {
	f.Add("/orders/a%20b", "q=1", "sid=1", "/orders/a%20b", "q=1", "sid=2")
	f.Add("//evil.test/x", "", "", "/@evil.test", "a?b", "\x00")
	environment := pipelinetest.Environment(f)
	check, err := newSessionCheck(sessionCheckConfig{
		CheckSessionURL: "http://sessions.test/whoami?own=1", ForwardHTTPHeaders: []string{"X-Tenant"}, Timeout: "1s",
		CircuitBreaker: remote.Breaking{Pause: "1s"},
	}, "Cookie", nil, environment)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, path, query, cookie, otherPath, otherQuery, otherCookie string) {
		one, ok := asked(path, query, cookie)
		other, also := asked(otherPath, otherQuery, otherCookie)
		if !ok || !also {
			return
		}
		question := check.question(one)
		if question.URL.Host != "sessions.test" || question.URL.Scheme != "http" || question.URL.User != nil || question.Method != one.Method {
			t.Errorf("%s %s", question.Method, question.URL)
		}
		read, err := url.ParseRequestURI(question.URL.RequestURI())
		if err != nil || read.Path != one.Path || read.RawQuery != query {
			t.Errorf("%q is asked for about %q?%q: %v", question.URL.RequestURI(), one.RawPath, query, err)
		}
		if !slices.Equal(question.Header["Cookie"], one.Header["Cookie"]) || len(question.Header) != 1 {
			t.Errorf("it is asked with %v", question.Header)
		}
		same := path == otherPath && query == otherQuery && cookie == otherCookie
		if (check.key(one) == check.key(other)) != same {
			t.Errorf("%+v and %+v have the same key: %t", one, other, !same)
		}
	})
}

// asked is a request as front ends hand it on; false if they do not.
func asked(rawPath, query, cookie string) (*pipeline.Request, bool) {
	path, err := url.PathUnescape(rawPath)
	control := func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' || r > '~' }
	if err != nil || !strings.HasPrefix(rawPath, "/") || strings.Contains(rawPath, "//") || strings.ContainsFunc(rawPath+query, control) ||
		strings.ContainsAny(rawPath, `?\`) {
		return nil, false
	}
	request := &pipeline.Request{Method: http.MethodGet, Host: "app.test", Path: path, RawPath: rawPath, RawQuery: query}
	request.Header = http.Header{"Cookie": {cookie}, "X-Forwarded-Host": {"evil.test"}}
	return request, true
}

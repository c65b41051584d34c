package authz

import (
	"net/url"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// FuzzCELExpression looks for an expression that makes a handler, or the
// evaluation, fail in a way of its own. Whatever it is, a request is either
// allowed or refused.
func FuzzCELExpression(f *testing.F) {
	for _, seed := range []string{
		`subject == "ada"`, `extra.a.b[0] == 1`, `request.headers.exists(h, h == "x")`, `((((`, `"\u0000" in extra`, `request{}`, `{1: 2}[1] == 2`,
		`cidr("::/0").containsIP(request.client)`, `[[1], [2]].all(x, x.all(y, y > 0))`, `optional.of(1) == optional.none()`, `b"\xff" == bytes("x")`,
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, expression string) {
		handler, violations := pipelinetest.TryNew(t, celAuthorizer, expressing(expression), pipeline.Environment{})
		if len(violations) > 0 {
			return
		}
		request := pipelinetest.Request("X-Role", "user")
		if got := answerOf(handler.Authorize(t.Context(), request, sessionFor(request))); strings.Contains(got, "internal error: ") {
			t.Fatalf("%s: %s", expression, got)
		}
	})
}

// FuzzCELRequest looks for a request that is taken for one by somebody with a
// header that it does not have.
func FuzzCELRequest(f *testing.F) {
	handler := pipelinetest.New(f, celAuthorizer,
		expressing(`"admin" in request.headers["x-role"] && request.query[?"debug"].orValue([]) == [] && request.path.startsWith("/a")`), pipeline.Environment{})
	for _, seed := range [][4]string{
		{"/a", "", "X-Role", "admin"}, {"/a", "debug", "X-Role", "admin"}, {"/a", "debug;x", "x-role", "admin"}, {"/b", "%64ebug=1", "X_Role", "admin"}, {"", "=", "", "\xff"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, path, query, name, value string) {
		request := pipelinetest.Request()
		request.Path, request.RawQuery = path, query
		request.Header[name] = []string{value}
		if handler.Authorize(t.Context(), request, sessionFor(request)) != nil {
			return
		}
		parameters, _ := url.ParseQuery(query)
		if !strings.EqualFold(name, "X-Role") || value != "admin" || !strings.HasPrefix(path, "/a") || parameters.Has("debug") {
			t.Fatalf("path %q, query %q and %q: %q are allowed", path, query, name, value)
		}
	})
}

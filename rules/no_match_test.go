package rules

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// TestNoMatch is access_rules.no_match: a request that no rule matches is
// answered as others are that have this status, by the handlers of the
// fallback, and stays what it is for everybody who wants to know why.
func TestNoMatch(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "rules", list(simple("a", "a.example.com"), simple("b", "<b|bb>.example.com"), simple("twin", "b.example.com")))
	engine := NewEngine()
	loader := NewLoader(engine)
	for _, test := range []struct {
		status   int
		fallback string
		answer   int
		header   http.Header
		body     string
	}{
		{0, "json", 404, nil, `{"error":{"code":404,"status":"Not Found","message":"Requested url does not match any rules"}}`},
		{401, "json", 401, nil, `{"error":{"code":401,"status":"Unauthorized","message":"Requested url does not match any rules"}}`},
		{403, "json", 403, nil, `{"error":{"code":403,"status":"Forbidden","message":"Requested url does not match any rules"}}`},
		{404, "json", 404, nil, `{"error":{"code":404,"status":"Not Found","message":"Requested url does not match any rules"}}`},
		{401, "redirect", 302, http.Header{"Location": {"https://login.example.com/"}}, `<a href="https://login.example.com/">Found</a>.`},
		{403, "redirect", 403, nil, `{"error":{"code":403,"status":"Forbidden","message":"Requested url does not match any rules"}}`},
		{401, "www_authenticate", 401, http.Header{"Www-Authenticate": {`Basic realm="door"`}}, "Unauthorized"},
	} {
		t.Run(fmt.Sprint(test.status, " ", test.fallback), func(t *testing.T) {
			settings := from("rules")
			settings.NoMatch = test.status
			settings.Pipeline.Fallback = []string{test.fallback, "json"}
			settings.Pipeline.ErrorHandlers = map[string]pipeline.Setting{
				"json": {Enabled: true, Config: map[string]any{"verbose": true}},
				"redirect": {Enabled: true, Config: map[string]any{
					"to": "https://login.example.com/", "when": []any{map[string]any{"error": []any{"unauthorized"}}},
				}},
				"www_authenticate": {Enabled: true, Config: map[string]any{"realm": "door"}},
			}
			if _, err := loader.Configure(t.Context(), settings); err != nil {
				t.Fatal(err)
			}
			for _, nobodys := range []*pipeline.Request{request("GET", "c.example.com", "/"), request("POST", "a.example.com", "/")} {
				decision := engine.Decide(context.Background(), nobodys)
				if decision.Allowed || decision.Rule != "" || decision.Stage != pipeline.Matching || decision.Handler != "" || !errors.Is(decision.Err, pipeline.NoRule) {
					t.Errorf("%+v", decision)
				}
				answer := decision.Response
				if body := strings.TrimSpace(string(answer.Body)); nobodys.Method == "GET" && (answer.Status != test.answer || body != test.body) {
					t.Errorf("answered with %d %s", answer.Status, body)
				}
				for name, want := range test.header {
					if got := answer.Header[name]; fmt.Sprint(got) != fmt.Sprint(want) {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
			}
			if got := outcome(engine, "a.example.com", "/"); got != "a" {
				t.Errorf("what a rule matches: %s", got)
			}
			if decision := engine.Decide(context.Background(), request("GET", "b.example.com", "/")); pipeline.KindOf(decision.Err) != pipeline.ManyRules {
				t.Errorf("what two rules match: %v", decision.Err)
			}
		})
	}
}

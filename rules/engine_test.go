package rules

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestAnEngineWithoutRulesRefuses(t *testing.T) {
	t.Parallel()
	engine := NewEngine()
	decision := engine.Decide(context.Background(), request("GET", "a.example.com", "/"))
	if decision.Allowed || !errors.Is(decision.Err, pipeline.NoRule) {
		t.Errorf("%+v", decision)
	}
	if engine.Ready() {
		t.Error("it is ready")
	}
	for id := range engine.Rules() {
		t.Errorf("it has the rule %q", id)
	}
}

// TestWhatBelongsToNoRule is answered by the fallback's handlers, which here
// are told to say why.
func TestWhatBelongsToNoRule(t *testing.T) {
	t.Parallel()
	engine, _ := loaded(t, list(
		simple("a", "a.example.com"), simple("b", "<a|b>.example.com"),
		strings.Replace(simple("slow", "slow.example.com"), "<.*>", `<(?<n>a+)+b?\\k<n>>`, 1),
	), Regexp)
	for _, test := range []struct {
		request *pipeline.Request
		kind    pipeline.Kind
		status  int
		message string
	}{
		{request("GET", "c.example.com", "/"), pipeline.NoRule, http.StatusNotFound, "Requested url does not match any rules"},
		{request("POST", "b.example.com", "/"), pipeline.NoRule, http.StatusNotFound, "Requested url does not match any rules"},
		{request("get", "b.example.com", "/"), pipeline.NoRule, http.StatusNotFound, "Requested url does not match any rules"},
		{request("GET", "a.example.com", "/"), pipeline.ManyRules, http.StatusInternalServerError, "Expected exactly one rule but found multiple rules"},
		{request("GET", "slow.example.com", "/"+strings.Repeat("a", 60)+"b!"), pipeline.Internal, http.StatusInternalServerError, pipeline.Internal.Error()},
	} {
		decision := engine.Decide(context.Background(), test.request)
		if decision.Allowed || decision.Rule != "" || decision.Stage != pipeline.Matching || decision.Handler != "" || decision.Upstream != nil {
			t.Errorf("%s: %+v", test.request.Target(), decision)
		}
		if kind := pipeline.KindOf(decision.Err); kind != test.kind || decision.Response.Status != test.status {
			t.Errorf("%s: %v, answered with %d", test.request.Target(), decision.Err, decision.Response.Status)
		}
		var answer struct{ Error struct{ Message string } }
		if err := json.Unmarshal(decision.Response.Body, &answer); err != nil || answer.Error.Message != test.message {
			t.Errorf("%s: %s", test.request.Target(), decision.Response.Body)
		}
	}
	if got := outcome(engine, "a.example.com", "/"); !strings.HasSuffix(got, `rules "a" and "b" both match`) {
		t.Errorf("the log does not name the rules: %s", got)
	}
	refused := engine.Refuse(request("GET", "b.example.com", "/"), pipeline.Malformed.Because("of a test"))
	if refused.Allowed || refused.Rule != "" || refused.Response.Status != http.StatusBadRequest {
		t.Errorf("%+v", refused)
	}
}

// TestABrokenRuleMatchesAndDenies, unless it is its match that is broken, and
// it never affects another rule (contract 14, load).
func TestABrokenRuleMatchesAndDenies(t *testing.T) {
	t.Parallel()
	engine, report := loaded(t, list(
		simple("good", "a.example.com"),
		strings.Replace(simple("broken", "b.example.com"), "allow", "alow", 1),
		strings.Replace(simple("left out", "c.example.com"), "<.*>", "<[>", 1),
		strings.Replace(simple("overlapping", "<b|d>.example.com"), `"anonymous"`, `"anonymous", "config": {"subject": 7}`, 1),
		strings.Replace(simple("over everything", "a.example.com"), "http://a.example.com/", "<", 1),
	), Regexp)
	if report.Rules != 5 || report.Broken != 4 || len(report.Flaws) != 4 {
		t.Errorf("%d rules, %d broken:\n%s", report.Rules, report.Broken, lines(report.Flaws...))
	}
	for host, want := range map[string]struct {
		rule string
		kind pipeline.Kind
	}{
		"b.example.com": {"", pipeline.ManyRules},
		"c.example.com": {"", pipeline.NoRule},
		"d.example.com": {"overlapping", pipeline.Misconfigured},
	} {
		decision := engine.Decide(context.Background(), request("GET", host, "/"))
		if decision.Allowed || decision.Rule != want.rule || pipeline.KindOf(decision.Err) != want.kind {
			t.Errorf("%s: %+v", host, decision)
		}
	}
	if got := outcome(engine, "a.example.com", "/"); got != "good" {
		t.Errorf("the good rule: %s", got)
	}
	if !engine.Ready() {
		t.Error("one good rule is not enough")
	}
}

func TestReadyMeansThatARuleCanAllow(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(simple("broken", "b.example.com"), "allow", "alow", 1)
	for text, want := range map[string]bool{
		"[]":                                  false,
		list(broken):                          false,
		list(simple("good", "a.example.com")): true,
		list(broken, simple("good", "a")):     true,
		list(strings.ReplaceAll(broken, "<", "")): false,
	} {
		engine, _ := loaded(t, text, Regexp)
		if engine.Ready() != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

func TestTemplatesSeeWhatTheMatchedPatternCaptured(t *testing.T) {
	t.Parallel()
	engine, report := loaded(t, `[{"id": "a", "match": {"url": "http://<[a-z]+>.example.com/<(?<kind>x|y)(z)?>/<.*>", "methods": ["GET"]},
  "authenticators": [{"handler": "anonymous"}], "authorizer": {"handler": "allow"}, "mutators": [{"handler": "header", "config": {"headers": {
    "X-Groups": "{{ join \",\" .MatchContext.RegexpCaptureGroups }}"}}}]}]`, Regexp)
	if len(report.Flaws) > 0 {
		t.Fatal(report.Flaws)
	}
	decision := engine.Decide(context.Background(), request("GET", "shop.example.com", "/y/1/2"))
	if !decision.Allowed || decision.Session.Header.Get("X-Groups") != "shop,y,,1/2,y" {
		t.Errorf("%+v", decision)
	}
}

// TestEveryRuleIsListed in the order of the document, with what is wrong with
// it, for operators.
func TestEveryRuleIsListed(t *testing.T) {
	t.Parallel()
	engine, _ := loaded(t, list(
		`{"id": "b", "match": {"url": "http://b/", "methods": ["get"]}, "authenticators": [{"handler": "noop"}], "authorizer": {"handler": "allow"},
   "mutators": [{"handler": "noop"}], "upstream": {"url": "http://user:word@up/"}, "priority": 0, "note": 1}`,
		`{"version": "v0.40.1", "description": "d", "priority": -1e1, "match": {"full_method": "a/B"}}`,
		`{"id": "b"}`,
	), Regexp)
	var got []string
	for id, document := range engine.Rules() {
		got = append(got, id, string(document))
		if len(got) == 4 {
			break // a page may end anywhere
		}
	}
	want := []string{
		"b", `{"id":"b","version":"","description":"","match":{"url":"http://b/","methods":["get"]},"authenticators":[{"handler":"noop","config":null}],` +
			`"authorizer":{"handler":"allow","config":null},"mutators":[{"handler":"noop","config":null}],"errors":null,` +
			`"upstream":{"url":"http://user:xxxxx@up/","preserve_host":false,"strip_path":""}}`,
		"", `{"id":"","version":"v26.2.0","description":"d","match":{"authority":"","full_method":"a/B","allow_http_get":false},"priority":-10,"authenticators":null,` +
			`"authorizer":null,"mutators":null,"errors":null,"upstream":{"url":"","preserve_host":false,"strip_path":""},"problems":[` +
			`"NAME:4: rule [1]: needs at least one authenticator","NAME:4: rule [1]: needs an authorizer","NAME:4: rule [1]: needs at least one mutator"]}`,
	}
	for i := range got {
		before, after, found := strings.Cut(got[i], `"problems":`)
		if found {
			for _, problem := range strings.Split(after, `"`) {
				if path, _, isProblem := strings.Cut(problem, ":"); isProblem {
					after = strings.ReplaceAll(after, path, "NAME")
				}
			}
			got[i] = before + `"problems":` + after
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
}

// TestRequestsAreDecidedByOneSetWhileRulesAreReloaded: with every reload two
// rules change places, so that in a mixture of two sets both would match, or
// none.
func TestRequestsAreDecidedByOneSetWhileRulesAreReloaded(t *testing.T) {
	t.Parallel()
	const reloads = 50
	hosts := []string{"a.example.com", "b.example.com"}
	document := func(n int) string {
		return list(simple(fmt.Sprint("one ", n), hosts[n%2]), simple(fmt.Sprint("other ", n), hosts[1-n%2]))
	}
	path := filepath.Join(t.TempDir(), "rules.json")
	write(t, path, document(0))
	engine := NewEngine()
	loader := NewLoader(engine)
	if _, err := loader.Configure(t.Context(), from(path)); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for _, host := range append(hosts, hosts...) {
		readers.Go(func() {
			for last, running := 0, true; running; {
				select {
				case <-done:
					running = false // and once more, when all is over
				default:
				}
				decision := engine.Decide(context.Background(), request("GET", host, "/x"))
				var name string
				var n int
				if _, err := fmt.Sscan(decision.Rule, &name, &n); err != nil || !decision.Allowed || n < last {
					t.Errorf("%s after %d: %+v", host, last, decision)
					return
				}
				last = n
				listed := 0
				for range engine.Rules() {
					listed++
				}
				if listed != 2 || !engine.Ready() {
					t.Errorf("%d rules are listed", listed)
					return
				}
			}
		})
	}
	for n := 1; n <= reloads; n++ {
		replace(t, path, document(n))
		if report := loader.Reload(t.Context()); !report.Published {
			t.Errorf("reload %d: %v", n, report.Rejected)
		}
	}
	close(done)
	readers.Wait()
	if got, want := outcome(engine, hosts[0], "/"), fmt.Sprint("one ", reloads); got != want {
		t.Errorf("at the end: %s, want %s", got, want)
	}
}

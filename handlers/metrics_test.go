package handlers

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// exposed are the lines that a scrape of the metrics finds, without those of
// the runtime and without comments.
func exposed(t testing.TB, m *Metrics) []string {
	t.Helper()
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/any/path", nil))
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Fatalf("got %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	var lines []string
	for line := range strings.Lines(w.Body.String()) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "go_") && !strings.HasPrefix(line, "process_") {
			lines = append(lines, line)
		}
	}
	return lines
}

func expectMetrics(t testing.TB, m *Metrics, want ...string) {
	t.Helper()
	var got []string
	for _, line := range exposed(t, m) {
		if !strings.Contains(line, "_bucket{") {
			got = append(got, line)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// allowed is the decision of a rule for a request.
func allowed(rule string) *pipeline.Decision {
	return &pipeline.Decision{Allowed: true, Rule: rule, Session: &pipeline.Session{}}
}

func TestMetricsKeepOathkeepersNames(t *testing.T) {
	t.Parallel()
	m := NewMetrics("ory_oathkeeper_")
	get := &http.Request{Method: http.MethodGet}
	m.Record(&Record{Service: ProxyService, HTTP: get, Status: 200, Took: 20 * time.Millisecond, Decision: allowed("a")})
	m.Record(&Record{Service: ProxyService, HTTP: get, Status: 200, Took: 30 * time.Millisecond, Decision: allowed("a")})
	m.Record(&Record{Service: APIService, HTTP: &http.Request{Method: http.MethodPost}, Status: 401, Decision: &pipeline.Decision{
		Rule: "b", Stage: pipeline.Authenticate, Handler: "jwt", Err: pipeline.BadCredential.Because("expired"),
	}})
	m.Record(&Record{Service: APIService, HTTP: get, Status: 404}) // about the engine itself
	expectMetrics(t, m,
		`ory_oathkeeper_requests_duration_seconds_sum{method="GET",request="",service="oathkeeper-api",status_code="404"} 0`,
		`ory_oathkeeper_requests_duration_seconds_count{method="GET",request="",service="oathkeeper-api",status_code="404"} 1`,
		`ory_oathkeeper_requests_duration_seconds_sum{method="GET",request="",service="oathkeeper-proxy",status_code="200"} 0.05`,
		`ory_oathkeeper_requests_duration_seconds_count{method="GET",request="",service="oathkeeper-proxy",status_code="200"} 2`,
		`ory_oathkeeper_requests_duration_seconds_sum{method="POST",request="",service="oathkeeper-api",status_code="401"} 0`,
		`ory_oathkeeper_requests_duration_seconds_count{method="POST",request="",service="oathkeeper-api",status_code="401"} 1`,
		`ory_oathkeeper_requests_total{method="GET",request="",service="oathkeeper-api",status_code="404"} 1`,
		`ory_oathkeeper_requests_total{method="GET",request="",service="oathkeeper-proxy",status_code="200"} 2`,
		`ory_oathkeeper_requests_total{method="POST",request="",service="oathkeeper-api",status_code="401"} 1`,
		`ostiary_decisions_total{error="",handler="",rule="a",service="oathkeeper-proxy",stage="",verdict="granted"} 2`,
		`ostiary_decisions_total{error="unauthorized",handler="jwt",rule="b",service="oathkeeper-api",stage="authenticators",verdict="denied"} 1`,
		`ostiary_rule_sources_stale 0`,
		`ostiary_rules_generation 0`,
		`ostiary_rules_overlaps 0`,
		`ostiary_rules_refused 0`,
		`ostiary_stale_sessions_total 0`,
	)
}

func TestDurationsAreCountedInTheDefaultBuckets(t *testing.T) {
	t.Parallel()
	m := NewMetrics("p_")
	m.Record(&Record{Service: ProxyService, HTTP: &http.Request{Method: "GET"}, Status: 200, Took: 20 * time.Millisecond})
	var got []string
	for _, line := range exposed(t, m) {
		if _, bucket, found := strings.Cut(line, `status_code="200",le=`); found {
			got = append(got, bucket)
		}
	}
	want := []string{
		`"0.005"} 0`, `"0.01"} 0`, `"0.025"} 1`, `"0.05"} 1`, `"0.1"} 1`, `"0.25"} 1`, `"0.5"} 1`, `"1"} 1`, `"2.5"} 1`, `"5"} 1`, `"10"} 1`, `"+Inf"} 1`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestRequestsAllowedByAnOldSessionAreCounted(t *testing.T) {
	t.Parallel()
	m := NewMetrics("")
	fresh, old := allowed("a"), allowed("a")
	old.Session.Stale = time.Nanosecond
	refused := &pipeline.Decision{Rule: "a", Stage: pipeline.Authorize, Err: pipeline.Forbidden}
	for _, decision := range []*pipeline.Decision{fresh, old, fresh, refused, old, {}, nil} {
		m.Record(&Record{Service: ProxyService, HTTP: &http.Request{Method: "GET"}, Status: 200, Decision: decision})
	}
	const want = `ostiary_stale_sessions_total 2`
	if !slices.Contains(exposed(t, m), want) {
		t.Errorf("there is no %s in\n%s", want, strings.Join(exposed(t, m), "\n"))
	}
}

func TestReloadsAndRulesAreCounted(t *testing.T) {
	t.Parallel()
	m := NewMetrics("")
	m.Reloaded(RulesSubject, true)
	m.Reloaded(RulesSubject, true)
	m.Reloaded(ConfigurationSubject, false)
	m.Rules(3, "d3", 10, 2, 0)
	m.Sources(map[string]int{"live": 2, "stale": 1, "cached": 0, "missing": 0}, 1, true)
	m.Rules(4, "d4", 11, 0, 5)
	expectMetrics(t, m,
		`ostiary_reloads_total{result="published",subject="rules"} 2`,
		`ostiary_reloads_total{result="rejected",subject="configuration"} 1`,
		`ostiary_rule_sources{state="cached"} 0`,
		`ostiary_rule_sources{state="live"} 2`,
		`ostiary_rule_sources{state="missing"} 0`,
		`ostiary_rule_sources{state="stale"} 1`,
		`ostiary_rule_sources_stale 1`,
		`ostiary_rules{state="broken"} 0`,
		`ostiary_rules{state="working"} 11`,
		`ostiary_rules_generation 4`,
		`ostiary_rules_info{digest="d4"} 1`,
		`ostiary_rules_overlaps 5`,
		`ostiary_rules_refused 1`,
		`ostiary_stale_sessions_total 0`,
	)
}

// TestNoRuleIsOneSeries, so that what is watched does not depend on the status
// that the configuration chose.
func TestNoRuleIsOneSeries(t *testing.T) {
	t.Parallel()
	m := NewMetrics("")
	for _, kind := range []pipeline.Kind{pipeline.NoRule, pipeline.NoRuleUnauthorized, pipeline.NoRuleForbidden} {
		m.Record(&Record{Service: ProxyService, HTTP: &http.Request{Method: "GET"}, Status: kind.Status(), Decision: &pipeline.Decision{
			Stage: pipeline.Matching, Err: kind,
		}})
	}
	const want = `ostiary_decisions_total{error="not_found",handler="",rule="",service="oathkeeper-proxy",stage="match",verdict="denied"} 3`
	if !slices.Contains(exposed(t, m), want) {
		t.Errorf("there is no\n%s\nin\n%s", want, strings.Join(exposed(t, m), "\n"))
	}
}

// TestClientsCannotMakeSeries sends a thousand requests that differ in all
// that a client may choose.
func TestClientsCannotMakeSeries(t *testing.T) {
	t.Parallel()
	m := NewMetrics("p_")
	proxy := &Proxy{Recorder: m, Decider: ruling(func(*pipeline.Request) pipeline.Decision { return refused(pipeline.NoRule) })}
	api := (&API{Decisions: []*Decisions{{Decider: proxy.Decider, Recorder: m, Dialect: Oathkeeper, Path: "/decisions"}}, Rulebook: rulebook{}, Recorder: m}).Handler()
	ask := func(i int) {
		for _, handler := range []http.Handler{proxy, api} {
			for _, prefix := range []string{"", "/decisions", "/rules"} {
				r := httptest.NewRequest(fmt.Sprintf("M%d", i), fmt.Sprintf("%s/p%d?q=%d", prefix, i, i), nil)
				r.Host = fmt.Sprintf("h%d.test", i)
				r.Header.Set("User-Agent", fmt.Sprint(i))
				r.Header.Set(fmt.Sprintf("X-%d", i), "1")
				handler.ServeHTTP(httptest.NewRecorder(), r)
			}
		}
	}
	ask(0)
	want := len(exposed(t, m))
	for i := range 1000 {
		ask(i)
	}
	if got := len(exposed(t, m)); got != want {
		t.Errorf("there are %d series, and were %d after the first request", got, want)
	}
	for _, line := range exposed(t, m) {
		for _, forbidden := range []string{"p1", "M1", "h1", "q=", "X-"} {
			if strings.Contains(line, forbidden) {
				t.Errorf("a label has what a client chose: %s", line)
			}
		}
	}
}

func TestMethodsOfHTTPAreLabelsAndOthersAreOne(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE"} {
		if got := methodLabel(method); got != method {
			t.Errorf("methodLabel(%q) = %q", method, got)
		}
	}
	for _, method := range []string{"get", "PROPFIND", "", "GET ", "other"} {
		if got := methodLabel(method); got != "other" {
			t.Errorf("methodLabel(%q) = %q", method, got)
		}
	}
}

// TestRequestsAreCountedAtTheSameTime is for the race detector too.
func TestRequestsAreCountedAtTheSameTime(t *testing.T) {
	t.Parallel()
	m := NewMetrics("p_")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 250 {
				m.Record(&Record{
					Service: ProxyService, HTTP: &http.Request{Method: "GET"}, Status: 200 + j%5,
					Decision: allowed(fmt.Sprint((i + j) % 10)),
				})
			}
		})
	}
	all.Wait()
	requests, decisions := 0, 0
	for _, line := range exposed(t, m) {
		_, count, _ := strings.Cut(line, "} ")
		var n int
		_, _ = fmt.Sscan(count, &n)
		switch {
		case strings.HasPrefix(line, "p_requests_total"):
			requests += n
		case strings.HasPrefix(line, "ostiary_decisions_total"):
			decisions += n
		}
	}
	if requests != 2000 || decisions != 2000 {
		t.Errorf("counted %d requests and %d decisions, want 2000", requests, decisions)
	}
}

func BenchmarkMetrics(b *testing.B) {
	m := NewMetrics("p_")
	record := &Record{Service: ProxyService, HTTP: &http.Request{Method: "GET"}, Status: 200, Took: time.Millisecond, Decision: allowed("a")}
	b.ReportAllocs()
	for b.Loop() {
		m.Record(record)
	}
}

package handlers

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// logged is the entry that a record leaves in a log; nil if it leaves none.
func logged(t testing.TB, record *Record) map[string]any {
	t.Helper()
	var entries journal
	DecisionLog{slog.New(slog.NewJSONHandler(&entries, nil))}.Record(record)
	if entries.String() == "" {
		return nil
	}
	var entry map[string]any
	if err := json.Unmarshal([]byte(entries.String()), &entry); err != nil {
		t.Fatalf("%v in %s", err, entries.String())
	}
	delete(entry, "time")
	return entry
}

// asked is the record of a request that has a secret in every place.
func asked(decision *pipeline.Decision) *Record {
	return &Record{
		Service: ProxyService,
		HTTP: &http.Request{Method: "GET", RequestURI: "/a%2Fb?token=secret", Header: http.Header{
			"Authorization": {"Bearer secret"}, "Cookie": {"session=secret"}, "X-Token": {"secret"}, "Referer": {"https://x.test/?secret"},
		}},
		Request: &pipeline.Request{
			Method: "GET", Scheme: "https", Host: "app.test", Path: "/a/b", RawPath: "/a%2Fb", RawQuery: "token=secret",
			Header: http.Header{"User-Agent": {"curl/8"}, "Authorization": {"Bearer secret"}, "Cookie": {"session=secret"}},
			Peer:   netip.MustParseAddr("10.0.0.1"), Client: netip.MustParseAddr("9.9.9.9"), Address: "https://app.test/a%2Fb?token=secret",
		},
		Decision: decision, Status: 200, Size: 7, Took: 3 * time.Millisecond,
	}
}

func TestAGrantedRequestIsLogged(t *testing.T) {
	t.Parallel()
	want := map[string]any{
		"level": "INFO", "msg": "Access request granted", "granted": true, "service": "oathkeeper-proxy", "rule_id": "rule", "rules_generation": 7.0, "subject": "alice",
		"http_request": map[string]any{
			"method": "GET", "scheme": "https", "host": "app.test", "path": "/a%2Fb", "remote": "10.0.0.1", "client": "9.9.9.9", "user_agent": "curl/8",
		},
		"http_response": map[string]any{"status": 200.0, "size": 7.0, "took": 3e6},
	}
	session := &pipeline.Session{Subject: "alice", Header: http.Header{"X-Token": {"secret"}}}
	session.SetExtra(map[string]any{"token": "secret"})
	record := asked(&pipeline.Decision{Allowed: true, Rule: "rule", Generation: 7, Session: session})
	if diff := cmp.Diff(want, logged(t, record)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	record.Status, record.Failure = 502, errors.New("dial tcp 10.0.0.9:80: connection refused")
	want["http_response"] = map[string]any{"status": 502.0, "size": 7.0, "took": 3e6}
	want["upstream_error"] = "dial tcp 10.0.0.9:80: connection refused"
	if diff := cmp.Diff(want, logged(t, record)); diff != "" {
		t.Errorf("with an upstream that failed (-want +got):\n%s", diff)
	}
}

func TestARequestAllowedByAnOldSessionIsLoggedAsSuch(t *testing.T) {
	t.Parallel()
	session := &pipeline.Session{Subject: "alice", Stale: 90 * time.Second}
	if got := logged(t, asked(&pipeline.Decision{Allowed: true, Session: session}))["session_stale"]; got != 9e10 {
		t.Errorf("got %v", got)
	}
	session.Stale = 0
	if got, there := logged(t, asked(&pipeline.Decision{Allowed: true, Session: session}))["session_stale"]; there {
		t.Errorf("a session in time is logged with %v", got)
	}
}

func TestARefusedRequestIsLoggedWithTheWholeReason(t *testing.T) {
	t.Parallel()
	refusal := pipeline.BadCredential.Because("the token has expired")
	refusal.Cause = errors.New("exp is 7")
	entry := logged(t, asked(&pipeline.Decision{Rule: "rule", Stage: pipeline.Authenticate, Handler: "jwt", Err: refusal}))
	delete(entry, "http_request")
	delete(entry, "http_response")
	want := map[string]any{
		"level": "WARN", "msg": "Access request denied", "granted": false, "service": "oathkeeper-proxy", "rule_id": "rule", "rules_generation": 0.0,
		"reason_id": "authentication_handler_error", "stage": "authenticators", "handler": "jwt",
		"error": "Access credentials are invalid: the token has expired: exp is 7",
	}
	if diff := cmp.Diff(want, entry); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheZeroDecisionIsLoggedAsARefusal(t *testing.T) {
	t.Parallel()
	entry := logged(t, asked(&pipeline.Decision{}))
	if entry["granted"] != false || entry["msg"] != "Access request denied" || entry["error"] != "" {
		t.Errorf("got %v", entry)
	}
}

func TestNoEntryHasASecretOfTheClient(t *testing.T) {
	t.Parallel()
	for name, decision := range map[string]*pipeline.Decision{
		"granted": {Allowed: true, Session: &pipeline.Session{Subject: "alice"}},
		"refused": {Err: pipeline.Forbidden, Stage: pipeline.Authorize, Handler: "remote"},
	} {
		var entries journal
		DecisionLog{slog.New(slog.NewTextHandler(&entries, nil))}.Record(asked(decision))
		if entry := entries.String(); strings.Contains(entry, "secret") || strings.Contains(entry, "token") {
			t.Errorf("%s: %s", name, entry)
		}
	}
}

// TestAnEntryIsOneLine is security class LG-02: what a client sends must not
// look like an entry of its own.
func TestAnEntryIsOneLine(t *testing.T) {
	t.Parallel()
	record := asked(&pipeline.Decision{Err: pipeline.Forbidden})
	record.Request.Header.Set("User-Agent", "curl\r\nlevel=INFO msg=\"Access request granted\" \x1b[31m\xff")
	for _, handler := range []func(*journal) slog.Handler{
		func(j *journal) slog.Handler { return slog.NewTextHandler(j, nil) },
		func(j *journal) slog.Handler { return slog.NewJSONHandler(j, nil) },
	} {
		var entries journal
		DecisionLog{slog.New(handler(&entries))}.Record(record)
		if entry := strings.TrimSuffix(entries.String(), "\n"); strings.ContainsAny(entry, "\r\n\x1b") {
			t.Errorf("%q", entry)
		}
	}
}

func TestReasonsAreNamedAsInOathkeepersLogs(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		decision pipeline.Decision
		want     string
	}{
		{pipeline.Decision{Stage: pipeline.Authenticate, Handler: "jwt", Err: pipeline.BadCredential}, "authentication_handler_error"},
		{pipeline.Decision{Stage: pipeline.Authenticate, Handler: "jwt", Err: pipeline.Unavailable}, "authentication_handler_error"},
		{pipeline.Decision{Stage: pipeline.Authenticate, Err: pipeline.NoCredential}, "authentication_handler_no_match"},
		{pipeline.Decision{Stage: pipeline.Authorize, Handler: "deny", Err: pipeline.Forbidden}, "authorization_handler_error"},
		{pipeline.Decision{Stage: pipeline.Mutate, Handler: "header", Err: pipeline.Misconfigured}, "mutation_handler_error"},
		{pipeline.Decision{Stage: pipeline.Mutate, Err: pipeline.Internal}, "mutation_handler_error"},
		{pipeline.Decision{Stage: pipeline.Matching, Err: pipeline.NoRule}, "no_rule"},
		{pipeline.Decision{Stage: pipeline.Matching, Err: pipeline.NoRuleUnauthorized}, "no_rule"},
		{pipeline.Decision{Stage: pipeline.Matching, Err: pipeline.NoRuleForbidden}, "no_rule"},
		{pipeline.Decision{Stage: pipeline.Matching, Err: pipeline.ManyRules}, "several_rules"},
		{pipeline.Decision{Stage: pipeline.Matching, Err: pipeline.Malformed.Because("a backslash")}, "malformed_request"},
		{pipeline.Decision{Stage: pipeline.Matching, Err: errors.New("a pattern takes too long")}, "internal_error"},
		{pipeline.Decision{}, "internal_error"},
		{pipeline.Decision{Stage: pipeline.Matching, Err: pipeline.Misconfigured.Because("broken")}, "invalid_rule"},
		{pipeline.Decision{Stage: pipeline.Forwarding, Err: pipeline.Misconfigured}, "invalid_rule"},
	} {
		if got := reasonID(&test.decision); got != test.want {
			t.Errorf("%s, %s, %v: got %s, want %s", test.decision.Stage, test.decision.Handler, test.decision.Err, got, test.want)
		}
	}
}

func TestOnlyDecisionsAreLogged(t *testing.T) {
	t.Parallel()
	if entry := logged(t, &Record{Service: APIService, HTTP: &http.Request{}, Status: 200}); entry != nil {
		t.Errorf("got %v", entry)
	}
}

func TestALogThatHidesAnEntryCostsNoAllocation(t *testing.T) {
	record := asked(&pipeline.Decision{Allowed: true, Session: &pipeline.Session{}})
	decisions := DecisionLog{slog.New(slog.NewTextHandler(&journal{}, &slog.HandlerOptions{Level: slog.LevelWarn}))}
	if n := testing.AllocsPerRun(100, func() { decisions.Record(record) }); n != 0 {
		t.Errorf("Record allocates %v times", n)
	}
}

func TestEveryRecorderGetsEveryRecord(t *testing.T) {
	t.Parallel()
	first, second := newNotes(), newNotes()
	Recorders{first, second}.Record(&Record{Status: 204})
	if first.next(t).Status != 204 || second.next(t).Status != 204 {
		t.Error("the records differ")
	}
}

package authn

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// atKratos is the authenticator for that stand-in, with these keys.
func atKratos(t testing.TB, environment pipeline.Environment, kratos *kratosServer, config string) pipeline.Authenticator {
	t.Helper()
	return checkers["kratos_session"].with(t, environment, kratos.URL, config)
}

var withCookie = checkers["kratos_session"].bearing("1")

func TestKratosIsAskedAtItsAddress(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{
		"": "/sessions/whoami", "/": "/sessions/whoami", "/kratos": "/kratos/sessions/whoami", "/kratos/public/": "/kratos/public/sessions/whoami",
	} {
		kratos := serveKratos(t, good("ada"))
		handler := checkers["kratos_session"].with(t, newWorld(t).Environment, kratos.URL+path, `{}`)
		expect(t, handler, withCookie, "ada", nil)
		if asked := kratos.Asked(); len(asked) != 1 || asked[0].Target != want {
			t.Errorf("%s: it was asked %+v", path, asked)
		}
	}
}

func TestKratosReadsTheSession(t *testing.T) {
	t.Parallel()
	traits := map[string]any{"email": "ada@example.test"}
	tests := map[string]struct {
		config  string
		changes change
		want    pipeline.Session
	}{
		"with its identity and the whole document": {`{}`, nil, pipelinetest.Session("ada", decoded(t, sessionOf("ada")))},
		"with what it may know of it":              {`{"subject_from": "identity.traits.email", "extra_from": "identity.traits"}`, nil, pipelinetest.Session("ada@example.test", traits)},
		"without extra":                            {`{"extra_from": "none"}`, nil, pipeline.Session{Subject: "ada"}},
		"with an extra of null":                    {`{"extra_from": "identity.metadata_public"}`, change{"identity.metadata_public": nil}, pipeline.Session{Subject: "ada"}},
		"of an identity without a state":           {`{"extra_from": "none"}`, change{"identity.state": nil}, pipeline.Session{Subject: "ada"}},
		"without an end":                           {`{"extra_from": "none"}`, change{"expires_at": nil}, pipeline.Session{Subject: "ada"}},
		"with keys that are new":                   {`{"extra_from": "none"}`, change{"new": true, "identity.new": 1}, pipeline.Session{Subject: "ada"}},
		"of two factors":                           {`{"extra_from": "none"}`, change{"authenticator_assurance_level": "aal2"}, pipeline.Session{Subject: "ada"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kratos := serveKratos(t, good("ada", test.changes))
			session, err := pass(t, atKratos(t, newWorld(t).Environment, kratos, test.config), withCookie)
			if err != nil {
				t.Fatal(err)
			}
			if diff := pipelinetest.DiffSessions(test.want, session); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestKratosIsNotFollowedSomewhereElse: a redirect would carry the session's
// token to whoever answered.
func TestKratosIsNotFollowedSomewhereElse(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		thief := serveKratos(t, good("thief"))
		kratos := serveKratos(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, thief.URL+"/sessions/whoami", status)
		})
		handler := atKratos(t, newWorld(t).Environment, kratos, `{}`)
		for _, request := range []*pipeline.Request{withCookie, pipelinetest.Request("X-Session-Token", "secret"), pipelinetest.Request("Authorization", "Bearer ory_st_secret")} {
			expect(t, handler, request, "", pipeline.Unusable)
		}
		if asked := thief.Asked(); len(asked) > 0 {
			t.Errorf("%d: somebody else was asked %+v", status, asked)
		}
		if calls := kratos.calls(); calls != 3 {
			t.Errorf("%d: %d calls", status, calls)
		}
	}
}

// TestKratosMayTakeItsTime but no more than it is given, nor say more than is
// read.
func TestKratosMayTakeItsTime(t *testing.T) {
	t.Parallel()
	slow := block(good("ada"))
	kratos := serveKratos(t, slow.answer)
	handler := atKratos(t, newWorld(t).Environment, kratos, `{"timeout": "50ms"}`)
	expect(t, handler, withCookie, "", pipeline.Slow)
	close(slow.goOn)
	patient := atKratos(t, newWorld(t).Environment, kratos, `{"timeout": "1m"}`)
	expect(t, patient, withCookie, "ada", nil)

	document := sessionOf("ada")
	kratos.says(pipelinetest.Answer(200, document+strings.Repeat(" ", longestSessionAnswer-len(document))))
	expect(t, patient, checkers["kratos_session"].bearing("2"), "ada", nil)
	kratos.says(pipelinetest.Answer(200, document+strings.Repeat(" ", longestSessionAnswer-len(document)+1)))
	expect(t, patient, checkers["kratos_session"].bearing("3"), "", pipeline.Unavailable)
}

// TestKratosThatIsDownIsLeftAlone by all rules that ask it.
func TestKratosThatIsDownIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, pipelinetest.Answer(503, ""))
	environment := pipelinetest.Sharing(t, w.Environment)
	breaking := `{"circuit_breaker": {"failures": 3, "pause": "1h"}, "cache": {"enabled": false}}`
	handlers := []pipeline.Authenticator{
		atKratos(t, environment, kratos, breaking),
		atKratos(t, environment, kratos, layered(t, breaking, `{"extra_from": "identity"}`)),
		checkers["cookie_session"].with(t, environment, kratos.URL, breaking),
		checkers["bearer_token"].with(t, environment, kratos.URL, breaking),
	}
	for range 3 {
		expect(t, handlers[0], withCookie, "", pipeline.Unavailable)
	}
	for i, handler := range handlers {
		request := withCookie
		if i == 3 {
			request = checkers["bearer_token"].bearing("1")
		}
		_, err := pass(t, handler, request)
		refusal, ok := err.(*pipeline.Error) //nolint:errorlint // handlers return it unwrapped
		if !ok || refusal.Kind != pipeline.Unavailable {
			t.Fatalf("handler %d: got %v", i, err)
		}
		if diff := cmp.Diff(http.Header{"Retry-After": {"3600"}}, refusal.Header); diff != "" {
			t.Errorf("handler %d: %s", i, diff)
		}
	}
	if calls := kratos.calls(); calls != 3 {
		t.Errorf("%d calls", calls)
	}
}

// TestRulesWithOtherDemandsShareWhatKratosSaid: it is asked once about a
// session, whatever the rules make of it.
func TestRulesWithOtherDemandsShareWhatKratosSaid(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, good("ada"))
	rules := rulesOf(t, w.Environment, kratosSession, `{"public_url": "`+kratos.URL+`"}`,
		`{}`, `{"required_aal": "aal2"}`, `{"max_auth_age": "1h"}`, `{"max_auth_age": "1m"}`, `{"pass_credentials": false, "pass_set_cookie": true}`)
	for i, want := range []error{nil, pipeline.SecondFactor, nil, pipeline.Outdated, nil} {
		decision := rules[i].Run(t.Context(), withCookie, nil)
		if decision.Allowed != (want == nil) || want != nil && kindOf(t, decision.Err) != want { //nolint:errorlint // kinds are values
			t.Errorf("rule %d: allowed %t, %v", i, decision.Allowed, decision.Err)
		}
	}
	if calls := kratos.calls(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

// TestKratosIsToldWhoAsks and what is understood, as its own client does.
func TestKratosIsToldWhoAsks(t *testing.T) {
	t.Parallel()
	kratos := serveKratos(t, good("ada"))
	expect(t, atKratos(t, newWorld(t).Environment, kratos, `{}`), withCookie, "ada", nil)
	header := kratos.Asked()[0].Header
	if header.Get("User-Agent") != "ostiary" || header.Get("Accept") != "application/json" {
		t.Errorf("got %v", header)
	}
}

// TestKratosIsAskedAgainWhenALoginIsTooOld is with a session that was
// remembered while it was young enough.
func TestKratosIsAskedAgainWhenALoginIsTooOld(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, good("ada"))
	handler := atKratos(t, w.Environment, kratos, `{"max_auth_age": "11m", "cache": {"ttl": "1h"}}`)
	expect(t, handler, withCookie, "ada", nil)
	w.clock.move(time.Minute) // the login is just that old
	expect(t, handler, withCookie, "ada", nil)
	if calls := kratos.calls(); calls != 1 {
		t.Errorf("%d calls", calls)
	}
	w.clock.move(1)
	kratos.says(good("ada", change{"authenticated_at": "2023-11-14T22:14:00Z"})) // she has just logged in again
	expect(t, handler, withCookie, "ada", nil)
	if calls := kratos.calls(); calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

// TestKratosSessionsArePurgedByIdentity: the webhooks of Kratos know no other
// name of a person, whatever the subject is made of.
func TestKratosSessionsArePurgedByIdentity(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, good("ada"))
	handler := atKratos(t, w.Environment, kratos, `{"subject_from": "identity.traits.email"}`)
	expect(t, handler, withCookie, "ada@example.test", nil)
	for calls, subject := range []string{"bob", "ada", "ada@example.test"} {
		w.Revocations.Revoke("", subject, false)
		expect(t, handler, withCookie, "ada@example.test", nil)
		if got := kratos.calls(); got != calls+1 {
			t.Errorf("after %s was purged: %d calls, want %d", subject, got, calls+1)
		}
	}
}

// TestWhatClientsChooseBreaksNothingForOthers: a generic service that is asked
// at the request's own path may fail at some of them.
func TestWhatClientsChooseBreaksNothingForOthers(t *testing.T) {
	t.Parallel()
	for preserve, want := range map[string]int{"true": 2, "false": 5} {
		kratos := serveKratos(t, pipelinetest.Answer(503, ""))
		handler := checkers["cookie_session"].with(t, newWorld(t).Environment, kratos.URL,
			`{"preserve_path": `+preserve+`, "circuit_breaker": {"failures": 2, "pause": "1h"}}`)
		for range 5 {
			expect(t, handler, checkers["cookie_session"].bearing("1"), "", pipeline.Unavailable)
		}
		if calls := kratos.calls(); calls != want {
			t.Errorf("preserve_path %s: %d calls, want %d", preserve, calls, want)
		}
	}
}

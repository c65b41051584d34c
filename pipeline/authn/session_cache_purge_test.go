package authn

import (
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// revocation is one that a test makes.
type revocation struct {
	session, subject string
	all              bool
}

func (r revocation) of(e pipeline.Environment) { e.Revocations.Revoke(r.session, r.subject, r.all) }

func TestPurgedSessionsAreAskedAboutAtOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		purge revocation
		again map[string]bool // whose session is asked about once more
	}{
		"by session":            {revocation{session: "session-of-ada"}, map[string]bool{"ada": true}},
		"by subject":            {revocation{subject: "bob"}, map[string]bool{"bob": true}},
		"all of them":           {revocation{all: true}, map[string]bool{"ada": true, "bob": true}},
		"another session":       {revocation{session: "session-of-eve"}, nil},
		"another subject":       {revocation{subject: "eve"}, nil},
		"a part of the session": {revocation{session: "session-of"}, nil},
		"nothing":               {revocation{}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyChecker(t, func(t *testing.T, c checker) {
				w := newWorld(t)
				kratos := serveKratos(t, whose)
				handler := c.with(t, w.Environment, kratos.URL, cached(`"ttl": "1h"`))
				for _, name := range []string{"ada", "bob", "ada", "bob"} {
					expect(t, handler, c.bearing(name), name, nil)
				}
				if kratos.calls() != 2 {
					t.Fatalf("%d calls", kratos.calls())
				}
				test.purge.of(w.Environment)
				for _, name := range []string{"ada", "bob"} {
					calls := kratos.calls()
					for range 2 { // it is asked about once, and remembered again
						expect(t, handler, c.bearing(name), name, nil)
					}
					if made := kratos.calls() - calls; made != map[bool]int{true: 1}[test.again[name]] {
						t.Errorf("%s: %d calls", name, made)
					}
				}
			})
		})
	}
}

// TestAPurgedSessionIsRefused if the service has ended it, at once and for
// every credential of it.
func TestAPurgedSessionIsRefused(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, good("ada"))
		handler := c.with(t, w.Environment, kratos.URL, cached(`"ttl": "1h", "stale": "1h"`))
		expect(t, handler, c.bearing("1"), "ada", nil)
		expect(t, handler, c.bearing("2"), "ada", nil)
		kratos.says(noSession)
		expect(t, handler, c.bearing("1"), "ada", nil) // nobody has told
		w.Revocations.Revoke("session-of-ada", "", false)
		expect(t, handler, c.bearing("1"), "", pipeline.BadCredential)
		expect(t, handler, c.bearing("2"), "", pipeline.BadCredential)
	})
}

// TestRefusalsArePurgedWithAll: they have neither a session nor a subject.
func TestRefusalsArePurgedWithAll(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, noSession)
		handler := c.with(t, w.Environment, kratos.URL, cached(`"negative_ttl": "1h"`))
		expect(t, handler, c.bearing("1"), "", pipeline.BadCredential)
		kratos.says(good("ada"))
		w.Revocations.Revoke("s-1", "", false)
		w.Revocations.Revoke("", "ada", false)
		expect(t, handler, c.bearing("1"), "", pipeline.BadCredential)
		w.Revocations.Revoke("", "", true)
		expect(t, handler, c.bearing("1"), "ada", nil)
	})
}

// TestAPurgeReachesWhatStandsIn: an outage brings no session back.
func TestAPurgeReachesWhatStandsIn(t *testing.T) {
	t.Parallel()
	for name, purge := range map[string]revocation{
		"by session": {session: "session-of-ada"}, "by subject": {subject: "ada"}, "all": {all: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyChecker(t, func(t *testing.T, c checker) {
				w := newWorld(t)
				kratos := serveKratos(t, whose)
				handler := c.with(t, w.Environment, kratos.URL, layered(t, closed, cached(staleForAnHour)))
				expect(t, handler, c.bearing("ada"), "ada", nil)
				expect(t, handler, c.bearing("bob"), "bob", nil)
				w.clock.move(time.Minute)
				kratos.says(pipelinetest.Answer(503, ""))
				expect(t, handler, c.bearing("ada"), "ada", nil) // stands in
				purge.of(w.Environment)
				for range 2 {
					expect(t, handler, c.bearing("ada"), "", pipeline.Unavailable)
				}
				if purge.all {
					expect(t, handler, c.bearing("bob"), "", pipeline.Unavailable)
				} else {
					expect(t, handler, c.bearing("bob"), "bob", nil)
				}
			})
		})
	}
}

// TestASessionIsPurgedByTheIDThatTheServiceGivesIt, wherever that is.
func TestASessionIsPurgedByTheIDThatTheServiceGivesIt(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		from, body, purge string
		ends              bool
	}{
		"in the usual place":  {`{}`, `{"subject": "ada", "id": "s-1"}`, "s-1", true},
		"in another one":      {`{"session_from": "session.id"}`, `{"subject": "ada", "id": "other", "session": {"id": "s-1"}}`, "s-1", true},
		"not in the usual":    {`{"session_from": "session.id"}`, `{"subject": "ada", "id": "other", "session": {"id": "s-1"}}`, "other", false},
		"as a number":         {`{}`, `{"subject": "ada", "id": 17}`, "17", true},
		"if there is none":    {`{}`, `{"subject": "ada"}`, "", false},
		"if it is null":       {`{}`, `{"subject": "ada", "id": null}`, "null", false},
		"not by its subject":  {`{}`, `{"subject": "ada", "id": "s-1"}`, "ada", false},
		"with escapes undone": {`{}`, `{"subject": "ada", "id": "s\u002d1"}`, "s-1", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			kratos := serveKratos(t, pipelinetest.Answer(200, test.body))
			handler := pipelinetest.New(t, cookieSession, layered(t, `{"check_session_url": "`+kratos.URL+`"}`, cached(``), test.from), w.Environment)
			expect(t, handler, pipelinetest.Request("Cookie", "sid=1"), "ada", nil)
			w.Revocations.Revoke(test.purge, "", false)
			expect(t, handler, pipelinetest.Request("Cookie", "sid=1"), "ada", nil)
			if got := kratos.calls() == 2; got != test.ends {
				t.Errorf("it ends: %t, want %t", got, test.ends)
			}
		})
	}
}

// TestWithoutRevocationsSessionsAreRememberedAllTheSame: nobody can purge
// there.
func TestWithoutRevocationsSessionsAreRememberedAllTheSame(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		w.Revocations = nil
		kratos := serveKratos(t, good("ada"))
		handler := c.with(t, w.Environment, kratos.URL, cached(staleForAnHour))
		for range 3 {
			expect(t, handler, c.bearing("1"), "ada", nil)
		}
		if calls := kratos.calls(); calls != 1 {
			t.Errorf("%d calls", calls)
		}
		w.clock.move(time.Minute)
		kratos.says(pipelinetest.Answer(503, ""))
		expect(t, handler, c.bearing("1"), "ada", nil)
	})
}

// TestASessionOfKratosIsPurgedByAnyNameOfItsSubject: a webhook of Kratos knows
// the identity, whatever the rule makes the subject.
func TestASessionOfKratosIsPurgedByAnyNameOfItsSubject(t *testing.T) {
	t.Parallel()
	for subject, ends := range map[string]bool{"ada": true, "ada@example.test": true, "session-of-ada": false, "bob": false, "": false} {
		w := newWorld(t)
		kratos := serveKratos(t, good("ada"))
		handler := atKratos(t, w.Environment, kratos, `{"subject_from": "identity.traits.email"}`)
		expect(t, handler, withCookie, "ada@example.test", nil)
		w.Revocations.Revoke("", subject, false)
		expect(t, handler, withCookie, "ada@example.test", nil)
		if got := kratos.calls() == 2; got != ends {
			t.Errorf("%q: it ends: %t", subject, got)
		}
	}
}

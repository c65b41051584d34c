package authn

import (
	"net/http"
	"strconv"
	"sync/atomic"
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

// blocked are answers that wait until the test lets them go.
type blocked struct {
	came chan struct{} // one for each question
	goOn chan struct{}
	then http.HandlerFunc
}

func block(then http.HandlerFunc) *blocked {
	return &blocked{came: make(chan struct{}, 100), goOn: make(chan struct{}), then: then}
}

func (b *blocked) answer(w http.ResponseWriter, r *http.Request) {
	b.came <- struct{}{}
	<-b.goOn
	b.then(w, r)
}

// TestAnAnswerThatWasOnItsWayWhenThePurgeCameIsNotUsed: the service gave it
// before it knew that the session is over.
func TestAnAnswerThatWasOnItsWayWhenThePurgeCameIsNotUsed(t *testing.T) {
	t.Parallel()
	const many = 20
	tests := map[string]struct {
		purge revocation
		asked int // how often, all in all
	}{
		"by session":      {revocation{session: "session-of-ada"}, 2},
		"by subject":      {revocation{subject: "ada"}, 2},
		"all":             {revocation{all: true}, 2},
		"somebody else's": {revocation{session: "session-of-bob"}, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyChecker(t, func(t *testing.T, c checker) {
				w := newWorld(t)
				early := block(withHeader("Set-Cookie", "session=early", good("ada")))
				kratos := serveKratos(t, early.answer)
				handler := c.with(t, w.Environment, kratos.URL, layered(t, passingCookies, cached(`"ttl": "1h", "stale": "1h"`)))
				done := make(chan []error)
				var sessions []pipeline.Session
				go func() {
					var errs []error
					sessions, errs = crowd(t.Context(), handler, many, func(int) *pipeline.Request { return c.bearing("1") })
					done <- errs
				}()
				<-early.came
				test.purge.of(w.Environment)
				if test.asked == 2 {
					kratos.says(noSession)
				}
				close(early.goOn)
				for i, err := range <-done {
					var want error
					if test.asked == 2 {
						want = pipeline.BadCredential
					}
					if got := kindOf(t, err); got != want { //nolint:errorlint // kinds are values
						t.Errorf("request %d: got %v, want %v", i, err, want)
					}
					if test.asked == 2 && sessions[i].SetCookie != nil {
						t.Errorf("request %d gets cookies of the answer that is not used: %q", i, sessions[i].SetCookie)
					}
				}
				if calls := kratos.calls(); calls != test.asked {
					t.Errorf("%d calls, want %d", calls, test.asked)
				}
				// Nor does it stand in later.
				w.clock.move(2 * time.Hour)
				kratos.says(pipelinetest.Answer(503, ""))
				if test.asked == 2 {
					expect(t, handler, c.bearing("1"), "", pipeline.Unavailable)
				}
			})
		})
	}
}

// TestAnAnswerOnItsWayDoesNotStandInAfterAPurge: the service breaks down
// before it is asked again.
func TestAnAnswerOnItsWayDoesNotStandInAfterAPurge(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		early := block(good("ada"))
		kratos := serveKratos(t, early.answer)
		handler := c.with(t, w.Environment, kratos.URL, layered(t, closed, cached(`"ttl": "1h", "stale": "1h"`)))
		done := make(chan error)
		go func() {
			var session pipeline.Session
			done <- handler.Authenticate(t.Context(), c.bearing("1"), &session)
		}()
		<-early.came
		w.Revocations.Revoke("", "ada", false)
		kratos.says(pipelinetest.Answer(503, ""))
		close(early.goOn)
		if err := <-done; kindOf(t, err) != pipeline.Unavailable { //nolint:errorlint // kinds are values
			t.Errorf("got %v", err)
		}
		if calls := kratos.calls(); calls != 2 {
			t.Errorf("%d calls", calls)
		}
	})
}

// TestASessionThatIsNewAfterAPurgeStays: a purge is about what was before it.
func TestASessionThatIsNewAfterAPurgeStays(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, good("ada"))
		handler := c.with(t, w.Environment, kratos.URL, cached(`"ttl": "1h"`))
		for want := 1; want <= 3; want++ {
			w.Revocations.Revoke("", "ada", false)
			for range 3 {
				if expect(t, handler, c.bearing("1"), "ada", nil); kratos.calls() != want {
					t.Errorf("%d calls, want %d", kratos.calls(), want)
				}
			}
		}
	})
}

// TestPurgesInARowEndTheWaitingSometime: every answer is too old when it
// comes, until one is not.
func TestPurgesInARowEndTheWaitingSometime(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		var asked atomic.Int64
		kratos := serveKratos(t, func(rw http.ResponseWriter, r *http.Request) {
			if asked.Add(1) <= 5 {
				w.Revocations.Revoke("", "ada", false)
			}
			good("ada", change{"identity.traits": map[string]any{"n": strconv.FormatInt(asked.Load(), 10)}})(rw, r)
		})
		handler := c.with(t, w.Environment, kratos.URL, cached(`"ttl": "1h"`))
		expect(t, handler, c.bearing("1"), "ada", nil)
		if got := asked.Load(); got != 6 {
			t.Errorf("it was asked %d times", got)
		}
	})
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

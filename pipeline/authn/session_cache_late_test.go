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

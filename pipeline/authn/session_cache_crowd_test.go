package authn

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// herd is how many requests come at once.
const herd = 200

func TestAHerdWithOneColdCookieMakesOneCall(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer http.HandlerFunc
		kind   error
	}{
		"that is good":             {good("ada"), nil},
		"that is not":              {noSession, pipeline.BadCredential},
		"that needs a factor":      {lacksFactor, pipeline.SecondFactor},
		"of a service that is out": {pipelinetest.Answer(503, ""), pipeline.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for id, config := range map[string]string{"cookie_session": cached(``), "bearer_token": cached(``), "kratos_session": `{}`} {
				c := checkers[id]
				answer := block(test.answer)
				kratos := serveKratos(t, answer.answer)
				var waiting sync.WaitGroup
				waiting.Add(herd)
				handler := c.with(t, newWorld(t).Environment, kratos.URL, config)
				go func() {
					<-answer.came
					waiting.Wait() // everybody is on the way
					close(answer.goOn)
				}()
				sessions, errs := crowd(t.Context(), handler, herd, func(int) *pipeline.Request { waiting.Done(); return c.bearing("1") })
				for i, err := range errs {
					if got := kindOf(t, err); got != test.kind || (sessions[i].Subject == "ada") != (test.kind == nil) { //nolint:errorlint // kinds are values
						t.Errorf("%s: request %d: got %q, %v", id, i, sessions[i].Subject, err)
					}
				}
				// Who came a moment too late for the answer of a failure asks for itself.
				if calls := kratos.calls(); test.kind == nil && calls != 1 || test.kind == pipeline.BadCredential && calls != 1 { //nolint:errorlint // kinds are values
					t.Errorf("%s: %d calls", id, calls)
				}
			}
		})
	}
}

// TestAHerdWithManyCookiesWaitsForNobodyElse: a session that is slow to come
// holds up no other.
func TestAHerdWithManyCookiesWaitsForNobodyElse(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		slow := block(whose)
		kratos := serveKratos(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.HasSuffix(r.Header.Get(c.sentAs), "slow") {
				slow.answer(w, r)
				return
			}
			whose(w, r)
		})
		handler := c.with(t, newWorld(t).Environment, kratos.URL, cached(``))
		done := make(chan error)
		go func() { done <- handler.Authenticate(t.Context(), c.bearing("slow"), &pipeline.Session{}) }()
		<-slow.came
		for _, name := range []string{"ada", "bob"} {
			expect(t, handler, c.bearing(name), name, nil)
		}
		close(slow.goOn)
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestTwoUsersNeverSeeEachOthersSession has a few users ask all the time, while
// sessions end, are purged and are set up anew, and checks each answer for
// anything that is another's.
func TestTwoUsersNeverSeeEachOthersSession(t *testing.T) {
	t.Parallel()
	const perUser, rounds = 4, 150
	users := []string{"ada", "bob", "eve"}
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		environment := w.Environment
		environment.Transport = answering(func(r *http.Request) (int, http.Header, string) {
			name := r.Header.Get(c.sentAs)[len(c.prefix):]
			header := http.Header{"Set-Cookie": {"of=" + name}, "X-User": {name}, "Ory-Session-Cache-For": {"3"}}
			if w.clock.moved.Load()%7 == 6 { // now and then the service is down
				return 503, header, ""
			}
			return 200, header, sessionOf(name)
		})
		config := layered(t, passingCookies, cached(`"stale": "1h"`))
		if c.definition.ID != "kratos_session" {
			config = layered(t, config, `{"answer_headers": ["X-User"]}`)
		}
		handler := c.with(t, environment, "http://kratos.test", config)
		var group sync.WaitGroup
		for _, name := range users {
			for range perUser {
				group.Go(func() {
					for range rounds {
						var session pipeline.Session
						err := handler.Authenticate(t.Context(), c.bearing(name), &session)
						if err != nil {
							if pipeline.KindOf(err) != pipeline.Unavailable {
								t.Errorf("%s: %v", name, err)
							}
							continue
						}
						belongs(t, &session, name)
					}
				})
			}
		}
		stop := make(chan struct{})
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				w.clock.move(time.Second + 1)
				switch name := users[i%len(users)]; i % 5 {
				case 0:
					w.Revocations.Revoke("session-of-"+name, "", false)
				case 1:
					w.Revocations.Revoke("", name, false)
				case 2:
					w.Revocations.Revoke("", "", true)
				}
				time.Sleep(50 * time.Microsecond) // or nobody would ever find anything remembered
			}
		}()
		group.Wait()
		close(stop)
		<-ended
	})
}

// belongs checks that all that a session knows is that user's.
func belongs(t *testing.T, session *pipeline.Session, name string) {
	t.Helper()
	extra := pipelinetest.Extra(session)
	identity, _ := extra["identity"].(map[string]any)
	if session.Subject != name || identity["id"] != name || extra["id"] != "session-of-"+name {
		t.Errorf("%s gets the session of %q with %v", name, session.Subject, extra)
	}
	for _, line := range session.SetCookie {
		if line != "of="+name {
			t.Errorf("%s gets the cookie %s", name, line)
		}
	}
	if values := session.Header["X-User"]; len(values) > 0 && !slices.Equal(values, []string{name}) {
		t.Errorf("%s is told to the upstream as %q", name, values)
	}
	identity["id"], extra["id"] = "somebody else", "somebody else" // as a template of the next stage might
	if session.Header != nil {
		session.Header.Set("X-User", "somebody else")
	}
}

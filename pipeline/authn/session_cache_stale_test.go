package authn

import (
	"context"
	"net/http"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// hour of staleness, after the usual ten seconds; the circuit stays closed, so
// that every request asks.
const (
	staleForAnHour = `"stale": "1h"`
	closed         = `{"circuit_breaker": {"enabled": false}}`
)

// seen is one request, at a time after the one before, and what came of it.
type seen struct {
	after time.Duration
	kind  error
	stale time.Duration
}

func TestSessionCacheStandsInForAServiceThatIsOutOfOrder(t *testing.T) {
	t.Parallel()
	const ten = 10 * time.Second
	down := pipelinetest.Answer(503, "")
	short := change{"expires_at": "2023-11-14T22:14:00Z"} // 40 seconds after the launch
	tests := map[string]struct {
		keys      string
		good, bad http.HandlerFunc // no bad one: none comes in time
		looks     []seen
	}{
		"not unless it may":             {``, good("ada"), down, []seen{{ten, pipeline.Unavailable, 0}}},
		"for as long as it may":         {staleForAnHour, good("ada"), down, []seen{{ten - 1, nil, 0}, {1, nil, 1}, {time.Second, nil, time.Second}, {time.Hour - time.Second - 1, nil, time.Hour - 1}, {1, pipeline.Unavailable, 0}}},
		"not before its time":           {staleForAnHour, good("ada"), down, []seen{{ten / 2, nil, 0}}},
		"not past the session's end":    {staleForAnHour, good("ada", short), down, []seen{{40*time.Second - 1, nil, 30*time.Second - 1}, {1, pipeline.Unavailable, 0}}},
		"that breaks off":               {staleForAnHour, good("ada"), breakOff, []seen{{time.Minute, nil, 50 * time.Second}}},
		"that is too slow":              {staleForAnHour, good("ada"), nil, []seen{{time.Minute, nil, 50 * time.Second}}},
		"that has a fault":              {staleForAnHour, good("ada"), pipelinetest.Answer(500, ""), []seen{{time.Minute, nil, 50 * time.Second}}},
		"that asks to slow down":        {staleForAnHour, good("ada"), busy, []seen{{time.Minute, nil, 50 * time.Second}}},
		"but not if there is no more":   {staleForAnHour, good("ada"), noSession, []seen{{time.Minute, pipeline.BadCredential, 0}}},
		"but not if a factor lacks":     {staleForAnHour, good("ada"), lacksFactor, []seen{{time.Minute, pipeline.SecondFactor, 0}}},
		"but not if it said no to keep": {staleForAnHour, withHeader("Ory-Session-Cache-For", "0", good("ada")), down, []seen{{0, pipeline.Unavailable, 0}}},
		"within what it said to keep":   {staleForAnHour, withHeader("Ory-Session-Cache-For", "5", good("ada")), down, []seen{{5*time.Second - 1, nil, 0}, {1, nil, 1}}},
		"but not without a ttl":         {`"ttl": "0s", "stale": "1h"`, good("ada"), down, []seen{{0, pipeline.Unavailable, 0}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyChecker(t, func(t *testing.T, c checker) {
				w := newWorld(t)
				network := &laming{RoundTripper: w.Transport}
				w.Transport = network
				kratos := serveKratos(t, test.good)
				handler := c.with(t, w.Environment, kratos.URL, layered(t, closed, cached(test.keys)))
				first, err := pass(t, handler, c.bearing("1"))
				if err != nil || first.Stale != 0 {
					t.Fatalf("got %v, stale for %v", err, first.Stale)
				}
				if network.slow.Store(test.bad == nil); test.bad != nil {
					kratos.says(test.bad)
				}
				for i, look := range test.looks {
					w.clock.move(look.after)
					subject := "ada"
					if look.kind != nil {
						subject = ""
					}
					if got := expect(t, handler, c.bearing("1"), subject, look.kind); got.Stale != look.stale {
						t.Errorf("look %d: it is stale for %v, want %v", i, got.Stale, look.stale)
					}
				}
			})
		})
	}
}

// TestSessionCacheStandsInForAServiceThatTalksNonsense: of Kratos it is known
// what makes no sense; a generic service that says it has no session is
// believed.
func TestSessionCacheStandsInForAServiceThatTalksNonsense(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]error{"kratos_session": nil, "cookie_session": pipeline.BadCredential, "bearer_token": pipeline.BadCredential} {
		c, w := checkers[id], newWorld(t)
		kratos := serveKratos(t, good("ada"))
		handler := c.with(t, w.Environment, kratos.URL, layered(t, closed, cached(staleForAnHour)))
		expect(t, handler, c.bearing("1"), "ada", nil)
		w.clock.move(time.Minute)
		kratos.says(html(200))
		expect(t, handler, c.bearing("1"), map[bool]string{true: "ada"}[want == nil], want)
	}
}

// TestSessionCacheAsksAgainEveryTimeItStandsIn: the service may be back.
func TestSessionCacheAsksAgainEveryTimeItStandsIn(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, good("ada"))
		handler := c.with(t, w.Environment, kratos.URL, layered(t, closed, cached(staleForAnHour)))
		expect(t, handler, c.bearing("1"), "ada", nil)
		w.clock.move(time.Minute)
		kratos.says(pipelinetest.Answer(503, ""))
		for call := 2; call < 5; call++ {
			if expect(t, handler, c.bearing("1"), "ada", nil); kratos.calls() != call {
				t.Errorf("%d calls, want %d", kratos.calls(), call)
			}
		}
		kratos.says(good("bob"))
		if got := expect(t, handler, c.bearing("1"), "bob", nil); got.Stale != 0 {
			t.Errorf("what was asked just now is stale for %v", got.Stale)
		}
		kratos.says(pipelinetest.Answer(503, ""))
		w.clock.move(time.Minute)
		expect(t, handler, c.bearing("1"), "bob", nil)
	})
}

// TestSessionCacheStandsInForNobodyElse.
func TestSessionCacheStandsInForNobodyElse(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, whose)
		handler := c.with(t, w.Environment, kratos.URL, layered(t, closed, cached(staleForAnHour)))
		expect(t, handler, c.bearing("ada"), "ada", nil)
		expect(t, handler, c.bearing("bob"), "bob", nil)
		kratos.says(pipelinetest.Answer(503, ""))
		w.clock.move(time.Minute)
		expect(t, handler, c.bearing("ada"), "ada", nil)
		expect(t, handler, c.bearing("bob"), "bob", nil)
		expect(t, handler, c.bearing("eve"), "", pipeline.Unavailable)
	})
}

// TestASessionThatIsOverStandsInForNothing: the last thing that the service
// said was that there is none.
func TestASessionThatIsOverStandsInForNothing(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]http.HandlerFunc{"no session": noSession, "a factor lacks": lacksFactor} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyChecker(t, func(t *testing.T, c checker) {
				w := newWorld(t)
				kratos := serveKratos(t, good("ada"))
				handler := c.with(t, w.Environment, kratos.URL, layered(t, closed, cached(staleForAnHour)))
				expect(t, handler, c.bearing("1"), "ada", nil)
				w.clock.move(10 * time.Second)
				kratos.says(over)
				if _, err := pass(t, handler, c.bearing("1")); err == nil {
					t.Fatal("it is not over")
				}
				w.clock.move(time.Second)
				kratos.says(pipelinetest.Answer(503, ""))
				expect(t, handler, c.bearing("1"), "", pipeline.Unavailable)
			})
		})
	}
}

// TestSessionCacheStandsInWhileTheCircuitIsOpen, when nobody is asked at all.
func TestSessionCacheStandsInWhileTheCircuitIsOpen(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, good("ada"))
		handler := c.with(t, w.Environment, kratos.URL, layered(t, `{"circuit_breaker": {"failures": 2, "pause": "1h"}}`, cached(staleForAnHour)))
		expect(t, handler, c.bearing("1"), "ada", nil)
		w.clock.move(time.Minute)
		kratos.says(pipelinetest.Answer(503, ""))
		for range 10 {
			expect(t, handler, c.bearing("1"), "ada", nil)
		}
		if calls := kratos.calls(); calls != 3 {
			t.Errorf("%d calls", calls)
		}
		_, err := pass(t, handler, c.bearing("2"))
		refusal, ok := err.(*pipeline.Error) //nolint:errorlint // handlers return it unwrapped
		if !ok || refusal.Kind != pipeline.Unavailable || refusal.Header.Get("Retry-After") != "3600" {
			t.Errorf("who is not known gets %+v", err)
		}
	})
}

// TestAClientThatLeavesIsNoOutage: nothing stands in, and the service is asked
// for the next one.
func TestAClientThatLeavesIsNoOutage(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		w := newWorld(t)
		kratos := serveKratos(t, good("ada"))
		handler := c.with(t, w.Environment, kratos.URL, cached(staleForAnHour))
		expect(t, handler, c.bearing("1"), "ada", nil)
		w.clock.move(time.Minute)
		for range 20 { // more than the circuit takes
			ctx, leave := context.WithCancel(t.Context())
			kratos.says(func(_ http.ResponseWriter, r *http.Request) { leave(); hangOn(r) })
			var session pipeline.Session
			if err := handler.Authenticate(ctx, c.bearing("1"), &session); err == nil || session.Subject != "" {
				t.Errorf("who leaves is %q: %v", session.Subject, err)
			}
		}
		kratos.says(good("bob"))
		if got := expect(t, handler, c.bearing("1"), "bob", nil); got.Stale != 0 {
			t.Errorf("it is stale for %v", got.Stale)
		}
	})
}

// TestAStaleSessionIsHeldAgainstTheDemandsOfTheRule, and the service is asked
// once for that: it is out of order as it is.
func TestAStaleSessionIsHeldAgainstTheDemandsOfTheRule(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, good("ada"))
	environment := pipelinetest.Sharing(t, w.Environment)
	c := checkers["kratos_session"]
	config := layered(t, closed, cached(staleForAnHour))
	plain := c.with(t, environment, kratos.URL, config)
	expect(t, plain, c.bearing("1"), "ada", nil)
	w.clock.move(time.Minute)
	kratos.says(pipelinetest.Answer(503, ""))
	for demand, kind := range map[string]error{`{"required_aal": "aal2"}`: pipeline.SecondFactor, `{"max_auth_age": "10m"}`: pipeline.Outdated, `{"max_auth_age": "12m"}`: nil} {
		calls := kratos.calls()
		demanding := c.with(t, environment, kratos.URL, layered(t, config, demand))
		expect(t, demanding, c.bearing("1"), map[bool]string{true: "ada"}[kind == nil], kind)
		if made := kratos.calls() - calls; made != 1 {
			t.Errorf("%s: %d calls", demand, made)
		}
	}
}

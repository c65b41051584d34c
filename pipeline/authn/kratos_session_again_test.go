package authn

import (
	"net/http"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// TestKratosSessionLooksAgainForWhatLacks: the user may just have made up for
// it, and would be sent round in circles by what is remembered.
func TestKratosSessionLooksAgainForWhatLacks(t *testing.T) {
	t.Parallel()
	full := good("ada", change{"authenticator_assurance_level": "aal2", "authenticated_at": "2023-11-14T22:13:20Z"})
	for demand, kind := range map[string]pipeline.Kind{
		`"required_aal": "aal2", "cache": {"ttl": "1h", "negative_ttl": "1s"}`: pipeline.SecondFactor,
		`"max_auth_age": "1m", "cache": {"ttl": "1h", "negative_ttl": "5m"}`:   pipeline.Outdated,
	} {
		t.Run(kind.Name(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			kratos := serveKratos(t, good("ada"))
			handler := atKratos(t, w.Environment, kratos, `{`+demand+`}`)
			steps := []struct {
				after time.Duration
				kind  error
				calls int
			}{{0, kind, 1}, {time.Second - 1, kind, 1}, {1, kind, 2}, {time.Second / 2, kind, 2}}
			for i, step := range steps {
				w.clock.move(step.after)
				if expect(t, handler, withCookie, "", step.kind); kratos.calls() != step.calls {
					t.Errorf("step %d: %d calls, want %d", i, kratos.calls(), step.calls)
				}
			}
			kratos.says(full)
			w.clock.move(2 * time.Second)
			for range 3 {
				expect(t, handler, withCookie, "ada", nil)
			}
			if calls := kratos.calls(); calls != 3 {
				t.Errorf("%d calls", calls)
			}
		})
	}
}

// TestKratosSessionDoesNotForgetWhatLacksSomething while Kratos does not say
// anything else: for other rules it is enough.
func TestKratosSessionDoesNotForgetWhatLacksSomething(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, good("ada"))
	environment := pipelinetest.Sharing(t, w.Environment)
	plain, demanding := atKratos(t, environment, kratos, `{"cache": {"ttl": "1h"}}`), atKratos(t, environment, kratos, `{"cache": {"ttl": "1h"}, "required_aal": "aal2"}`)
	expect(t, plain, withCookie, "ada", nil)
	w.clock.move(time.Minute)
	kratos.says(pipelinetest.Answer(503, ""))
	expect(t, demanding, withCookie, "", pipeline.Unavailable)
	expect(t, plain, withCookie, "ada", nil)
	kratos.says(good("ada", change{"authenticator_assurance_level": "aal2"}))
	expect(t, demanding, withCookie, "ada", nil)
	kratos.says(noSession)
	expect(t, plain, withCookie, "ada", nil) // what was said last is what is remembered
	if calls := kratos.calls(); calls != 3 {
		t.Errorf("%d calls", calls)
	}
}

// TestKratosSessionForgetsASessionThatIsOver, wherever that is found out.
func TestKratosSessionForgetsASessionThatIsOver(t *testing.T) {
	t.Parallel()
	for name, over := range map[string]http.HandlerFunc{"no session": noSession, "a factor lacks": lacksFactor} {
		w := newWorld(t)
		kratos := serveKratos(t, good("ada"))
		environment := pipelinetest.Sharing(t, w.Environment)
		plain, demanding := atKratos(t, environment, kratos, `{"cache": {"ttl": "1h"}}`), atKratos(t, environment, kratos, `{"cache": {"ttl": "1h"}, "required_aal": "aal2"}`)
		expect(t, plain, withCookie, "ada", nil)
		w.clock.move(time.Minute)
		kratos.says(over)
		_, first := pass(t, demanding, withCookie)
		_, second := pass(t, plain, withCookie)
		if first == nil || second == nil || kindOf(t, first) != kindOf(t, second) { //nolint:errorlint // kinds are values
			t.Errorf("%s: got %v, and then %v", name, first, second)
		}
	}
}

// TestAHerdThatLacksSomethingLooksAgainOnce, all together.
func TestAHerdThatLacksSomethingLooksAgainOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, good("ada"))
	handler := atKratos(t, w.Environment, kratos, `{"required_aal": "aal2"}`)
	expect(t, handler, withCookie, "", pipeline.SecondFactor)
	w.clock.move(time.Second)
	_, errs := crowd(t.Context(), handler, herd, func(int) *pipeline.Request { return withCookie })
	for _, err := range errs {
		if kindOf(t, err) != pipeline.SecondFactor { //nolint:errorlint // kinds are values
			t.Errorf("got %v", err)
		}
	}
	if calls := kratos.calls(); calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

// TestKratosSessionDoesNotAskTwiceForOneRequest, whatever lacks.
func TestKratosSessionDoesNotAskTwiceForOneRequest(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{"as the rule demands": good("ada"), "as Kratos demands": lacksFactor} {
		kratos := serveKratos(t, answer)
		handler := atKratos(t, newWorld(t).Environment, kratos, `{"required_aal": "aal2", "cache": {"negative_ttl": "0s"}}`)
		for want := 1; want <= 3; want++ {
			expect(t, handler, withCookie, "", pipeline.SecondFactor)
			// What is remembered is looked at again, and only that.
			if calls := kratos.calls(); calls != want {
				t.Errorf("%s: %d calls for %d requests", name, calls, want)
			}
		}
	}
}

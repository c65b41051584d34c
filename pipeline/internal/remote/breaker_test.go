package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// patient is a breaker that opens after three failures and does not try again
// while a test runs; hasty is one that tries again almost at once.
var (
	patient = Breaking{Enabled: true, Failures: 3, Pause: "90s"}
	hasty   = Breaking{Enabled: true, Failures: 3, Pause: "20ms"}
)

// TestBreakerCountsClientsThatLeaveAfterALongWait: a service that lets nobody
// wait long enough for its time-out is down as well.
func TestBreakerCountsClientsThatLeaveAfterALongWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		for wait, opens := range map[time.Duration]bool{longForAnswer - 1: false, longForAnswer: true} {
			made, err := patient.open(pipeline.Environment{}, &url.URL{Host: "h"})
			if err != nil {
				t.Fatal(err)
			}
			gone := pipeline.Unavailable.From(context.Canceled)
			leave := func() (*Answer, error) { time.Sleep(wait); return nil, gone }
			for range patient.Failures {
				if _, err := made.call(leave); !errors.Is(err, gone) {
					t.Errorf("after %v: got %v", wait, err)
				}
			}
			if _, err := made.call(leave); isRefused(t, err, "90") != opens {
				t.Errorf("after %v: got %v", wait, err)
			}
		}
	})
}

// patience bounds how long a test waits for what has to come.
const patience = 20 * time.Second

// guarded is a client of a service whose answers the test changes.
type guarded struct {
	*Client
	*pipelinetest.Service
	answer atomic.Pointer[http.HandlerFunc]
}

func guard(t *testing.T, breaking Breaking, timeout time.Duration) *guarded {
	t.Helper()
	g := &guarded{}
	g.says(pipelinetest.Answer(200, ""))
	g.Service = pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) { (*g.answer.Load())(w, r) })
	g.Client = clientOf(t, g.URL, timeout, breaking, pipelinetest.Environment(t))
	return g
}

func clientOf(t *testing.T, address string, timeout time.Duration, breaking Breaking, environment pipeline.Environment) *Client {
	t.Helper()
	service, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	client, err := NewGuarded(environment, service, timeout, breaking)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func (g *guarded) says(answer http.HandlerFunc) { g.answer.Store(&answer) }

func (g *guarded) ask(ctx context.Context, t *testing.T) (*Answer, error) {
	t.Helper()
	return ask(ctx, t, g.Client, http.MethodGet, g.URL, "")
}

// isRefused reports whether a call was not made, and checks what its caller is
// told then.
func isRefused(t *testing.T, err error, retryAfter string) bool {
	t.Helper()
	var refusal *pipeline.Error
	if !errors.As(err, &refusal) || refusal.Header == nil {
		return false
	}
	if diff := cmp.Diff(http.Header{"Retry-After": {retryAfter}}, refusal.Header); diff != "" || refusal.Kind != pipeline.Unavailable || refusal.Reason != "" {
		t.Errorf("refused as %v because %q, with %s", refusal.Kind, refusal.Reason, diff)
	}
	return true
}

func TestBreakerOpensAfterFailuresInARow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer http.HandlerFunc
		opens  bool
	}{
		"no answer":           {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, true},
		"nothing like HTTP":   {answerNoHTTP, true},
		"half of an answer":   {answerHalf, true},
		"none in time":        {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, true},
		"502":                 {pipelinetest.Answer(502, ""), true},
		"503":                 {pipelinetest.Answer(503, ""), true},
		"504":                 {pipelinetest.Answer(504, ""), true},
		"500, about this one": {pipelinetest.Answer(500, ""), false},
		"501":                 {pipelinetest.Answer(501, ""), false},
		"505":                 {pipelinetest.Answer(505, ""), false},
		"429":                 {pipelinetest.Answer(429, ""), false},
		"401":                 {pipelinetest.Answer(401, ""), false},
		"403":                 {pipelinetest.Answer(403, ""), false},
		"404":                 {pipelinetest.Answer(404, ""), false},
		"302":                 {pipelinetest.Answer(302, ""), false},
		"200":                 {pipelinetest.Answer(200, ""), false},
		"too long an answer":  {pipelinetest.Answer(200, strings.Repeat("x", maxBody+1)), false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			timeout := enough
			if name == "none in time" {
				timeout = little
			}
			g := guard(t, patient, timeout)
			g.says(test.answer)
			for call := 1; call <= 6; call++ {
				_, err := g.ask(t.Context(), t)
				if refused, want := isRefused(t, err, "90"), test.opens && call > 3; refused != want {
					t.Errorf("call %d: refused %t, want %t: %v", call, refused, want, err)
				}
			}
			want := 6
			if test.opens {
				want = 3
			}
			// On a busy machine it may be too late before a call arrives.
			if asked := len(g.Asked()); asked != want && (asked > want || timeout == enough) {
				t.Errorf("the service was asked %d times, want %d", asked, want)
			}
		})
	}
}

// answerHalf breaks off in the middle of its body.
func answerHalf(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "100")
	_, _ = io.WriteString(w, "half")
}

// TestBreakerPassesOnAnswersOfAServiceThatIsDown: only who comes later is
// refused.
func TestBreakerPassesOnAnswersOfAServiceThatIsDown(t *testing.T) {
	t.Parallel()
	g := guard(t, patient, enough)
	g.says(pipelinetest.Answer(503, "maintenance"))
	for range 3 {
		if answer, err := g.ask(t.Context(), t); err != nil || answer.Status != 503 || string(answer.Body) != "maintenance" {
			t.Errorf("got %+v, %v", answer, err)
		}
	}
}

func TestBreakerTellsTheLogWhichServiceIsDown(t *testing.T) {
	t.Parallel()
	g := guard(t, Breaking{Enabled: true, Failures: 1, Pause: "90s"}, enough)
	g.says(pipelinetest.Answer(503, ""))
	_, _ = g.ask(t.Context(), t)
	_, err := g.ask(t.Context(), t)
	want := pipeline.Unavailable.Error() + ": " + g.URL[len("http://"):] + " was down at the last calls, and is not called for a moment"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestBreakerCountsFailuresInARowOnly(t *testing.T) {
	t.Parallel()
	g := guard(t, patient, enough)
	down, up := pipelinetest.Answer(503, ""), pipelinetest.Answer(401, "")
	for range 5 {
		for _, answer := range []http.HandlerFunc{down, down, up} {
			g.says(answer)
			if _, err := g.ask(t.Context(), t); err != nil {
				t.Fatal(err)
			}
		}
	}
	if asked := len(g.Asked()); asked != 15 {
		t.Errorf("the service was asked %d times", asked)
	}
}

// TestBreakerDoesNotCountClientsThatLeave, neither as failures nor as proof
// that the service is up.
func TestBreakerDoesNotCountClientsThatLeave(t *testing.T) {
	t.Parallel()
	g := guard(t, patient, enough)
	leave := func() {
		ctx, cancel := context.WithCancel(t.Context())
		g.says(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
		if _, err := g.ask(ctx, t); !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
	}
	for range 5 {
		leave()
	}
	for call := range 3 {
		g.says(pipelinetest.Answer(503, ""))
		if _, err := g.ask(t.Context(), t); isRefused(t, err, "90") {
			t.Errorf("call %d is refused because clients left", call)
		}
		if call < 2 {
			leave()
		}
	}
	if _, err := g.ask(t.Context(), t); !isRefused(t, err, "90") {
		t.Errorf("clients that left made up for failures: %v", err)
	}
}

// TestBreakerIsSharedByAllThatCallAHost: what one of them finds out, the others
// need not find out again.
func TestBreakerIsSharedByAllThatCallAHost(t *testing.T) {
	t.Parallel()
	down := pipelinetest.Serve(t, pipelinetest.Answer(503, ""))
	other := pipelinetest.Serve(t, pipelinetest.Answer(200, ""))
	world := pipelinetest.Sharing(t, pipelinetest.Environment(t))
	first := clientOf(t, down.URL+"/sessions/whoami", enough, patient, world)
	for range patient.Failures {
		if _, err := ask(t.Context(), t, first, http.MethodGet, down.URL, ""); err != nil {
			t.Fatal(err)
		}
	}
	sooner := patient
	sooner.Pause = "89s"
	later := patient
	later.Failures++
	tests := map[string]struct {
		address  string
		breaking Breaking
		refused  bool
	}{
		"at the same address":     {down.URL + "/sessions/whoami", patient, true},
		"at another path":         {down.URL + "/other", patient, true},
		"at another host":         {other.URL, patient, false},
		"with another pause":      {down.URL, sooner, false},
		"with another number":     {down.URL, later, false},
		"if it does not break":    {down.URL, Breaking{Pause: "90s"}, false},
		"in another set of rules": {down.URL, patient, false},
		"by another scheme":       {"https" + down.URL[len("http"):], patient, false},
	}
	for name, test := range tests {
		environment := world
		if name == "in another set of rules" {
			environment = pipelinetest.Sharing(t, pipelinetest.Environment(t))
		}
		client := clientOf(t, test.address, 3*enough, test.breaking, environment)
		if _, err := ask(t.Context(), t, client, http.MethodGet, test.address, ""); isRefused(t, err, "90") != test.refused {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestBreakerMayBeOff(t *testing.T) {
	t.Parallel()
	g := guard(t, Breaking{Failures: 1, Pause: "90s"}, enough)
	g.says(pipelinetest.Answer(503, ""))
	for range 5 {
		if _, err := g.ask(t.Context(), t); err != nil {
			t.Error(err)
		}
	}
	if asked := len(g.Asked()); asked != 5 {
		t.Errorf("the service was asked %d times", asked)
	}
}

func TestBreakerRoundsThePauseUpToSeconds(t *testing.T) {
	t.Parallel()
	for pause, want := range map[string]string{"1ms": "1", "1s": "1", "1001ms": "2", "1m": "60"} {
		made, err := Breaking{Enabled: true, Failures: 1, Pause: pause}.open(pipeline.Environment{}, &url.URL{Host: "h"})
		if err != nil || made.retryAfter != want {
			t.Errorf("%s: got %+v, %v, want %s", pause, made, err, want)
		}
	}
}

func TestBreakerRefusesAPauseThatIsNone(t *testing.T) {
	t.Parallel()
	for pause, want := range map[string]string{
		"":                   "circuit_breaker.pause: is not a duration such as 500ms, 5s or 10m",
		"99999999999999999h": "circuit_breaker.pause: is not a duration such as 500ms, 5s or 10m",
		"0s":                 "circuit_breaker.pause: has to be longer than 0s, or the service is never left alone",
	} {
		_, err := NewGuarded(pipeline.Environment{}, &url.URL{Host: "h"}, enough, Breaking{Enabled: true, Failures: 1, Pause: pause})
		var mistake *pipeline.Mistake
		if !errors.As(err, &mistake) {
			t.Errorf("%s: got %v, want %s", pause, err, want)
			continue
		}
		if got := mistake.Path.String() + ": " + mistake.Message; got != want {
			t.Errorf("%s: got %s, want %s", pause, got, want)
		}
		if _, err := NewGuarded(pipeline.Environment{}, &url.URL{Host: "h"}, enough, Breaking{Pause: pause}); err == nil {
			t.Errorf("%s is none while it is off, either", pause)
		}
	}
}

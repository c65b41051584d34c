package keyset

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

var (
	gone = pipelinetest.Answer(http.StatusNotFound, "no")           // fails at once
	busy = pipelinetest.Answer(http.StatusServiceUnavailable, "no") // is asked thrice at a time
)

func TestASetIsReadWhenItIsNeeded(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/jwks.json?v=1")
	if asked := len(p.Asked()); asked != 0 {
		t.Errorf("it was read %d times before anybody needed it", asked)
	}
	keys, err := set.Keys(t.Context(), never)
	if err != nil {
		t.Fatal(err)
	}
	if got := namesOf(keys.Public()); len(got) != 1 || got[0] != "a" {
		t.Errorf("got %q", got)
	}
	asked := p.Asked()
	if len(asked) != 1 || asked[0].Method != http.MethodGet || asked[0].Target != "/jwks.json?v=1" || asked[0].Body != "" {
		t.Errorf("asked %+v", asked)
	}
	if accept := asked[0].Header.Get("Accept"); accept != "application/jwk-set+json, application/json" {
		t.Errorf("Accept: %s", accept)
	}
}

func TestYoungKeysAreNotAskedForAgain(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/")
	for range 100 {
		if err := has(t, set, "a"); err != nil {
			t.Fatal(err)
		}
		p.advance(ttl * 3 / 4 / 101)
	}
	if asked := len(p.Asked()); asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestOneReadingServesAllWhoNeedIt(t *testing.T) {
	t.Parallel()
	answer, release := held(t, keysNamed(t, "a"))
	p := newPlace(t, answer)
	set := p.open(t, "/")
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if err := has(t, set, "a"); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "the place is asked", func() bool { return len(p.Asked()) > 0 })
	release()
	group.Wait()
	if asked := len(p.Asked()); asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestKeysAreReadAgainBeforeTheyAreOld(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/")
	if err := has(t, set, "a"); err != nil {
		t.Fatal(err)
	}
	answer, release := held(t, keysNamed(t, "b"))
	p.answers(answer)
	p.advance(ttl * 3 / 4)
	for range 100 { // while the place does not answer, nobody waits
		if err := has(t, set, "a"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the place is asked again", func() bool { return len(p.Asked()) == 2 })
	release()
	settle(t, set)
	p.advance(ttl / 2)
	if err := has(t, set, "b"); err != nil {
		t.Error(err)
	}
	if asked := len(p.Asked()); asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestAKeyThatIsWithdrawnIsRefusedAfterItsTime(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a", "b"))
	set := p.open(t, "/")
	if err := has(t, set, "b"); err != nil {
		t.Fatal(err)
	}
	p.has(t, "a")
	p.advance(ttl/2 - 1)
	if err := has(t, set, "b"); err != nil {
		t.Errorf("within its time: %v", err)
	}
	p.advance(ttl / 2)
	p.advance(1)
	if err := has(t, set, "b"); !errors.Is(err, ErrNoKey) {
		t.Errorf("after its time: %v", err)
	}
	if err := has(t, set, "a"); err != nil {
		t.Errorf("the other one: %v", err)
	}
}

func TestNobodyWaitsLongerThanAllowed(t *testing.T) {
	t.Parallel()
	answer, release := held(t, keysNamed(t, "a"))
	p := newPlace(t, answer)
	set := p.open(t, "/")
	_, err := set.Keys(t.Context(), time.Millisecond)
	if !errors.Is(err, pipeline.Slow) || pipelinetest.ReasonOf(err) != "a key set did not arrive in time" {
		t.Errorf("got %v", err)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := set.Keys(cancelled, never); !errors.Is(err, context.Canceled) {
		t.Errorf("for a client that is gone: %v", err)
	}
	release()
	settle(t, set)
	if _, err := set.Keys(t.Context(), 0); err != nil {
		t.Errorf("what came too late for one does not serve the next: %v", err)
	}
	if asked := len(p.Asked()); asked != 1 {
		t.Errorf("asked %d times", asked)
	}
}

func TestOldKeysServeWhileTheirSourceIsDown(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{
		"it is busy": busy, "it has no set any more": gone, "it has a page instead": pipelinetest.Answer(http.StatusOK, "<html></html>"),
		"it breaks off": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, keysNamed(t, "a"))
			set := p.open(t, "/")
			if err := has(t, set, "a"); err != nil {
				t.Fatal(err)
			}
			p.answers(answer)
			p.advance(ttl)
			if err := has(t, set, "a"); err != nil {
				t.Errorf("after a minute: %v", err)
			}
			p.advance(maxStale - ttl - 1)
			if err := has(t, set, "a"); err != nil {
				t.Errorf("before an hour is over: %v", err)
			}
			settle(t, set)
			p.advance(1)
			if err := has(t, set, "a"); err == nil || errors.Is(err, ErrNoKey) {
				t.Errorf("after an hour: %v", err)
			}
			settle(t, set)
			p.has(t, "a")
			p.advance(maxPause)
			if err := has(t, set, "a"); err != nil {
				t.Errorf("when it is up again: %v", err)
			}
		})
	}
}

func TestASourceThatIsDownIsNotWaitedFor(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/")
	if err := has(t, set, "a"); err != nil {
		t.Fatal(err)
	}
	p.answers(gone)
	p.advance(ttl)
	if err := has(t, set, "a"); err != nil { // this one finds out
		t.Fatal(err)
	}
	answer, release := held(t, gone)
	p.answers(answer)
	p.advance(down - 1)
	for range 10 {
		if err := has(t, set, "a"); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the place is asked again nevertheless", func() bool { return len(p.Asked()) == 3 })
	release()
}

func TestASourceThatWasDownLongAgoIsAskedFirst(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/")
	if err := has(t, set, "a"); err != nil {
		t.Fatal(err)
	}
	p.answers(gone)
	p.advance(ttl)
	if err := has(t, set, "a"); err != nil {
		t.Fatal(err)
	}
	p.has(t, "b") // it is up again, and has withdrawn the key
	p.advance(down)
	if err := has(t, set, "a"); !errors.Is(err, ErrNoKey) {
		t.Errorf("got %v", err)
	}
}

func TestAReadingThatHangsIsWaitedForOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/")
	if err := has(t, set, "a"); err != nil {
		t.Fatal(err)
	}
	answer, release := held(t, gone)
	p.answers(answer)
	p.advance(ttl)
	if _, err := (Sets{set}).Verifying(t.Context(), "a", time.Millisecond); err != nil {
		t.Errorf("the first to wait: %v", err)
	}
	p.advance(time.Hour / 2)
	if err := has(t, set, "a"); err != nil {
		t.Errorf("the next: %v", err)
	}
	if set.running.Load() == nil {
		t.Error("the next has waited for its end")
	}
	release()
}

func TestASourceThatFailsIsLeftAloneForAWhile(t *testing.T) {
	t.Parallel()
	p := newPlace(t, gone)
	set := p.open(t, "/")
	asked := 0
	ask := func(want int) {
		t.Helper()
		for range 10 {
			if err := has(t, set, "a"); !errors.Is(err, ErrUnusable) {
				t.Fatalf("got %v", err)
			}
		}
		settle(t, set)
		if now := len(p.Asked()); now-asked != want {
			t.Errorf("asked %d times, want %d", now-asked, want)
		}
		asked = len(p.Asked())
	}
	ask(2) // the second one might do better at once
	for _, pause := range []time.Duration{250 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 10 * time.Second, 10 * time.Second} {
		p.advance(pause - 1)
		ask(0)
		p.advance(1)
		ask(1)
	}
	p.has(t, "a")
	p.advance(maxPause)
	if err := has(t, set, "a"); err != nil {
		t.Errorf("when it is up again: %v", err)
	}
	p.answers(gone)
	p.advance(2 * maxStale)
	asked = len(p.Asked())
	ask(2) // the failures of yesterday are forgotten
}

func TestAClockThatIsPutBackMakesKeysNoYounger(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/")
	if err := has(t, set, "a"); err != nil {
		t.Fatal(err)
	}
	p.has(t, "b")
	p.advance(-time.Hour)
	if err := has(t, set, "a"); !errors.Is(err, ErrNoKey) {
		t.Errorf("got %v", err)
	}
}

func TestKeysThatDoNotLiveAreReadEachTime(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set, err := Open(p.environment(t), p.URL, 0)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := has(t, set, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if err := has(t, set, "b"); !errors.Is(err, ErrNoKey) {
		t.Errorf("got %v", err)
	}
	if asked := len(p.Asked()); asked != 4 {
		t.Errorf("asked %d times", asked)
	}
}

func TestKeysAreAsOldAsTheQuestion(t *testing.T) {
	t.Parallel()
	answer, release := held(t, keysNamed(t, "a"))
	p := newPlace(t, answer)
	set := p.open(t, "/")
	if _, err := set.Keys(t.Context(), 0); !errors.Is(err, pipeline.Slow) {
		t.Fatalf("got %v", err)
	}
	p.advance(ttl / 2)
	release()
	settle(t, set)
	p.has(t, "b")
	p.advance(ttl / 2)
	if err := has(t, set, "a"); !errors.Is(err, ErrNoKey) {
		t.Errorf("got %v", err)
	}
}

// Who looks at a set, and then is slow to do something about it, may find that
// others were faster.
func TestNewsIsNoReasonToReadAgain(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/")
	seen := set.state.Load()
	if err := has(t, set, "a"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-set.refresh(seen, p.Now()).done:
	case <-time.After(10 * time.Second):
		t.Error("what is done already does not end")
	}
	keys, under := set.miss(func(keys *Keys) bool { _, ok := keys.Verifying("a"); return ok })
	if keys == nil || under != nil {
		t.Errorf("for a key that is there by now: %v, %v", keys, under)
	}
	if asked := len(p.Asked()); asked != 1 || set.running.Load() != nil {
		t.Errorf("asked %d times", asked)
	}
}

func TestAReadingThatPanicsIsAFailure(t *testing.T) {
	t.Parallel()
	set := &Set{ttl: ttl, now: time.Now, read: func(context.Context) ([]byte, error) { panic("oops") }}
	set.state.Store(&state{})
	_, err := set.Keys(t.Context(), never)
	if !errors.Is(err, ErrUnusable) || err.Error() != ErrUnusable.Error()+": reading it panics: oops" {
		t.Errorf("got %v", err)
	}
}

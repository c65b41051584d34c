package keyset

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"ostiary/pipeline"
)

func TestPrefetchReadsOnceBeforeAnybodyNeedsIt(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/")
	set.Prefetch()
	set.Prefetch()
	settle(t, set)
	if asked := len(p.Asked()); asked != 1 {
		t.Errorf("it was read %d times", asked)
	}
	if _, err := set.Keys(t.Context(), 0); err != nil {
		t.Errorf("there is something to wait for: %v", err)
	}
	set.Prefetch()
	settle(t, set)
	if asked := len(p.Asked()); asked != 1 {
		t.Errorf("it was read again for nobody")
	}
}

func TestKnownKeysDoNotCostASourceThatFails(t *testing.T) {
	t.Parallel()
	p := newPlace(t, gone)
	set := p.open(t, "/")
	if _, err := set.Known(t.Context(), never); !errors.Is(err, pipeline.Unavailable) && !errors.Is(err, ErrUnusable) {
		t.Errorf("got %v", err)
	}
	asked := len(p.Asked())
	p.has(t, "a")
	for range 3 {
		if _, err := set.Known(t.Context(), never); err == nil {
			t.Error("the source was asked again at once")
		}
	}
	if again := len(p.Asked()); again != asked {
		t.Errorf("the source was asked %d times more", again-asked)
	}
	p.advance(maxPause)
	keys, err := set.Known(t.Context(), never)
	if err != nil || len(keys.Public()) != 1 {
		t.Errorf("after a while: got %v, %v", keys, err)
	}
}

func TestKnownKeysAreShownWhileTheirSourceIsDown(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "a"))
	set := p.open(t, "/")
	if _, err := set.Known(t.Context(), never); err != nil {
		t.Fatal(err)
	}
	p.answers(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	p.advance(ttl + time.Second)
	if _, err := set.Keys(t.Context(), never); err != nil {
		t.Fatal(err)
	}
	settle(t, set)
	asked := len(p.Asked())
	keys, err := set.Known(t.Context(), never)
	if err != nil || len(keys.Public()) != 1 {
		t.Errorf("got %v, %v", keys, err)
	}
	if again := len(p.Asked()); again != asked {
		t.Errorf("the source was asked %d times more", again-asked)
	}
}

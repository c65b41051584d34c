package keyset

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"ostiary/pipeline/internal/pipelinetest"
)

func TestAKeyThatIsNewIsFoundAtOnce(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "old"))
	set := p.open(t, "/")
	if err := has(t, set, "old"); err != nil {
		t.Fatal(err)
	}
	p.has(t, "old", "new")
	var group sync.WaitGroup
	for range 100 {
		group.Go(func() {
			if err := has(t, set, "new"); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if asked := len(p.Asked()); asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestAFloodOfUnknownKeysCausesOneReadingAtATime(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "known"))
	set := p.open(t, "/")
	if err := has(t, set, "known"); err != nil {
		t.Fatal(err)
	}
	made := 0
	flood := func(want int) {
		t.Helper()
		asked := len(p.Asked())
		var group sync.WaitGroup
		for range 8 {
			from := made
			made += 500
			group.Go(func() {
				for i := range 500 {
					if err := has(t, set, fmt.Sprint("unknown ", from+i)); !errors.Is(err, ErrNoKey) {
						t.Errorf("got %v", err)
					}
					if err := has(t, set, "known"); err != nil {
						t.Errorf("the key that is known: %v", err)
					}
				}
			})
		}
		group.Wait()
		if now := len(p.Asked()); now-asked != want {
			t.Errorf("asked %d times, want %d", now-asked, want)
		}
	}
	flood(1)
	p.advance(unknownInterval - 1)
	flood(0)
	p.advance(1)
	flood(1)
	p.answers(gone)
	p.advance(unknownInterval)
	flood(1) // young keys serve, whatever becomes of it
}

func TestUnknownKeysOfAHangingSourceHoldUpNobodyElse(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "known"))
	set := p.open(t, "/")
	if err := has(t, set, "known"); err != nil {
		t.Fatal(err)
	}
	answer, release := held(t, keysNamed(t, "known", "new"))
	p.answers(answer)
	for range 10 {
		if _, err := (Sets{set}).Verifying(t.Context(), "new", time.Millisecond); !errors.Is(err, ErrNoKey) {
			t.Fatalf("got %v", err)
		}
		if err := has(t, set, "known"); err != nil {
			t.Fatal(err)
		}
	}
	release()
	if err := has(t, set, "new"); err != nil { // who is patient gets it
		t.Error(err)
	}
	if asked := len(p.Asked()); asked != 2 {
		t.Errorf("asked %d times", asked)
	}
}

func TestWaitingForAReadingThatIsUnderWayIsFree(t *testing.T) {
	t.Parallel()
	p := newPlace(t, keysNamed(t, "old"))
	set := p.open(t, "/")
	if err := has(t, set, "old"); err != nil {
		t.Fatal(err)
	}
	answer, release := held(t, keysNamed(t, "old"))
	p.answers(answer)
	p.advance(ttl * 3 / 4)
	if err := has(t, set, "old"); err != nil { // begins to read it ahead of time
		t.Fatal(err)
	}
	if _, err := (Sets{set}).Verifying(t.Context(), "new", 0); !errors.Is(err, ErrNoKey) {
		t.Fatalf("got %v", err)
	}
	release()
	settle(t, set)
	p.has(t, "old", "new")
	if err := has(t, set, "new"); err != nil {
		t.Error(err)
	}
	if asked := len(p.Asked()); asked != 3 {
		t.Errorf("asked %d times", asked)
	}
}

func TestAnUnknownKeySaysWhyItIsLeftOut(t *testing.T) {
	t.Parallel()
	unmarked := named("unmarked")
	unmarked.Use = ""
	p := newPlace(t, pipelinetest.Answer(http.StatusOK, document(t, named("good"), unmarked)))
	set := p.open(t, "/")
	want := map[string]string{
		"unmarked": `no key set has the key: the one of that id is left out: its use is "", not "sig"`,
		"nowhere":  `no key set has the key`,
	}
	for id, want := range want {
		if err := has(t, set, id); !errors.Is(err, ErrNoKey) || err.Error() != want {
			t.Errorf("%s: got %v, want %s", id, err, want)
		}
	}
}

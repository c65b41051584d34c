package cache

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestGetFindsWhatWasKept(t *testing.T) {
	t.Parallel()
	var hand handClock
	c := Counted[int](hand.now, 10)
	if got, there := c.Get(one); there || got != 0 {
		t.Errorf("before anything was kept: got %d, %t", got, there)
	}
	c.Keep(one, 7, 10*time.Second)
	c.Keep(KeyOf("two"), 8, time.Minute)
	for _, step := range []struct {
		after time.Duration
		want  int
		there bool
	}{{0, 7, true}, {10*time.Second - 1, 7, true}, {1, 0, false}} {
		hand.move(step.after)
		if got, there := c.Get(one); there != step.there || there && got != step.want {
			t.Errorf("after another %v: got %d, %t", step.after, got, there)
		}
	}
	if got, there := c.Get(KeyOf("two")); !there || got != 8 {
		t.Errorf("the other one: got %d, %t", got, there)
	}
}

func TestKeepTakesThePlaceOfWhatIsThere(t *testing.T) {
	t.Parallel()
	var hand handClock
	c := Counted[int](hand.now, 10)
	c.Keep(one, 1, time.Hour)
	c.Keep(one, 2, time.Second)
	if got, _ := c.Get(one); got != 2 {
		t.Errorf("got %d", got)
	}
	hand.move(time.Second)
	if got, there := c.Get(one); there {
		t.Errorf("the first one, %d, is back", got)
	}
	c.Keep(one, 3, time.Second)
	c.Keep(one, 4, time.Hour)
	hand.move(time.Minute)
	if got, there := c.Get(one); !there || got != 4 {
		t.Errorf("got %d, %t: it ends when the one before would have ended", got, there)
	}
}

func TestKeepDoesNothingWithoutALife(t *testing.T) {
	t.Parallel()
	c := Counted[int](new(handClock).now, 10)
	c.Keep(one, 1, 0)
	c.Keep(one, 2, -time.Second)
	if got, there := c.Get(one); there {
		t.Errorf("it keeps %d", got)
	}
	c.Keep(one, 3, Forever)
	c.Keep(one, 4, 0)
	if got, there := c.Get(one); !there || got != 3 {
		t.Errorf("got %d, %t: what is not kept takes a place", got, there)
	}
}

func TestKeepIsForLoadToo(t *testing.T) {
	t.Parallel()
	c := Counted[int](time.Now, 10)
	c.Keep(one, 7, time.Hour)
	from := &source{lifetime: time.Hour}
	if got := ask(t, c, one, from); got != 7 || from.asked != 0 {
		t.Errorf("got %d after %d calls", got, from.asked)
	}
	c.Forget(one, func(kept int) bool { return kept == 7 })
	if got, there := c.Get(one); there {
		t.Errorf("%d was forgotten and is there", got)
	}
	if got := ask(t, c, one, from); got != 1 {
		t.Errorf("got %d", got)
	}
	if got, there := c.Get(one); !there || got != 1 {
		t.Errorf("what was loaded: got %d, %t", got, there)
	}
}

func TestGetDoesNotWait(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := Counted[string](time.Now, 10)
		g := &gate{open: make(chan struct{}), lifetime: time.Hour}
		go func() { _, _ = c.Load(t.Context(), one, g.load) }()
		synctest.Wait()
		if got, there := c.Get(one); there { // or it would be a deadlock
			t.Errorf("got %q before the answer came", got)
		}
		close(g.open)
		synctest.Wait()
		if got, there := c.Get(one); !there || got != "1" {
			t.Errorf("got %q, %t", got, there)
		}
	})
}

func TestWeighedCountsWhatIsKept(t *testing.T) {
	t.Parallel()
	const most = 100_000
	c := Weighed(time.Now, most, func(b []byte) int { return cap(b) })
	for i := range 1000 {
		c.Keep(KeyOf(string(rune(i))), make([]byte, 1000), time.Hour)
	}
	c.entries.CleanUp()
	if got := c.entries.WeightedSize(); got > most || got < most/2 {
		t.Errorf("it takes %d, of at most %d", got, most)
	}
}

// TestKeepAndForgetAtTheSameTime is for the race detector.
func TestKeepAndForgetAtTheSameTime(t *testing.T) {
	t.Parallel()
	c := Counted[int](time.Now, 10)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			for range 300 {
				c.Keep(one, i, time.Hour)
				c.Get(one)
				c.Forget(one, func(kept int) bool { return kept == i })
				_, _ = c.Load(t.Context(), one, func(context.Context) (int, time.Duration, error) { return i, time.Hour, nil })
			}
		})
	}
	group.Wait()
	if got, there := c.Get(one); there && (got < 0 || got > 7) {
		t.Errorf("got %d", got)
	}
}

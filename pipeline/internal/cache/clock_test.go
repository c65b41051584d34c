package cache

import (
	"sync/atomic"
	"testing"
	"time"
)

// handClock is a clock that only a test moves.
type handClock struct{ moved atomic.Int64 }

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func (c *handClock) now() time.Time { return noon.Add(time.Duration(c.moved.Load())) }

func (c *handClock) move(by time.Duration) { c.moved.Add(int64(by)) }

func TestClockCountsFromItsStart(t *testing.T) {
	t.Parallel()
	var hand handClock
	c := newClock(hand.now)
	for _, test := range []struct {
		move time.Duration
		want int64
	}{{0, 1}, {time.Second, 1e9 + 1}, {time.Nanosecond, 1e9 + 2}, {-time.Second, 2}} {
		hand.move(test.move)
		if got := c.NowNano(); got != test.want {
			t.Errorf("after a move of %v it is %d, want %d", test.move, got, test.want)
		}
	}
}

func TestClockHasNoTicksToCleanUpAt(t *testing.T) {
	t.Parallel()
	if newClock(time.Now).Tick(time.Second) != nil {
		t.Error("it ticks")
	}
}

func TestClockDoesNotReachForever(t *testing.T) {
	t.Parallel()
	var hand handClock
	c := newClock(hand.now)
	hand.move(100 * 365 * 24 * time.Hour)
	if got := c.after(Forever); got != int64(Forever) {
		t.Errorf("got %d", got)
	}
	if got, want := c.after(time.Minute), c.NowNano()+int64(time.Minute); got != want {
		t.Errorf("got %d, want %d", got, want)
	}
}

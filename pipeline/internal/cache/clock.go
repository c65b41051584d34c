package cache

import (
	"math"
	"time"
)

// clock tells a cache the time, in nanoseconds. It counts from its start by the
// monotonic clock as long as now has one: a wall clock that is set back
// prolongs nobody's life.
type clock struct {
	now   func() time.Time
	start time.Time
}

func newClock(now func() time.Time) *clock { return &clock{now: now, start: now()} }

// NowNano is the time since the start. It is never 0, which the library keeps
// for no time at all.
func (c *clock) NowNano() int64 { return int64(c.now().Sub(c.start)) + 1 }

// Tick gives no ticks, and so keeps the library from cleaning up at intervals
// in a goroutine of its own for each cache. What has ended is never handed out;
// it is removed when the cache is used next, and its room is bounded.
func (*clock) Tick(time.Duration) <-chan time.Time { return nil }

// after is the time when something ends that lasts so long from now.
func (c *clock) after(lifetime time.Duration) int64 {
	now := c.NowNano()
	if int64(lifetime) > math.MaxInt64-max(now, 0) {
		return math.MaxInt64
	}
	return now + int64(lifetime)
}

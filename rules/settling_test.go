package rules

import (
	"testing"
	"time"
)

// play has events come at these times, and says when changes were taken in, each
// of which takes a while.
func play(events []time.Duration, takes time.Duration) (taken []time.Duration) {
	epoch := time.Unix(1_700_000_000, 0)
	var s settling
	var due time.Time // nothing to do if it is zero
	now := epoch
	look := func() {
		now = due
		s.looked()
		taken = append(taken, now.Sub(epoch))
		s.settled(now, now.Add(takes))
		now = now.Add(takes)
		due = time.Time{}
	}
	for _, event := range events {
		at := epoch.Add(event)
		for !due.IsZero() && !due.After(at) {
			look()
		}
		if at.After(now) {
			now = at
		}
		due = s.event(now)
	}
	for !due.IsZero() {
		look()
	}
	return taken
}

func every(pause time.Duration, count int) (events []time.Duration) {
	for i := range count {
		events = append(events, time.Duration(i)*pause)
	}
	return events
}

func TestAChangeSettlesBeforeItCounts(t *testing.T) {
	t.Parallel()
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		events []time.Duration
		takes  time.Duration
		most   int           // times that something is taken in
		last   time.Duration // by when, at the latest
	}{
		"one write":                        {every(0, 1), ms, 1, 5 * ms},
		"one rename, which is many events": {[]time.Duration{0, 0, ms, 2 * ms}, ms, 1, 7 * ms},
		"two changes far apart":            {[]time.Duration{0, time.Second}, ms, 2, 1005 * ms},
		"a burst of writes":                {every(3*ms, 50), ms, 1, 160 * ms},
		"fifty rewrites a second":          {every(20*ms, 500), ms, 45, 10*time.Second + 50*ms},
		"of what takes long to load":       {every(20*ms, 500), 300 * ms, 8, 13 * time.Second},
		"a writer who never rests":         {every(ms, 2000), ms, 10, 2250 * ms},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := play(test.events, test.takes)
			last, written := taken[len(taken)-1], test.events[len(test.events)-1]
			if len(taken) > test.most || last > test.last || last < written {
				t.Errorf("taken in %d times, the last of them at %s: %s", len(taken), last, taken)
			}
			var busy time.Duration
			for range taken {
				busy += test.takes
			}
			if whole := last + 5*test.takes; busy > whole/4 {
				t.Errorf("%s of %s are spent on changes", busy, whole)
			}
		})
	}
}

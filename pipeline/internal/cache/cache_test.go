package cache

import (
	"context"
	"errors"
	"testing"
	"time"

	"ostiary/pipeline"
)

// source counts how often it is asked, and answers with the count.
type source struct {
	asked    int
	lifetime time.Duration
	err      error
}

func (s *source) load(context.Context) (int, time.Duration, error) {
	s.asked++
	return s.asked, s.lifetime, s.err
}

var one = KeyOf("one")

// ask loads and reports what it got, which is the number of the call that the
// answer comes from.
func ask(t *testing.T, c *Cache[int], key Key, from *source) int {
	t.Helper()
	got, err := c.Load(t.Context(), key, from.load)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCacheKeepsAnAnswerUntilItsEnd(t *testing.T) {
	t.Parallel()
	const lifetime = 10 * time.Second
	tests := map[string]struct {
		moves []time.Duration // between the uses
		want  []int           // the calls that the uses are answered from
	}{
		"and no longer":                            {[]time.Duration{lifetime - 1, 1}, []int{1, 1, 2}},
		"which no use puts off":                    {[]time.Duration{5 * time.Second, 4 * time.Second, time.Second}, []int{1, 1, 1, 2}},
		"nor many of them":                         {[]time.Duration{9 * time.Second, 0, 0, 0, 0, time.Second}, []int{1, 1, 1, 1, 1, 1, 2}},
		"and the next one from the next answer on": {[]time.Duration{lifetime + 7, lifetime - 1, 1}, []int{1, 2, 2, 3}},
		"even after years":                         {[]time.Duration{20 * 365 * 24 * time.Hour}, []int{1, 2}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var hand handClock
			c := Counted[int](hand.now, 10)
			from := &source{lifetime: lifetime}
			for i, want := range test.want {
				if i > 0 {
					hand.move(test.moves[i-1])
				}
				if got := ask(t, c, one, from); got != want {
					t.Errorf("use %d: got the answer of call %d, want that of %d", i, got, want)
				}
			}
		})
	}
}

func TestCacheCountsALifeFromTheAnswer(t *testing.T) {
	t.Parallel()
	var hand handClock
	c := Counted[int](hand.now, 10)
	slow := func(context.Context) (int, time.Duration, error) {
		hand.move(30 * time.Second)
		return 7, 10 * time.Second, nil
	}
	if _, err := c.Load(t.Context(), one, slow); err != nil {
		t.Fatal(err)
	}
	hand.move(10*time.Second - 1)
	next := &source{lifetime: time.Second}
	if got := ask(t, c, one, next); got != 7 {
		t.Errorf("before the end it was asked for again")
	}
	hand.move(1)
	if got := ask(t, c, one, next); got != 1 {
		t.Errorf("after the end it is still %d", got)
	}
}

func TestCacheGivesEveryAnswerItsOwnLife(t *testing.T) {
	t.Parallel()
	var hand handClock
	c := Counted[int](hand.now, 10)
	short, long, endless := &source{lifetime: time.Second}, &source{lifetime: time.Hour}, &source{lifetime: Forever}
	for _, want := range []struct {
		after                time.Duration
		short, long, endless int
	}{{0, 1, 1, 1}, {time.Second, 2, 1, 1}, {time.Hour - time.Second, 3, 2, 1}, {50 * 365 * 24 * time.Hour, 4, 3, 1}} {
		hand.move(want.after)
		got := [3]int{ask(t, c, KeyOf("short"), short), ask(t, c, KeyOf("long"), long), ask(t, c, KeyOf("endless"), endless)}
		if got != [3]int{want.short, want.long, want.endless} {
			t.Errorf("after another %v: got the answers of calls %d, want %d, %d and %d", want.after, got, want.short, want.long, want.endless)
		}
	}
}

func TestCacheKeepsNothing(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	tests := map[string]source{
		"of a call that fails":                     {lifetime: time.Hour, err: down},
		"of a lifetime of nothing":                 {},
		"of a lifetime that was over before":       {lifetime: -time.Second},
		"of a call that says that it is not there": {lifetime: time.Hour, err: pipeline.BadCredential.Because("no")},
	}
	for name, from := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Counted[int](new(handClock).now, 10) // no time passes
			for want := 1; want <= 3; want++ {
				got, err := c.Load(t.Context(), one, from.load)
				if err != from.err { //nolint:errorlint // it is to be passed on as it is
					t.Errorf("got error %v, want %v", err, from.err)
				}
				if got != want {
					t.Errorf("got the answer of call %d, want that of %d", got, want)
				}
			}
		})
	}
}

func TestCacheForgetsWhatIsMeant(t *testing.T) {
	t.Parallel()
	c := Counted[int](time.Now, 10)
	from := &source{lifetime: time.Hour}
	is := func(meant int) func(int) bool { return func(kept int) bool { return kept == meant } }
	c.Forget(one, is(1)) // there is nothing yet
	for _, step := range []struct{ forget, want int }{{0, 1}, {2, 1}, {1, 2}, {1, 2}, {2, 3}} {
		c.Forget(one, is(step.forget))
		if got := ask(t, c, one, from); got != step.want {
			t.Errorf("after %d was to be forgotten: got the answer of call %d, want that of %d", step.forget, got, step.want)
		}
	}
}

func TestCacheGivesNoAnswerToAnotherQuestion(t *testing.T) {
	t.Parallel()
	c := Counted[int](time.Now, 10)
	first := &source{lifetime: time.Hour}
	ask(t, c, KeyOf("a|b", "c"), first)
	second := &source{asked: 100, lifetime: time.Hour}
	if got := ask(t, c, KeyOf("a", "b|c"), second); got != 101 {
		t.Errorf("got the answer %d to another question", got)
	}
}

func BenchmarkCacheHit(b *testing.B) {
	c := Weighed(time.Now, 1<<20, func(*[64]byte) int { return 64 })
	load := func(context.Context) (*[64]byte, time.Duration, error) { return new([64]byte), time.Hour, nil }
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := c.Load(context.Background(), one, load); err != nil {
				b.Error(err)
			}
		}
	})
}

package cache

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// fill asks as many different questions, each with an answer of that size.
func fill(t *testing.T, c *Cache[[]byte], questions, size int) {
	t.Helper()
	for i := range questions {
		load := func(context.Context) ([]byte, time.Duration, error) { return make([]byte, size), time.Hour, nil }
		if _, err := c.Load(t.Context(), KeyOf(strconv.Itoa(i)), load); err != nil {
			t.Fatal(err)
		}
	}
	c.entries.CleanUp()
}

func TestCountedHoldsNoMoreThanItsNumber(t *testing.T) {
	t.Parallel()
	for _, most := range []int{1, 7, 1000} {
		c := Counted[[]byte](time.Now, most)
		fill(t, c, 5*most, 1)
		if got := c.entries.EstimatedSize(); got > most || got == 0 {
			t.Errorf("%d entries, at most %d are wanted", got, most)
		}
	}
}

func TestABoundOfNothingIsABound(t *testing.T) {
	t.Parallel()
	counted := Counted[[]byte](time.Now, 0)
	fill(t, counted, 10, 1)
	if got := counted.entries.EstimatedSize(); got > 1 {
		t.Errorf("%d entries", got)
	}
	weighed := Weighed(time.Now, 0, func(b []byte) int { return len(b) })
	fill(t, weighed, 10, 1)
	if got := weighed.entries.EstimatedSize(); got > 0 {
		t.Errorf("%d entries in no room", got)
	}
}

func TestWeighedHoldsNoMoreThanItsBytes(t *testing.T) {
	t.Parallel()
	const most = 100_000
	c := Weighed(time.Now, most, func(b []byte) int { return cap(b) })
	for _, size := range []int{0, 100, 2000} {
		fill(t, c, 1000, size)
		if got := c.entries.WeightedSize(); got > most || got < most/2 {
			t.Errorf("answers of %d bytes take %d, of at most %d", size, got, most)
		}
	}
}

func TestWeighedDoesNotKeepWhatIsTooBig(t *testing.T) {
	t.Parallel()
	const most = 10_000
	c := Weighed(time.Now, most, func(b []byte) int { return cap(b) })
	fill(t, c, 3, most)
	if got := c.entries.EstimatedSize(); got != 0 {
		t.Errorf("it keeps %d", got)
	}
}

func TestWeighedCountsAnAnswerOfNegativeSizeAsNothing(t *testing.T) {
	t.Parallel()
	c := Weighed(time.Now, 10*entryRoom, func([]byte) int { return -1 << 40 })
	fill(t, c, 100, 1)
	if got := c.entries.EstimatedSize(); got > 10 {
		t.Errorf("%d entries in the room of 10", got)
	}
}

// TestWeighedTakesNoMoreMemoryThanItSays is not parallel, so that it measures
// nobody else.
func TestWeighedTakesNoMoreMemoryThanItSays(t *testing.T) {
	const most, size = 2 << 20, 32
	before := heap()
	c := Weighed(time.Now, most, func(b []byte) int { return cap(b) })
	fill(t, c, 3*most/(entryRoom+size), size)
	if took := heap() - before; took > most {
		t.Errorf("%d entries take %d bytes, which is more than %d", c.entries.EstimatedSize(), took, most)
	}
	runtime.KeepAlive(c)
}

func heap() int {
	runtime.GC()
	runtime.GC() // what the first one made free
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return int(memory.HeapAlloc)
}

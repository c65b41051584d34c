package cache

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/maypok86/otter/v2"

	"ostiary/pipeline"
)

// Forever is the lifetime of what stays until room is needed.
const Forever time.Duration = math.MaxInt64

// entryRoom is what an entry takes beside its value, in bytes: the key, the
// nodes of the table and of the queues, and its share of the frequency sketch.
// It is measured, see the test of it.
const entryRoom = 200

// Cache holds answers of one type. It is safe for concurrent use.
type Cache[V any] struct {
	entries *otter.Cache[Key, entry[V]]
	clock   *clock
}

// entry is an answer with the end of its life, as a time of the cache's clock.
type entry[V any] struct {
	value V
	end   int64
}

// Counted makes a cache for so many answers, at least 1.
func Counted[V any](now func() time.Time, most int) *Cache[V] {
	return build(now, otter.Options[Key, entry[V]]{MaximumSize: max(most, 1)})
}

// Weighed makes a cache for answers that take so many bytes together, at least
// 1. weigh is what one of them takes; the cache adds its own expense.
func Weighed[V any](now func() time.Time, most int, weigh func(V) int) *Cache[V] {
	return build(now, otter.Options[Key, entry[V]]{
		MaximumWeight: uint64(max(most, 1)),
		Weigher: func(_ Key, e entry[V]) uint32 {
			return uint32(min(max(weigh(e.value), 0)+entryRoom, math.MaxInt32))
		},
	})
}

func build[V any](now func() time.Time, options otter.Options[Key, entry[V]]) *Cache[V] {
	ticking := newClock(now)
	options.Clock = ticking
	// What is read never lives longer for it: only a write sets the end.
	options.ExpiryCalculator = otter.ExpiryWritingFunc(func(e otter.Entry[Key, entry[V]]) time.Duration {
		// The library takes nothing and less for an end that is never reached.
		return max(time.Duration(e.Value.end-e.SnapshotAtNano), 1)
	})
	return &Cache[V]{entries: otter.Must(&options), clock: ticking}
}

// Load is the answer with that key: the one that the cache holds, or else the
// one that load gets, which is kept for the lifetime that load returns, from
// now on and whoever uses it. It is not kept if it comes with an error, or with
// a lifetime of nothing or less.
//
// Callers with equal keys share one call of load, its answer and its error; so
// they must not change what they get. The call has the context of the first of
// them. If that one goes away the next one calls, so nobody fails because
// somebody else left. A caller whose own context ends first gets a
// pipeline.Slow. If load panics, so does the caller whose it is; who waited
// for it gets a pipeline.Internal.
func (c *Cache[V]) Load(ctx context.Context, key Key, load func(context.Context) (V, time.Duration, error)) (V, error) {
	if kept, ok := c.entries.GetIfPresent(key); ok {
		return kept.value, nil
	}
	kept, err := c.entries.Get(ctx, key, otter.LoaderFunc[Key, entry[V]](func(ctx context.Context, _ Key) (entry[V], error) {
		value, lifetime, err := load(ctx)
		if err != nil || lifetime <= 0 {
			return entry[V]{}, &unkept[V]{value, err}
		}
		return entry[V]{value, c.clock.after(lifetime)}, nil
	}))
	var passed *unkept[V]
	switch {
	case err == nil:
		return kept.value, nil
	case errors.As(err, &passed):
		return passed.value, passed.err
	case ctx.Err() != nil:
		return kept.value, pipeline.Slow.From(fmt.Errorf("waiting for an answer that is asked for: %w", err))
	default:
		return kept.value, pipeline.Internal.From(err)
	}
}

// Get is the answer with that key, if the cache holds it.
func (c *Cache[V]) Get(key Key) (V, bool) {
	kept, ok := c.entries.GetIfPresent(key)
	return kept.value, ok
}

// Keep puts an answer in, in the place of another one with that key. It does
// nothing if the lifetime is nothing or less.
func (c *Cache[V]) Keep(key Key, value V, lifetime time.Duration) {
	if lifetime > 0 {
		c.entries.Set(key, entry[V]{value, c.clock.after(lifetime)})
	}
}

// Forget removes an answer if it is the one that is meant: another caller may
// have replaced it already.
func (c *Cache[V]) Forget(key Key, meant func(V) bool) {
	c.entries.ComputeIfPresent(key, func(kept entry[V]) (entry[V], otter.ComputeOp) {
		if meant(kept.value) {
			return kept, otter.InvalidateOp
		}
		return kept, otter.CancelOp
	})
}

// unkept carries what is not kept past the library, which keeps whatever comes
// without an error.
type unkept[V any] struct {
	value V
	err   error
}

func (*unkept[V]) Error() string { return "the answer is not to be kept" }

package cache

import (
	"context"
	"runtime"
	"strconv"
	"testing"
	"time"
	"weak"
)

// TestADroppedCacheIsCollected is not parallel, so that nobody else's
// goroutines come and go while it counts.
func TestADroppedCacheIsCollected(t *testing.T) {
	const many = 500
	goroutines := runtime.NumGoroutine()
	dropped := make([]weak.Pointer[Cache[*int]], many)
	for i := range dropped {
		c := Counted[*int](time.Now, 100)
		for key := range 10 {
			load := func(context.Context) (*int, time.Duration, error) { return new(int), Forever, nil }
			if _, err := c.Load(t.Context(), KeyOf(strconv.Itoa(key)), load); err != nil {
				t.Fatal(err)
			}
		}
		dropped[i] = weak.Make(c)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		runtime.GC()
		kept, running := 0, runtime.NumGoroutine()-goroutines
		for _, c := range dropped {
			if c.Value() != nil {
				kept++
			}
		}
		if kept == 0 && running <= 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("of %d dropped caches %d are still there, with %d goroutines", many, kept, running)
		}
		runtime.Gosched()
	}
}

// TestACacheInUseRunsNoGoroutine: the goroutines that the library cleans up in
// end by themselves.
func TestACacheInUseRunsNoGoroutine(t *testing.T) {
	goroutines := runtime.NumGoroutine()
	caches := make([]*Cache[int], 100)
	for i := range caches {
		caches[i] = Counted[int](time.Now, 10)
		ask(t, caches[i], one, &source{lifetime: time.Hour})
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines for %d caches", runtime.NumGoroutine()-goroutines, len(caches))
		}
	}
	runtime.KeepAlive(caches)
}

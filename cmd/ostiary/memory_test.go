package main

import (
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestGarbagePercent(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		live, want uint64
	}{
		{0, 400}, {1 << 20, 400}, {6 << 20, 400}, {8 << 20, 300}, {12 << 20, 200}, {24 << 20, 100}, {1 << 30, 100}, {1 << 60, 100},
	} {
		if got := garbagePercent(test.live); got != test.want {
			t.Errorf("with %d bytes in use: %d %%, want %d %%", test.live, got, test.want)
		}
	}
}

// TestGarbageFollowsWhatIsInUse collects the heap with little and with much in
// it, and looks what the collector is told. It changes the whole process's
// setting and runs alone therefore.
func TestGarbageFollowsWhatIsInUse(t *testing.T) {
	old := debug.SetGCPercent(50)
	t.Cleanup(func() { debug.SetGCPercent(old) })
	adaptToLiveHeap()
	much := make([]byte, 256<<20)
	awaitGarbagePercent(t, func(percent uint64) bool { return percent == leastGarbagePercent })
	runtime.KeepAlive(much)
	much = nil
	_ = much
	awaitGarbagePercent(t, func(percent uint64) bool { return percent > leastGarbagePercent })
}

func awaitGarbagePercent(t *testing.T, right func(uint64) bool) {
	t.Helper()
	sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	for range 1000 {
		runtime.GC()
		if metrics.Read(sample); right(sample[0].Value.Uint64()) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("garbage may be %d %%", sample[0].Value.Uint64())
}

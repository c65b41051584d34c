package main

import (
	"log/slog"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

const (
	// shareOfLimit is how much of the memory that a container may have the heap
	// may take. What remains is for stacks, connections and the binary itself.
	shareOfLimit = 0.9

	// spareGarbage is how much garbage, in bytes, may always wait to be
	// collected. A gate with few rules keeps almost nothing and makes a few KiB
	// for each request: collected whenever it has doubled, that would be done
	// dozens of times a second.
	spareGarbage = 24 << 20

	// The percentage of what is in use that may wait to be collected is Go's
	// own at the least, and never more than this.
	leastGarbagePercent, mostGarbagePercent = 100, 400
)

// manageMemory keeps the heap below what the container may have, and collects
// it as seldom as little memory allows. GOMEMLIMIT and GOGC have the last word,
// each on its own matter.
func manageMemory(log *slog.Logger) {
	limit, err := memlimit.Set(memlimit.WithProvider(memlimit.FromCgroup), memlimit.WithRatio(shareOfLimit))
	switch {
	case err != nil:
		log.Debug("there is no memory limit to heed", "reason", err)
	case limit < math.MaxInt64:
		log.Info("the heap is kept below the memory limit", "limit_bytes", limit)
	}
	if _, set := os.LookupEnv("GOGC"); !set {
		adaptToLiveHeap()
	}
}

// adaptToLiveHeap sets the percentage for garbage by what is in use now, and
// does so again after each collection: that is when a finalizer runs, once.
func adaptToLiveHeap() {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/gogc:percent"}}
	metrics.Read(live)
	percent, old := garbagePercent(live[0].Value.Uint64()), live[1].Value.Uint64()
	if percent*10 < old*9 || percent*9 > old*10 {
		debug.SetGCPercent(int(percent)) //nolint:gosec // it is no more than the most; this stops the world for a moment, and so only for a change that shows
	}
	type collected struct{ _ *byte } // has a pointer, and so an address of its own
	runtime.SetFinalizer(new(collected), func(*collected) { adaptToLiveHeap() })
}

// garbagePercent is what makes the spare bytes, of that many in use.
func garbagePercent(live uint64) uint64 {
	return min(max(100*spareGarbage/max(live, 1), leastGarbagePercent), mostGarbagePercent)
}

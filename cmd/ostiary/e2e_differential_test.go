//go:build e2e

package main_test

import (
	"fmt"
	"os"
	"strconv"
	"sync"
	"testing"
)

const (
	differentialTargets = 52_000 // of a run, unless OSTIARY_DIFFERENTIAL_TARGETS says another number
	differentialChunk   = 1040   // are asked about together
	differentialWorkers = 3

	// One in so many is also asked about as a gateway does, and one in so many is sent to Node and to Python as a request.
	decisionShare = 20
	nodeShare     = 10
	pythonShare   = 50
)

func differentialNumber(t *testing.T, name string, otherwise int) int {
	t.Helper()
	text, set := os.LookupEnv(name)
	if !set {
		return otherwise
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 {
		t.Fatalf("%s is %q, and has to be a number", name, text)
	}
	return number
}

// TestE2EDifferential holds the gate to what others make of the same bytes: of no target that it takes for a public one
// may anybody behind it think that it is protected, and where it says that a target leads, there it leads.
// OSTIARY_DIFFERENTIAL_FIRST is the number of the first target, to have one of them again.
func TestE2EDifferential(t *testing.T) {
	first := differentialNumber(t, "OSTIARY_DIFFERENTIAL_FIRST", 0)
	end := first + differentialNumber(t, "OSTIARY_DIFFERENTIAL_TARGETS", differentialTargets)
	behind := startBackends(t)
	gate := startDifferentialGate(t, behind.echo.server.URL)
	tally := newDifferentialTally(end - first)
	chunks := make(chan int)
	var workers sync.WaitGroup
	for range differentialWorkers {
		c := newComparison(t, gate, behind, tally)
		workers.Go(func() {
			for start := range chunks {
				if err := c.compare(start, min(start+differentialChunk, end)); err != nil {
					tally.fail(fmt.Errorf("targets from %d on: %w", start, err))
				}
			}
		})
	}
	for start := first; start < end && !tally.hasFailed(); start += differentialChunk {
		chunks <- start
		tally.progress(t)
	}
	close(chunks)
	workers.Wait()
	tally.report(t)
	gate.stop(t)
}

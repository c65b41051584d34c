//go:build e2e

package main_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// shownDisagreements are written out of those that a class has with an oracle. The others are counted.
const shownDisagreements = 3

// differentialTally counts what comes of a run.
type differentialTally struct {
	mutex         sync.Mutex
	started, told time.Time
	total, done   int
	standings     map[string]map[standing]int // by class
	notes         map[string]int
	disagreements map[string]int // by class and oracle
	examples      []string
	remarks       []string
	failure       error
}

func newDifferentialTally(total int) *differentialTally {
	return &differentialTally{
		started: time.Now(), told: time.Now(), total: total,
		standings: map[string]map[standing]int{}, notes: map[string]int{}, disagreements: map[string]int{},
	}
}

func (d *differentialTally) count(class string, o standing) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.standings[class] == nil {
		d.standings[class] = map[standing]int{}
	}
	d.standings[class][o]++
	d.done++
}

func (d *differentialTally) note(what string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.notes[what]++
}

// example is a note, with what it is about written down a few times.
func (d *differentialTally) example(what, text string) {
	d.note(what)
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.notes[what] <= shownDisagreements {
		d.remarks = append(d.remarks, what+": "+text)
	}
}

// unread is of a target that the gate let pass and that an oracle does not serve.
func (d *differentialTally) unread(oracle string) { d.note(oracle + " refused what had passed") }

func (d *differentialTally) served(oracle string) { d.note(oracle + " as a server said the same") }

func (d *differentialTally) disagree(class, oracle, text string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	key := oracle + ", about " + class
	d.disagreements[key]++
	if d.disagreements[key] <= shownDisagreements {
		d.examples = append(d.examples, text)
	}
}

// fail ends the run.
func (d *differentialTally) fail(err error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.failure == nil {
		d.failure = err
	}
}

func (d *differentialTally) hasFailed() bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.failure != nil
}

func (d *differentialTally) progress(t *testing.T) {
	t.Helper()
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if time.Since(d.told) < 5*time.Second {
		return
	}
	d.told = time.Now()
	t.Logf("%d of %d targets after %v, %d disagreements", d.done, d.total, time.Since(d.started).Round(time.Second), d.all())
}

func (d *differentialTally) all() int {
	sum := 0
	for _, count := range d.disagreements {
		sum += count
	}
	return sum
}

// report writes the figures down, and fails the test if there is a disagreement, or nothing that could have been one.
func (d *differentialTally) report(t *testing.T) {
	t.Helper()
	var table strings.Builder
	columns := []standing{publicTarget, guardedTarget, absentTarget, refusedTarget, unansweredTarget}
	fmt.Fprintf(&table, "%-24s%9s", "class", "targets")
	for _, o := range columns {
		fmt.Fprintf(&table, "%9s", o)
	}
	sum := map[standing]int{}
	row := func(name string, counts map[standing]int) {
		of := 0
		for _, count := range counts {
			of += count
		}
		fmt.Fprintf(&table, "\n%-24s%9d", name, of)
		for _, o := range columns {
			fmt.Fprintf(&table, "%9d", counts[o])
		}
	}
	for i := range targetClasses {
		counts := d.standings[targetClasses[i].name]
		row(targetClasses[i].name, counts)
		for o, count := range counts {
			sum[o] += count
		}
	}
	row("all", sum)
	t.Logf("%v for\n%s", time.Since(d.started).Round(time.Second), table.String())
	for _, what := range slices.Sorted(maps.Keys(d.notes)) {
		t.Logf("%d times: %s", d.notes[what], what)
	}
	for _, remark := range d.remarks {
		t.Log(remark)
	}
	t.Logf("%d disagreements", d.all())
	for _, key := range slices.Sorted(maps.Keys(d.disagreements)) {
		t.Errorf("%d disagreements with %s", d.disagreements[key], key)
	}
	for _, example := range d.examples {
		t.Error(example)
	}
	if d.failure != nil {
		t.Fatal(d.failure)
	}
	if d.total >= 20_000 && (sum[publicTarget] < d.total/10 || sum[guardedTarget] < d.total/50 || sum[refusedTarget] < d.total/10) {
		t.Errorf("too few of the targets are public, guarded or refused for the run to say anything: %v", sum)
	}
}

package main_test

import (
	"cmp"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

const suitesDir = "../../testdata/conformance"

// suiteSlots bounds how many engines run at a time. Suites wait more than they compute, but some of their cases
// tell a slow backend from one that is too slow, and those need an engine that gets its turn.
var suiteSlots = make(chan struct{}, 4)

// TestConformance replays what Oathkeeper answered, and what is pinned by hand, against the engine.
func TestConformance(t *testing.T) {
	for _, s := range readScripts(t) {
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			suiteSlots <- struct{}{}
			t.Cleanup(func() { <-suiteSlots })
			replaySuite(t, s)
		})
	}
}

func replaySuite(t *testing.T, s script) {
	r := newReplay(t, s)
	for _, a := range r.Setup {
		if err := r.do(a); err != nil {
			t.Fatal(err)
		}
	}
	e := startEngine(t, r.dir, r.ports, []string{filepath.Join(r.dir, "config.yaml")}, r.Env)
	notReady := e.awaitReady()
	if !r.mustStart() {
		t.Run("refuses to start", func(t *testing.T) {
			if notReady == nil {
				t.Error("the engine started with a configuration that it must refuse")
			} else if state := e.command.ProcessState; !e.hasEnded() || state.ExitCode() <= 0 {
				t.Errorf("the engine must exit with a status of its own, not 0: %v", notReady)
			}
		})
		return
	}
	if notReady != nil {
		t.Fatal(notReady)
	}
	for _, c := range r.Cases {
		t.Run(c.Name, func(t *testing.T) {
			for _, a := range c.Before {
				if err := r.do(a); err != nil {
					t.Fatal(err)
				}
			}
			if s.hurried() {
				c.EventuallyMS = max(c.EventuallyMS, hurriedPatience)
			}
			for _, difference := range r.playUntilRight(c) {
				t.Error(difference)
			}
		})
	}
	e.stop(t)
}

// playUntilRight plays a case, and while its outcome is wrong plays it again for as long as the case allows.
// It returns what was wrong the last time.
func (r *replay) playUntilRight(c testCase) []string {
	deadline := time.Now().Add(time.Duration(c.EventuallyMS) * time.Millisecond)
	for {
		differences := c.Expect.differences(r.play(c))
		if len(differences) == 0 || time.Now().After(deadline) {
			return differences
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// readScripts reads all suites, by name.
func readScripts(t *testing.T) []script {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(suitesDir, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var scripts []script
	for _, path := range paths {
		s, err := readScript(path)
		if err != nil {
			t.Fatal(err)
		}
		scripts = append(scripts, s)
	}
	if len(scripts) == 0 {
		t.Fatalf("no suites in %s", suitesDir)
	}
	slices.SortFunc(scripts, func(a, b script) int { return cmp.Compare(a.Name, b.Name) })
	return scripts
}

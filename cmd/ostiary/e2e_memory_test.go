//go:build e2e

package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"testing"
	"time"
)

// What the scenario's container may have of memory, in bytes, and what the engine takes of that for its heap.
const (
	containerMemory = 128 << 20
	heapOfContainer = containerMemory * 9 / 10
)

// TestE2EAThousandRulesFitIntoTheContainer serves a load on both ports with a thousand rules, which are exchanged
// meanwhile, and stays below what its container may have. It is the binary as it is delivered: the race detector alone
// would need more than that.
func TestE2EAThousandRulesFitIntoTheContainer(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "ostiary")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	upstream := echoing(t)
	i := newInstanceWith(t, object{}, thousandRules(upstream, 0))
	i.engine = startBinary(t, binary, i.dir, i.ports, []string{i.config}, map[string]string{"GOMEMLIMIT": strconv.Itoa(heapOfContainer)})
	if err := i.awaitReady(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var running sync.WaitGroup
	for listener, prefix := range map[string]string{"proxy": "", "api": "/decisions"} {
		transport := &http.Transport{MaxIdleConnsPerHost: 64}
		t.Cleanup(transport.CloseIdleConnections)
		client := &http.Client{Transport: transport, Timeout: lifeLimit}
		running.Go(func() {
			answered, problems := steadily(ctx, 5*time.Millisecond, 64, func(n int) error {
				answer, err := client.Get(i.url(listener, fmt.Sprintf("%s/service-%d/items/%d?q=%d", prefix, n%1000, n, n)))
				if err != nil {
					return err
				}
				defer answer.Body.Close()
				if answer.StatusCode != http.StatusOK {
					return fmt.Errorf("%s: %s", listener, answer.Status)
				}
				return nil
			})
			for _, problem := range problems[:min(len(problems), 5)] {
				t.Errorf("%d requests failed: %v", len(problems), problem)
			}
			t.Logf("%s: %d answered", listener, answered)
		})
	}
	for generation := 1; generation <= 10; generation++ {
		i.write(t, "rules.json", thousandRules(upstream, generation))
		i.awaitLogged(t, `msg="access rules in force"`, generation+1)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
	running.Wait()
	peak := i.peakMemory(t)
	t.Logf("at most %d MiB resident", peak>>20)
	if peak >= containerMemory {
		t.Errorf("at most %d MiB resident, where the container has %d", peak>>20, containerMemory>>20)
	}
	i.stop(t)
}

// thousandRules let everything pass, in ways that differ between generations.
func thousandRules(upstream string, generation int) []object {
	var rules []object
	for n := range 1000 {
		rule := openRule(upstream)
		rule["id"] = fmt.Sprintf("service-%d", n)
		rule["match"] = object{"url": fmt.Sprintf("<https?>://<[^/]+>/service-%d/<[a-z]+>/<.*>", n), "methods": []string{"GET", "POST"}}
		rule["description"] = fmt.Sprintf("generation %d", generation)
		rules = append(rules, rule)
	}
	return rules
}

var highWaterMark = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peakMemory is the most that has been resident of the process, in bytes.
func (i *instance) peakMemory(t *testing.T) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", i.command.Process.Pid))
	if err != nil {
		t.Fatal(err)
	}
	found := highWaterMark.FindSubmatch(status)
	if found == nil {
		t.Fatalf("the system does not tell: %s", status)
	}
	kilobytes, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return kilobytes << 10
}

//go:build e2e

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// plainBinary is the engine as it is deployed: the race detector multiplies the memory that it takes.
var plainBinary = sync.OnceValues(func() (string, error) {
	built := filepath.Join(workshop, "ostiary-plain")
	if out, err := exec.Command("go", "build", "-o", built, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return built, nil
})

// startPlainEngine starts the engine without the race detector, with one rule.
func startPlainEngine(t *testing.T, rule guard) (*server, listeners) {
	t.Helper()
	path, err := plainBinary()
	if err != nil {
		t.Fatal(err)
	}
	s, ports, local := &server{name: "the engine", path: path, dir: t.TempDir()}, freeListeners(t), map[string]any{}
	ports.bind(local)
	rules := filepath.Join(s.dir, "rules.json")
	section(local, "access_rules")["repositories"] = []string{"file://" + rules}
	for file, text := range map[string]string{
		"engine.yaml": replaced(t, "victoria-metrics/engine.yaml", map[string]string{"SESSIONS": "http://127.0.0.1:1"}),
		"local.json":  asJSON(t, local), "rules.json": asJSON(t, []any{rule.rule("")}),
	} {
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			text, err := os.ReadFile(s.log())
			t.Logf("from the log of %s (%v):\n%s", s.name, err, text[max(0, len(text)-4000):])
		}
	})
	s.args = []string{"serve", "--config", "engine.yaml", "--config", "local.json"}
	s.ready = []string{"http://" + ports.address("api") + "/health/ready"}
	s.start(t)
	return s, ports
}

// TestE2EVictoriaMetricsImport sends much more through the proxy than may be in its memory.
func TestE2EVictoriaMetricsImport(t *testing.T) {
	t.Parallel()
	const mebibyte = 1 << 20
	v := startVictoriaMetrics(t)
	engine, ports := startPlainEngine(t, metricsGuard(anybody, v.url("")))
	client := towards(t, ports.address("proxy"))

	// What the engine needs for any request of this kind it has then.
	metricLines{name: "warm", series: 100, points: 1000, lines: 8}.send(t, client)
	engine.forgetPeak(t)
	before := engine.resident(t, "VmRSS")

	load := metricLines{name: "load", series: 100, points: 1000, lines: 54}
	if sent := load.send(t, client); sent < 100*mebibyte {
		t.Fatalf("only %d bytes were imported", sent)
	}
	grown := engine.resident(t, "VmHWM") - before
	t.Logf("memory grew from %d KiB by %d KiB at most", before>>10, grown>>10)
	if grown > 16*mebibyte {
		t.Errorf("the engine's memory grew from %d by %d bytes, expected less than 16 MiB", before, grown)
	}

	v.settle(t)
	// Each series counts from zero, and so no two points can stand for one another.
	each, all := load.points*load.lines, load.total()
	window := strconv.Itoa(each) + "m"
	for query, want := range map[string]int{
		"sum(count_over_time(load[" + window + "]))": all,
		"sum(sum_over_time(load[" + window + "]))":   load.series * each * (each - 1) / 2,
		"count(load)": load.series,
	} {
		if got := v.number(t, query, load.last()); got != strconv.Itoa(want) {
			t.Errorf("%s is %s, expected %d", query, got, want)
		}
	}
	engine.stop(t)
}

// forgetPeak makes the largest size of the process its present one.
func (s *server) forgetPeak(t *testing.T) {
	t.Helper()
	if err := os.WriteFile(s.proc("clear_refs"), []byte("5"), 0); err != nil {
		t.Fatal(err)
	}
}

// resident is a size of the process's memory, in bytes.
func (s *server) resident(t *testing.T, name string) int {
	t.Helper()
	text, err := os.ReadFile(s.proc("status"))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, name+":"); is {
			kibibytes, err := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			if err != nil {
				t.Fatal(err)
			}
			return kibibytes << 10
		}
	}
	t.Fatalf("the kernel does not tell %s", name)
	return 0
}

func (s *server) proc(file string) string {
	return fmt.Sprintf("/proc/%d/%s", s.command.Process.Pid, file)
}

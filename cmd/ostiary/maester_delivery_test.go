package main_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	// How often each way of delivery changes the rules.
	maesterChanges = 8

	// emptyFor is how long a file that is rewritten in place stays empty.
	emptyFor = 200 * time.Millisecond
)

// poorRule has a pattern that does not compile. Maester does not look at patterns.
const poorRule = `
metadata: { name: poor, namespace: default }
spec:
  match: { url: "http://poor.localhost/<(>", methods: [GET] }
  upstream: { url: "http://poor.default:8080" }
  authenticators: [{ handler: cookie_session }]
  authorizer: { handler: allow }
  mutators: [{ handler: header }]
`

// maesterRules are rules for several services, by Maester, which all say which generation they are of, after some
// other ones.
func maesterRules(t *testing.T, generation int64, others ...string) string {
	t.Helper()
	apps := others
	for app := range appCount {
		apps = append(apps, fmt.Sprintf(`
metadata: { name: app%[1]d, namespace: default }
spec:
  match: { url: "http://app%[1]d.localhost</?.*>", methods: [GET] }
  upstream: { url: "http://app%[1]d.default:8080", preserveHost: true }
  authenticators: [{ handler: cookie_session }]
  authorizer: { handler: allow }
  mutators: [{ handler: header, config: { headers: { X-Generation: "%[2]d" } } }]
`, app, generation))
	}
	return maesterText(t, apps...)
}

// underLoad runs a test while requests are sent to both listeners, none of which may fail, or be answered by rules
// that were not in force.
func underLoad(t *testing.T, d *deployment, test func(l *load)) {
	t.Helper()
	l := &load{deployment: d}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer func() {
		cancel()
		running.Wait()
		for _, problem := range l.problems {
			t.Error(problem)
		}
		d.stop(t)
	}()
	for i := range l.listeners() {
		running.Go(func() { l.run(ctx, i) })
	}
	test(l)
}

// TestMaesterThroughAConfigMap delivers what Maester's controller writes as the kubelet does.
func TestMaesterThroughAConfigMap(t *testing.T) {
	t.Parallel()
	underLoad(t, deploy(t, maesterRules(t, 0)), func(l *load) {
		for generation := int64(1); generation <= maesterChanges; generation++ {
			l.published.Store(generation)
			l.publish(t, maesterRules(t, generation))
			if err := l.await(generation); err != nil {
				t.Error(err)
			}
		}
		generation := int64(maesterChanges) + 1
		t.Run("a rule whose pattern does not compile keeps none of the others back", func(t *testing.T) {
			l.published.Store(generation)
			l.publish(t, maesterRules(t, generation, poorRule))
			if err := l.await(generation); err != nil {
				t.Error(err)
			}
		})
		for name, broken := range brokenRules(maesterRules(t, generation)) {
			t.Run(name, func(t *testing.T) {
				l.publish(t, broken)
				l.awaitStale(t)
				l.keepsAnswering(t)
				generation++
				l.published.Store(generation)
				l.publish(t, maesterRules(t, generation))
				if err := l.await(generation); err != nil {
					t.Error(err)
				}
			})
		}
	})
}

// TestMaesterAsASidecar delivers what Maester's sidecar writes as it does: it empties the file, and then fills it.
func TestMaesterAsASidecar(t *testing.T) {
	t.Parallel()
	d := deploy(t, maesterRules(t, 0))
	file := filepath.Join(d.mount, "access-rules.json")
	// Its volume holds the file itself, and no link to one.
	if err := os.WriteFile(file+".new", []byte(maesterRules(t, 0)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(file+".new", file); err != nil {
		t.Fatal(err)
	}
	underLoad(t, d, func(l *load) {
		rewrite := func(t *testing.T, generation int64) {
			t.Helper()
			l.published.Store(generation)
			rewriteInPlace(t, file, maesterRules(t, generation))
			if err := l.await(generation); err != nil {
				t.Error(err)
			}
		}
		generation := int64(0)
		for range maesterChanges {
			generation++
			rewrite(t, generation)
		}
		faults := map[string]func() error{"a deleted file": func() error { return os.Remove(file) }}
		for name, broken := range brokenRules(maesterRules(t, generation)) {
			faults[name] = func() error { return os.WriteFile(file, []byte(broken), 0o600) }
		}
		for name, spoil := range faults {
			t.Run(name, func(t *testing.T) {
				if err := spoil(); err != nil {
					t.Fatal(err)
				}
				l.awaitStale(t)
				l.keepsAnswering(t)
				generation++
				rewrite(t, generation)
			})
		}
	})
}

// brokenRules are what a file may hold that is no rules.
func brokenRules(good string) map[string]string {
	return map[string]string{
		"zero bytes":         "",
		"half of a file":     good[:len(good)/2],
		"bad JSON":           strings.Replace(good, ":", "", 1),
		"no list of objects": `{"rules": true}`,
	}
}

// rewriteInPlace does what os.Create and a slow write do.
func rewriteInPlace(t *testing.T, path, text string) {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	time.Sleep(emptyFor)
	if _, err := file.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

// awaitStale waits until the engine has noticed that its rules cannot be read, and says so.
func (l *load) awaitStale(t *testing.T) {
	t.Helper()
	deadline := time.Now().Add(inForce)
	for {
		answer, err := plainClient.Get("http://" + l.ports.address("prometheus") + "/metrics")
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nostiary_rule_sources_stale 1\n") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v nothing is stale", inForce)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// keepsAnswering waits for some more answers; the load reports those that are wrong.
func (l *load) keepsAnswering(t *testing.T) {
	t.Helper()
	const some = 20
	deadline, before := time.Now().Add(inForce), l.answered.Load()
	for l.answered.Load() < before+some {
		if l.troubled() || time.Now().After(deadline) {
			t.Fatalf("%d requests were answered", l.answered.Load()-before)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

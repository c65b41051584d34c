package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const (
	swapCount = 100
	appCount  = 5

	// The load on each of the two listeners: a request every so often, and no more than so many at a time.
	loadPace     = 2 * time.Millisecond
	loadInFlight = 16

	// How long the load runs on with each generation once it is in force.
	loadDwell = 100 * time.Millisecond
)

// TestConfigMapSwapsUnderLoad swaps the ConfigMap a hundred times while requests are running. Each swap has to come in
// force, no request may fail, and none may be answered by a mixture of two sets of rules or by a set older
// than one that had answered before it was sent.
func TestConfigMapSwapsUnderLoad(t *testing.T) {
	t.Parallel()
	d := deploy(t, generationRules(t, 0))
	l := &load{deployment: d}
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for i := range l.listeners() {
		running.Go(func() { l.run(ctx, i) })
	}
	var slowest time.Duration
	early := int64(0) // what the engine takes up when it has seen a quarter of the swaps
	for generation := int64(1); generation <= swapCount && !t.Failed(); generation++ {
		l.published.Store(generation)
		d.publish(t, generationRules(t, generation))
		written := time.Now()
		if err := l.await(generation); err != nil {
			t.Error(err)
		}
		slowest = max(slowest, time.Since(written))
		time.Sleep(loadDwell)
		if generation == swapCount/4 {
			early = d.memory(t)
		}
	}
	late := d.memory(t)
	cancel()
	running.Wait()
	if late > early+early/2 {
		t.Errorf("the engine has grown from %d MiB after %d swaps to %d MiB after %d", early>>20, swapCount/4, late>>20, swapCount)
	}
	for _, problem := range l.problems {
		t.Error(problem)
	}
	t.Logf("%d requests answered during %d swaps, the slowest in force after %v; %d MiB in use, %d MiB at a quarter of them",
		l.answered.Load(), l.published.Load(), slowest.Round(time.Millisecond), late>>20, early>>20)
	d.stop(t)
}

// memory is what the engine takes up, in bytes.
func (e *engine) memory(t *testing.T) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.command.Process.Pid))
	if err != nil {
		t.Skip("there is no /proc to read it from")
	}
	_, after, _ := strings.Cut(string(text), "VmRSS:")
	kibibytes, err := strconv.ParseInt(strings.Fields(after)[0], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kibibytes << 10
}

// generationRules are rules for several services which all say which generation they are of.
func generationRules(t *testing.T, generation int64) string {
	t.Helper()
	type object map[string]any
	var list []object
	for app := range appCount {
		name := fmt.Sprintf("app%d", app)
		list = append(list, object{
			"id":             name + ".default",
			"upstream":       object{"url": "http://" + name + ".default:8080", "preserve_host": true},
			"match":          object{"url": "http://" + name + ".localhost</?.*>", "methods": []string{"GET", "POST"}},
			"authenticators": []object{{"handler": "cookie_session"}},
			"authorizer":     object{"handler": "allow"},
			"errors":         []object{{"handler": "redirect"}},
			"mutators": []object{{"handler": "header", "config": object{
				"headers": object{"X-Generation": strconv.FormatInt(generation, 10)},
			}}},
		})
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// load is a steady stream of requests to both listeners, and what came of them.
type load struct {
	*deployment
	published atomic.Int64    // the newest generation that was written
	newest    [2]atomic.Int64 // the newest that each listener answered with
	answered  atomic.Int64

	mu       sync.Mutex
	problems []string
}

func (l *load) listeners() [2]string { return [2]string{"proxy", "api"} }

// run sends requests to a listener until ctx is done, and returns when the last one is answered.
func (l *load) run(ctx context.Context, listener int) {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, loadInFlight)
	pace := time.NewTicker(loadPace)
	defer pace.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-pace.C:
		}
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			// A request that is on its way is answered, whatever ends the load.
			if err := l.request(context.WithoutCancel(ctx), listener, n%appCount); err != nil {
				l.report(err)
			}
		})
	}
}

// request sends one request and judges its answer.
func (l *load) request(ctx context.Context, listener, app int) error {
	name := l.listeners()[listener]
	target, prefix := fmt.Sprintf("http://app%d.localhost.com/targets", app), "Seen-"
	if name == "api" {
		target, prefix = fmt.Sprintf("http://app%d.localhost.com/decisions/targets", app), ""
	}
	floor := max(l.newest[0].Load(), l.newest[1].Load())
	got, err := l.send(ctx, name, http.MethodGet, target, map[string]string{"Cookie": "ory_kratos_session=good"}, "")
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	users, generations := got.header.Values(prefix+"X-User-Id"), got.header.Values(prefix+"X-Generation")
	if got.status != http.StatusOK || len(users) != 1 || users[0] != "u-1" || len(generations) != 1 {
		return fmt.Errorf("%s: status %d, users %q, generations %q", name, got.status, users, generations)
	}
	generation, err := strconv.ParseInt(generations[0], 10, 64)
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if newest := l.published.Load(); generation < floor || generation > newest {
		return fmt.Errorf("%s: answered by generation %d, when %d had answered and %d was the newest",
			name, generation, floor, newest)
	}
	l.answered.Add(1)
	raise(&l.newest[listener], generation)
	return nil
}

// raise sets a value that never sinks.
func raise(value *atomic.Int64, to int64) {
	for old := value.Load(); old < to && !value.CompareAndSwap(old, to); old = value.Load() {
	}
}

// await returns when both listeners have answered with this generation, or an error when that takes too long or
// when a request went wrong meanwhile.
func (l *load) await(generation int64) error {
	deadline := time.Now().Add(inForce)
	for l.newest[0].Load() < generation || l.newest[1].Load() < generation {
		if l.troubled() {
			return fmt.Errorf("requests failed while generation %d was published", generation)
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("generation %d is not in force after %v: the proxy is at %d, the API at %d",
				generation, inForce, l.newest[0].Load(), l.newest[1].Load())
		}
		time.Sleep(2 * time.Millisecond)
	}
	return nil
}

func (l *load) report(problem error) {
	const most = 20
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.problems) < most {
		l.problems = append(l.problems, problem.Error())
	}
}

func (l *load) troubled() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.problems) > 0
}

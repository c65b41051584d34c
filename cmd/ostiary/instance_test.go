package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// lifeLimit is when something that the engine has to do counts as not done. It measures nothing.
const lifeLimit = 30 * time.Second

// instance is an engine with a configuration of its own, which can be started more than once.
type instance struct {
	*engine
	dir    string
	config string // the file
	ports  listeners
	env    map[string]string // beside a bare environment
}

// object is a JSON object.
type object = map[string]any

// openRule lets everything pass to an upstream.
func openRule(upstream string) object {
	return object{
		"id": "open", "match": object{"url": "<https?>://<.*>", "methods": []string{"GET", "POST"}},
		"authenticators": []object{{"handler": "anonymous"}}, "authorizer": object{"handler": "allow"},
		"mutators": []object{{"handler": "noop"}}, "upstream": object{"url": upstream},
	}
}

// newInstance writes the configuration of an engine whose rules let everything pass to the upstream. The settings are
// those below serve; it is not started yet.
func newInstance(t testing.TB, upstream string, serve object) *instance {
	t.Helper()
	return newInstanceWith(t, serve, []object{openRule(upstream)})
}

func newInstanceWith(t testing.TB, serve object, rules []object) *instance {
	t.Helper()
	i := &instance{dir: t.TempDir(), ports: freeListeners(t)}
	i.config = filepath.Join(i.dir, "config.json")
	i.write(t, "rules.json", rules)
	i.configure(t, serve)
	return i
}

// configure writes the configuration, by a rename, and with the ports that the instance has.
func (i *instance) configure(t testing.TB, serve object) {
	t.Helper()
	settings := object{
		"serve":          maps.Clone(serve),
		"access_rules":   object{"repositories": []string{"file://" + filepath.Join(i.dir, "rules.json")}},
		"authenticators": object{"anonymous": object{"enabled": true}},
		"authorizers":    object{"allow": object{"enabled": true}},
		"mutators":       object{"noop": object{"enabled": true}},
	}
	i.ports.bind(settings)
	i.write(t, "config.json", settings)
}

func (i *instance) write(t testing.TB, name string, value any) {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(i.dir, name)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// start starts it, and returns at once.
func (i *instance) start(t testing.TB) {
	t.Helper()
	i.engine = startEngine(t, i.dir, i.ports, []string{i.config}, i.env)
}

// startReady starts it and waits until it is ready.
func (i *instance) startReady(t testing.TB) {
	t.Helper()
	i.start(t)
	if err := i.awaitReady(); err != nil {
		t.Fatal(err)
	}
}

func (i *instance) url(listener, path string) string {
	return "http://" + i.ports.address(listener) + path
}

func (i *instance) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := i.command.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// logged is how often a text is in the log.
func (i *instance) logged(t testing.TB, text string) int {
	t.Helper()
	all, err := os.ReadFile(i.log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Count(string(all), text)
}

// awaitLogged waits until a text has been logged so often.
func (i *instance) awaitLogged(t testing.TB, text string, times int) {
	t.Helper()
	await(t, fmt.Sprintf("%q to be logged %d times", text, times), func() bool { return i.logged(t, text) >= times })
}

// await waits until something holds.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	awaitFor(t, lifeLimit, what, holds)
}

// awaitFor waits for what takes longer than anything should that a person waits for.
func awaitFor(t testing.TB, limit time.Duration, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(limit); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

// awaitEnd waits until the process is gone, which has to leave with status 0.
func (i *instance) awaitEnd(t testing.TB) {
	t.Helper()
	select {
	case <-i.ended:
		if !i.command.ProcessState.Success() {
			t.Errorf("the engine left with %v", i.command.ProcessState)
		}
	case <-time.After(lifeLimit):
		t.Fatal("the engine does not end")
	}
}

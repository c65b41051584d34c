package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// action is something that happens between requests: to a file, to a backend, to the clock, or a request that
// nobody looks at the answer of.
type action struct {
	Do      string  `json:"do"`
	Name    string  `json:"name"`
	Content content `json:"content"`
	MS      int     `json:"ms"`
	To      string  `json:"to"`
	Request request `json:"request"`
	stub
}

// replay is a suite being played: its directory, its backends, and the engine's ports.
type replay struct {
	suite
	dir      string
	ports    listeners
	backends map[string]*backend
}

// newReplay starts the script's backends and writes its files; the engine is not running yet.
func newReplay(t *testing.T, s script) *replay {
	t.Helper()
	r := &replay{dir: t.TempDir(), ports: freeListeners(t), backends: map[string]*backend{}}
	places := map[string]string{
		"dir":    r.dir,
		"closed": fmt.Sprintf("127.0.0.1:%d", freePort(t)),
		"proxy":  r.ports.address("proxy"),
		"api":    r.ports.address("api"),
	}
	for _, name := range s.backends() {
		b := startBackend(name)
		t.Cleanup(b.server.Close)
		r.backends[name], places[name] = b, b.address()
	}
	var err error
	if r.suite, err = s.at(places); err != nil {
		t.Fatal(err)
	}
	for _, stub := range r.Stubs {
		// A suite may script a service that nothing in it refers to.
		if b := r.backends[stub.Service]; b != nil {
			b.stubs = append(b.stubs, stub)
		}
	}
	if err := r.writeFiles(); err != nil {
		t.Fatal(err)
	}
	return r
}

// writeFiles puts the suite's files into its directory, and its configuration with the ports filled in.
func (r *replay) writeFiles() error {
	if r.Rules.given {
		if err := r.write("rules.json", r.Rules.text); err != nil {
			return err
		}
		if access := section(r.Config, "access_rules"); access["repositories"] == nil {
			access["repositories"] = []string{"file://" + filepath.Join(r.dir, "rules.json")}
		}
	}
	for name, file := range r.Files {
		if err := r.write(name, file.text); err != nil {
			return err
		}
	}
	r.ports.bind(r.Config)
	config, err := json.MarshalIndent(r.Config, "", " ")
	if err != nil {
		return err
	}
	if r.ConfigText != "" {
		config = []byte(r.ConfigText)
	}
	return r.write("config.yaml", string(config))
}

func (r *replay) write(name, text string) error {
	path := filepath.Join(r.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o600)
}

func (r *replay) do(a action) error {
	switch path := filepath.Join(r.dir, a.Name); a.Do {
	case "write":
		return r.write(a.Name, a.Content.text)
	case "replace": // as editors and configuration management do: write beside it, rename over it
		if err := r.write(a.Name+".new", a.Content.text); err != nil {
			return err
		}
		return os.Rename(path+".new", path)
	case "configmap":
		var files map[string]content
		if err := json.Unmarshal([]byte(a.Content.text), &files); err != nil {
			return err
		}
		texts := map[string]string{}
		for name, file := range files {
			texts[name] = file.text
		}
		return swapConfigMap(path, texts)
	case "remove":
		return os.Remove(path)
	case "stub":
		b := r.backends[a.Service]
		if b == nil {
			return fmt.Errorf("no backend is called %q", a.Service)
		}
		b.prefer(&a.stub)
		return nil
	case "wait":
		time.Sleep(time.Duration(a.MS) * time.Millisecond)
		return nil
	case "request":
		_, err := exchange(r.portOf(a.To), a.Request)
		return err
	default:
		return fmt.Errorf("no action is called %q", a.Do)
	}
}

func (r *replay) portOf(listener string) string {
	if listener == "" {
		listener = "proxy"
	}
	return r.ports.address(listener)
}

// outcome is the answer to a case's request, and all requests that reached backends on its way.
type outcome struct {
	answer
	failure  error // there was no answer
	backends []received
}

// settleTime is how long a backend may take to note a request that the engine sent although it had its answer,
// such as one smuggled in behind another.
const settleTime = 10 * time.Millisecond

func (r *replay) play(c testCase) outcome {
	for _, b := range r.backends {
		b.forget()
	}
	var out outcome
	if out.answer, out.failure = exchange(r.portOf(c.To), c.Request); out.failure != nil {
		return out
	}
	time.Sleep(settleTime)
	for _, name := range slices.Sorted(maps.Keys(r.backends)) {
		out.backends = append(out.backends, r.backends[name].received()...)
	}
	return out
}

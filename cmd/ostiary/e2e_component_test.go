//go:build e2e

package main_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	componentsDir = "../../testdata/e2e"

	// buildReserve is what a build leaves of the time that the tests have, for them to end in order.
	buildReserve = time.Minute
)

// component is a server that the engine works with. The module of that name in testdata/e2e says which command it
// is and of which version, so that nothing of it is among what the engine is built from.
type component struct {
	name string
	tags string // that it has to be built with
}

// built is the component's binary. It is kept in the user's cache, by its version, and built when it is not there.
func (c component) built(t *testing.T) string {
	t.Helper()
	ctx := t.Context()
	if deadline, limited := t.Deadline(); limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-buildReserve))
		defer cancel()
	}
	path, err := c.build(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// building is held by the one build that goes on: each of them wants the whole machine.
var building sync.Mutex

func (c component) build(ctx context.Context) (string, error) {
	building.Lock()
	defer building.Unlock()
	command, version, err := c.required(ctx)
	if err != nil {
		return "", err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path := filepath.Join(cache, "ostiary", "e2e", c.name+"-"+version)
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return "", err
	}
	// What was not built to its end never gets the name that is looked for.
	partial := fmt.Sprintf("%s.%d", path, os.Getpid())
	defer os.Remove(partial)
	build := c.goCommand(ctx, "build", "-v", "-mod=readonly", "-trimpath", "-tags", c.tags, "-ldflags=-s -w", "-o", partial, command)
	output := report(c.name + " " + version)
	build.Stdout, build.Stderr = output, output
	err = build.Run()
	output.end(err == nil)
	if err != nil {
		return "", fmt.Errorf("building %s %s: %w\n%s", c.name, version, err, output.last())
	}
	return path, os.Rename(partial, path)
}

// required are the command that the component's module names as its tool, and the version it requires of it.
func (c component) required(ctx context.Context) (command, version string, err error) {
	text, err := c.goCommand(ctx, "mod", "edit", "-json").Output()
	if err != nil {
		return "", "", fmt.Errorf("the module of %s: %w", c.name, err)
	}
	var module struct {
		Tool    []struct{ Path string }
		Require []struct{ Path, Version string }
	}
	if err := json.Unmarshal(text, &module); err != nil {
		return "", "", err
	}
	for _, tool := range module.Tool {
		for _, required := range module.Require {
			if tool.Path == required.Path || strings.HasPrefix(tool.Path, required.Path+"/") {
				return tool.Path, required.Version, nil
			}
		}
	}
	return "", "", fmt.Errorf("the module of %s names no command", c.name)
}

// goCommand is a go command in the component's module. When it is given up, it tidies up after itself.
func (c component) goCommand(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, "go", args...)
	command.Dir = filepath.Join(componentsDir, c.name)
	command.Env = append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=1")
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) }
	command.WaitDelay = 20 * time.Second
	return command
}

// buildReport tells people that a build goes on, and keeps what the go command says about it.
type buildReport struct {
	what  string
	began time.Time
	stop  chan struct{}
	done  chan struct{} // closed when nothing more is told

	mu         sync.Mutex
	text       []byte
	downloaded int // modules
	compiled   int // packages
}

func report(what string) *buildReport {
	r := &buildReport{what: what, began: time.Now(), stop: make(chan struct{}), done: make(chan struct{})}
	fmt.Fprintf(os.Stderr, "e2e: building %s, which takes several minutes and happens once\n", what)
	go func() {
		defer close(r.done)
		tick := time.NewTicker(20 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				r.show("still building")
			case <-r.stop:
				return
			}
		}
	}()
	return r
}

// Write takes what `go build -v` prints: a line for each package, and for each module that it downloads.
func (r *buildReport) Write(text []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	downloads := bytes.Count(text, []byte("go: downloading "))
	r.downloaded += downloads
	r.compiled += bytes.Count(text, []byte("\n")) - downloads
	r.text = append(r.text, text...)
	return len(text), nil
}

func (r *buildReport) show(state string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fmt.Fprintf(os.Stderr, "e2e: %s %s: %d modules downloaded and %d packages compiled in %v\n",
		state, r.what, r.downloaded, r.compiled, time.Since(r.began).Round(time.Second))
}

func (r *buildReport) end(built bool) {
	close(r.stop)
	<-r.done
	if built {
		r.show("built")
	} else {
		r.show("failed to build")
	}
}

// last is the end of what was printed, where a build says why it failed.
func (r *buildReport) last() []byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text[max(0, len(r.text)-4000):]
}

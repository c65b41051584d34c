package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// How long the engine may take to start and to stop before it counts as hung. They bound a failing
// test; they measure nothing.
const (
	startLimit = time.Minute
	stopLimit  = 15 * time.Second
)

// engine is a running `ostiary serve`.
type engine struct {
	ports   listeners
	log     string // the file that holds all it printed
	command *exec.Cmd
	ended   chan struct{} // closed when the process is gone
}

// startEngine starts the engine in dir with these configuration files, and with env beside a bare environment.
// The files have to bind it to ports. The process never outlives the test, and what it printed is shown if the test fails.
func startEngine(t testing.TB, dir string, ports listeners, configs []string, env map[string]string) *engine {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return startBinary(t, path, dir, ports, configs, env)
}

// startBinary starts an engine that is built in another way.
func startBinary(t testing.TB, path, dir string, ports listeners, configs []string, env map[string]string) *engine {
	t.Helper()
	args := []string{"serve"}
	for _, config := range configs {
		args = append(args, "--config", config)
	}
	command := exec.Command(path, args...)
	command.Dir, command.Env = dir, environment(env)
	return start(t, command, ports)
}

// start starts an engine by a command, with its log in the command's directory.
func start(t testing.TB, command *exec.Cmd, ports listeners) *engine {
	t.Helper()
	log, err := os.Create(filepath.Join(command.Dir, "engine.log"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	e := &engine{ports: ports, log: log.Name(), command: command, ended: make(chan struct{})}
	go func() {
		// How it ended is in command.ProcessState.
		_ = command.Wait()
		close(e.ended)
	}()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-e.ended
		if t.Failed() {
			t.Logf("from the engine's log:\n%s", e.logExcerpt())
		}
		keepsSecrets(t, e.log)
	})
	return e
}

// environment is what an engine gets to see: nothing that a developer's shell or a CI machine happens to have
// set, because the engine takes settings from variables with names as plain as LOG and VERSION.
func environment(extra map[string]string) []string {
	env := []string{"SQA_OPT_OUT=true"}
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "GORACE", "GOCOVERDIR"} {
		if value, set := os.LookupEnv(name); set {
			env = append(env, name+"="+value)
		}
	}
	for name, value := range extra {
		env = append(env, name+"="+value)
	}
	return env
}

// awaitReady returns when the engine is ready and its proxy accepts connections, or with the reason why it is not.
func (e *engine) awaitReady() error {
	client := http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	deadline := time.Now().Add(startLimit)
	last := errors.New("not asked yet")
	for time.Now().Before(deadline) {
		select {
		case <-e.ended:
			return fmt.Errorf("the engine ended: %v", e.command.ProcessState)
		case <-time.After(20 * time.Millisecond):
		}
		answer, err := client.Get("http://" + e.ports.address("api") + "/health/ready")
		if err != nil {
			last = err
			continue
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusOK {
			last = fmt.Errorf("/health/ready answers %s", answer.Status)
			continue
		}
		conn, err := net.DialTimeout("tcp", e.ports.address("proxy"), time.Second)
		if err != nil {
			last = err
			continue
		}
		conn.Close()
		return nil
	}
	// Where it hangs is in its log then.
	_ = e.command.Process.Signal(syscall.SIGQUIT)
	select {
	case <-e.ended:
	case <-time.After(stopLimit):
	}
	return fmt.Errorf("the engine is not ready after %v: %w", startLimit, last)
}

// stop asks the engine to stop as a supervisor does, and fails the test unless it was running and leaves with
// status 0. A binary with the race detector leaves with another one if it saw a race.
func (e *engine) stop(t testing.TB) {
	t.Helper()
	if e.hasEnded() {
		t.Errorf("the engine ended before it was told to: %v", e.command.ProcessState)
		return
	}
	if err := e.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	select {
	case <-e.ended:
		if !e.command.ProcessState.Success() {
			t.Errorf("the engine left with %v after SIGTERM", e.command.ProcessState)
		}
	case <-time.After(stopLimit):
		t.Errorf("the engine did not stop within %v of SIGTERM", stopLimit)
	}
}

func (e *engine) hasEnded() bool {
	select {
	case <-e.ended:
		return true
	default:
		return false
	}
}

// logExcerpt is the end of what the engine printed, or the first data race if the race detector saw one.
func (e *engine) logExcerpt() string {
	const most = 6000
	text, err := os.ReadFile(e.log)
	if err != nil {
		return err.Error()
	}
	if race := bytes.Index(text, []byte("WARNING: DATA RACE")); race >= 0 {
		return string(text[race:min(len(text), race+most)])
	}
	return string(text[max(0, len(text)-most):])
}

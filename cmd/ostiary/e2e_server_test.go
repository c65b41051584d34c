//go:build e2e

package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// serverLimit is how long a component may take to start and to stop before it counts as hung.
const serverLimit = 60 * time.Second

// server is a component as a process, which can be stopped and started again: what it knows is in its directory.
type server struct {
	name  string
	path  string   // of the binary
	args  []string // that make it serve
	dir   string   // its own
	ready []string // addresses that answer 200 when it serves

	command *exec.Cmd
	ended   chan struct{} // closed when the process is gone
}

// openServer is the component in a directory of its own, with files from testdata/e2e in it. names are replaced
// there. It runs nothing yet; whatever it will run never outlives the test, and what it printed is shown if the
// test fails.
func openServer(t *testing.T, c component, names map[string]string, files ...string) *server {
	t.Helper()
	s := &server{name: c.name, path: c.built(t), dir: t.TempDir()}
	for _, file := range files {
		text := replaced(t, filepath.Join(c.name, file), names)
		if err := os.WriteFile(filepath.Join(s.dir, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			text, err := os.ReadFile(s.log())
			t.Logf("from the log of %s (%v):\n%s", s.name, err, text[max(0, len(text)-8000):])
		}
	})
	return s
}

// replaced is a file of testdata/e2e, in which ${NAME} stands for what is known only when it is used.
func replaced(t *testing.T, file string, names map[string]string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(componentsDir, file))
	if err != nil {
		t.Fatal(err)
	}
	return os.Expand(string(text), func(name string) string {
		value, known := names[name]
		if !known {
			t.Fatalf("%s: nobody knows what %s is", file, name)
		}
		return value
	})
}

func (s *server) log() string { return filepath.Join(s.dir, "log") }

// process is the binary with arguments. It sees as little of the machine as the engine does.
func (s *server) process(ctx context.Context, t *testing.T, args []string) *exec.Cmd {
	t.Helper()
	log, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	command := exec.CommandContext(ctx, s.path, args...)
	command.Dir, command.Env = s.dir, environment(nil)
	command.Stdout, command.Stderr = log, log
	return command
}

// run runs the binary to its end, for what has to be done before it can serve.
func (s *server) run(t *testing.T, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), serverLimit)
	defer cancel()
	if err := s.process(ctx, t, args).Run(); err != nil {
		t.Fatalf("%s %s: %v", s.name, strings.Join(args, " "), err)
	}
}

// start returns when it serves.
func (s *server) start(t *testing.T) {
	t.Helper()
	// Its life is not bound to the context of a subtest that starts it again.
	s.command = s.process(context.Background(), t, s.args)
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	command, ended := s.command, make(chan struct{})
	s.ended = ended
	go func() {
		// How it ended is in command.ProcessState.
		_ = command.Wait()
		close(ended)
	}()
	for _, address := range s.ready {
		s.await(t, address)
	}
}

func (s *server) await(t *testing.T, address string) {
	t.Helper()
	deadline := time.Now().Add(serverLimit)
	for {
		response, err := plainClient.Get(address)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
			err = fmt.Errorf("%s answers %s", address, response.Status)
		}
		select {
		case <-s.ended:
			t.Fatalf("%s ended: %v", s.name, s.command.ProcessState)
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not serve after %v: %v", s.name, serverLimit, err)
		}
	}
}

// stop returns when the process is gone and its ports are free.
func (s *server) stop(t *testing.T) {
	t.Helper()
	select {
	case <-s.ended:
		t.Fatalf("%s ended before it was told to: %v", s.name, s.command.ProcessState)
	default:
	}
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
	case <-time.After(serverLimit):
		t.Fatalf("%s did not stop within %v of SIGTERM", s.name, serverLimit)
	}
}

func (s *server) kill() {
	if s.ended == nil {
		return
	}
	_ = s.command.Process.Kill()
	<-s.ended
}

// fetch sends a request to a component's own API and reads a JSON answer into result, if there is one. It fails
// the test unless the answer has the status.
func fetch(t *testing.T, request *http.Request, want int, result any) {
	t.Helper()
	response, err := plainClient.Do(request.WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != want {
		t.Fatalf("%s %s: %s, expected %d\n%s", request.Method, request.URL, response.Status, want, body)
	}
	if result == nil {
		return
	}
	if err := json.Unmarshal(body, result); err != nil {
		t.Fatalf("%s %s: %v\n%s", request.Method, request.URL, err, body)
	}
}

// fetchJSON is a fetch with a JSON body, unless that is nil.
func fetchJSON(t *testing.T, method, address string, body any, want int, result any) {
	t.Helper()
	var content io.Reader
	if body != nil {
		content = strings.NewReader(asJSON(t, body))
	}
	request, err := http.NewRequest(method, address, content)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	fetch(t, request, want, result)
}

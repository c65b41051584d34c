package main_test

import (
	"bufio"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// call is a command that the quickstart prints, with what it promises.
var call = regexp.MustCompile(`^ +\d+\. (.*)$`)

func TestTheQuickstartKeepsWhatItPrints(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, "quickstart", "--directory", t.TempDir())
	command.Env = environment(nil)
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		if err := command.Wait(); err != nil {
			t.Errorf("the quickstart ended with %v", err)
		}
	})

	calls := map[string]string{}
	lines := bufio.NewScanner(stdout)
	for lines.Scan() && !strings.HasPrefix(lines.Text(), "The rules are in") {
		if promise := call.FindStringSubmatch(lines.Text()); promise != nil && lines.Scan() {
			calls[promise[1]] = strings.TrimSpace(lines.Text())
		}
	}
	go func() { // what else it prints is of no interest, but must not block it
		for lines.Scan() {
			continue
		}
	}()

	for _, step := range []struct{ promise, answer string }{
		{"refused: no session (401)", "401 Unauthorized"},
		{"a browser is redirected to log in instead (302)", "302 Found"},
		{"log in as ada", ""},
		{"allowed, and the upstream sees X-User: ada (200)", "and told X-User: ada"},
		{"the same as a decision, as a gateway asks for it (200, X-User)", "X-User: ada"},
		{"edit the rules while it runs: nobody may see the reports any more", ""},
		{"refused, though there is a session (403)", "403 Forbidden"},
		{"what is in force, and what was counted", "ostiary_rules_generation 2"},
	} {
		shown, ok := calls[step.promise]
		if !ok {
			t.Fatalf("the quickstart does not print %q but %v", step.promise, calls)
		}
		eventually(t, step.promise, func() (string, bool) {
			answer, err := exec.Command("sh", "-c", shown).CombinedOutput()
			if err != nil {
				return err.Error() + ": " + string(answer), false
			}
			return string(answer), strings.Contains(string(answer), step.answer)
		})
	}
	if leftovers, _ := filepath.Glob("*.bak"); len(leftovers) > 0 {
		t.Errorf("the quickstart left %v behind", leftovers)
	}
}

// eventually repeats an attempt until it succeeds: an edited file is in force a
// moment later, not at once.
func eventually(t *testing.T, what string, attempt func() (seen string, done bool)) {
	t.Helper()
	deadline := time.Now().Add(startLimit)
	for {
		seen, done := attempt()
		if done {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %s", what, seen)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

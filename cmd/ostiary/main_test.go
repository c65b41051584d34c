// Package main_test holds the tests that run the engine as its users do: as a process, over its ports.
package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// workshop is a directory for what all tests of this package share; TestMain makes and removes it.
var workshop string

func TestMain(m *testing.M) {
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "ostiary-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	workshop = dir
	return m.Run()
}

// binary is the engine under test: the one that OSTIARY_BIN names, or this package, built once with the
// race detector. It is built by the first test that asks, so that a test that needs no engine waits for none.
var binary = sync.OnceValues(func() (string, error) {
	if named := os.Getenv("OSTIARY_BIN"); named != "" {
		return filepath.Abs(named)
	}
	built := filepath.Join(workshop, "ostiary")
	if out, err := exec.Command("go", "build", "-race", "-o", built, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return built, nil
})

// Command summary reads what `go test -json` writes. It shows how each package fared and all that failing tests
// printed, and writes one line that counts the tests into a file.
//
//	go test -json ./... | go run .ci/summary/main.go FILE
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
)

// event is a line of `go test -json`; see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string
	Test       string
	Output     string
}

// test is a test that ran, and how it ended: pass, fail, skip, or nothing if the process ended before it did.
type test struct {
	result   string
	output   strings.Builder
	hasParts bool
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: summary FILE")
		os.Exit(2)
	}
	counts, err := read(os.Stdin, os.Stdout)
	if err == nil {
		err = os.WriteFile(os.Args[1], []byte(counts.String()+"\n"), 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if counts.failed > 0 {
		os.Exit(1)
	}
}

// tally counts tests. A test that has parts is counted by its parts.
type tally struct{ passed, failed, skipped int }

func (t tally) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", t.passed, t.failed, t.skipped)
}

func read(from io.Reader, to io.Writer) (tally, error) {
	tests := map[string]map[string]*test{} // by package and name
	var failedPackages []string
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintf(to, "%s\n", lines.Bytes()) // go itself had something to say
			continue
		}
		switch {
		case e.Action == "build-output":
			fmt.Fprint(to, e.Output)
		case e.Test == "" && e.Action == "fail":
			failedPackages = append(failedPackages, e.Package)
		case e.Test == "" && e.Action == "output" && e.Output != "PASS\n":
			fmt.Fprint(to, e.Output)
		case e.Test != "":
			if tests[e.Package] == nil {
				tests[e.Package] = map[string]*test{}
			}
			of(tests[e.Package], e.Test).note(e, to)
		}
	}
	return count(tests, failedPackages), lines.Err()
}

// of finds a package's test by its name, and marks the test that it is a part of.
func of(tests map[string]*test, name string) *test {
	if tests[name] == nil {
		tests[name] = &test{}
		if at := strings.LastIndexByte(name, '/'); at >= 0 {
			of(tests, name[:at]).hasParts = true
		}
	}
	return tests[name]
}

func (t *test) note(e event, to io.Writer) {
	switch e.Action {
	case "output":
		if !strings.HasPrefix(e.Output, "=== ") { // when it ran and paused is of no interest
			t.output.WriteString(e.Output)
		}
	case "pass", "skip":
		t.result = e.Action
		t.output.Reset()
	case "fail":
		t.result = e.Action
		fmt.Fprint(to, t.output.String())
		t.output.Reset()
	}
}

// count counts the tests. A package that failed although none of its tests did, because it does not build for
// instance, counts as one that failed.
func count(tests map[string]map[string]*test, failedPackages []string) tally {
	var all tally
	failed := map[string]int{}
	for pkg, inPackage := range tests {
		for _, t := range inPackage {
			switch {
			case t.hasParts:
			case t.result == "pass":
				all.passed++
			case t.result == "skip":
				all.skipped++
			default:
				failed[pkg]++
			}
		}
	}
	for _, pkg := range failedPackages {
		failed[pkg] = max(failed[pkg], 1)
	}
	for _, n := range failed {
		all.failed += n
	}
	return all
}

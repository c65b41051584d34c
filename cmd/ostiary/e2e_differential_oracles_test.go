//go:build e2e

package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"
)

const differentialDir = "../../testdata/differential"

// understood is the path that a program takes a target for.
type understood struct {
	by   string
	path string
}

// oracle is a program that may stand behind the gate. What it refuses to serve has no reading.
type oracle struct {
	name string
	read func(targets []string) ([][]understood, error)
}

// oracles are all of them, with connections of their own: they are for one goroutine.
func (b *backends) oracles(t *testing.T) []oracle {
	t.Helper()
	return []oracle{
		{"nginx", nginxOracle(t, b.merging, "nginx")},
		{"nginx without merge_slashes", nginxOracle(t, b.plain, "nginx without merge_slashes")},
		{"Go", b.echo.oracle(t)},
		{"Node", manyOracle(t, b.nodeMany, nodeReaders)},
		{"Python", manyOracle(t, b.pythonMany, pythonReaders)},
		{"path parameters", readAll(withoutParameters)},
	}
}

// sendable reports whether a target can be sent as one at all: a line feed ends the request line, and what follows would be
// a header.
func sendable(target string) bool { return !strings.Contains(target, "\n") }

// httpOracle asks a server with real requests, whose answers are understood by parse.
func httpOracle(t *testing.T, address string, parse func(body []byte) ([]understood, error)) func([]string) ([][]understood, error) {
	w := &pipelined{address: address, lines: toGate}
	t.Cleanup(w.close)
	return func(targets []string) ([][]understood, error) {
		var sent []string
		for _, target := range targets {
			if sendable(target) {
				sent = append(sent, target)
			}
		}
		answers, err := w.ask(sent)
		if err != nil {
			return nil, err
		}
		all := make([][]understood, len(targets))
		next := 0
		for i, target := range targets {
			if !sendable(target) {
				continue
			}
			if answer := answers[next]; answer.status == http.StatusOK {
				if all[i], err = parse(answer.body); err != nil {
					return nil, fmt.Errorf("%s, about %q: %w", address, target, err)
				}
			}
			next++
		}
		return all, nil
	}
}

// nginxOracle reads the path that a server of nginx has, and in which of its locations it is.
func nginxOracle(t *testing.T, address, name string) func([]string) ([][]understood, error) {
	t.Helper()
	return httpOracle(t, address, func(body []byte) ([]understood, error) {
		if len(body) < 2 || (body[0] == 'P') != isProtected(string(body[1:])) {
			return nil, fmt.Errorf("nginx has another location for %q", body)
		}
		return []understood{{name, string(body[1:])}}, nil
	})
}

// manyOracle asks a program of testdata/differential about many targets at once.
func manyOracle(t *testing.T, address string, readers []string) func([]string) ([][]understood, error) {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	reader := bufio.NewReaderSize(connection, 64<<10)
	return func(targets []string) ([][]understood, error) {
		if err := connection.SetDeadline(time.Now().Add(wireLimit)); err != nil {
			return nil, fmt.Errorf("connection to %s: %w", address, err)
		}
		texts := make([]string, len(targets))
		for i, target := range targets {
			texts[i] = byteCharacters(target)
		}
		line, err := json.Marshal(texts)
		if err != nil {
			return nil, fmt.Errorf("targets: %w", err)
		}
		if _, err = connection.Write(append(line, '\n')); err != nil {
			return nil, fmt.Errorf("asking %s: %w", address, err)
		}
		answer, err := reader.ReadBytes('\n')
		if err != nil {
			return nil, fmt.Errorf("the answer of %s: %w", address, err)
		}
		var paths [][]*string
		if err := json.Unmarshal(answer, &paths); err != nil || len(paths) != len(targets) {
			return nil, fmt.Errorf("%s answers %d of %d targets: %w", address, len(paths), len(targets), err)
		}
		all := make([][]understood, len(targets))
		for i := range paths {
			all[i] = named(readers, paths[i])
		}
		return all, nil
	}
}

func named(readers []string, paths []*string) []understood {
	var all []understood
	for i, path := range paths {
		if path != nil {
			all = append(all, understood{readers[i], *path})
		}
	}
	return all
}

// byteCharacters is a text with a character for each byte.
func byteCharacters(target string) string {
	runes := make([]rune, len(target))
	for i := range len(target) {
		runes[i] = rune(target[i])
	}
	return string(runes)
}

// listOracle reads what the programs of testdata/differential answer to real requests.
func listOracle(t *testing.T, address string, readers []string) func([]string) ([][]understood, error) {
	t.Helper()
	return httpOracle(t, address, func(body []byte) ([]understood, error) {
		var paths []*string
		if err := json.Unmarshal(body, &paths); err != nil {
			return nil, fmt.Errorf("answer %s: %w", strconv.Quote(string(body)), err)
		}
		return named(readers, paths), nil
	})
}

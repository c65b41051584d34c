//go:build e2e

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The paths that the programs of testdata/differential answer with, in that order.
var (
	nodeReaders   = []string{"Node, new URL", "Node, new URL, decoded", "Node, url.parse, decoded"}
	pythonReaders = []string{"Python, http.server", "Python, urllib"}
)

// backends are the servers that the oracles ask.
type backends struct {
	merging, plain         string // addresses of nginx
	nodeMany, nodeHTTP     string
	pythonMany, pythonHTTP string
	echo                   *differentialEcho
}

func startBackends(t *testing.T) *backends {
	t.Helper()
	b := &backends{
		merging: freeAddress(t), plain: freeAddress(t), nodeMany: freeAddress(t), nodeHTTP: freeAddress(t), pythonMany: freeAddress(t), pythonHTTP: freeAddress(t),
	}
	b.echo = startDifferentialEcho(t)
	config, err := os.ReadFile(filepath.Join(differentialDir, "nginx.conf"))
	if err != nil {
		t.Fatal(err)
	}
	nginx := &server{name: "nginx", path: installed(t, "nginx", "nginx-light"), dir: t.TempDir()}
	nginx.args = []string{"-p", nginx.dir, "-c", filepath.Join(nginx.dir, "nginx.conf"), "-e", filepath.Join(nginx.dir, "errors")}
	startGateway(t, nginx, map[string]string{
		"nginx.conf": strings.NewReplacer("${MERGING}", b.merging, "${PLAIN}", b.plain).Replace(string(config)),
	}, b.plain)
	startResolver(t, "node", "nodejs", "resolve.js", b.nodeMany, b.nodeHTTP)
	startResolver(t, "python3", "python3", "resolve.py", b.pythonMany, b.pythonHTTP)
	return b
}

func installed(t *testing.T, command, inPackage string) string {
	t.Helper()
	path, err := exec.LookPath(command)
	if err != nil {
		t.Fatalf("the package %s: %v", inPackage, err)
	}
	return path
}

// startResolver starts a program of testdata/differential.
func startResolver(t *testing.T, command, inPackage, script, many, single string) {
	t.Helper()
	program, err := filepath.Abs(filepath.Join(differentialDir, script))
	if err != nil {
		t.Fatal(err)
	}
	port := func(address string) string { return address[strings.LastIndexByte(address, ':')+1:] }
	s := &server{name: command, path: installed(t, command, inPackage), dir: t.TempDir(), args: []string{program, port(many), port(single)}}
	startGateway(t, s, nil, single) // which it listens on last
}

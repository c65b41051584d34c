//go:build e2e

package main_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nginxFiles serves the files of a directory, and notes what it was asked for on which condition.
const nginxFiles = `
daemon off;
master_process off;
pid DIR/pid;
error_log DIR/errors notice;
events {}
http {
	log_format conditions escape=none '$request_method $request_uri $status $http_if_none_match $body_bytes_sent';
	access_log DIR/asked conditions;
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxied;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	default_type application/json;
	server {
		listen ADDRESS;
		root DIR/files;
	}
}
`

// TestE2ENginxAsRuleSource has the rules on a web server as operators run it. Its tags are made of a file's time in
// whole seconds and of its size: two versions of one second and one size are the same to it, and to everybody who
// asks it. Versions here differ in size.
func TestE2ENginxAsRuleSource(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatalf("the package nginx-light: %v", err)
	}
	dir := openDirectory(t)
	address := freeAddress(t)
	nginx := &server{name: "nginx", path: path, dir: t.TempDir()}
	nginx.args = []string{"-p", nginx.dir, "-c", filepath.Join(nginx.dir, "main.conf"), "-e", filepath.Join(nginx.dir, "errors")}
	files := filepath.Join(nginx.dir, "files")
	must(t, os.Mkdir(files, 0o755))
	s := &sourced{life: t, dir: filepath.Join(dir, "engine"), source: "http://" + address + "/rules.json"}
	s.put = func(t *testing.T, rules string) {
		rename(t, filepath.Join(files, "rules.json"), rules+strings.Repeat("\n", s.version))
	}
	s.put(t, s.next())
	startGateway(t, nginx, map[string]string{"main.conf": strings.NewReplacer("DIR", nginx.dir, "ADDRESS", address).Replace(nginxFiles)}, address)
	s.start(t)
	s.isLive(t)

	sent := 1
	for range 5 {
		s.isAskedInVain(t, nginx, 3)
		s.put(t, s.next()) // several of these are of the same second
		s.isLive(t)
		sent++
	}
	if got := strings.Count(nginxAsked(t, nginx), "GET /rules.json 200 "); got != sent {
		t.Errorf("%d versions were sent %d times:\n%s", sent, got, nginxAsked(t, nginx))
	}

	stopped := fault{
		name: "stopped", says: "not reached: dial tcp " + address + ": connect: connection refused",
		bring: func(t *testing.T, _ string) { nginx.stop(t) },
		mend: func(t *testing.T, next string) {
			s.put(t, next)
			nginx.start(t)
		},
	}
	gone := fault{name: "gone", says: "the server answered 404 Not Found", bring: func(t *testing.T, _ string) {
		must(t, os.Remove(filepath.Join(files, "rules.json")))
	}}
	for _, f := range []fault{stopped, gone} {
		t.Run(f.name, func(t *testing.T) { s.endures(t, f) })
	}
	s.isAskedInVain(t, nginx, 3)
	s.stop(t)
}

// isAskedInVain returns when nginx has been asked so many times more for what is known, and sent nothing.
func (s *sourced) isAskedInVain(t *testing.T, nginx *server, times int) {
	t.Helper()
	before := len(nginxAsked(t, nginx))
	eventually(t, "nginx is asked for another version", func() (string, bool) {
		asked := nginxAsked(t, nginx)[before:]
		for line := range strings.Lines(asked) {
			var tag string
			if _, err := fmt.Sscanf(line, "GET /rules.json 304 %q 0\n", &tag); strings.HasSuffix(line, "\n") && (err != nil || tag == "") {
				t.Fatalf("%q: %v", line, err)
			}
		}
		return asked, strings.Count(asked, " 304 ") >= times
	})
}

// nginxAsked are the lines that nginx wrote about requests.
func nginxAsked(t *testing.T, nginx *server) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(nginx.dir, "asked"))
	must(t, err)
	return string(text)
}

//go:build e2e

package main_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// nginxMain is what Debian's nginx.conf is to the file of an operator, for one process that leaves nothing behind.
const nginxMain = `
daemon off;
master_process off;
pid DIR/pid;
error_log DIR/errors notice;
events {}
http {
	access_log off;
	client_body_temp_path DIR/body;
	proxy_temp_path DIR/proxied;
	fastcgi_temp_path DIR/fastcgi;
	uwsgi_temp_path DIR/uwsgi;
	scgi_temp_path DIR/scgi;
	include DIR/ostiary.conf;
}
`

// startNginx starts Debian's nginx. Its errors are in the file that is returned.
func startNginx(t *testing.T, api, service string) (address, errors string) {
	t.Helper()
	path, err := exec.LookPath("nginx")
	if err != nil {
		t.Fatalf("the package nginx-light: %v", err)
	}
	address = freeAddress(t)
	nginx := &server{name: "nginx", path: path, dir: t.TempDir()}
	errors = filepath.Join(nginx.dir, "errors")
	nginx.args = []string{"-p", nginx.dir, "-c", filepath.Join(nginx.dir, "main.conf"), "-e", errors}
	startGateway(t, nginx, map[string]string{
		"main.conf":    strings.ReplaceAll(nginxMain, "DIR", nginx.dir),
		"ostiary.conf": gatewayFile(t, "nginx.conf", "ostiary:4456", api, "app:8080", service, "listen 80;", "listen "+address+";"),
	}, address)
	return address, errors
}

func TestE2EGatewayNginx(t *testing.T) {
	t.Parallel()
	var errors string
	walkGateway(t, gateway{name: "nginx", start: func(t *testing.T, api, service string) (address string) {
		address, errors = startNginx(t, api, service)
		return address
	}})
	text, err := os.ReadFile(errors)
	if err != nil {
		t.Fatal(err)
	}
	// Its auth_request module complains of each answer that it has no use for.
	for line := range strings.Lines(string(text)) {
		if strings.Contains(line, "unexpected status") {
			t.Errorf("nginx does not understand an answer: %s", line)
		}
	}
}

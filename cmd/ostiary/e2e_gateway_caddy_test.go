//go:build e2e

package main_test

import (
	"os/exec"
	"strconv"
	"testing"
)

func startCaddyGateway(t *testing.T, api, service string) (address string) {
	t.Helper()
	if _, err := exec.LookPath("caddy"); err != nil {
		t.Fatalf("the package caddy: %v", err)
	}
	// It keeps a copy of its configuration, by which no home may be littered.
	env, err := exec.LookPath("env")
	if err != nil {
		t.Fatal(err)
	}
	port := strconv.Itoa(freePort(t))
	address = "127.0.0.1:" + port
	caddy := &server{name: "caddy", path: env, dir: t.TempDir()}
	caddy.args = []string{"XDG_CONFIG_HOME=" + caddy.dir, "XDG_DATA_HOME=" + caddy.dir, "caddy", "run", "--adapter", "caddyfile", "--config", "Caddyfile"}
	startGateway(t, caddy, map[string]string{
		// An address for its administration would be one for all of them on this machine.
		"Caddyfile": "{\n\tadmin off\n\tdefault_bind 127.0.0.1\n}\n" +
			gatewayFile(t, "Caddyfile", "ostiary:4456", api, "app:8080", service, ":80 {", ":"+port+" {"),
	}, address)
	return address
}

func TestE2EGatewayCaddy(t *testing.T) {
	t.Parallel()
	walkGateway(t, gateway{name: "caddy", start: startCaddyGateway})
}

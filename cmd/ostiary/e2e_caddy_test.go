//go:build e2e

package main_test

import (
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// startCaddy starts Debian's Caddy as a gateway that asks the engine about each request.
func startCaddy(t *testing.T, s *site) (address string) {
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
	names := maps.Clone(s.kratos.names)
	names["GATEWAY_PORT"], names["API_ADDRESS"] = port, s.ports.address("api")
	for name, url := range map[string]string{
		"PUBLIC_ADDRESS": s.kratos.public(""), "PAGE_ADDRESS": s.kratos.page.URL, "SERVICE_ADDRESS": s.upstream.server.URL,
	} {
		names[name] = strings.TrimPrefix(url, "http://")
	}
	caddy := &server{name: "caddy", path: env, dir: t.TempDir(), ready: []string{"http://127.0.0.1:" + port}}
	config := filepath.Join(caddy.dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(replaced(t, "kratos/caddy.Caddyfile", names)), 0o600); err != nil {
		t.Fatal(err)
	}
	caddy.args = []string{
		"XDG_CONFIG_HOME=" + caddy.dir, "XDG_DATA_HOME=" + caddy.dir, "caddy", "run", "--adapter", "caddyfile", "--config", config,
	}
	t.Cleanup(func() {
		caddy.kill()
		if t.Failed() {
			text, err := os.ReadFile(caddy.log())
			t.Logf("from the log of Caddy (%v):\n%s", err, text[max(0, len(text)-4000):])
		}
	})
	caddy.start(t)
	return "127.0.0.1:" + port
}

// TestE2EKratosBehindCaddy has people come to a gateway, for which the engine decides.
func TestE2EKratosBehindCaddy(t *testing.T) {
	t.Parallel()
	s := startSite(t, browserGuards()...)
	gateway := startCaddy(t, s)
	s.walkThrough(t, "MAP *.ops.test:80 "+gateway)

	k := s.kratos
	app := k.on("app", deepLink)
	t.Run("nobody is who they say, but who the engine says", func(t *testing.T) {
		mary, visitor := k.create(t, "mary"), newPerson(t, gateway)
		visitor.logIn(t, k, mary)
		s.upstream.take()
		answer := visitor.send(t, http.MethodGet, app, with(navigation, "X-User", "mallory"), "")
		if answer.status != http.StatusOK || answer.body != upstreamPage {
			t.Fatalf("the answer is %d %s, expected the page", answer.status, answer.body)
		}
		s.upstream.reachedBy(t, mary, "X-User", deepLink)
	})
	t.Run("an outage is no login", func(t *testing.T) {
		late, visitor := k.create(t, "late"), newPerson(t, gateway)
		visitor.logIn(t, k, late)
		k.kill()
		s.upstream.take()
		answer := visitor.send(t, http.MethodGet, app, navigation, "")
		if to := answer.header.Get("Location"); answer.status != http.StatusServiceUnavailable || to != "" {
			t.Errorf("the answer is %d to %q, expected 503", answer.status, to)
		}
		if seen := s.upstream.take(); len(seen) > 0 {
			t.Errorf("the service was reached: %+v", seen)
		}
	})
	s.stop(t)
}

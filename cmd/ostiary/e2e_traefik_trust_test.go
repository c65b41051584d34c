//go:build e2e

package main_test

import (
	"net/http"
	"testing"
)

// TestE2ETraefikTrust has clients claim that their request was for a host that is open to everybody.
func TestE2ETraefikTrust(t *testing.T) {
	t.Parallel()
	const (
		nobody = "192.0.2.0/24" // kept for documentation: no peer is there
		here   = "127.0.0.1"
	)
	guards := []guard{
		open("public", "http://public.test/<.*>", ""),
		{
			id: "private", match: `{"url": "http://private.test/<.*>", "methods": ["GET"]}`,
			authenticators: `[{"handler": "cookie_session"}]`,
		},
	}
	claims := []string{
		"X-Forwarded-Host", "public.test", "X-Forwarded-Proto", "http", "X-Forwarded-Method", "GET", "X-Forwarded-Uri", "/",
		"X-Forwarded-For", "192.0.2.1", "Forwarded", "for=192.0.2.1;host=public.test;proto=http",
	}
	distrusting, trusting := startTraefikGate(t, nobody, guards...), startTraefikGate(t, here, guards...)
	for _, test := range []struct {
		gate   *gate
		path   string
		status int
	}{
		// Believed, it is let in.
		{trusting, "/decisions", http.StatusOK},
		{trusting, "/auth/traefik", http.StatusOK},
		// Not believed, it asks about the host that it asks: about one without a rule, or one that needs a session.
		{distrusting, "/decisions", http.StatusNotFound},
		{distrusting, "/auth/traefik", http.StatusBadRequest},
	} {
		if got := ask(t, test.gate.ports.address("api"), "ostiary.test", test.path, claims...); got.status != test.status {
			t.Errorf("at %s, from a gateway or not, the answer is %d %s, expected %d", test.path, got.status, got.body, test.status)
		}
	}
	for _, test := range []struct {
		gate   *gate
		status int
	}{{trusting, http.StatusOK}, {distrusting, http.StatusUnauthorized}} {
		got := ask(t, test.gate.ports.address("api"), "private.test", "/decisions/page", claims...)
		if got.status != test.status {
			t.Errorf("for a private host, the answer is %d %s, expected %d", got.status, got.body, test.status)
		}
	}

	// Traefik is believed, and not those who come to it.
	gateway := runTraefik(t, trusting.behindTraefik(nil))
	trusting.upstream.take()
	if got := ask(t, gateway, "private.test", "/", claims...); got.status != http.StatusUnauthorized {
		t.Errorf("behind Traefik, the answer is %d %s, expected 401", got.status, got.body)
	}
	if seen := trusting.upstream.take(); len(seen) > 0 {
		t.Errorf("the service was reached: %+v", seen)
	}
	if got := ask(t, gateway, "public.test", "/", claims...); got.status != http.StatusOK || got.body != upstreamPage {
		t.Errorf("the public host answers %d %s", got.status, got.body)
	}
	// An engine that does not know its gateway refuses everything.
	stranger := runTraefik(t, distrusting.behindTraefik(nil))
	if got := ask(t, stranger, "public.test", "/"); got.status != http.StatusBadRequest || len(distrusting.upstream.take()) > 0 {
		t.Errorf("behind a Traefik that is not known, the answer is %d %s, expected 400", got.status, got.body)
	}
	distrusting.stop(t)
	trusting.stop(t)
}

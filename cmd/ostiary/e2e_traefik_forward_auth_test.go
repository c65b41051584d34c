//go:build e2e

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// traefikTarget is one that proxies like to tidy up. Traefik writes one of its semicolons otherwise, before it asks
// anybody.
const (
	traefikTarget  = "/a%2Fb;c/?x=1;y&x=2&&z"
	traefikArrival = "/a%2Fb;c/?x=1%3By&x=2&&z"
)

// startRenewals is a session service that sets two cookies whenever it is asked: those of a session, and one of its own.
func startRenewals(t *testing.T) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		cookie, err := r.Cookie("session")
		if err != nil || cookie.Value != "good" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "renewed", Path: "/", HttpOnly: true})
		http.SetCookie(w, &http.Cookie{Name: "csrf", Value: "internal"})
		_, _ = io.WriteString(w, `{"subject": "u-1"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// startTraefikGate starts an engine for Traefik that believes this network only.
func startTraefikGate(t *testing.T, trusted string, guards ...guard) *gate {
	t.Helper()
	return startGate(t, "traefik/engine.yaml", map[string]string{"TRUSTED": trusted, "SESSIONS": startRenewals(t)}, guards)
}

// behindTraefik are the changes with which Traefik stands before the gate's service and asks its API.
func (g *gate) behindTraefik(changes map[string]string) map[string]string {
	all := map[string]string{
		"ostiary:4456": g.ports.address("api"), "app:8080": strings.TrimPrefix(g.upstream.server.URL, "http://"),
	}
	for piece, change := range changes {
		all[piece] = change
	}
	return all
}

// ask is a GET for a host, of whoever listens at an address. headers are names and values in turn.
func ask(t *testing.T, address, host, target string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = host
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Add(pair[0], pair[1])
	}
	response, err := plainClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// TestE2ETraefikForwardAuth goes through what Traefik's middleware can be told besides the example.
func TestE2ETraefikForwardAuth(t *testing.T) {
	t.Parallel()
	rule := func(id, address string) guard {
		return guard{
			id: id, match: fmt.Sprintf(`{"url": %q, "methods": ["GET"]}`, address), authenticators: `[{"handler": "cookie_session"}]`,
		}
	}
	g := startTraefikGate(t, "127.0.0.1", rule("pages", "http://app.test/<.*>"), rule("sockets", "ws://sockets.test/<.*>"))
	const cookie = "session=good"
	claims := []string{"X-User", "mallory", "X-Role", "admin", "X-Team", "all", "X-Trace", "t-1", "X_User", "mallory"}
	// The service's own view of a request that was let through.
	reached := func(t *testing.T, gateway string) recorded {
		t.Helper()
		g.upstream.take()
		answer := ask(t, gateway, "app.test", traefikTarget, append(claims, "Cookie", cookie)...)
		seen := g.upstream.take()
		if answer.status != http.StatusOK || answer.body != upstreamPage || len(seen) != 1 {
			t.Fatalf("the answer is %d %q, and %d requests reached the service", answer.status, answer.body, len(seen))
		}
		if got := seen[0].target; got != traefikArrival {
			t.Errorf("the service is asked for %s, expected %s", got, traefikArrival)
		}
		return seen[0]
	}
	refused := func(t *testing.T, gateway string) reply {
		t.Helper()
		g.upstream.take()
		answer := ask(t, gateway, "app.test", "/", claims...)
		if seen := g.upstream.take(); len(seen) > 0 {
			t.Errorf("the service was reached: %+v", seen)
		}
		return answer
	}
	const listed = "authResponseHeaders: [X-User, X-Role]"

	t.Run("the headers of a pattern are the engine's or nobody's", func(t *testing.T) {
		gateway := runTraefik(t, g.behindTraefik(map[string]string{listed: "authResponseHeadersRegex: ^X-(User|Role|Team)$"}))
		seen := reached(t, gateway).header
		for name, want := range map[string][]string{
			"X-User": {"u-1"}, "X-Role": {""}, "X-Team": nil, "X-Trace": {"t-1"}, "X_user": nil,
		} {
			if got := seen[name]; !slices.Equal(got, want) {
				t.Errorf("the service gets %s %q, expected %q", name, got, want)
			}
		}
	})
	t.Run("cookies of the session service reach the client if they are named", func(t *testing.T) {
		plain := runTraefik(t, g.behindTraefik(nil))
		named := runTraefik(t, g.behindTraefik(map[string]string{listed: "addAuthCookiesToResponse: [session]"}))
		if got := ask(t, plain, "app.test", "/", "Cookie", cookie).header["Set-Cookie"]; got != nil {
			t.Errorf("without a name, the client gets %q", got)
		}
		want := []string{"session=renewed; Path=/; HttpOnly"}
		if got := ask(t, named, "app.test", "/", "Cookie", cookie).header["Set-Cookie"]; !slices.Equal(got, want) {
			t.Errorf("the client gets %q, expected %q", got, want)
		}
	})
	t.Run("a refusal is passed on whole, and none is longer than Traefik takes", func(t *testing.T) {
		// What the engine says itself is what the client of Traefik gets.
		want := ask(t, g.ports.address("api"), "ostiary", "/auth/traefik", "X-Forwarded-Method", "GET", "X-Forwarded-Proto", "http",
			"X-Forwarded-Host", "app.test", "X-Forwarded-Uri", "/")
		got := refused(t, runTraefik(t, g.behindTraefik(nil)))
		if got.status != http.StatusUnauthorized || got.body == "" || got.body != want.body ||
			got.header.Get("Content-Type") != want.header.Get("Content-Type") {
			t.Errorf("the answer is %d %v %q, expected %v %q", got.status, got.header, got.body, want.header, want.body)
		}
		small := runTraefik(t, g.behindTraefik(map[string]string{"maxResponseBodySize: 65536": "maxResponseBodySize: 16"}))
		if got := refused(t, small); got.status != http.StatusUnauthorized || got.body != "" {
			t.Errorf("where Traefik takes 16 bytes, the answer is %d %q", got.status, got.body)
		}
		// A permission has no body that could be too long.
		reached(t, small)
	})
	t.Run("Traefik's own login page is for those who are unknown", func(t *testing.T) {
		const login = "http://login.test/?from=app"
		gateway := runTraefik(t, g.behindTraefik(map[string]string{listed: listed + "\n        authSigninURL: " + login}))
		if got := refused(t, gateway); got.status != http.StatusFound || got.header.Get("Location") != login {
			t.Errorf("the answer is %d to %q, expected 302 to %s", got.status, got.header.Get("Location"), login)
		}
		reached(t, gateway)
		g.upstream.take()
		if got := ask(t, gateway, "other.test", "/", "Cookie", cookie); got.status != http.StatusNotFound || len(g.upstream.take()) > 0 {
			t.Errorf("where there is no rule, the answer is %d", got.status)
		}
	})
	t.Run("a WebSocket is asked about by the scheme of its page", func(t *testing.T) {
		gateway := runTraefik(t, g.behindTraefik(nil))
		for host, want := range map[string]int{"app.test": http.StatusOK, "sockets.test": http.StatusNotFound} {
			g.upstream.take()
			answer := ask(t, gateway, host, "/", "Cookie", cookie, "Connection", "Upgrade", "Upgrade", "websocket")
			if seen := g.upstream.take(); answer.status != want || len(seen) > 0 != (want == http.StatusOK) {
				t.Errorf("%s answers %d, expected %d, and %d requests reached the service", host, answer.status, want, len(seen))
			}
		}
	})
	g.stop(t)
}

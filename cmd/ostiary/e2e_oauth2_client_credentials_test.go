//go:build e2e

package main_test

import (
	"net/http"
	"testing"
)

func TestE2EOAuth2ClientCredentials(t *testing.T) {
	t.Parallel()
	h := startHydra(t)
	g := startGate(t, "hydra/engine.yaml", h.names, []guard{
		{id: "any", authenticators: `[{"handler": "oauth2_client_credentials"}]`},
		{id: "reader", authenticators: `[{"handler": "oauth2_client_credentials",
			"config": {"required_scope": ["reports.read"]}}]`},
		{id: "editor", authenticators: `[{"handler": "oauth2_client_credentials",
			"config": {"required_scope": ["reports.read", "reports.write"]}}]`},
		{id: "remembered", authenticators: `[{"handler": "oauth2_client_credentials",
			"config": {"cache": {"enabled": true, "ttl": "1h"}}}]`},
		{id: "forgotten", authenticators: `[{"handler": "oauth2_client_credentials",
			"config": {"cache": {"enabled": true, "ttl": "2s"}}}]`},
	})
	reader := h.register(t, oauthClient{ID: "reader", Scope: "reports.read"})
	// What the form encoding of RFC 6749 is for.
	odd := h.register(t, oauthClient{ID: "odd", Secret: "100%25 : a+b/ü&=?"})
	people := h.registerForPeople(t, "people", "opaque")
	impostor := oauthClient{ID: reader.ID, Secret: "a guess"}

	for _, c := range []struct {
		name, path, authorization string
		want                      verdict
	}{
		{"a client with its secret is let through as itself", "/any", reader.basic(), allowedAs("reader")},
		{"a secret may hold anything", "/any", odd.basic(), allowedAs("odd")},
		{"a wrong secret is refused", "/any", impostor.basic(), refusedWith(http.StatusUnauthorized)},
		{"no secret is refused", "/any", oauthClient{ID: reader.ID}.basic(), refusedWith(http.StatusUnauthorized)},
		{"an unknown client is refused", "/any", oauthClient{ID: "nobody", Secret: "x"}.basic(), refusedWith(http.StatusUnauthorized)},
		{"a client that may not use the grant is refused", "/any", people.basic(), refusedWith(http.StatusUnauthorized)},
		{"no credentials are refused", "/any", "", refusedWith(http.StatusUnauthorized)},
		{"a scope that the client may have is granted", "/reader", reader.basic(), allowedAs("reader")},
		{"a scope that the client may not have is refused", "/editor", reader.basic(), refusedWith(http.StatusUnauthorized)},
		{"a wrong secret is refused where clients are remembered", "/remembered", impostor.basic(), refusedWith(http.StatusUnauthorized)},
		{"a client with its secret is remembered", "/remembered", reader.basic(), allowedAs("reader")},
		{"and a wrong secret is still refused", "/remembered", impostor.basic(), refusedWith(http.StatusUnauthorized)},
		{"another client is remembered for a while", "/forgotten", odd.basic(), allowedAs("odd")},
	} {
		t.Run(c.name, func(t *testing.T) { g.expect(t, c.path, c.authorization, c.want) })
	}

	t.Run("a client that is gone is refused at once, or when nobody remembers it any more", func(t *testing.T) {
		h.unregister(t, odd)
		g.expect(t, "/any", odd.basic(), refusedWith(http.StatusUnauthorized))
		g.becomes(t, "/forgotten", odd.basic(), refusedWith(http.StatusUnauthorized))
	})
	t.Run("an outage is no wrong secret, and spares those who are remembered", func(t *testing.T) {
		h.stop(t)
		g.expect(t, "/any", reader.basic(), refusedWith(http.StatusServiceUnavailable))
		g.expect(t, "/remembered", reader.basic(), allowedAs("reader"))
		g.expect(t, "/remembered", impostor.basic(), refusedWith(http.StatusServiceUnavailable))
		g.expect(t, "/any", "", refusedWith(http.StatusUnauthorized))
	})
	t.Run("and it is over when the server is back", func(t *testing.T) {
		h.start(t)
		g.expect(t, "/any", reader.basic(), allowedAs("reader"))
		g.expect(t, "/any", impostor.basic(), refusedWith(http.StatusUnauthorized))
	})
	g.stop(t)
}

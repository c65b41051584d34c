//go:build e2e

package main_test

import (
	"fmt"
	"maps"
	"net/http"
	"testing"
)

// TestE2EPreAuthorization puts the introspection endpoint behind a gate of its own, because it tells everybody who
// reaches it about tokens. The gate that asks there needs a token itself, which is checked like any other.
func TestE2EPreAuthorization(t *testing.T) {
	t.Parallel()
	h := startHydra(t)
	asker := h.register(t, oauthClient{ID: "asker", Scope: "introspect", Audience: []string{"https://login.test"}, TokenForm: "jwt"})
	robot := h.register(t, oauthClient{ID: "robot"})

	inner := startGate(t, "hydra/engine.yaml", h.names, []guard{{
		id:    "introspection",
		match: `{"url": "http://<127\\.0\\.0\\.1:[0-9]+>/admin/oauth2/introspect", "methods": ["POST"]}`,
		authenticators: `[{"handler": "jwt", "config": {"target_audience": ["https://login.test"],
			"required_scope": ["introspect"], "scope_strategy": "exact"}}]`,
		upstream: h.admin(""),
	}})
	names := maps.Clone(h.names)
	names["ADMIN"] = "http://" + inner.ports.address("proxy")
	as := func(client oauthClient, more string) string {
		return fmt.Sprintf(`[{"handler": "oauth2_introspection", "config": {"pre_authorization": {"enabled": true,
			"token_url": %q, "client_id": %q, "client_secret": %q %s}}}]`, h.public("/oauth2/token"), client.ID, client.Secret, more)
	}
	g := startGate(t, "hydra/engine.yaml", names, []guard{
		{id: "authorized", authenticators: as(asker, `, "scope": ["introspect"], "audience": "https://login.test"`)},
		{id: "scopeless", authenticators: as(asker, `, "audience": "https://login.test"`)},
		{id: "impostor", authenticators: as(oauthClient{ID: "asker", Secret: "a guess"}, "")},
		{id: "anonymous", authenticators: `[{"handler": "oauth2_introspection"}]`},
	})
	token := h.bearer(t, robot, "", "")
	for _, c := range []struct {
		name, path, token string
		want              verdict
	}{
		{"with its own token the gate learns about others", "/authorized", token, allowedAs("robot")},
		{"and about bad ones", "/authorized", "Bearer ory_at_made.up", refusedWith(http.StatusUnauthorized)},
		{"the client is not blamed if the gate may not ask", "/scopeless", token, refusedWith(http.StatusInternalServerError)},
		{"nor if it has no token", "/anonymous", token, refusedWith(http.StatusInternalServerError)},
		{"nor if it gets none", "/impostor", token, refusedWith(http.StatusServiceUnavailable)},
	} {
		t.Run(c.name, func(t *testing.T) { g.expect(t, c.path, c.token, c.want) })
	}
	g.stop(t)
	inner.stop(t)
}

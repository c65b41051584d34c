//go:build e2e

package main_test

import (
	"fmt"
	"net/http"
	"testing"
)

func TestE2EOAuth2Introspection(t *testing.T) {
	t.Parallel()
	h := startHydra(t)
	introspection := func(config string) string {
		return fmt.Sprintf(`[{"handler": "oauth2_introspection", "config": {%s}}]`, config)
	}
	const cached = `"scope_strategy": "exact", "cache": {"enabled": true, "ttl": %q}`
	g := startGate(t, "hydra/engine.yaml", h.names, []guard{
		{id: "any", authenticators: introspection("")},
		{id: "exact", authenticators: introspection(`"scope_strategy": "exact", "required_scope": ["reports.read"]`)},
		{id: "hierarchic", authenticators: introspection(`"scope_strategy": "hierarchic", "required_scope": ["admin.users"]`)},
		{id: "wildcard", authenticators: introspection(`"scope_strategy": "wildcard", "required_scope": ["reports.read", "files.list"]`)},
		{id: "server", authenticators: introspection(`"required_scope": ["reports.read"]`)},
		{id: "audience", authenticators: introspection(`"target_audience": ["https://reports.test"]`)},
		{id: "issuer", authenticators: introspection(fmt.Sprintf(`"trusted_issuers": [%q]`, h.public("")))},
		{id: "stranger", authenticators: introspection(`"trusted_issuers": ["https://login.test"]`)},
		{id: "remembered", authenticators: introspection(fmt.Sprintf(cached, "1h"))},
		{id: "picky", authenticators: introspection(fmt.Sprintf(cached, "1h") + `, "required_scope": ["admin"]`)},
		{id: "forgotten", authenticators: introspection(fmt.Sprintf(cached, "2s"))},
		{
			id: "told", authenticators: introspection(""),
			user: `{{ print .Subject }} {{ .Extra.client_id }} ({{ .Extra.scope }}) {{ .Extra.aud }}`,
		},
		{id: "person", authenticators: introspection(""), user: `{{ print .Subject }} {{ .Extra.team }} {{ .Extra.client_id }}`},
	})
	client := h.register(t, oauthClient{
		ID: "robot", Scope: "reports.read reports.* files.* admin", Audience: []string{"https://reports.test", "https://files.test"},
	})
	plain := h.bearer(t, client, "", "")
	reader := h.bearer(t, client, "reports.read", "https://reports.test")
	wild := h.bearer(t, client, "reports.* files.*", "https://files.test")
	admin := h.bearer(t, client, "admin", "https://reports.test https://files.test")

	for _, c := range []struct {
		name, path, token string
		want              verdict
	}{
		{"an active token is let through as its subject", "/any", plain, allowedAs("robot")},
		{"a made-up token is refused", "/any", "Bearer ory_at_made.up", refusedWith(http.StatusUnauthorized)},
		{"no token is refused", "/any", "", refusedWith(http.StatusUnauthorized)},
		{"a token with the scope passes", "/exact", reader, allowedAs("robot")},
		{"a token without the scope is forbidden", "/exact", plain, refusedWith(http.StatusForbidden)},
		{"an exact scope is no pattern", "/exact", wild, refusedWith(http.StatusForbidden)},
		{"a scope covers those below it", "/hierarchic", admin, allowedAs("robot")},
		{"and no others", "/hierarchic", reader, refusedWith(http.StatusForbidden)},
		{"a pattern covers what it matches", "/wildcard", wild, allowedAs("robot")},
		{"all that is required has to be there", "/wildcard", reader, refusedWith(http.StatusForbidden)},
		{"the server compares scopes if nobody else does", "/server", reader, allowedAs("robot")},
		{"and calls a token inactive that lacks one", "/server", plain, refusedWith(http.StatusUnauthorized)},
		{"a token for the audience passes", "/audience", reader, allowedAs("robot")},
		{"a token for several audiences passes", "/audience", admin, allowedAs("robot")},
		{"a token for another audience is forbidden", "/audience", wild, refusedWith(http.StatusForbidden)},
		{"a token for no audience is forbidden", "/audience", plain, refusedWith(http.StatusForbidden)},
		{"the server is the issuer", "/issuer", plain, allowedAs("robot")},
		{"no other issuer is", "/stranger", plain, refusedWith(http.StatusForbidden)},
		{"the service can be told what the server says", "/told", reader, allowedAs("robot robot (reports.read) [https://reports.test]")},
	} {
		t.Run(c.name, func(t *testing.T) { g.expect(t, c.path, c.token, c.want) })
	}

	t.Run("a token stands for the person who let a client have it, and a refresh token for nobody", func(t *testing.T) {
		granted := h.logIn(t, h.registerForPeople(t, "app", "opaque"), "alice", map[string]string{"team": "press"})
		g.expect(t, "/person", "Bearer "+granted.Access, allowedAs("alice press app"))
		g.expect(t, "/person", "Bearer "+granted.Refresh, refusedWith(http.StatusForbidden))
	})
	t.Run("a revoked token is refused, at once or when its time to live is over", func(t *testing.T) {
		revoked := h.bearer(t, client, "", "")
		for _, path := range []string{"/any", "/remembered", "/forgotten"} {
			g.expect(t, path, revoked, allowedAs("robot"))
		}
		h.revoke(t, client, revoked)
		g.expect(t, "/any", revoked, refusedWith(http.StatusUnauthorized))
		g.becomes(t, "/forgotten", revoked, refusedWith(http.StatusUnauthorized))
		g.expect(t, "/remembered", revoked, allowedAs("robot"))
	})
	t.Run("what one rule remembers does not lower what another one asks for", func(t *testing.T) {
		g.expect(t, "/remembered", reader, allowedAs("robot"))
		g.expect(t, "/picky", reader, refusedWith(http.StatusForbidden))
		g.expect(t, "/picky", admin, allowedAs("robot"))
	})
	t.Run("an expired token is refused, whoever remembers it", func(t *testing.T) {
		brief := h.bearer(t, h.register(t, oauthClient{ID: "brief", TokenLife: "8s"}), "", "")
		g.expect(t, "/remembered", brief, allowedAs("brief"))
		g.becomes(t, "/remembered", brief, refusedWith(http.StatusUnauthorized))
		g.expect(t, "/any", brief, refusedWith(http.StatusUnauthorized))
	})
	t.Run("an outage is no bad token, and spares those that are remembered", func(t *testing.T) {
		h.stop(t)
		g.expect(t, "/any", plain, refusedWith(http.StatusServiceUnavailable))
		g.expect(t, "/any", "Bearer ory_at_made.up", refusedWith(http.StatusServiceUnavailable))
		g.expect(t, "/remembered", reader, allowedAs("robot"))
		g.expect(t, "/remembered", plain, refusedWith(http.StatusServiceUnavailable))
	})
	t.Run("and it is over when the server is back", func(t *testing.T) {
		h.start(t)
		g.expect(t, "/any", plain, allowedAs("robot"))
		g.expect(t, "/any", "Bearer ory_at_made.up", refusedWith(http.StatusUnauthorized))
	})
	g.stop(t)
}

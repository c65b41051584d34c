//go:build e2e

package main_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestE2EJWT(t *testing.T) {
	t.Parallel()
	h := startHydra(t)
	jwt := func(config string) string {
		return fmt.Sprintf(`[{"handler": "jwt", "config": {%s}}]`, config)
	}
	guards := []guard{
		{id: "any", authenticators: jwt("")},
		{id: "audience", authenticators: jwt(`"target_audience": ["https://reports.test"]`)},
		{id: "issuer", authenticators: jwt(fmt.Sprintf(`"trusted_issuers": [%q]`, h.public("")))},
		{id: "stranger", authenticators: jwt(`"trusted_issuers": ["https://login.test"]`)},
		{id: "exact", authenticators: jwt(`"scope_strategy": "exact", "required_scope": ["reports.read"]`)},
		{id: "hierarchic", authenticators: jwt(`"scope_strategy": "hierarchic", "required_scope": ["admin.users"]`)},
		{id: "unscoped", authenticators: jwt(`"required_scope": ["reports.read"]`)},
		{id: "curves", authenticators: jwt(`"allowed_algorithms": ["ES256"]`)},
		{id: "either", authenticators: `[{"handler": "jwt"}, {"handler": "oauth2_introspection"}]`},
		{id: "told", authenticators: jwt(""), user: `{{ print .Subject }} {{ .Extra.client_id }} {{ .Extra.scp }} {{ .Extra.aud }}`},
		{id: "person", authenticators: jwt(""), user: `{{ print .Subject }} {{ .Extra.ext.team }} {{ .Extra.client_id }}`},
	}
	g := startGate(t, "hydra/engine.yaml", h.names, guards)
	client := h.register(t, oauthClient{
		ID: "robot", Scope: "reports.read admin", Audience: []string{"https://reports.test", "https://files.test"}, TokenForm: "jwt",
	})
	plain := h.bearer(t, client, "", "")
	reader := h.bearer(t, client, "reports.read", "https://reports.test")
	admin := h.bearer(t, client, "admin", "https://files.test")
	opaque := h.bearer(t, h.register(t, oauthClient{ID: "opaque"}), "", "")
	unauthorized := refusedWith(http.StatusUnauthorized)

	for _, c := range []struct {
		name, path, token string
		want              verdict
	}{
		{"a token of the server is let through as its subject", "/any", plain, allowedAs("robot")},
		{"a token with another payload is refused", "/any", withPart(plain, 1, `{"sub": "root"}`), unauthorized},
		{"a token without a signature is refused", "/any", withPart(withPart(plain, 0, `{"alg": "none"}`), 2, ""), unauthorized},
		{"a token of an unknown key is refused", "/any", withPart(plain, 0, `{"alg": "RS256", "kid": "made-up"}`), unauthorized},
		{"an opaque token is none", "/any", opaque, unauthorized},
		{"no token is refused", "/any", "", unauthorized},
		{"a token for the audience passes", "/audience", reader, allowedAs("robot")},
		{"a token for another audience is refused", "/audience", admin, unauthorized},
		{"a token for no audience is refused", "/audience", plain, unauthorized},
		{"the server is the issuer", "/issuer", plain, allowedAs("robot")},
		{"no other issuer is", "/stranger", plain, unauthorized},
		{"a token with the scope passes", "/exact", reader, allowedAs("robot")},
		{"a token without the scope is refused", "/exact", admin, unauthorized},
		{"a scope covers those below it", "/hierarchic", admin, allowedAs("robot")},
		{"a scope that nobody can compare is not there", "/unscoped", reader, unauthorized},
		{"an algorithm that is not listed is refused", "/curves", plain, unauthorized},
		{"one rule takes tokens that can be read", "/either", plain, allowedAs("robot")},
		{"and tokens that only the server can read", "/either", opaque, allowedAs("opaque")},
		{"but not a bad one of the first kind as one of the second", "/either", withPart(plain, 1, `{"sub": "root"}`), unauthorized},
		{"the service can be told what is in the token", "/told", reader, allowedAs("robot robot [reports.read] [https://reports.test]")},
	} {
		t.Run(c.name, func(t *testing.T) { g.expect(t, c.path, c.token, c.want) })
	}

	t.Run("a token stands for the person who let a client have it, and a refresh token for nobody", func(t *testing.T) {
		granted := h.logIn(t, h.registerForPeople(t, "app", "jwt"), "alice", map[string]string{"team": "press"})
		g.expect(t, "/person", "Bearer "+granted.Access, allowedAs("alice press app"))
		g.expect(t, "/person", "Bearer "+granted.Refresh, unauthorized)
	})
	t.Run("an expired token is refused", func(t *testing.T) {
		brief := h.bearer(t, h.register(t, oauthClient{ID: "brief", TokenForm: "jwt", TokenLife: "8s"}), "", "")
		g.expect(t, "/any", brief, allowedAs("brief"))
		g.becomes(t, "/any", brief, unauthorized)
	})
	t.Run("a new key is found, and tokens of the old one are good until it is withdrawn", func(t *testing.T) {
		h.addKey(t, accessTokenKeys, "second")
		fresh := h.bearer(t, client, "", "")
		if head := tokenHead(t, fresh); !strings.Contains(head, `"kid":"second"`) {
			t.Fatalf("Hydra signs with the header %s", head)
		}
		g.becomes(t, "/any", fresh, allowedAs("robot"))
		g.expect(t, "/any", plain, allowedAs("robot"))
		h.removeKey(t, accessTokenKeys, "first")
		g.becomes(t, "/any", plain, unauthorized)
		g.expect(t, "/any", fresh, allowedAs("robot"))
	})
	t.Run("keys that are known outlast the server", func(t *testing.T) {
		token := h.bearer(t, client, "", "")
		g.expect(t, "/any", token, allowedAs("robot"))
		h.stop(t)
		// jwks_ttl is one second.
		for end := time.Now().Add(3 * time.Second); time.Now().Before(end) && !t.Failed(); time.Sleep(50 * time.Millisecond) {
			g.expect(t, "/any", token, allowedAs("robot"))
		}
		g.expect(t, "/any", withPart(token, 1, `{"sub": "root"}`), unauthorized)
		g.expect(t, "/any", withPart(token, 0, `{"alg": "RS256", "kid": "unheard-of"}`), refusedWith(http.StatusServiceUnavailable))

		late := startGate(t, "hydra/engine.yaml", h.names, guards)
		late.expect(t, "/any", token, refusedWith(http.StatusServiceUnavailable))
		late.expect(t, "/any", opaque, unauthorized)
		h.start(t)
		late.becomes(t, "/any", token, allowedAs("robot"))
		g.becomes(t, "/any", withPart(token, 0, `{"alg": "RS256", "kid": "unheard-of"}`), unauthorized)
		late.stop(t)
	})
	g.stop(t)
}

// tokenHead is the header of the token in an Authorization header.
func tokenHead(t *testing.T, authorization string) string {
	t.Helper()
	head, _, _ := strings.Cut(strings.TrimPrefix(authorization, "Bearer "), ".")
	text, err := base64.RawURLEncoding.DecodeString(head)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// withPart is an Authorization header with another text for a part of its token.
func withPart(authorization string, i int, text string) string {
	parts := strings.Split(strings.TrimPrefix(authorization, "Bearer "), ".")
	parts[i] = base64.RawURLEncoding.EncodeToString([]byte(text))
	return "Bearer " + strings.Join(parts, ".")
}

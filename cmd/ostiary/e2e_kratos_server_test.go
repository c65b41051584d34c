//go:build e2e

package main_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/go-jose/go-jose/v4"

	kratoslogin "ostiary/testdata/deploy/operational-auth/login"
)

// kratos is Ory Kratos, which keeps identities and sessions, with its login page. Browsers find both on the host
// auth of the domain.
type kratos struct {
	*server
	names  map[string]string // of its addresses, in files
	domain string            // with a port, unless it is that of http
	page   *httptest.Server
	keys   jose.JSONWebKeySet // what its own tokens are verified with
}

var kratosComponent = component{name: "kratos", tags: "sqlite,json1"}

func startKratos(t *testing.T, domain string) *kratos {
	t.Helper()
	cookies := domain
	if host, _, err := net.SplitHostPort(domain); err == nil {
		cookies = host
	}
	public, admin := strconv.Itoa(freePort(t)), strconv.Itoa(freePort(t))
	k := &kratos{domain: domain, names: map[string]string{
		"DIR": t.TempDir(), "PUBLIC_PORT": public, "ADMIN_PORT": admin,
		"PUBLIC": "http://127.0.0.1:" + public, "ADMIN": "http://127.0.0.1:" + admin,
		"DOMAIN": cookies, "LOGIN_HOST": "http://auth." + domain, "ANY_HOST": "http://*." + domain,
		"PURGE_TOKEN": rand.Text(),
	}}
	k.page = httptest.NewServer(kratoslogin.Page(k.public("")))
	t.Cleanup(k.page.Close)
	k.makeKeys(t)
	k.server = openServer(t, kratosComponent, k.names, "kratos.yml", "identity.schema.json", "claims.jsonnet")
	k.run(t, "migrate", "sql", "-e", "--yes", "-c", "kratos.yml")
	// Without TLS, browsers only get cookies in the mode for development.
	k.args = []string{"serve", "-c", "kratos.yml", "--dev", "--sqa-opt-out"}
	k.ready = []string{k.public("/schemas"), k.admin("/admin/health/ready")}
	k.start(t)
	return k
}

// makeKeys makes the key that Kratos signs its own tokens with.
func (k *kratos) makeKeys(t *testing.T) {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signing := jose.JSONWebKey{Key: private, KeyID: "kratos", Algorithm: string(jose.RS256), Use: "sig"}
	text := asJSON(t, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{signing}})
	if err := os.WriteFile(filepath.Join(k.names["DIR"], "jwks.json"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	k.keys.Keys = []jose.JSONWebKey{signing.Public()}
}

func (k *kratos) public(path string) string { return k.names["PUBLIC"] + path }
func (k *kratos) admin(path string) string  { return k.names["ADMIN"] + path }

// on is an address that browsers know.
func (k *kratos) on(host, path string) string { return "http://" + host + "." + k.domain + path }

// account is an identity as its owner knows it.
type account struct {
	id, email, password, team string

	secret string // of the second factor; empty: there is none
}

func (a account) login() map[string]any {
	return map[string]any{"method": "password", "identifier": a.email, "password": a.password}
}

// create makes an account with the admin API.
func (k *kratos) create(t *testing.T, name string) account {
	t.Helper()
	a := account{email: name + "@people.test", password: rand.Text(), team: "watch"}
	var made struct{ ID string }
	fetchJSON(t, http.MethodPost, k.admin("/admin/identities"), map[string]any{
		"schema_id": "person", "traits": map[string]any{"email": a.email, "team": a.team},
		"credentials": map[string]any{"password": map[string]any{"config": map[string]any{"password": a.password}}},
	}, http.StatusCreated, &made)
	a.id = made.ID
	return a
}

func (k *kratos) deactivate(t *testing.T, a account) {
	t.Helper()
	change := []map[string]any{{"op": "replace", "path": "/state", "value": "inactive"}}
	fetchJSON(t, http.MethodPatch, k.admin("/admin/identities/"+a.id), change, http.StatusOK, nil)
}

// session is the id of the account's only session.
func (k *kratos) session(t *testing.T, a account) string {
	t.Helper()
	var sessions []struct{ ID string }
	fetchJSON(t, http.MethodGet, k.admin("/admin/identities/"+a.id+"/sessions?active=true"), nil, http.StatusOK, &sessions)
	if len(sessions) != 1 {
		t.Fatalf("%s has %d sessions, expected one", a.email, len(sessions))
	}
	return sessions[0].ID
}

// revoke ends a session with the admin API.
func (k *kratos) revoke(t *testing.T, session string) {
	t.Helper()
	fetchJSON(t, http.MethodDelete, k.admin("/admin/sessions/"+session), nil, http.StatusNoContent, nil)
}

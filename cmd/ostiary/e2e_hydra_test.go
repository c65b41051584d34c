//go:build e2e

package main_test

import (
	"crypto/rand"
	"crypto/rsa"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// hydra is Ory Hydra, an OAuth 2.0 server.
type hydra struct {
	*server
	names map[string]string // of its addresses, in files
}

var hydraComponent = component{name: "hydra", tags: "sqlite,json1"}

// The key sets of which Hydra publishes the public parts.
const (
	accessTokenKeys = "hydra.jwt.access-token"
	idTokenKeys     = "hydra.openid.id-token"
)

func startHydra(t *testing.T) *hydra {
	t.Helper()
	public, admin := strconv.Itoa(freePort(t)), strconv.Itoa(freePort(t))
	h := &hydra{names: map[string]string{
		"DIR": t.TempDir(), "PUBLIC_PORT": public, "ADMIN_PORT": admin,
		"PUBLIC": "http://127.0.0.1:" + public, "ADMIN": "http://127.0.0.1:" + admin,
	}}
	h.server = openServer(t, hydraComponent, h.names, "hydra.yaml")
	h.run(t, "migrate", "sql", "up", "-e", "--yes", "-c", "hydra.yaml")
	h.args = []string{"serve", "all", "-c", "hydra.yaml", "--dev", "--sqa-opt-out"}
	h.ready = []string{h.public("/health/ready"), h.admin("/health/ready")}
	h.start(t)
	// It makes keys that it lacks, when it is first asked for them, and larger ones than there is time for.
	h.addKey(t, accessTokenKeys, "first")
	h.addKey(t, idTokenKeys, "id-token")
	return h
}

func (h *hydra) public(path string) string { return h.names["PUBLIC"] + path }
func (h *hydra) admin(path string) string  { return h.names["ADMIN"] + path }

// addKey adds a key to a set. Hydra signs with the newest one.
func (h *hydra) addKey(t *testing.T, set, id string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	signing := jose.JSONWebKey{Key: key, KeyID: id, Algorithm: string(jose.RS256), Use: "sig"}
	fetchJSON(t, http.MethodPut, h.admin("/admin/keys/"+set+"/"+id), signing, http.StatusOK, nil)
}

func (h *hydra) removeKey(t *testing.T, set, id string) {
	t.Helper()
	fetchJSON(t, http.MethodDelete, h.admin("/admin/keys/"+set+"/"+id), nil, http.StatusNoContent, nil)
}

// oauthClient is an OAuth 2.0 client as Hydra registers it.
type oauthClient struct {
	ID         string   `json:"client_id"`
	Secret     string   `json:"client_secret"`
	Grants     []string `json:"grant_types"`
	Scope      string   `json:"scope,omitempty"`
	Audience   []string `json:"audience,omitempty"`
	TokenForm  string   `json:"access_token_strategy,omitempty"` // jwt or opaque
	TokenLife  string   `json:"client_credentials_grant_access_token_lifespan,omitempty"`
	RedirectTo []string `json:"redirect_uris,omitempty"`
}

// register makes a client known. Without grants of its own it may use that of its credentials.
func (h *hydra) register(t *testing.T, client oauthClient) oauthClient {
	t.Helper()
	if client.Grants == nil {
		client.Grants = []string{"client_credentials"}
	}
	if client.Secret == "" {
		client.Secret = "secret-of-" + client.ID
	}
	fetchJSON(t, http.MethodPost, h.admin("/admin/clients"), client, http.StatusCreated, nil)
	return client
}

func (h *hydra) unregister(t *testing.T, client oauthClient) {
	t.Helper()
	fetchJSON(t, http.MethodDelete, h.admin("/admin/clients/"+url.PathEscape(client.ID)), nil, http.StatusNoContent, nil)
}

// basic are the client's credentials as RFC 6749 section 2.3.1 has them sent.
func (c oauthClient) basic() string {
	request := http.Request{Header: http.Header{}}
	request.SetBasicAuth(url.QueryEscape(c.ID), url.QueryEscape(c.Secret))
	return request.Header.Get("Authorization")
}

// tokens are what Hydra grants.
type tokens struct {
	Access  string `json:"access_token"`
	Refresh string `json:"refresh_token"`
}

// grant gets tokens at the token endpoint; parameters are added to the form.
func (h *hydra) grant(t *testing.T, client oauthClient, kind string, parameters url.Values) tokens {
	t.Helper()
	form := url.Values{"grant_type": {kind}}
	for name, values := range parameters {
		form[name] = values
	}
	var granted tokens
	h.post(t, client, "/oauth2/token", form, &granted)
	if granted.Access == "" {
		t.Fatal("Hydra granted no access token")
	}
	return granted
}

// bearer is the Authorization header with a token for the client itself, of this scope and for this audience, as
// far as they are not empty.
func (h *hydra) bearer(t *testing.T, client oauthClient, scope, audience string) string {
	t.Helper()
	parameters := url.Values{}
	if scope != "" {
		parameters.Set("scope", scope)
	}
	if audience != "" {
		parameters.Set("audience", audience)
	}
	return "Bearer " + h.grant(t, client, "client_credentials", parameters).Access
}

// revoke takes back a token that is in an Authorization header.
func (h *hydra) revoke(t *testing.T, client oauthClient, authorization string) {
	t.Helper()
	h.post(t, client, "/oauth2/revoke", url.Values{"token": {strings.TrimPrefix(authorization, "Bearer ")}}, nil)
}

func (h *hydra) post(t *testing.T, client oauthClient, path string, form url.Values, result any) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, h.public(path), strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", client.basic())
	fetch(t, request, http.StatusOK, result)
}

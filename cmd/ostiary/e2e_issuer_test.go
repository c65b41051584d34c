//go:build e2e

package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// issuer is an OpenID provider that asks nobody for a password: a cookie says who sits at a browser, as if they
// had logged in there before. It is strict with the client that it serves.
type issuer struct {
	server *httptest.Server
	client relyingParty
	groups map[string][]string // by the names of those who can log in
	key    jose.JSONWebKey
	signer jose.Signer

	mu       sync.Mutex
	codes    map[string]login  // that have not been redeemed
	access   map[string]string // whose an access token is
	refresh  map[string]string // whose a refresh token is
	renewals int               // of sessions, with a refresh token
}

// relyingParty is the one client that may have people logged in.
type relyingParty struct{ id, secret, callback string }

// login is what a code stands for.
type login struct{ person, nonce, challenge string }

// seat is the cookie that says who sits at a browser.
const seat = "seat"

func startIssuer(t *testing.T, client relyingParty, groups map[string][]string) *issuer {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{
		client: client,
		groups: groups,
		key:    jose.JSONWebKey{Key: key, KeyID: "issuer", Algorithm: string(jose.ES256), Use: "sig"},
		codes:  map[string]login{},
		access: map[string]string{}, refresh: map[string]string{},
	}
	i.signer, err = jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: i.key}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", i.discovery)
	mux.HandleFunc("GET /keys", i.keys)
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	mux.HandleFunc("GET /userinfo", i.userinfo)
	i.server = httptest.NewServer(mux)
	t.Cleanup(i.server.Close)
	return i
}

// mailOf is the address of a person.
func mailOf(person string) string { return person + "@gate.test" }

// renewed is how often a session was renewed.
func (i *issuer) renewed() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.renewals
}

func (i *issuer) discovery(w http.ResponseWriter, _ *http.Request) {
	address := i.server.URL
	respond(w, http.StatusOK, map[string]any{
		"issuer":                 address,
		"authorization_endpoint": address + "/authorize",
		"token_endpoint":         address + "/token",
		"userinfo_endpoint":      address + "/userinfo",
		"jwks_uri":               address + "/keys",

		"response_types_supported":              []string{"code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{"ES256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic"},
		"code_challenge_methods_supported":      []string{"S256"},
	})
}

func (i *issuer) keys(w http.ResponseWriter, _ *http.Request) {
	respond(w, http.StatusOK, jose.JSONWebKeySet{Keys: []jose.JSONWebKey{i.key.Public()}})
}

// authorize sends the browser back to the client with a code. A client that asks carelessly gets none.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	for name, want := range map[string]string{
		"client_id": i.client.id, "redirect_uri": i.client.callback, "response_type": "code", "code_challenge_method": "S256",
	} {
		if got := query.Get(name); got != want {
			http.Error(w, fmt.Sprintf("%s is %q, expected %q", name, got, want), http.StatusBadRequest)
			return
		}
	}
	for _, name := range []string{"state", "nonce", "code_challenge"} {
		if query.Get(name) == "" {
			http.Error(w, "there is no "+name, http.StatusBadRequest)
			return
		}
	}
	if !strings.Contains(" "+query.Get("scope")+" ", " openid ") {
		http.Error(w, "the scope has no openid", http.StatusBadRequest)
		return
	}
	cookie, err := r.Cookie(seat)
	if err != nil {
		http.Error(w, "nobody sits there", http.StatusForbidden)
		return
	}
	if _, known := i.groups[cookie.Value]; !known {
		http.Error(w, cookie.Value+" is a stranger", http.StatusForbidden)
		return
	}
	code := rand.Text()
	i.mu.Lock()
	i.codes[code] = login{cookie.Value, query.Get("nonce"), query.Get("code_challenge")}
	i.mu.Unlock()
	back := url.Values{"code": {code}, "state": {query.Get("state")}}
	http.Redirect(w, r, i.client.callback+"?"+back.Encode(), http.StatusFound)
}

// token gives the client tokens for a code or a refresh token, once for each.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if id != url.QueryEscape(i.client.id) || secret != url.QueryEscape(i.client.secret) {
		respond(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	granted, ok := i.granted(r)
	if !ok {
		respond(w, http.StatusBadRequest, map[string]string{"error": "invalid_grant"})
		return
	}
	about := i.about(granted.person)
	about["aud"] = i.client.id
	about["iat"], about["exp"] = time.Now().Unix(), time.Now().Add(time.Hour).Unix()
	if granted.nonce != "" {
		about["nonce"] = granted.nonce
	}
	idToken, err := jwt.Signed(i.signer).Claims(about).Serialize()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	access, refresh := rand.Text(), rand.Text()
	i.mu.Lock()
	i.access[access], i.refresh[refresh] = granted.person, granted.person
	i.mu.Unlock()
	respond(w, http.StatusOK, map[string]any{
		"token_type": "Bearer", "expires_in": 3600, "access_token": access, "refresh_token": refresh, "id_token": idToken,
	})
}

// granted is the login that the client proves to have a right to.
func (i *issuer) granted(r *http.Request) (login, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		code := r.PostFormValue("code")
		granted, known := i.codes[code]
		delete(i.codes, code)
		verifier := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		proved := base64.RawURLEncoding.EncodeToString(verifier[:]) == granted.challenge
		return granted, known && proved && r.PostFormValue("redirect_uri") == i.client.callback
	case "refresh_token":
		token := r.PostFormValue("refresh_token")
		person, known := i.refresh[token]
		if delete(i.refresh, token); known {
			i.renewals++
		}
		return login{person: person}, known
	default:
		return login{}, false
	}
}

func (i *issuer) userinfo(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	person, known := i.access[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	i.mu.Unlock()
	if !known {
		respond(w, http.StatusUnauthorized, map[string]string{"error": "invalid_token"})
		return
	}
	respond(w, http.StatusOK, i.about(person))
}

// about are the claims about a person. Somebody of no group has no claim about groups.
func (i *issuer) about(person string) map[string]any {
	claims := map[string]any{
		"iss": i.server.URL, "sub": "id-of-" + person, "preferred_username": person,
		"email": mailOf(person), "email_verified": true,
	}
	if groups := i.groups[person]; len(groups) > 0 {
		claims["groups"] = groups
	}
	return claims
}

func respond(w http.ResponseWriter, status int, document any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(document)
}

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// recorded is a request that a peer of the engine received.
type recorded struct {
	method, target, host, body string
	header                     http.Header
}

// record keeps what a peer received until it is taken.
type record struct {
	mu   sync.Mutex
	seen []recorded
}

func (r *record) add(request *http.Request, body string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.seen = append(r.seen, recorded{
		method: request.Method,
		target: request.URL.RequestURI(),
		host:   request.Host,
		body:   body,
		header: request.Header.Clone(),
	})
}

// take returns what was received since the last time.
func (r *record) take() []recorded {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := r.seen
	r.seen = nil
	return seen
}

// sessionStore answers for Kratos: /sessions/whoami tells whose session a cookie is.
type sessionStore struct {
	record
	server *httptest.Server
	owners sync.Map // by the cookie's value
}

func startSessionStore(t *testing.T) *sessionStore {
	t.Helper()
	s := &sessionStore{}
	s.owners.Store("good", "u-1")
	s.server = httptest.NewServer(http.HandlerFunc(s.whoami))
	t.Cleanup(s.server.Close)
	return s
}

func (s *sessionStore) revoke(cookie string) { s.owners.Delete(cookie) }

func (s *sessionStore) whoami(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.add(r, string(body))
	w.Header().Set("Content-Type", "application/json")
	var owner any
	if cookie, err := r.Cookie("ory_kratos_session"); err == nil && r.URL.Path == "/sessions/whoami" {
		owner, _ = s.owners.Load(cookie.Value)
	}
	if owner == nil {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"code":401,"status":"Unauthorized","reason":"No valid session credentials found in the request."}}`)
		return
	}
	_, _ = fmt.Fprintf(w, `{"id":"f1e6","active":true,"identity":{"id":%q,"schema_id":"default"}}`, owner)
}

const upstreamPage = "a page of the service"

// upstream is every service of the cluster at once. It also understands requests to a forward proxy, and so it
// answers for whatever host the engine wants to reach.
type upstream struct {
	record
	server *httptest.Server
}

func startUpstream(t *testing.T) *upstream {
	t.Helper()
	u := &upstream{}
	u.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		u.add(r, string(body))
		// What the engine told about the request, for a test that looks at each answer by itself.
		for _, name := range []string{"X-User-Id", "X-Generation"} {
			for _, value := range r.Header.Values(name) {
				w.Header().Add("Seen-"+name, value)
			}
		}
		_, _ = io.WriteString(w, upstreamPage)
	}))
	t.Cleanup(u.server.Close)
	return u
}

//go:build e2e

package main_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// gatewayHost is the host that clients of the gateways ask for.
const gatewayHost = "app.test"

// gatewaySite is a gateway with the engine beside it and a service behind it.
type gatewaySite struct {
	*engine
	peculiarity
	address  string // of the gateway
	sessions *httptest.Server
	service  *gatewayService
}

const gatewayEngine = `
authenticators:
  noop: { enabled: true }
  cookie_session:
    enabled: true
    config:
      check_session_url: SESSIONS/whoami
      only: [session]
      force_method: GET
      preserve_path: true
      subject_from: id
      extra_from: "@this"
  oauth2_client_credentials:
    enabled: true
    config: { token_url: SESSIONS/token }
authorizers:
  allow: { enabled: true }
  deny: { enabled: true }
  remote_json:
    enabled: true
    config: { remote: SESSIONS/busy, payload: "{}" }
mutators:
  noop: { enabled: true }
  header:
    enabled: true
    config:
      headers:
        X-User: "{{ print .Subject }}"
        X-Role: "{{ with .Extra }}{{ with .role }}{{ . }}{{ end }}{{ end }}"
errors:
  fallback: [redirect, json]
  handlers:
    json: { enabled: true }
    www_authenticate:
      enabled: true
      config: { realm: the reports }
    redirect:
      enabled: true
      config:
        to: https://login.test/start
        return_to_query_param: return_to
        on_browser_only: true
        when: [{ error: [unauthorized] }]
`

const gatewayRules = `[
  {"id": "public", "match": {"url": "http://app.test/public/<.*>", "methods": ["GET", "POST"]},
    "authenticators": [{"handler": "noop"}], "authorizer": {"handler": "allow"}, "mutators": [{"handler": "header"}]},
  {"id": "bare", "match": {"url": "http://app.test/bare", "methods": ["GET"]},
    "authenticators": [{"handler": "noop"}], "authorizer": {"handler": "allow"}, "mutators": [{"handler": "noop"}]},
  {"id": "private", "match": {"url": "http://app.test/private/<.*>", "methods": ["GET", "HEAD", "POST", "PATCH"]},
    "authenticators": [{"handler": "cookie_session"}], "authorizer": {"handler": "allow"}, "mutators": [{"handler": "header"}]},
  {"id": "forbidden", "match": {"url": "http://app.test/forbidden", "methods": ["GET"]},
    "authenticators": [{"handler": "cookie_session"}], "authorizer": {"handler": "deny"}, "mutators": [{"handler": "header"}]},
  {"id": "busy", "match": {"url": "http://app.test/busy", "methods": ["GET"]},
    "authenticators": [{"handler": "noop"}], "authorizer": {"handler": "remote_json"}, "mutators": [{"handler": "header"}]},
  {"id": "reports", "match": {"url": "http://app.test/reports", "methods": ["GET"]},
    "authenticators": [{"handler": "oauth2_client_credentials"}], "authorizer": {"handler": "allow"}, "mutators": [{"handler": "header"}],
    "errors": [{"handler": "www_authenticate"}]}
]`

// startGatewaySite starts all of it.
func startGatewaySite(t *testing.T, g gateway) *gatewaySite {
	t.Helper()
	p, known := peculiarities[g.name]
	if !known {
		t.Fatalf("nobody says what is peculiar to %s", g.name)
	}
	s := &gatewaySite{peculiarity: p, sessions: httptest.NewServer(http.HandlerFunc(answerForSessions)), service: startGatewayService(t)}
	t.Cleanup(s.sessions.Close)
	dir, ports, local := t.TempDir(), freeListeners(t), map[string]any{}
	ports.bind(local)
	for name, text := range map[string]string{
		"engine.yaml": strings.ReplaceAll(gatewayEngine, "SESSIONS", s.sessions.URL), "rules.json": gatewayRules,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	section(local, "access_rules")["repositories"] = []string{"file://" + filepath.Join(dir, "rules.json")}
	listen := filepath.Join(dir, "local.json")
	if err := os.WriteFile(listen, []byte(asJSON(t, local)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.engine = startEngine(t, dir, ports, []string{filepath.Join(dir, "engine.yaml"), listen}, nil)
	if err := s.awaitReady(); err != nil {
		t.Fatal(err)
	}
	s.address = g.start(t, ports.address("api"), s.service.server.Listener.Addr().String())
	return s
}

// answerForSessions knows a cookie for each of two people, one of whom has a role, and one client with a password.
// It is too busy for anything else.
func answerForSessions(w http.ResponseWriter, r *http.Request) {
	cookie, err := r.Cookie("session")
	id, password, _ := r.BasicAuth()
	switch {
	case r.URL.Path == "/token" && id == "auditor" && password == "right":
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"access_token":"t","token_type":"bearer"}`)
	case r.URL.Path == "/token":
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":"invalid_client"}`)
	case r.URL.Path == "/busy":
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	case err != nil:
		w.WriteHeader(http.StatusUnauthorized)
	case cookie.Value == "captain":
		_, _ = io.WriteString(w, `{"id":"u-1","role":"captain"}`)
	case cookie.Value == "sailor":
		_, _ = io.WriteString(w, `{"id":"u-2"}`)
	default:
		w.WriteHeader(http.StatusUnauthorized)
	}
}

const captain, sailor = "Cookie: session=captain", "Cookie: session=sailor"

// gatewayService is what is behind a gateway. It sees targets as they were written.
type gatewayService struct {
	record
	server *httptest.Server
}

func startGatewayService(t *testing.T) *gatewayService {
	t.Helper()
	s := &gatewayService{}
	s.server = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(s.server.Close)
	return s
}

func (s *gatewayService) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.seen = append(s.seen, recorded{method: r.Method, target: r.RequestURI, host: r.Host, body: string(body), header: r.Header.Clone()})
	s.mu.Unlock()
	switch {
	case r.Header.Get("Upgrade") == "echo":
		s.echo(w)
	case r.URL.Path == "/public/teapot": // refuses by itself, as the engine does
		w.Header().Set("Www-Authenticate", `Basic realm="the teapot"`)
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "the service's own refusal")
	case r.URL.Path == "/public/wrong":
		http.Error(w, "the service's own trouble", http.StatusForbidden)
	default:
		_, _ = io.WriteString(w, upstreamPage)
	}
}

// echo switches the connection to a protocol in which each line is sent back.
func (s *gatewayService) echo(w http.ResponseWriter) {
	connection, stream, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer connection.Close()
	_, _ = io.WriteString(connection, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	for {
		line, err := stream.ReadString('\n')
		if err != nil {
			return
		}
		_, _ = fmt.Fprintf(connection, "you said %s", line)
	}
}

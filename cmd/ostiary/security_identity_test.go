package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// aliases are ways to write X-User, or names that servers take for it.
var aliases = []string{"X-User: root", "x-user: root", "X-USER: root", "X_User: root", "x_user: root", "X-User : root", "X-User\x0b: root", "X-User\t: root", " X-User: root"}

var securityIdentity = []securityRow{
	{id: "ID-01", test: func(t *testing.T, g *bastion) {
		spoofed := attempt{target: "/user/1", token: userToken, lines: []string{"X-User: root", "X-User: admin", "X-Roles: all"}}
		got := asProxied(t, g, spoofed)
		if len(got.upstream) != 1 || !slices.Equal(got.upstream[0].values("X-User"), []string{"alice"}) {
			t.Errorf("proxy: the upstream got %+v", got.upstream)
		}
		for _, mode := range []string{"decisions", "envoy"} {
			if got := modes[mode](t, g, spoofed); got.status != http.StatusOK || !slices.Equal(got.header.Values("X-User"), []string{"alice"}) {
				t.Errorf("%s: got %d with %q", mode, got.status, got.header.Values("X-User"))
			}
		}
	}},
	{id: "ID-03", test: func(t *testing.T, g *bastion) {
		// The claim that X-Roles shows is missing.
		claimed := attempt{target: "/user/1", token: userToken, lines: []string{"X-Roles: all"}}
		for _, s := range asProxied(t, g, claimed).upstream {
			if values := s.values("X-Roles"); len(values) > 0 && !slices.Equal(values, []string{""}) {
				t.Errorf("proxy: the upstream got %q", values)
			}
		}
		if got := asForwarded(t, g, claimed); !slices.Equal(got.header.Values("X-Roles"), []string{""}) { // overwrites the client's
			t.Errorf("decisions: got %q", got.header.Values("X-Roles"))
		}
		if got := asChecked(t, g, claimed); !slices.Equal(got.header.Values("X-Roles"), []string{""}) {
			t.Errorf("envoy: got %q", got.header.Values("X-Roles"))
		}
	}},
	{id: "ID-04", test: func(t *testing.T, g *bastion) {
		for _, line := range aliases {
			got := asProxied(t, g, attempt{target: "/user/1", token: userToken, lines: []string{line}})
			if got.status == malformed && len(got.upstream) == 0 {
				continue
			}
			if strings.HasPrefix(line, " ") { // it goes on with the line before, which is the token's
				g.refuses(t, attempt{target: "/user/1", token: userToken, lines: []string{line}}, []string{"proxy"})
				continue
			}
			if len(got.upstream) != 1 {
				t.Errorf("%q: got %d", line, got.status)
				continue
			}
			for _, forwarded := range got.upstream[0].lines {
				if strings.Contains(forwarded, "root") {
					t.Errorf("%q: the upstream got %q", line, forwarded)
				}
			}
		}
		answer, err := g.check(t, trustedGateway, attempt{target: "/user/1", token: userToken, lines: []string{"x_user: root", "X-Roles: all"}}.filled())
		if removed := answer.GetOkResponse().GetHeadersToRemove(); err != nil || !slices.Contains(removed, "x_user") {
			t.Errorf("envoy: is to remove %q, %v", removed, err)
		}
	}},
	{id: "ID-06", test: func(t *testing.T, g *bastion) {
		for _, line := range []string{"Connection: Authorization, Cookie", "Connection: close, authorization", "Connection: X-User"} {
			got := asProxied(t, g, attempt{target: "/user/1", token: userToken, lines: []string{line, "X-User: root"}})
			if got.status != http.StatusOK && got.status != malformed {
				t.Errorf("%s: got %d", line, got.status)
			}
			for _, s := range got.upstream {
				if !slices.Equal(s.values("X-User"), []string{"alice"}) {
					t.Errorf("%s: the upstream got %q", line, s.values("X-User"))
				}
			}
			// Without a credential there is no difference either.
			g.refuses(t, attempt{target: "/user/1", lines: []string{line}}, []string{"proxy", "decisions"})
		}
	}},
	{id: "ID-07", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, func(config object) { section(section(config, "serve"), "proxy")["forwarded_headers"] = "append" })
		for _, name := range []string{"X-Forwarded-For", "x-forwarded-for, X-Forwarded-Host, X-Forwarded-Proto"} {
			got := asProxied(t, g, attempt{target: "/public/x", lines: []string{"Connection: " + name}})
			if len(got.upstream) != 1 || !slices.Equal(got.upstream[0].values("X-Forwarded-For"), []string{stranger}) {
				t.Errorf("%s: got %+v", name, got.upstream)
			}
		}
	}},
	{id: "ID-09", test: func(t *testing.T, g *bastion) {
		for line, accepted := range map[string]bool{
			"Bearer TU": true, "bearer TU": true, "BEARER TU": true, "Bearer  TU": false, "Bearer\tTU": false, "Bearer TU extra": false, "BearerTU": false,
			"Bearer TU,": false, "Bearer \"TU\"": false, "Basic TU": false, "TU": false, "Bearer": false, "Bearer TU, Bearer TA": false,
		} {
			asked := attempt{target: "/user/1", lines: []string{"Authorization: " + line}}
			for mode, ask := range modes {
				if got := ask(t, g, asked); (got.status == http.StatusOK) != accepted {
					t.Errorf("%s: %q: got %d", mode, line, got.status)
				}
			}
		}
		g.refuses(t, attempt{target: "/user/1", lines: []string{"Authorization: Bearer TU", "Authorization: Bearer TA"}}, nil)
		g.refuses(t, attempt{target: "/admin/1", lines: []string{"Authorization: Bearer TU", "Authorization: Bearer TA"}}, nil)
	}},
	{id: "ID-10", test: func(t *testing.T, _ *bastion) {
		// The session service gets what the client sent, all of it, and nothing else is cached under that.
		g, sessions := startSessionGuard(t)
		for _, lines := range [][]string{{"Cookie: session=alice; session=bob"}, {"Cookie: session=alice", "Cookie: session=bob"}, {"Cookie: session=bob; session=alice"}} {
			first := asProxied(t, g, attempt{target: "/x", lines: lines})
			for range 3 {
				again := asProxied(t, g, attempt{target: "/x", lines: lines})
				if again.status != first.status || len(again.upstream) != len(first.upstream) {
					t.Errorf("%s: got %d, and %d before", lines, again.status, first.status)
				}
			}
			if last := sessions.last(); !strings.Contains(last, "alice") || !strings.Contains(last, "bob") {
				t.Errorf("%s: the session service was asked about %q", lines, last)
			}
			if first.granted() {
				t.Errorf("%s: granted, though the service knows no such session", lines)
			}
		}
	}},
	{id: "ID-12", test: func(t *testing.T, g *bastion) {
		got := asProxied(t, g, attempt{
			method: "POST", target: "/user/1", token: userToken, lines: []string{"Transfer-Encoding: chunked", "Trailer: X-User, Authorization"},
			body: "2\r\nhi\r\n0\r\nX-User: root\r\nAuthorization: Bearer TA\r\n\r\n",
		})
		if len(got.upstream) != 1 || !slices.Equal(got.upstream[0].values("X-User"), []string{"alice"}) {
			t.Fatalf("got %d, %+v", got.status, got.upstream)
		}
		if strings.Contains(got.upstream[0].body, "root") {
			t.Errorf("the trailer reaches the upstream: %q", got.upstream[0].body)
		}
		g.refuses(t, attempt{
			method: "POST", target: "/user/1", lines: []string{"Transfer-Encoding: chunked", "Trailer: Authorization"}, body: "0\r\nAuthorization: Bearer TU\r\n\r\n",
		}, []string{"proxy"}, 401)
	}},
	{id: "ID-13", test: func(t *testing.T, _ *bastion) {
		authorizer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			for _, name := range []string{"Host", "Transfer-Encoding", "Connection", "X-Secret", "X-Allowed", "Upgrade", "Te"} {
				if name != "Transfer-Encoding" && name != "Connection" {
					w.Header().Set(name, "of the authorizer")
				}
			}
		}))
		t.Cleanup(authorizer.Close)
		g := startBastion(t, func(upstream, _ string) []object {
			rule := openRule(upstream)
			rule["authorizer"] = object{"handler": "remote", "config": object{
				"remote": authorizer.URL, "forward_response_headers_to_upstream": []string{"X-Allowed", "Host", "Upgrade", "Content-Length"},
			}}
			return []object{rule}
		}, func(config object) {
			section(config, "authorizers")["remote"] = object{"enabled": true, "config": object{"remote": authorizer.URL}}
		})
		got := asProxied(t, g, attempt{target: "/x"})
		if len(got.upstream) != 1 || !slices.Equal(got.upstream[0].values("X-Allowed"), []string{"of the authorizer"}) {
			t.Fatalf("got %d, %+v", got.status, got.upstream)
		}
		for _, name := range []string{"Host", "X-Secret", "Upgrade", "Te", "Transfer-Encoding"} {
			if strings.Contains(strings.Join(got.upstream[0].values(name), ","), "authorizer") {
				t.Errorf("%s of the authorizer's answer reaches the upstream", name)
			}
		}
	}},
	{id: "ID-15", test: func(t *testing.T, g *bastion) {
		carrying := attempt{target: "/user/1", token: userToken, lines: []string{"Cookie: session=secret", "X-Session-Token: secret", "Proxy-Authorization: Basic secret"}}
		noop := startBastion(t, func(upstream, _ string) []object {
			rule := openRule(upstream)
			rule["authenticators"] = []object{{"handler": "noop"}}
			return []object{rule}
		}, func(config object) { section(config, "authenticators")["noop"] = object{"enabled": true} })
		for _, g := range []*bastion{g, noop} {
			for _, mode := range []string{"decisions", "envoy"} {
				got := modes[mode](t, g, carrying)
				if got.status != http.StatusOK {
					t.Errorf("%s: got %d", mode, got.status)
				}
				if text := fmt.Sprint(got.header); strings.Contains(text, "secret") || strings.Contains(text, userToken) {
					t.Errorf("%s: answers %s", mode, text)
				}
			}
		}
	}},
	{id: "ID-16", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, func(upstream, _ string) []object {
			rule := openRule(upstream)
			rule["authorizer"] = object{"handler": "cel", "config": object{"expression": `request.headers["x-role"].all(role, !role.contains("admin"))`}}
			return []object{rule}
		}, func(config object) { section(config, "authorizers")["cel"] = object{"enabled": true} })
		for _, lines := range [][]string{{"X-Role: user", "X-Role: admin"}, {"X-Role: user,admin"}, {"X-Role: admin", "X-Role: user"}, {"x-role: user", "X-ROLE: admin"}} {
			g.refuses(t, attempt{target: "/x", lines: lines}, nil, 403)
		}
		g.grants(t, attempt{target: "/x", lines: []string{"X-Role: user", "X-Role: guest"}}, nil, "/x")
	}},
	{id: "ID-18", test: func(t *testing.T, g *bastion) {
		plain := [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "app.test"}, {":path", "/public/x"}}
		if got := g.askHTTP2(t, append(plain, [2]string{"x-user", "root"})); got != "200" {
			t.Errorf("got %q", got)
		}
		for _, name := range []string{"x-User", "X-USER", "x user", "x-user\x00", "x-user:"} {
			if got := g.askHTTP2(t, append(plain, [2]string{name, "root"})); got != "" {
				t.Errorf("%q: got %s", name, got)
			}
		}
	}},
}

// sessionService knows the sessions alice and bob, one at a time, and remembers what it was asked.
type sessionService struct {
	mutex  sync.Mutex
	asked  []string
	server *httptest.Server
}

func (s *sessionService) last() string {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.asked) == 0 {
		return ""
	}
	return s.asked[len(s.asked)-1]
}

func (s *sessionService) questions() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.asked)
}

func (s *sessionService) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	cookies := strings.Join(r.Header.Values("Cookie"), "; ")
	s.mutex.Lock()
	s.asked = append(s.asked, cookies)
	s.mutex.Unlock()
	for _, person := range []string{"alice", "bob"} {
		if cookies == "session="+person {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Set-Cookie", "renewed="+person)
			_ = json.NewEncoder(w).Encode(object{"subject": person, "extra": object{"role": "of " + person}})
			return
		}
	}
	w.WriteHeader(http.StatusUnauthorized)
}

// startSessionGuard starts a guard whose only rule is for those with a session, which may be cached.
func startSessionGuard(t *testing.T) (*bastion, *sessionService) {
	t.Helper()
	sessions := new(sessionService)
	sessions.server = httptest.NewServer(sessions)
	t.Cleanup(sessions.server.Close)
	g := startBastion(t, func(upstream, _ string) []object {
		rule := openRule(upstream)
		rule["authenticators"], rule["mutators"] = []object{{"handler": "cookie_session"}}, []object{{"handler": "header"}}
		return []object{rule}
	}, func(config object) {
		section(config, "authenticators")["cookie_session"] = object{"enabled": true, "config": object{
			"check_session_url": sessions.server.URL, "only": []string{"session"}, "cache": object{"enabled": true, "ttl": "1m"},
		}}
	})
	return g, sessions
}

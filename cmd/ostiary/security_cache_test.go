package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// tokenService is an introspection endpoint that can take its tokens back.
type tokenService struct {
	url       string
	asked     atomic.Int64
	withdrawn atomic.Bool
}

// startTokenService starts one that answers this about any token.
func startTokenService(t testing.TB, answer func(token, host string) object) *tokenService {
	t.Helper()
	s := new(tokenService)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		said := answer(r.FormValue("token"), r.Header.Get("X-Forwarded-Host"))
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(object{
			"active": said != nil && !s.withdrawn.Load(), "sub": said["sub"], "scope": said["scope"], "aud": said["aud"], "iss": said["iss"], "ext": said["ext"],
		})
	}))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// introspected is a rule that asks such a service, and remembers what it says for so long.
func introspected(path, ttl string, config object) protected {
	whole := object{"cache": object{"enabled": true, "ttl": ttl}}
	maps.Copy(whole, config)
	return protected{path: path, authenticator: "oauth2_introspection", config: whole}
}

func everybodyIsAda(string, string) object { return object{"sub": "ada"} }

var securityCaches = []securityRow{
	{id: "CA-02", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, func(config object) {
			section(section(section(config, "authenticators"), "oauth2_introspection"), "config")["cache"] = object{"enabled": true, "ttl": "10m"}
		})
		for range 3 {
			g.grants(t, attempt{target: "/user/x", token: userToken}, nil, "/user/x")
			g.refuses(t, attempt{target: "/admin/x", token: userToken}, nil, 403)
			g.grants(t, attempt{target: "/admin/x", token: adminToken}, nil, "/admin/x")
			g.refuses(t, attempt{target: "/user/x", token: adminToken}, nil, 403)
		}
		if asked := g.asked["users"].Load(); asked != 2 { // both rules know what it said about either token
			t.Errorf("the service was asked %d times: what is remembered is not what is tested", asked)
		}
	}},
	{id: "CA-03", test: func(t *testing.T, _ *bastion) {
		service := startTokenService(t, func(string, string) object {
			return object{"sub": "ada", "aud": []string{"shop"}, "iss": "https://one.test", "scope": "a"}
		})
		of := map[string]object{
			"/any": {}, "/shop": {"target_audience": []string{"shop"}}, "/bank": {"target_audience": []string{"bank"}},
			"/one": {"trusted_issuers": []string{"https://one.test"}}, "/two": {"trusted_issuers": []string{"https://two.test"}},
			"/a": {"scope_strategy": "exact", "required_scope": []string{"a"}}, "/b": {"scope_strategy": "exact", "required_scope": []string{"b"}},
		}
		var rules []protected
		for path, config := range of {
			rules = append(rules, introspected(path, "10m", config))
		}
		g := startProtected(t, "oauth2_introspection", object{"introspection_url": service.url}, rules...)
		for range 3 { // in any order: that of a map is another one each time
			for path := range of {
				if slices.Contains([]string{"/bank", "/two", "/b"}, path) {
					g.refuses(t, attempt{target: path, token: "t"}, nil, 403)
				} else {
					g.grants(t, attempt{target: path, token: "t"}, nil, path)
				}
			}
		}
		// Of what use a token is: JW-08.
		m := startMint(t)
		tokens := startTokenGuard(t, m, protected{path: "/shop", config: of["/shop"]}, protected{path: "/bank", config: of["/bank"]},
			protected{path: "/one", config: of["/one"]}, protected{path: "/two", config: of["/two"]})
		for range 3 {
			for path, passes := range map[string]bool{"/shop": true, "/bank": false, "/one": true, "/two": false} {
				tokens.holds(t, m, path, `{"aud":"shop","iss":"https://one.test"}`, passes)
			}
		}
	}},
	{id: "CA-05", test: func(t *testing.T, _ *bastion) {
		service := startTokenService(t, everybodyIsAda)
		g := startProtected(t, "oauth2_introspection", object{"introspection_url": service.url}, introspected("/long", "10m", nil), introspected("/short", "1s", nil))
		long, short := attempt{target: "/long", token: "t"}, attempt{target: "/short", token: "t"}
		g.grants(t, long, nil, "/long")
		g.grants(t, short, nil, "/short")
		for range 2 {
			before := service.asked.Load()
			await(t, "the short one to ask again", func() bool {
				return asForwarded(t, g, short).status == http.StatusOK && service.asked.Load() > before
			})
		}
		service.withdrawn.Store(true)
		await(t, "the short one to refuse", func() bool { return asForwarded(t, g, short).status == http.StatusUnauthorized })
		g.refuses(t, short, nil, 401)
		g.grants(t, long, nil, "/long") // as it is configured
	}},
	{id: "CA-06", test: func(t *testing.T, _ *bastion) {
		// Whoever comes all the time does not prolong anything.
		service := startTokenService(t, everybodyIsAda)
		g := startProtected(t, "oauth2_introspection", object{"introspection_url": service.url}, introspected("/x", "2s", nil))
		denied(t, g, attempt{target: "/x", token: "t"}, func() { service.withdrawn.Store(true) })

		var ended atomic.Bool
		sessions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if ended.Load() {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			_, _ = io.WriteString(w, `{"subject":"ada"}`)
		}))
		t.Cleanup(sessions.Close)
		g = startProtected(t, "cookie_session", object{"check_session_url": sessions.URL, "cache": object{"enabled": true, "ttl": "2s"}},
			protected{path: "/x", authenticator: "cookie_session"})
		denied(t, g, attempt{target: "/x", lines: []string{"Cookie: session=ada"}}, func() { ended.Store(true) })
	}},
	{id: "CA-08", test: func(t *testing.T, _ *bastion) {
		// The service knows one question, which is made of several parts.
		sessions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/x/p|q" && r.Header.Get("Authorization") == "Bearer a|b" && r.Header.Get("X-A") == "c|d" && r.Header.Get("X-B") == "e" {
				_, _ = io.WriteString(w, `{"subject":"ada"}`)
				return
			}
			w.WriteHeader(http.StatusUnauthorized)
		}))
		t.Cleanup(sessions.Close)
		g := startProtected(t, "bearer_token", object{
			"check_session_url": sessions.URL, "subject_from": "subject", "forward_http_headers": []string{"X-A", "X-B"}, "cache": object{"enabled": true, "ttl": "10m"},
		}, protected{path: "/x", authenticator: "bearer_token"})
		ask := func(path, token, a, b string) attempt {
			return attempt{target: path, token: token, lines: []string{"X-A: " + a, "X-B: " + b}}
		}
		good := ask("/x/p%7Cq", "a|b", "c|d", "e")
		for range 2 {
			g.grants(t, good, nil, good.target)
			for _, moved := range []attempt{
				ask("/x/p%7Cq", "a|b", "c", "d|e"), ask("/x/p%7Cq", "a", "b|c|d", "e"), ask("/x/p%7Cq", "a|b", "c|d|e", ""), ask("/x/p%7Cq", "a|b|c|d", "e", ""),
				ask("/x/p", "q|a|b", "c|d", "e"), ask("/x/p%7Cq%7Ca", "b", "c|d", "e"), ask("/x/p%7Cq", "a|b", "", "c|d|e"), ask("/x/p%7Cq?", "a|b", "c|de", ""),
				ask("/x/p%7Cq", "a|bc|d", "e", ""), ask("/x/p%7Cq", "a|b", "c|d,e", ""),
			} {
				g.refuses(t, moved, nil, 401)
			}
		}
		// And of a token and a host.
		service := startTokenService(t, func(token, host string) object {
			if token == "t.a" && host == "b.test" {
				return object{"sub": "ada"}
			}
			return nil
		})
		g = startProtected(t, "oauth2_introspection", object{"introspection_url": service.url, "preserve_host": true}, introspected("/x", "10m", nil))
		for range 2 {
			g.grants(t, attempt{target: "/x", host: "b.test", token: "t.a"}, nil, "/x")
			for token, host := range map[string]string{"t": "a.b.test", "t.": "ab.test", "t.ab": "test", "t.a.b": "test", "t.ab.test": "x"} {
				g.refuses(t, attempt{target: "/x", host: host, token: token}, nil, 401)
			}
		}
	}},
	{id: "CA-09", test: func(t *testing.T, _ *bastion) {
		g, sessions := startSessionGuard(t)
		people, ways := []string{"alice", "bob"}, namesOf(nil)
		var asking sync.WaitGroup
		for i := range 200 {
			person, mode := people[i%2], ways[i%3]
			asking.Go(func() {
				got := modes[mode](t, g, attempt{target: "/x", lines: []string{"Cookie: session=" + person}})
				told := got.header.Values("X-User")
				if mode == "proxy" && len(got.upstream) == 1 {
					told = got.upstream[0].values("X-User")
				}
				if got.status != http.StatusOK || !slices.Equal(told, []string{person}) {
					t.Errorf("%s: %s got %d as %q", mode, person, got.status, told)
				}
				if text := fmt.Sprint(got.header); strings.Contains(text, people[(i+1)%2]) {
					t.Errorf("%s: %s got %s", mode, person, text)
				}
			})
		}
		asking.Wait()
		if asked := sessions.questions(); asked != len(people) {
			t.Errorf("the service was asked %d times", asked)
		}
	}},
	{id: "CA-11", test: func(t *testing.T, _ *bastion) {
		authorizer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if body, err := io.ReadAll(r.Body); err != nil || strings.Contains(string(body), "bad") {
				w.WriteHeader(http.StatusForbidden)
			}
		}))
		t.Cleanup(authorizer.Close)
		payload := `{"path": {{ .MatchContext.URL.Path | toJson }}, "role": {{ .MatchContext.Header.Get "X-Role" | toJson }}}`
		g := startBastion(t, func(upstream, _ string) []object {
			asking := func(path, handler string, config object) object {
				rule := openRule(upstream)
				rule["id"], rule["match"] = path, object{"url": "http://app.test" + path + "<(/.*)?>", "methods": []string{"GET", "POST"}}
				rule["authenticators"] = []object{{"handler": "oauth2_introspection", "config": object{
					"cache": object{"enabled": true, "ttl": "10m"}, "required_scope": []string{"u"},
				}}}
				rule["authorizer"] = object{"handler": handler, "config": config}
				return rule
			}
			cache := object{"enabled": true, "ttl": "10m"}
			return []object{
				asking("/json", "remote_json", object{"remote": authorizer.URL, "payload": payload}), asking("/body", "remote", object{"remote": authorizer.URL}),
				asking("/cached-json", "remote_json", object{"remote": authorizer.URL, "payload": payload, "cache": cache}),
				asking("/cached-body", "remote", object{"remote": authorizer.URL, "cache": cache}),
			}
		}, func(config object) {
			for _, handler := range []string{"remote", "remote_json"} {
				section(config, "authorizers")[handler] = object{"enabled": true, "config": object{"remote": authorizer.URL}}
			}
			section(section(config, "authorizers")["remote_json"].(object), "config")["payload"] = payload //nolint:forcetypeassert // as it was set
		})
		send := func(text string) attempt {
			return attempt{method: "POST", target: "/body", token: userToken, lines: []string{fmt.Sprint("Content-Length: ", len(text))}, body: text}
		}
		for range 2 {
			g.grants(t, attempt{target: "/json/good", token: userToken, lines: []string{"X-Role: good"}}, nil, "/json/good")
			g.refuses(t, attempt{target: "/json/bad", token: userToken, lines: []string{"X-Role: good"}}, nil, 403)
			g.refuses(t, attempt{target: "/json/good", token: userToken, lines: []string{"X-Role: bad"}}, nil, 403)
			g.grants(t, send("good"), []string{"proxy"}, "/body")
			g.refuses(t, send("bad!"), []string{"proxy"}, 403)
		}
		// What an authorizer says cannot be remembered at all.
		for _, path := range []string{"/cached-json/good", "/cached-body"} {
			g.refuses(t, attempt{target: path, token: userToken}, nil, 500)
		}
		if !g.logs(t, "cache") {
			t.Error("the log does not tell what is wrong with the rules")
		}
	}},
	{id: "CA-12", test: func(t *testing.T, _ *bastion) {
		// How many bytes a million of them take: TestAMillionCookiesTakeNoMoreMemoryThanTheCacheMay. Here it is the engine as a whole.
		const (
			tokens  = 800
			answer  = 8 << 10
			room    = 256 << 10
			workers = 8
		)
		service := startTokenService(t, func(string, string) object {
			return object{"sub": "ada", "ext": object{"note": strings.Repeat("x", answer)}}
		})
		g := startProtected(t, "oauth2_introspection", object{"introspection_url": service.url, "cache": object{"enabled": true, "max_cost": room}},
			protected{path: "/x", authenticator: "oauth2_introspection"})
		askAll := func() {
			var asking sync.WaitGroup
			for worker := range workers {
				asking.Go(func() {
					for i := worker; i < tokens; i += workers {
						request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.ports.address("api")+"/decisions/x", nil)
						if err != nil {
							t.Error(err)
							return
						}
						request.Header.Set("Authorization", fmt.Sprint("Bearer token-", i))
						got, err := plainClient.Do(request)
						if err != nil {
							t.Error(err)
							return
						}
						got.Body.Close()
						if got.StatusCode != http.StatusOK {
							t.Errorf("token %d: got %d", i, got.StatusCode)
						}
					}
				})
			}
			asking.Wait()
		}
		askAll()
		before := service.asked.Load()
		askAll()
		if kept := tokens - (service.asked.Load() - before); kept > 2*room/answer { // what is too much goes in the background
			t.Errorf("%d answers of %d bytes are kept in %d bytes", kept, answer, room)
		}
	}},
	{id: "CA-14", test: func(t *testing.T, _ *bastion) {
		g, sessions := startSessionGuard(t)
		for _, person := range []string{"alice", "bob"} {
			g.grants(t, attempt{target: "/x", lines: []string{"Cookie: session=" + person}}, nil, "/x")
		}
		if asked := sessions.questions(); asked != 2 {
			t.Fatalf("the service was asked %d times: nothing is remembered", asked)
		}
		// Each of these is a question of its own, about just that.
		for i, cookies := range []string{
			"session=alice; session=bob", "session=bob; session=alice", "session=alice; session=alice", "session=alice; other=1", "session=alice;session=bob", "session=alice; ",
		} {
			g.refuses(t, attempt{target: "/x", lines: []string{"Cookie: " + cookies}}, []string{"decisions"}, 401)
			if last := sessions.last(); last != strings.TrimSpace(cookies) && last != cookies || sessions.questions() != 3+i {
				t.Errorf("%q: the last of %d questions was about %q", cookies, sessions.questions(), last)
			}
		}
		for _, lines := range [][]string{{"Cookie: session=alice", "Cookie: session=bob"}, {"Cookie: session=bob", "Cookie: session=alice"}, {"Cookie: session=alice; session=bob"}} {
			g.refuses(t, attempt{target: "/x", lines: lines}, nil, 401)
		}
		g.grants(t, attempt{target: "/x", lines: []string{"Cookie: session=alice"}}, nil, "/x")
	}},
	{id: "CA-15", test: func(t *testing.T, _ *bastion) {
		for _, passed := range []bool{true, false} {
			sessions := new(sessionService)
			server := httptest.NewServer(sessions)
			t.Cleanup(server.Close)
			g := startProtected(t, "cookie_session", object{
				"check_session_url": server.URL, "pass_set_cookie": passed, "cache": object{"enabled": true, "ttl": "10m"},
			}, protected{path: "/x", authenticator: "cookie_session"})
			for _, person := range []string{"alice", "bob"} {
				// Many clients at once: one of them has the question asked, and that is the one whose cookie it is.
				var asking sync.WaitGroup
				var given atomic.Int64
				for i := range 60 {
					mode := namesOf([]string{"proxy", "decisions"})[i%2]
					asking.Go(func() {
						got := modes[mode](t, g, attempt{target: "/x", lines: []string{"Cookie: session=" + person}})
						for _, cookie := range got.header.Values("Set-Cookie") {
							given.Add(1)
							if cookie != "renewed="+person {
								t.Errorf("%s: %s is given %q", mode, person, cookie)
							}
						}
					})
				}
				asking.Wait()
				if want := int64(1); passed && given.Load() != want || !passed && given.Load() != 0 {
					t.Errorf("of pass_set_cookie %t: %s is given %d cookies", passed, person, given.Load())
				}
				if got := asChecked(t, g, attempt{target: "/x", lines: []string{"Cookie: session=" + person}}); got.status != http.StatusOK || len(got.header.Values("Set-Cookie")) > 0 {
					t.Errorf("envoy: %s got %d, %v", person, got.status, got.header)
				}
			}
		}
	}},
}

// denied demands that an attempt that is granted, and that is made all the time, is denied in the end once it should be.
func denied(t testing.TB, g *bastion, a attempt, end func()) {
	t.Helper()
	for mode, ask := range modes {
		if got := ask(t, g, a); got.status != http.StatusOK {
			t.Errorf("%s: got %d at first", mode, got.status)
		}
	}
	end()
	for mode, ask := range modes {
		await(t, mode+" to deny", func() bool { return ask(t, g, a).status == http.StatusUnauthorized })
	}
}

package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// rewrite puts a text in the place of the guard's rules, as an editor does.
func (g *bastion) rewrite(t testing.TB, text string) {
	t.Helper()
	path := filepath.Join(g.dir, "rules.json")
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

func (g *bastion) health(t testing.TB, path string) (status int, body string) {
	t.Helper()
	answer, err := plainClient.Get("http://" + g.ports.address("api") + path)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var text bytes.Buffer
	if _, err := text.ReadFrom(answer.Body); err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, text.String()
}

// restarted reports whether an engine starts with the guard's configuration when it is changed, and what it prints.
func (g *bastion) restarted(t testing.TB, change func(config object)) (printed string, started bool) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(g.dir, "config.json"))
	if err != nil {
		t.Fatal(err)
	}
	var config object
	if err := json.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	change(config)
	i := newInstanceWith(t, object{}, nil)
	i.ports.bind(config)
	delete(section(config, "serve"), "grpc")
	i.write(t, "config.json", config)
	i.start(t)
	defer func() {
		log, err := os.ReadFile(i.log)
		if err != nil {
			t.Fatal(err)
		}
		printed = string(log)
	}()
	for range 3000 {
		select {
		case <-i.ended:
			return "", false
		case <-time.After(10 * time.Millisecond):
		}
		if answer, err := plainClient.Get(i.url("api", "/health/alive")); err == nil {
			answer.Body.Close()
			i.stop(t)
			return "", true
		}
	}
	t.Fatal("it neither starts nor ends")
	return "", false
}

var securityFailures = []securityRow{
	{id: "FC-02", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, nil)
		whole, err := os.ReadFile(filepath.Join(g.dir, "rules.json"))
		if err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"invalid": "[{]", "empty": "", "half-written": string(whole[:len(whole)/2]), "another type": `{"id": "x"}`} {
			g.rewrite(t, text)
			await(t, name+" rules to be noticed", func() bool {
				_, body := g.health(t, "/health/ready?verbose")
				return strings.Contains(body, "stale")
			})
			g.refuses(t, attempt{target: "/admin/x"}, nil, 401)
			g.grants(t, attempt{target: "/public/x"}, nil, "/public/x")
			if status, _ := g.health(t, "/health/ready"); status != http.StatusOK {
				t.Errorf("%s: ready answers %d", name, status)
			}
			g.rewrite(t, string(whole))
			await(t, "the rules to be live again", func() bool {
				_, body := g.health(t, "/health/ready?verbose")
				return !strings.Contains(body, "stale")
			})
		}
		if err := os.Remove(filepath.Join(g.dir, "rules.json")); err != nil {
			t.Fatal(err)
		}
		g.refuses(t, attempt{target: "/admin/x"}, nil, 401)
		// At a start there is nothing to go on with.
		cold := newInstanceWith(t, object{}, nil)
		if err := os.WriteFile(filepath.Join(cold.dir, "rules.json"), []byte("[{]"), 0o600); err != nil {
			t.Fatal(err)
		}
		cold.start(t)
		cold.awaitLogged(t, "listening", 3)
		for path, want := range map[string]int{"/health/ready": 503, "/decisions/public/x": 404} {
			answer, err := plainClient.Get(cold.url("api", path))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("at a start without rules %s answers %d", path, answer.StatusCode)
			}
		}
	}},
	{id: "FC-03", test: func(t *testing.T, _ *bastion) {
		// The one that cannot be built guards a part of what the wide one is open for.
		g := startBastion(t, func(upstream, _ string) (rules []object) {
			for n := range 499 {
				rule := openRule(upstream)
				rule["id"], rule["match"] = fmt.Sprint("live-", n), object{"url": fmt.Sprintf("http://app.test/live/%d/<.*>", n), "methods": []string{"GET"}}
				rules = append(rules, rule)
			}
			wide, broken := openRule(upstream), openRule(upstream)
			wide["id"], wide["match"], wide["priority"] = "wide", object{"url": "http://app.test/<.*>", "methods": []string{"GET"}}, -1
			broken["id"], broken["match"] = "broken", object{"url": "http://app.test/admin/<.*>", "methods": []string{"GET"}}
			broken["authenticators"] = []object{{"handler": "jwt", "config": object{"jwks_urls": "not a list"}}}
			return append(rules, wide, broken)
		}, nil)
		g.refuses(t, attempt{target: "/admin/x"}, nil, 500)
		g.grants(t, attempt{target: "/live/77/x"}, nil, "/live/77/x")
		g.grants(t, attempt{target: "/elsewhere"}, nil, "/elsewhere")
	}},
	{id: "FC-05", reason: "Nothing that a client or an operator can write makes a handler panic, or it would be mended; that a panic is a 500 without a word and the process lives is tested with a handler made for it (handlers/recover_test.go)."},
	{id: "FC-06", test: func(t *testing.T, g *bastion) {
		for _, unresolved := range []string{"${env:NOWHERE}", "${file:/nowhere/secret}", "${file:}", "${env:}"} {
			for _, at := range []string{"sessions.purge_token", "serve.admin.token"} {
				printed, started := g.restarted(t, func(config object) {
					inner := config
					parts := strings.Split(at, ".")
					for _, part := range parts[:len(parts)-1] {
						inner = section(inner, part)
					}
					inner[parts[len(parts)-1]] = unresolved
				})
				if started || !strings.Contains(printed, at) {
					t.Errorf("%s: %s: started: %t, and printed %s", at, unresolved, started, printed)
				}
			}
		}
	}},
	{id: "FC-08", test: func(t *testing.T, g *bastion) {
		for _, agent := range []string{"kube-probe/1.30", "GoogleHC/1.0", "ELB-HealthChecker/2.0", "Prometheus/2.42", "Googlebot"} {
			g.refuses(t, attempt{target: "/admin/x", lines: []string{"User-Agent: " + agent}}, nil, 401)
		}
	}},
	{id: "FC-09", test: func(t *testing.T, g *bastion) {
		for _, path := range []string{
			"/health/alive", "/health/ready", "/rules", "/rules/admin", "/rules/generations", "/metrics", "/debug/pprof/", "/.well-known/jwks.json", "/version",
			"/decisions", "/decisions/public/x", "/auth/traefik", "/sessions/purge", "/grpc.health.v1.Health/Check", "/envoy.service.auth.v3.Authorization/Check",
		} {
			for _, method := range []string{"GET", "POST", "OPTIONS"} {
				g.refuses(t, attempt{method: method, target: path, lines: []string{"Content-Length: 0"}}, []string{"proxy"}, 404)
			}
		}
		all := startBastion(t, hosts("http://app.test/<.*>"), func(config object) {
			section(config, "serve")["admin"] = object{"enabled": true, "port": freePort(t), "token": "t"}
		})
		port := freePort(t)
		published := startBastion(t, func(string, string) (rules []object) {
			for i, upstream := range []object{
				{"url": fmt.Sprintf("http://127.0.0.1:%d", port)},
				{"url": fmt.Sprintf("http://localhost:%d", port)},
				{"url": fmt.Sprintf("http://0.0.0.0:%d", port)},
				{"url": fmt.Sprintf("http://127.0.0.1:%d", port), "timeout": object{"connect": "5s"}},
			} {
				rule := openRule("")
				rule["id"], rule["upstream"] = fmt.Sprint(i), upstream
				upstream["strip_path"] = fmt.Sprint("/", i)
				rule["match"] = object{"url": fmt.Sprintf("http://app.test/%d/<.*>", i), "methods": []string{"GET"}}
				rules = append(rules, rule)
			}
			return rules
		}, func(config object) { section(config, "serve")["admin"] = object{"enabled": true, "port": port} })
		for i := range 4 {
			if got := asProxied(t, published, attempt{target: fmt.Sprintf("/%d/rules", i)}); got.status != http.StatusBadGateway || strings.Contains(got.body, "upstream") {
				t.Errorf("a rule that publishes serve.admin, %d: got %d with %s", i, got.status, got.body)
			}
		}
		for _, path := range []string{"/rules", "/metrics", "/health/alive", "/sessions/purge"} {
			if got := asProxied(t, all, attempt{target: path}); got.body != "served" {
				t.Errorf("%s is not the upstream's: %s", path, got.body)
			}
		}
	}},
	{id: "FC-11", test: func(t *testing.T, _ *bastion) {
		i := newInstanceWith(t, object{}, []object{openRule("http://127.0.0.1:1")})
		later := filepath.Join(i.dir, "later.json")
		settings := object{}
		text, err := os.ReadFile(i.config)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(text, &settings); err != nil {
			t.Fatal(err)
		}
		section(settings, "access_rules")["repositories"] = []string{"file://" + filepath.Join(i.dir, "rules.json"), "inline://W10=", "file://" + later}
		i.write(t, "config.json", settings)
		i.start(t)
		i.awaitLogged(t, "listening", 3)
		ready := func() int {
			answer, err := plainClient.Get(i.url("api", "/health/ready"))
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			return answer.StatusCode
		}
		for range 50 {
			if status := ready(); status != http.StatusServiceUnavailable {
				t.Fatalf("with a source missing: %d", status)
			}
		}
		i.write(t, "later.json", []object{})
		await(t, "the last source", func() bool { return ready() == http.StatusOK })
	}},
	{id: "FC-12", test: func(t *testing.T, _ *bastion) {
		for _, order := range [][2]int{{0, 1}, {1, 0}} {
			for priority, want := range map[int]int{0: 500, 1: 403} { // nobody passes where two rules have a say; the higher one has it alone
				g := startBastion(t, func(upstream, _ string) []object {
					allow, deny := openRule(upstream), openRule(upstream)
					allow["match"] = object{"url": "http://app.test/<.*>", "methods": []string{"GET"}}
					deny["id"], deny["match"], deny["priority"] = "deny", object{"url": "http://app.test/admin/<.*>", "methods": []string{"GET"}}, priority
					deny["authorizer"] = object{"handler": "deny"}
					both := []object{allow, deny}
					return []object{both[order[0]], both[order[1]]}
				}, nil)
				g.refuses(t, attempt{target: "/admin/x"}, nil, want)
				g.grants(t, attempt{target: "/x"}, nil, "/x")
			}
		}
	}},
	{id: "FC-14", reason: "The clock of a machine cannot be set back for one process alone. What depends on it is tested with a clock in the test's hands: tokens and sessions at each edge of their time (pipeline/authn), and caches, which go by a clock that is never set back (pipeline/internal/cache)."},
	{id: "FC-15", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, nil)
		asked := attempt{target: "/admin/x"}.filled()
		if answer, err := g.check(t, trustedGateway, asked); err != nil || answer.GetStatus().GetCode() == 0 {
			t.Errorf("before: got %v, %v", answer, err)
		}
		g.stop(t)
		if answer, err := g.check(t, trustedGateway, asked); err == nil {
			t.Errorf("while it is down: got %v, which a gateway could take for an answer", answer)
		}
		readme, err := os.ReadFile("../../README.md")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(readme), "failure_mode_allow") {
			t.Error("the README does not tell how gateways fail")
		}
	}},
	{id: "FC-17", reason: "Whose hosts are whose is not for this engine to know: rules of several owners that meet are refused at load with on_overlap: error, and at each request otherwise (FC-12); who may write which rules is for what delivers them, such as the namespaces of Maester."},
	{id: "FC-18", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, func(upstream, _ string) []object {
			hostile, neighbour := openRule(upstream), openRule(upstream)
			hostile["id"] = "x\", \"match\": {\"url\": \"http://app.test/<.*>\"}}, {\"id\": \"`y`\n"
			hostile["description"] = "\"}]\n---\n- id: injected\n  match: {url: 'http://app.test/<.*>', methods: [GET]}"
			hostile["match"] = object{"url": "http://app.test/hostile\"`\n<.*>", "methods": []string{"GET\"", "GET"}}
			neighbour["match"] = object{"url": "http://app.test/neighbour", "methods": []string{"GET"}}
			neighbour["authorizer"] = object{"handler": "deny"}
			return []object{hostile, neighbour}
		}, nil)
		g.refuses(t, attempt{target: "/neighbour"}, nil, 403)
		g.refuses(t, attempt{target: "/anything"}, nil, 404)
		_, body := g.health(t, "/rules")
		var shown []struct{ ID string }
		if err := json.Unmarshal([]byte(body), &shown); err != nil || len(shown) != 2 {
			t.Errorf("/rules shows %s, %v", body, err)
		}
	}},
}

package main_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

// question is a request as a client sends it.
type question struct {
	method, host, target string
	header               map[string]string
}

// frontEndRequests are 200 requests: plain ones, and those whose path, host or method could be understood in two ways.
func frontEndRequests() []question {
	targets := []string{
		"/", "/public", "/public/", "/public/a", "/public//a", "//public/admin/x", "/public/./a", "/public/../admin/x", "/public/%2e%2e/admin/x",
		"/public/..%2fadmin/x", "/public/a%2Fb", "/public/a;b=c", "/public/..;/admin/x", "/public/%41?q=1;r&q=/admin/x",
		"/public/x%20y?a=b%2Fc", "/admin", "/admin/x", "/admin/x/", "/Admin/x", "/admin%2Fx", "/%61dmin/x", "/admin/x?/public",
		"/files/a%2fb", "/files/a", "/denied", "/two/faces", "/nothing", "/public/%c3%a9", "/public/%ff", "/public/%5c..%5cadmin",
	}
	var all []question
	for i := range 200 {
		a := question{method: "GET", host: "app.test", target: targets[i%len(targets)], header: map[string]string{}}
		switch i / len(targets) {
		case 1:
			a.header["Cookie"] = "ory_kratos_session=good"
		case 2:
			a.method, a.header["Cookie"] = "POST", "ory_kratos_session=good"
		case 3:
			a.host = "APP.test."
		case 4:
			a.method = "HEAD"
		case 5:
			a.host, a.header["Cookie"] = "app.test:8080", "ory_kratos_session=bad"
		case 6:
			a.method = "get"
		case 7:
			a.method, a.header["X-User"] = "DELETE", "mallory"
		}
		all = append(all, a)
	}
	return all
}

// ruling is what became of a request: what the client would be told, and which rule answered.
type ruling struct {
	status  int
	granted bool
	rule    string
}

// TestEveryFrontEndDecidesAlike asks about the same requests in every way that there is.
func TestEveryFrontEndDecidesAlike(t *testing.T) {
	t.Parallel()
	e := startFrontEnds(t)
	requests := frontEndRequests()
	statuses := map[string]int{} // by who question
	for i, r := range requests {
		for name, ask := range frontEnds {
			who := fmt.Sprintf("%s %d", name, i)
			statuses[who] = ask(t, e, r, who)
		}
	}
	e.stop(t)
	decisions := e.decisions(t)
	seen := map[ruling]int{}
	for i, r := range requests {
		for name := range frontEnds {
			who := fmt.Sprintf("%s %d", name, i)
			got, known := decisions[who]
			if !known {
				t.Errorf("%s: there is no record of %+v", name, r)
			}
			got.status = statuses[who]
			if name == "proxy" {
				seen[got]++
			}
			want := decisions[fmt.Sprint("proxy ", i)]
			want.status = statuses[fmt.Sprint("proxy ", i)]
			if name != "proxy" && !strings.HasPrefix(name, "decisions") && (strings.Contains(r.target, "/.") || strings.Contains(r.target, "//")) {
				// The proxy forwards the path without dot segments and empty ones; a gateway would leave them in.
				want = ruling{status: http.StatusBadRequest}
			}
			if got != want || got.granted != (got.status == http.StatusOK) {
				t.Errorf("%s makes %+v of %+v, and the proxy %+v", name, got, r, want)
			}
		}
	}
	if len(seen) < 8 { // or else the requests are all alike
		t.Errorf("there are only %d outcomes: %v", len(seen), seen)
	}
}

// gates is an engine that listens in every way.
type gates struct {
	*engine
	envoy auth.AuthorizationClient
}

func startFrontEnds(t *testing.T) *gates {
	t.Helper()
	dir, ports := t.TempDir(), freeListeners(t)
	ports["grpc"] = freePort(t)
	rule := func(id, url, authenticator string) map[string]any {
		return map[string]any{
			"id": id, "match": map[string]any{"url": url, "methods": []string{"GET", "HEAD", "POST"}},
			"authenticators": []any{map[string]any{"handler": authenticator}}, "authorizer": map[string]any{"handler": "allow"},
			"mutators": []any{map[string]any{"handler": "header"}}, "upstream": map[string]any{"url": startUpstream(t).server.URL},
		}
	}
	const host = "http://app.test<(:[0-9]+)?>"
	rules := []any{
		rule("public", host+"/public<(/.*)?>", "anonymous"), rule("admin", host+"/admin<(/.*)?>", "cookie_session"),
		rule("files", host+"/files/<[^/]+>", "anonymous"), rule("two", host+"/two/<.*>", "anonymous"), rule("faces", host+"/<.*>/faces", "anonymous"),
		rule("denied", host+"/denied", "anonymous"),
	}
	denied, _ := rules[len(rules)-1].(map[string]any)
	denied["authorizer"] = map[string]any{"handler": "deny"}
	enabled := map[string]any{"enabled": true}
	config := map[string]any{
		"access_rules": map[string]any{"repositories": []string{"file://" + filepath.Join(dir, "rules.json")}},
		"log":          map[string]any{"format": "json"},
		"authenticators": map[string]any{
			"anonymous": enabled, "cookie_session": map[string]any{"enabled": true, "config": map[string]any{
				"check_session_url": startSessionStore(t).server.URL + "/sessions/whoami", "preserve_path": true, "subject_from": "identity.id",
			}},
		},
		"authorizers": map[string]any{"allow": enabled, "deny": enabled},
		"mutators":    map[string]any{"header": map[string]any{"enabled": true, "config": map[string]any{"headers": map[string]any{"X-User": "{{ .Subject }}"}}}},
		"serve":       map[string]any{"grpc": enabled},
	}
	ports.bind(config)
	for name, value := range map[string]any{"rules.json": rules, "config.json": config} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g := &gates{engine: startEngine(t, dir, ports, []string{filepath.Join(dir, "config.json")}, nil)}
	if err := g.awaitReady(); err != nil {
		t.Fatal(err)
	}
	connection, err := grpc.NewClient(ports.address("grpc"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	g.envoy = auth.NewAuthorizationClient(connection)
	return g
}

// frontEnds are the ways to ask, by name. who becomes the User-Agent, by which the log knows the request.
var frontEnds = map[string]func(t *testing.T, g *gates, r question, who string) (status int){
	"proxy": func(t *testing.T, g *gates, r question, who string) int {
		return g.send(t, "proxy", r, who, nil)
	},
	"decisions": func(t *testing.T, g *gates, r question, who string) int {
		return g.send(t, "api", question{"GET", "gate.test", "/decisions", r.header}, who, forwarded(r))
	},
	"decisions, below": func(t *testing.T, g *gates, r question, who string) int {
		return g.send(t, "api", question{r.method, r.host, "/decisions" + r.target, r.header}, who, nil)
	},
	"traefik": func(t *testing.T, g *gates, r question, who string) int {
		return g.send(t, "api", question{"GET", "gate.test", "/auth/traefik", r.header}, who, forwarded(r))
	},
	"caddy": func(t *testing.T, g *gates, r question, who string) int {
		return g.send(t, "api", question{"GET", r.host, "/auth/caddy?a=b", r.header}, who, forwarded(r))
	},
	"haproxy": func(t *testing.T, g *gates, r question, who string) int {
		return g.send(t, "api", question{"GET", "gate.test", "/auth/haproxy", r.header}, who, forwarded(r))
	},
	"nginx": func(t *testing.T, g *gates, r question, who string) int {
		original := map[string]string{"X-Original-Method": r.method, "X-Original-URL": "http://" + r.host + r.target}
		return g.send(t, "api", question{"GET", "gate.test", "/auth/nginx", r.header}, who, original)
	},
	"envoy": func(t *testing.T, g *gates, r question, who string) int {
		return g.send(t, "api", question{r.method, r.host, "/auth/envoy" + r.target, r.header}, who, nil)
	},
	"envoy by gRPC": func(t *testing.T, g *gates, r question, who string) int {
		header := map[string]string{"user-agent": who}
		for name, value := range r.header {
			header[strings.ToLower(name)] = value
		}
		answer, err := g.envoy.Check(t.Context(), &auth.CheckRequest{Attributes: &auth.AttributeContext{Request: &auth.AttributeContext_Request{
			Http: &auth.AttributeContext_HttpRequest{Method: r.method, Scheme: "http", Host: r.host, Path: r.target, Headers: header},
		}}})
		switch {
		case err != nil:
			t.Fatal(err)
		case answer.GetStatus().GetCode() == 0:
			return http.StatusOK
		}
		return int(answer.GetDeniedResponse().GetStatus().GetCode())
	},
}

func forwarded(r question) map[string]string {
	return map[string]string{"X-Forwarded-Method": r.method, "X-Forwarded-Proto": "http", "X-Forwarded-Host": r.host, "X-Forwarded-Uri": r.target}
}

// send asks, and returns what every gateway but nginx would be told.
func (g *gates) send(t *testing.T, listener string, r question, who string, more map[string]string) (status int) {
	t.Helper()
	response := g.answer(t, listener, r, who, more)
	if told := response.Header.Get("X-Auth-Status"); told != "" {
		status, err := strconv.Atoi(told)
		if err != nil {
			t.Error(err)
		}
		return status
	}
	return response.StatusCode
}

// answer sends the bytes as they are, on a connection of their own.
func (g *gates) answer(t *testing.T, listener string, r question, who string, more map[string]string) *http.Response {
	t.Helper()
	connection, err := net.Dial("tcp", g.ports.address(listener))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	text := r.method + " " + r.target + " HTTP/1.1\r\nHost: " + r.host + "\r\nUser-Agent: " + who + "\r\nConnection: close\r\n"
	for _, header := range []map[string]string{r.header, more} {
		for name, value := range header {
			text += name + ": " + value + "\r\n"
		}
	}
	if _, err := fmt.Fprint(connection, text+"\r\n"); err != nil {
		t.Fatal(err)
	}
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	if err != nil {
		t.Fatalf("%s: %v", who, err)
	}
	_ = response.Body.Close()
	return response
}

// decisions reads the log: what was decided, by the name of who question.
func (g *gates) decisions(t *testing.T) map[string]ruling {
	t.Helper()
	text, err := os.ReadFile(g.log)
	if err != nil {
		t.Fatal(err)
	}
	decided := map[string]ruling{}
	for line := range strings.Lines(string(text)) {
		var entry struct {
			Granted *bool  `json:"granted"`
			Rule    string `json:"rule_id"`
			Request struct {
				UserAgent string `json:"user_agent"`
			} `json:"http_request"`
		}
		if json.Unmarshal([]byte(line), &entry) == nil && entry.Granted != nil {
			decided[entry.Request.UserAgent] = ruling{granted: *entry.Granted, rule: entry.Rule}
		}
	}
	return decided
}

package main_test

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// forwardingHeaders tell a server about a request other than the one that they are in.
var forwardingHeaders = []string{
	"X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-For", "X-Forwarded-Uri", "X-Forwarded-Method", "X-Forwarded-Port", "X-Forwarded-Prefix",
	"X-Forwarded-Server", "X-Forwarded-Scheme", "X-Forwarded-Ssl", "X-Forwarded-User", "X-Forwarded-Path", "Forwarded", "X-Original-URL", "X-Original-URI",
	"X-Original-Method", "X-Original-Host", "X-Rewrite-URL", "X-Real-Ip", "X-Scheme", "Front-End-Https", "True-Client-IP", "CF-Connecting-IP",
	"X-Envoy-External-Address", "X-Envoy-Original-Path", "X-Ssl-Client-Cert", "X-Ssl-Client-Verify", "X-Forwarded-Client-Cert",
}

// addressRules have an error handler that tells clients of one network apart.
func addressRules(network string) func(upstream, tenantService string) []object {
	return func(upstream, tenantService string) []object {
		rules := securityRules(upstream, tenantService)
		for _, rule := range rules {
			rule["errors"] = []object{
				{"handler": "redirect", "config": object{"to": "http://login.test/", "when": []object{
					{"error": []string{"unauthorized"}, "request": object{"cidr": []string{network}, "remote_ip": object{"match": []string{network}, "respect_forwarded_for_header": true}}},
				}}},
			}
		}
		return rules
	}
}

// toLoginPage is where everybody is sent who is not known, unless a rule has something else to say.
func toLoginPage(config object) {
	enableRedirect(config)
	section(config, "errors")["fallback"] = []string{"redirect", "json"}
}

func enableRedirect(config object) {
	config["errors"] = object{"fallback": []string{"json"}, "handlers": object{
		"json": object{"enabled": true}, "redirect": object{"enabled": true, "config": object{"to": "http://login.test/", "return_to_query_param": "return_to", "when": []object{
			{"error": []string{"unauthorized"}},
		}}},
	}}
}

var securityForwarding = []securityRow{
	{id: "FW-01", test: func(t *testing.T, _ *bastion) {
		secure := startBastion(t, func(upstream, _ string) []object {
			rule := openRule(upstream)
			rule["match"] = object{"url": "https://app.test/<.*>", "methods": []string{"GET"}}
			return []object{rule}
		}, nil)
		claim := []string{"X-Forwarded-Proto: https"}
		secure.refuses(t, attempt{target: "/x", lines: claim}, []string{"proxy"}, 404)
		if got := asProxied(t, secure, attempt{target: "/x", lines: claim, from: trustedGateway}); got.status != http.StatusOK {
			t.Errorf("from a trusted proxy: got %d", got.status)
		}
		// A client that asks the decision API itself is no gateway.
		if got := secure.send(t, "api", stranger, "GET /decisions/x HTTP/1.1\r\nHost: app.test\r\n", attempt{lines: claim}); got.status != 404 {
			t.Errorf("decisions: got %d", got.status)
		}
		secure.refuses(t, attempt{target: "/x", lines: claim}, []string{"decisions"}, malformed) // twice there, and different
	}},
	{id: "FW-02", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, toLoginPage)
		for _, name := range forwardingHeaders {
			for _, value := range []string{"evil.test", "https", "8.8.8.8", "/public/x", "GET", "for=8.8.8.8;host=evil.test;proto=https"} {
				line := []string{name + ": " + value}
				got := asProxied(t, g, attempt{target: "/public/x", lines: line})
				if got.status != http.StatusOK || len(got.upstream) != 1 {
					t.Errorf("%s: got %d", line, got.status)
					continue
				}
				if values := got.upstream[0].values(name); len(values) > 0 {
					t.Errorf("%s reaches the upstream: %v", name, values)
				}
				if got := asProxied(t, g, attempt{target: "/admin/x", lines: line}); got.status != http.StatusFound ||
					got.header.Get("Location") != "http://login.test/?return_to="+url.QueryEscape("http://app.test/admin/x") {
					t.Errorf("%s: got %d, to %s", line, got.status, got.header.Get("Location"))
				}
				head := "GET /decisions/admin/x HTTP/1.1\r\nHost: app.test\r\n"
				if got := g.send(t, "api", stranger, head, attempt{lines: line}); got.status != http.StatusFound {
					t.Errorf("decisions, %s: got %d", line, got.status)
				}
			}
		}
		if g.logs(t, "8.8.8.8") || g.logs(t, "evil.test") {
			t.Error("the log names what a stranger wrote into forwarding headers")
		}
	}},
	{id: "FW-04", test: func(t *testing.T, g *bastion) {
		lines := []string{"X-Forwarded-Uri: /public/x"}
		for _, who := range []string{stranger, trustedGateway} {
			got := g.send(t, "api", who, "GET /decisions/admin/x HTTP/1.1\r\nHost: app.test\r\n", attempt{lines: lines})
			if want := map[string]int{stranger: 401, trustedGateway: 200}[who]; got.status != want {
				t.Errorf("%s: got %d, want %d", who, got.status, want)
			}
		}
		for _, at := range []string{"/auth/traefik", "/auth/caddy", "/auth/haproxy", "/auth/nginx"} {
			got := g.send(t, "api", stranger, "GET "+at+" HTTP/1.1\r\nHost: app.test\r\n", attempt{lines: append(lines,
				"X-Forwarded-Method: GET", "X-Forwarded-Proto: http", "X-Forwarded-Host: app.test", "X-Original-Method: GET", "X-Original-URL: http://app.test/public/x")})
			if got.granted() {
				t.Errorf("%s: got %d", at, got.status)
			}
		}
		if answer, err := g.check(t, stranger, attempt{target: "/public/x"}.filled()); err != nil || answer.GetStatus().GetCode() == 0 {
			t.Errorf("gRPC: got %v, %v", answer, err)
		}
	}},
	{id: "FW-05", test: func(t *testing.T, g *bastion) {
		for _, target := range []string{"/public/%2e%2e/admin/x", "/public/%2E%2E/admin/x", "/public/.%2e/admin/x", "/public/%2e./admin/x", "/public/..%2fadmin/x"} {
			g.refuses(t, attempt{target: target}, []string{"decisions", "envoy"}, malformed)
		}
		g.refuses(t, attempt{target: "/public/../admin/x"}, []string{"decisions", "envoy"}, 401, malformed)
	}},
	{id: "FW-07", test: func(t *testing.T, g *bastion) {
		forwarding := []string{"X-Forwarded-Method: GET", "X-Forwarded-Proto: http", "X-Forwarded-Host: app.test", "X-Forwarded-Uri: /public/x"}
		original := []string{"X-Original-Method: GET", "X-Original-URL: http://app.test/public/x"}
		for at, lines := range map[string][]string{"/auth/traefik": forwarding, "/auth/caddy": forwarding, "/auth/haproxy": forwarding, "/auth/nginx": original} {
			ask := func(lines []string) consequence {
				return g.send(t, "api", trustedGateway, "GET "+at+" HTTP/1.1\r\nHost: app.test\r\n", attempt{lines: lines})
			}
			if got := ask(lines); got.status != http.StatusOK {
				t.Errorf("%s: got %d", at, got.status)
			}
			for i := range lines {
				// nginx passes on no 400: its answers are 401 and 403.
				if got := ask(slices.Delete(slices.Clone(lines), i, i+1)); got.status != malformed && got.status != http.StatusForbidden {
					t.Errorf("%s without %s: got %d", at, lines[i], got.status)
				}
			}
		}
	}},
	{id: "FW-08", test: func(t *testing.T, g *bastion) {
		for _, lines := range [][]string{
			{"X-Forwarded-Uri: /public/x", "X-Forwarded-Uri: /admin/x"},
			{"X-Forwarded-Uri: /public/x", "X-Forwarded-Uri: /public/x"},
			{"X-Forwarded-Uri: /admin/x,/public/x"},
			{"X-Forwarded-Uri: /admin/x, /public/x"},
		} {
			got := g.send(t, "api", trustedGateway, "GET /decisions HTTP/1.1\r\nHost: app.test\r\n", attempt{lines: lines})
			if got.granted() || len(lines) > 1 && got.status != malformed {
				t.Errorf("%s: got %d", lines, got.status)
			}
		}
		g.refuses(t, attempt{target: "/public/x,/admin/x", lines: []string{"X-Forwarded-Host: app.test"}}, []string{"decisions"}, malformed)
	}},
	{id: "FW-10", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, addressRules("9.9.9.0/24"), enableRedirect)
		lines := []string{"X-Forwarded-For: 1.1.1.1", "X-Forwarded-For: 9.9.9.9"}
		for _, mode := range []string{"proxy", "decisions", "envoy"} {
			if got := modes[mode](t, g, attempt{target: "/admin/x", lines: lines, from: trustedGateway}); got.status != http.StatusFound {
				t.Errorf("%s: got %d: the client is not 9.9.9.9", mode, got.status)
			}
			if got := modes[mode](t, g, attempt{target: "/admin/x", lines: []string{lines[1], lines[0]}, from: trustedGateway}); got.status != http.StatusUnauthorized {
				t.Errorf("%s: got %d: the client is not 1.1.1.1", mode, got.status)
			}
		}
		if !g.logs(t, `"client":"9.9.9.9"`) {
			t.Error("the log does not name the client")
		}
	}},
	{id: "FW-11", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, addressRules("9.9.9.9/32"), enableRedirect)
		for value, is := range map[string]bool{
			"9.9.9.9": true, "8.8.8.8, 9.9.9.9": true, "9.9.9.9:99": true, "[::ffff:9.9.9.9]:1": true, "::ffff:9.9.9.9": true, "9.9.9.9, 127.0.0.9": true,
			"9.9.9.9, ::ffff:127.0.0.9": true, "9.9.9.9, [::ffff:127.0.0.9]:7": true, "unknown, 9.9.9.9": true,
			"9.9.9.9, unknown": false, "9.9.9.9, _hidden": false, `9.9.9.9, "8.8.8.8, 7.7.7.7"`: false, "9.9.9.9, 8.8.8.8:99": false, "9.9.9.9,": false,
			"9.9.9.9, 010.0.0.1": false, "9.9.9.9 127.0.0.9": false, "9.9.9.9, 127.0.0.9.": false,
		} {
			got := asProxied(t, g, attempt{target: "/admin/x", lines: []string{"X-Forwarded-For: " + value}, from: trustedGateway})
			if (got.status == http.StatusFound) != is || got.granted() {
				t.Errorf("%s: got %d; it is 9.9.9.9: %t", value, got.status, is)
			}
		}
	}},
	{id: "FW-13", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, addressRules("9.9.9.9/32"), enableRedirect)
		for _, lines := range [][]string{{"X-Forwarded-For: 9.9.9.9"}, {"X-Real-Ip: 9.9.9.9"}, {"Forwarded: for=9.9.9.9"}, {"True-Client-IP: 9.9.9.9"}} {
			g.refuses(t, attempt{target: "/admin/x", lines: lines}, []string{"proxy"}, http.StatusUnauthorized)
			if got := g.send(t, "api", stranger, "GET /decisions/admin/x HTTP/1.1\r\nHost: app.test\r\n", attempt{lines: lines}); got.status != http.StatusUnauthorized {
				t.Errorf("decisions, %s: got %d", lines, got.status)
			}
		}
	}},
	{id: "FW-14", test: func(t *testing.T, g *bastion) {
		claim := []string{"X-Forwarded-Method: GET"}
		for _, from := range []string{stranger, trustedGateway} { // the proxy's own client is asked for no other method
			g.refuses(t, attempt{method: "POST", target: "/public/x", lines: append(claim, "Content-Length: 0"), from: from}, []string{"proxy"}, 404)
		}
		if got := g.send(t, "api", stranger, "POST /decisions/public/x HTTP/1.1\r\nHost: app.test\r\nContent-Length: 0\r\n", attempt{lines: claim}); got.status != 404 {
			t.Errorf("decisions: got %d", got.status)
		}
	}},
	{id: "FW-16", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, func(config object) { section(section(config, "serve"), "proxy")["forwarded_headers"] = "append" })
		forged := []string{"X-Forwarded-For: 8.8.8.8", "x-forwarded-for: 7.7.7.7", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.test", "X_Forwarded_For: 6.6.6.6"}
		for from, want := range map[string]map[string]string{
			stranger:       {"X-Forwarded-For": stranger, "X-Forwarded-Proto": "http", "X-Forwarded-Host": "app.test"},
			trustedGateway: {"X-Forwarded-For": "8.8.8.8, 7.7.7.7, " + trustedGateway, "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.test"},
		} {
			rule := "/public/x"
			got := asProxied(t, g, attempt{target: rule, lines: forged, from: from})
			if from == trustedGateway { // its https is believed, and no rule is for that
				if got.status != http.StatusNotFound {
					t.Errorf("%s: got %d", from, got.status)
				}
				got = asProxied(t, g, attempt{target: rule, lines: slices.DeleteFunc(slices.Clone(forged), func(line string) bool { return strings.Contains(line, "https") }), from: from})
				want["X-Forwarded-Proto"] = "http"
			}
			if len(got.upstream) != 1 {
				t.Fatalf("%s: got %d", from, got.status)
			}
			for name, value := range want {
				if values := got.upstream[0].values(name); fmt.Sprint(values) != fmt.Sprint([]string{value}) {
					t.Errorf("from %s: %s is %q, not %q", from, name, values, value)
				}
			}
			if values := got.upstream[0].values("X_Forwarded_For"); len(values) > 0 {
				t.Errorf("from %s: there is another spelling: %q", from, values)
			}
		}
	}},
}

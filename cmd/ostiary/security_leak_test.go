package main_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

var securityLeaks = []securityRow{
	{id: "LG-02", test: func(t *testing.T, _ *bastion) {
		for _, format := range []string{"text", "json", "json_pretty", "gelf"} {
			g := startBastion(t, nil, func(config object) { config["log"] = object{"format": format, "level": "debug"} })
			for _, target := range []string{"/public/x%0d%0alevel=error%20msg=forged", "/public/%1b[31mred", "/public/%ff", "/public/x?a=%0alevel=forged", "/public/\x1b[31m\xff"} {
				for _, agent := range []string{"agent\x1b[31m", "agent\u009b31m", "agent\x7f", "agent\xff\xfe", "agent level=error msg=forged", `agent" level="forged`} {
					asProxied(t, g, attempt{target: target, lines: []string{"User-Agent: " + agent}})
				}
			}
			g.stop(t)
			text, err := os.ReadFile(g.log)
			if err != nil {
				t.Fatal(err)
			}
			if strings.ContainsAny(string(text), "\x1b\r\x7f\u009b") || !utf8.Valid(text) {
				t.Errorf("%s: the log has control bytes", format)
			}
			for line := range strings.Lines(string(text)) {
				if format == "text" && (!strings.HasPrefix(line, "time=") || strings.Contains(line, " level=forged")) {
					t.Errorf("text: a line of its own: %q", line)
				}
				if format != "text" && format != "json_pretty" && !strings.HasPrefix(line, "{") {
					t.Errorf("%s: a line of its own: %q", format, line)
				}
			}
		}
	}},
	{id: "LG-03", test: func(t *testing.T, _ *bastion) {
		// With no_match: 401 nobody learns which paths there are.
		g := startBastion(t, nil, func(config object) { section(config, "access_rules")["no_match"] = 401 })
		for mode, ask := range modes {
			there, nowhere := ask(t, g, attempt{target: "/admin/x"}), ask(t, g, attempt{target: "/nowhere/x"})
			if there.status != 401 || nowhere.status != 401 || there.body != nowhere.body {
				t.Errorf("%s: got %d with %s, and %d with %s", mode, there.status, there.body, nowhere.status, nowhere.body)
			}
			for name := range there.header {
				if _, is := nowhere.header[name]; !is {
					t.Errorf("%s: %s tells the one from the other", mode, name)
				}
			}
		}
	}},
	{id: "LG-05", test: func(t *testing.T, _ *bastion) {
		closed := closedAddress(t)
		g := startBastion(t, func(upstream, _ string) []object {
			rules := securityRules("http://"+closed, "http://"+closed+"/introspect")
			broken := openRule(upstream)
			broken["id"], broken["match"] = "broken-rule", object{"url": "http://app.test/broken", "methods": []string{"GET"}}
			broken["authorizer"] = object{"handler": "nowhere"}
			return append(rules, broken)
		}, nil)
		for _, asked := range []attempt{
			{target: "/public/x"},
			{target: "/t/x", token: tenantToken},
			{target: "/broken"},
			{target: "/admin/x"},
			{target: "/admin/x", token: userToken},
			{target: "/nowhere"},
			{target: "/public/%2e%2e"},
			{target: "/admin/x", token: "nobody"},
		} {
			for mode, ask := range modes {
				got := ask(t, g, asked)
				text := got.body + fmt.Sprint(got.header)
				for _, secret := range []string{closed, "127.0.0.1", "broken-rule", "admin\"", "goroutine", ".go:", "dial tcp", "introspect", "nowhere", "TU"} {
					if strings.Contains(text, secret) && got.status != http.StatusOK {
						t.Errorf("%s: %+v: %d tells %q: %s", mode, asked, got.status, secret, text)
					}
				}
			}
		}
	}},
	{id: "LG-06", test: func(t *testing.T, _ *bastion) {
		// Addresses of services are written by operators, and none is made of what a client sends but for the path where a
		// session service is asked for that of the request; its answers lead nowhere else.
		var elsewhere int
		evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			elsewhere++
			_, _ = fmt.Fprint(w, `{"subject": "mallory", "extra": {}}`)
		}))
		t.Cleanup(evil.Close)
		var asked []string
		sessions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Host+r.RequestURI)
			http.Redirect(w, r, evil.URL+"/latest/meta-data", http.StatusTemporaryRedirect)
		}))
		t.Cleanup(sessions.Close)
		g := startBastion(t, func(upstream, _ string) []object {
			rule := openRule(upstream)
			rule["authenticators"] = []object{{"handler": "cookie_session"}}
			return []object{rule}
		}, func(config object) {
			section(config, "authenticators")["cookie_session"] = object{"enabled": true, "config": object{"check_session_url": sessions.URL}}
		})
		for _, target := range []string{"/x", "/@evil.test/x", "/x?check_session_url=" + evil.URL, "//evil.test/x", "/http://evil.test/"} {
			g.refuses(t, attempt{target: target, lines: []string{"Cookie: session=alice"}}, []string{"proxy"}, 401, 403, 502, 503)
		}
		if elsewhere > 0 {
			t.Errorf("a redirect of the session service was followed %d times", elsewhere)
		}
		for _, at := range asked {
			if !strings.HasPrefix("http://"+at, sessions.URL) {
				t.Errorf("asked %s", at)
			}
		}
	}},
}

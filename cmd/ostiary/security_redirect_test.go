package main_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// returnTo is where a redirect to the login page says to come back to.
func returnTo(t testing.TB, header http.Header) *url.URL {
	t.Helper()
	location, err := url.Parse(header.Get("Location"))
	if err != nil {
		t.Fatal(err)
	}
	back, err := url.Parse(location.Query().Get("return_to"))
	if err != nil {
		t.Fatal(err)
	}
	return back
}

var securityRedirects = []securityRow{
	{id: "RE-01", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, toLoginPage)
		lines := []string{"X-Forwarded-Host: evil", "X-Forwarded-Proto: https", "Forwarded: host=evil", "Accept: text/html"}
		for _, got := range []consequence{
			asProxied(t, g, attempt{target: "/admin/x", lines: lines}),
			g.send(t, "api", stranger, "GET /decisions/admin/x HTTP/1.1\r\nHost: app.test\r\n", attempt{lines: lines}),
		} {
			if got.status != http.StatusFound || returnTo(t, got.header).String() != "http://app.test/admin/x" {
				t.Errorf("got %d to %s", got.status, got.header.Get("Location"))
			}
		}
	}},
	{id: "RE-02", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, toLoginPage)
		for _, target := range []string{"/admin/x?a=1&b=%2F", "/admin/%C3%A9?q=%26%23x", "/admin/x?return_to=http://evil.test/", "/admin/x?", "/admin/a%20b+c;d?e=f;g"} {
			for mode, ask := range modes {
				got := ask(t, g, attempt{target: target})
				location, err := url.Parse(got.header.Get("Location"))
				if err != nil || got.status != http.StatusFound || location.Query().Get("return_to") != "http://app.test"+target || len(location.Query()["return_to"]) != 1 {
					t.Errorf("%s: %s: got %d to %s", mode, target, got.status, location)
				}
			}
		}
	}},
	{id: "RE-04", test: func(t *testing.T, _ *bastion) {
		// Where to come back to is the address that was asked for, of which a rule has matched the host, or else there is no
		// redirect: there is nothing for a client to name.
		g := startBastion(t, nil, toLoginPage)
		for _, host := range []string{"evilapp.test", "app.test.evil", "app.test@evil", "app.test:443@evil", "app.test#evil", "app.test/evil", "evil?app.test", `app.test\evil`} {
			for mode, ask := range modes {
				if got := ask(t, g, attempt{target: "/admin/x", host: host}); got.granted() || got.header.Get("Location") != "" {
					t.Errorf("%s: %s: got %d to %s", mode, host, got.status, got.header.Get("Location"))
				}
			}
		}
	}},
	{id: "RE-05", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, toLoginPage)
		for _, target := range []string{"/admin/x%0d%0aSet-Cookie:%20a=b", "/admin/%0d%0a%0d%0a", "/admin/x?a=%0d%0aSet-Cookie:%20a=b", "/admin/%00", "/admin/x\rSet-Cookie: a=b", "/admin/x?a=\x00"} {
			for mode, ask := range modes {
				got := ask(t, g, attempt{target: target})
				if got.granted() || len(got.header["Set-Cookie"]) > 0 || strings.ContainsAny(got.header.Get("Location"), "\r\n\x00") {
					t.Errorf("%s: %q: got %d with %v", mode, target, got.status, got.header)
				}
			}
		}
	}},
	{id: "RE-07", test: func(t *testing.T, _ *bastion) {
		// The login page is behind the rules that send people there.
		protected := func(upstream, tenantService string) []object {
			rules := securityRules(upstream, tenantService)
			login := rules[2]
			login["errors"] = []object{{"handler": "redirect", "config": object{"to": "http://app.test/admin/login", "return_to_query_param": "return_to"}}}
			return rules
		}
		g := startBastion(t, protected, toLoginPage)
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		jar, target, trips := "", "/admin/login", 0
		for ; trips < 20; trips++ {
			request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.ports.address("proxy")+target, nil)
			if err != nil {
				t.Fatal(err)
			}
			request.Host = "app.test"
			request.Header.Set("Accept", "text/html")
			if jar != "" {
				request.Header.Set("Cookie", jar)
			}
			answer, err := client.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			for _, cookie := range answer.Cookies() {
				jar = cookie.Name + "=" + cookie.Value
			}
			if answer.StatusCode != http.StatusFound {
				break
			}
		}
		if trips == 0 || trips == 20 {
			t.Errorf("it redirects %d times", trips)
		}
	}},
	{id: "RE-08", test: func(t *testing.T, _ *bastion) {
		release := make(chan struct{})
		slow := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}))
		t.Cleanup(slow.Close)
		t.Cleanup(func() { close(release) })
		failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }))
		t.Cleanup(failing.Close)
		for store, want := range map[string]int{failing.URL: http.StatusServiceUnavailable, "http://" + closedAddress(t): http.StatusServiceUnavailable, slow.URL: http.StatusGatewayTimeout} {
			g := startBastion(t, func(upstream, _ string) []object {
				rule := openRule(upstream)
				rule["authenticators"] = []object{{"handler": "cookie_session"}}
				return []object{rule}
			}, func(config object) {
				toLoginPage(config)
				section(config, "authenticators")["cookie_session"] = object{"enabled": true, "config": object{"check_session_url": store, "timeout": "500ms"}}
			})
			for mode, ask := range modes {
				got := ask(t, g, attempt{target: "/x", lines: []string{"Cookie: session=alice", "Accept: text/html"}})
				if got.status != want || got.header.Get("Location") != "" || got.granted() {
					t.Errorf("%s: got %d to %q, want %d", mode, got.status, got.header.Get("Location"), want)
				}
			}
		}
	}},
	{id: "RE-10", test: func(t *testing.T, _ *bastion) {
		g := startBastion(t, nil, toLoginPage)
		for _, method := range []string{"GET", "POST", "PUT"} {
			got := asProxied(t, g, attempt{method: method, target: "/admin/x", lines: []string{"Content-Length: 0"}})
			if got.status != http.StatusFound && got.status != http.StatusSeeOther {
				t.Errorf("%s: got %d", method, got.status)
			}
		}
		// 301 and 308 are there for moved services: they are what a rule says, and never for a POST that a browser repeats as a GET.
		permanent := startBastion(t, nil, func(config object) {
			toLoginPage(config)
			section(section(section(config, "errors"), "handlers"), "redirect")["config"].(object)["code"] = 301
		})
		got := asProxied(t, permanent, attempt{method: "POST", target: "/admin/x", lines: []string{"Content-Length: 0"}})
		if got.status == http.StatusMovedPermanently && !strings.Contains(got.header.Get("Cache-Control"), "no-store") {
			t.Errorf("got %d, which is cached, with %v", got.status, got.header)
		}
	}},
}

// closedAddress is one where nobody listens.
func closedAddress(t testing.TB) string {
	t.Helper()
	return listeners{"closed": freePort(t)}.address("closed")
}

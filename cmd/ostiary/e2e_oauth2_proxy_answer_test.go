//go:build e2e

package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// askAuth is the authenticator asking at /oauth2/auth, which says 202 and the rest in headers.
func (o *oauth2Proxy) askAuth(more string) string {
	return fmt.Sprintf(`[{"handler": "cookie_session", "config": {"check_session_url": %q %s}}]`, o.names["OAUTH2_PROXY"]+"/oauth2/auth", more)
}

// service is the address of what the guard with that id is for.
func service(id string) string { return "http://" + gateHost + "/" + id }

// TestE2EOAuth2ProxyAuth asks where oauth2-proxy answers without a body.
func TestE2EOAuth2ProxyAuth(t *testing.T) {
	t.Parallel()
	o := startOAuth2Proxy(t)
	o.guard(t, []guard{
		{id: "listed", authenticators: o.askAuth(`, "valid_status": [202], "allow_empty_subject": true`)},
		{id: "unlisted", authenticators: o.askAuth(`, "allow_empty_subject": true`)},
		{id: "nameless", authenticators: o.askAuth(`, "valid_status": [202]`)},
	})
	v := o.visitor(t, "fiona")
	v.expectLogin(t, service("listed"))
	v.visit(t, service("listed"))
	t.Run("its 202 counts where it is listed", func(t *testing.T) { v.expect(t, service("listed"), allowedAs("")) })
	t.Run("its 202 does not count otherwise", func(t *testing.T) { v.expectLogin(t, service("unlisted")) })
	t.Run("its empty body is nobody's session", func(t *testing.T) { v.expectLogin(t, service("nameless")) })
	o.gate.stop(t)
}

// TestE2EOAuth2ProxyHeaders takes who somebody is from the headers of the answer.
func TestE2EOAuth2ProxyHeaders(t *testing.T) {
	t.Parallel()
	o := startOAuth2Proxy(t)
	o.guard(t, []guard{{
		id: "headers",
		authenticators: o.askAuth(`, "valid_status": [202], "subject_from_header": "X-Auth-Request-Email",
			"answer_headers": ["X-Auth-Request-Groups", "X-Auth-Request-Preferred-Username"]`),
	}})
	o.visitor(t, "mallory").expectLogin(t, service("headers"))
	for person, groups := range map[string]string{"fiona": "staff,finance", "beate": "engineering,finance", "nora": ""} {
		t.Run(person, func(t *testing.T) {
			v := o.visitor(t, person)
			v.visit(t, service("headers"))
			for _, way := range ways {
				answer := v.ask(t, way, v.navigation(t, service("headers")))
				if got := answer.verdict(); got != allowedAs(mailOf(person)) {
					t.Errorf("the %s makes %+v of it, expected it allowed as %s", way, got, mailOf(person))
				}
				for name, want := range map[string]string{"X-Auth-Request-Groups": groups, "X-Auth-Request-Preferred-Username": person} {
					if got := strings.Join(answer.told.Values(name), "; "); got != want {
						t.Errorf("through the %s the service is told %s: %s, expected %s", way, name, got, want)
					}
				}
			}
		})
	}
	o.gate.stop(t)
}

// TestE2EOAuth2ProxyRenewal has sessions that oauth2-proxy renews after a second. It replaces the cookie then, and
// the next renewal is not possible with the old one.
func TestE2EOAuth2ProxyRenewal(t *testing.T) {
	t.Parallel()
	o := startOAuth2Proxy(t, "--cookie-refresh=1s")
	o.guard(t, []guard{
		{id: "renewing", authenticators: `[{"handler": "cookie_session", "config": {"pass_set_cookie": true}}]`},
		{id: "keeping", authenticators: cookieSession},
	})
	replaced := func(answer visited) *http.Cookie {
		for _, cookie := range (&http.Response{Header: answer.header}).Cookies() {
			if cookie.Name == sessionCookie {
				return cookie
			}
		}
		return nil
	}
	for _, way := range ways {
		t.Run("the browser gets the new cookie through the "+way, func(t *testing.T) {
			v := o.visitor(t, "fiona")
			v.visit(t, service("renewing"))
			for range 2 { // the second time with what came of the first
				before := v.session(t, 1)[0]
				var renewed *http.Cookie
				eventually(t, "the cookie is replaced", func() (string, bool) {
					answer := v.ask(t, way, v.navigation(t, service("renewing")))
					renewed = replaced(answer)
					return fmt.Sprintf("seen is %+v", answer.verdict()), renewed != nil
				})
				if renewed.Value == before.Value || renewed.Domain != gateHost || renewed.Path != "/" || !renewed.HttpOnly {
					t.Errorf("the cookie is replaced by %+v", renewed)
				}
				if now := v.session(t, 1)[0]; now.Value != renewed.Value {
					t.Error("the browser does not have the new cookie")
				}
			}
			v.expect(t, service("renewing"), allowedAs(mailOf("fiona")))
		})
		t.Run("the browser keeps its cookie unless it is to get others through the "+way, func(t *testing.T) {
			v := o.visitor(t, "erik")
			v.visit(t, service("keeping"))
			before := o.issuer.renewed()
			eventually(t, "the session is renewed", func() (string, bool) {
				answer := v.ask(t, way, v.navigation(t, service("keeping")))
				if got := replaced(answer); got != nil {
					t.Errorf("the browser gets %s", got)
				}
				return fmt.Sprintf("seen is %+v", answer.verdict()), o.issuer.renewed() > before
			})
		})
	}
	o.gate.stop(t)
}

// TestE2EOAuth2ProxyBrowsersOnly sends only those to log in who can.
func TestE2EOAuth2ProxyBrowsersOnly(t *testing.T) {
	t.Parallel()
	o := startOAuth2Proxy(t)
	o.guard(t, departments())
	for _, c := range []struct {
		name, method, accept, mode, destination string
		login                                   bool
	}{
		{"a page", "GET", "text/html,*/*;q=0.8", "navigate", "document", true},
		{"a page in a browser that says less", "GET", "text/html,application/xhtml+xml", "", "", true},
		{"a fetch", "GET", "*/*", "cors", "empty", false},
		{"a fetch of JSON", "GET", "application/json", "cors", "empty", false},
		{"a fetch of HTML", "GET", "text/html", "cors", "empty", false},
		{"a program that wants JSON", "GET", "application/json", "", "", false},
		{"an image", "GET", "image/avif,image/webp,*/*;q=0.8", "no-cors", "image", false},
		{"a form", "POST", "text/html,*/*;q=0.8", "navigate", "document", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			for _, way := range ways {
				v := o.visitor(t, "fiona")
				request := v.navigation(t, finance+"/reports?of=today")
				request.Method = c.method
				for name, value := range map[string]string{"Accept": c.accept, "Sec-Fetch-Mode": c.mode, "Sec-Fetch-Dest": c.destination} {
					request.Header.Del(name)
					if value != "" {
						request.Header.Set(name, value)
					}
				}
				answer := v.ask(t, way, request)
				to := answer.header.Get("Location")
				if c.login {
					if answer.status != http.StatusFound || !strings.HasPrefix(to, loginPage+"/oauth2/start?") {
						t.Errorf("the %s answers %d and leads to %q, expected a login", way, answer.status, to)
					}
					continue
				}
				var document struct{ Error struct{ Code int } }
				err := json.Unmarshal([]byte(answer.body), &document)
				if answer.status != http.StatusUnauthorized || to != "" || err != nil || document.Error.Code != http.StatusUnauthorized {
					t.Errorf("the %s answers %d %s and leads to %q, expected a 401 in JSON", way, answer.status, answer.body, to)
				}
			}
		})
	}
	o.gate.stop(t)
}

// TestE2EOAuth2ProxyCircle logs in where the session never arrives: the engine looks for it in another cookie, and
// the issuer logs in without asking.
func TestE2EOAuth2ProxyCircle(t *testing.T) {
	t.Parallel()
	o := startOAuth2Proxy(t)
	o.guard(t, []guard{{id: "elsewhere", authenticators: `[{"handler": "cookie_session", "config": {"only": ["another"]}}]`}})
	const most = 5 // redirects to the login page in a row
	t.Run("through the proxy", func(t *testing.T) {
		v := o.visitor(t, "fiona")
		answer := v.visit(t, service("elsewhere"))
		if got := strings.Count(strings.Join(v.trail, " ")+" ", loginPage+"/oauth2/start "); answer.status != http.StatusUnauthorized || got != most {
			t.Errorf("the browser sees %d after it was sent to log in %d times, expected 401 after %d", answer.status, got, most)
		}
	})
	t.Run("through the api", func(t *testing.T) {
		v := o.visitor(t, "fiona")
		for i := range most + 1 {
			want := http.StatusFound
			if i == most {
				want = http.StatusUnauthorized
			}
			if answer := v.ask(t, "api", v.navigation(t, service("elsewhere"))); answer.status != want {
				t.Errorf("request %d is answered with %d, expected %d", i+1, answer.status, want)
			}
		}
	})
	o.gate.stop(t)
}

//go:build e2e

package main_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// cookieSession is the authenticator as the configuration file sets it up, which asks who has a session.
const cookieSession = `[{"handler": "cookie_session"}]`

// departments are two services, each of which is for one group.
func departments() []guard {
	var guards []guard
	for group, service := range map[string]string{"finance": finance, "engineering": engineering} {
		guards = append(guards, guard{
			id:             group,
			match:          fmt.Sprintf(`{"url": "%s/<.*>", "methods": ["GET", "POST"]}`, service),
			authenticators: cookieSession,
			authorizer:     fmt.Sprintf(`{"handler": "cel", "config": {"expression": "'%s' in extra.groups"}}`, group),
		})
	}
	return guards
}

// TestE2EOAuth2ProxyLogin goes from a service through the login and back.
func TestE2EOAuth2ProxyLogin(t *testing.T) {
	t.Parallel()
	o := startOAuth2Proxy(t)
	o.guard(t, departments())
	for name, target := range map[string]string{
		"a path":                 "/reports",
		"the root":               "/",
		"a query":                "/reports?from=2024-01&to=2024-02&from=2024-03",
		"a query that is quoted": "/reports?q=a%20b%26rd%3Dx+c&empty=&flag&rd=/elsewhere",
		"a path that is quoted":  "/%C3%BCbersicht/a%20b;v=1?%C3%BC=%E2%82%AC",
	} {
		t.Run("leads back to "+name, func(t *testing.T) {
			v := o.visitor(t, "fiona")
			v.expectLogin(t, finance+target)

			v.gate.upstream.take()
			if answer := v.visit(t, finance+target); answer.status != http.StatusOK || answer.body != upstreamPage {
				t.Fatalf("after %v the browser sees %d %s", v.trail, answer.status, answer.body)
			}
			path := parsed(t, finance+target).Path
			trail := []string{loginPage + "/oauth2/start", v.issuer.server.URL + "/authorize", loginPage + "/oauth2/callback", finance + path}
			if !slices.Equal(v.trail, trail) {
				t.Errorf("the way was %v, expected %v", v.trail, trail)
			}
			seen := v.gate.upstream.take()
			if len(seen) != 1 || seen[0].target != target || seen[0].header.Get("X-User") != mailOf("fiona") {
				t.Errorf("the service got %+v, expected one request for %s", seen, target)
			}
			v.expect(t, finance+target, allowedAs(mailOf("fiona")))
		})
	}
	t.Run("leads nobody back whom the issuer does not know", func(t *testing.T) {
		v := o.visitor(t, "mallory")
		if answer := v.visit(t, finance+"/"); answer.status != http.StatusForbidden || !strings.HasPrefix(answer.body, "mallory is a stranger") {
			t.Errorf("after %v the browser sees %d %s", v.trail, answer.status, answer.body)
		}
		v.expectLogin(t, finance+"/")
	})
	o.gate.stop(t)
}

// TestE2EOAuth2ProxyGroups lets one login decide about two services by the groups of who logged in.
func TestE2EOAuth2ProxyGroups(t *testing.T) {
	t.Parallel()
	o := startOAuth2Proxy(t)
	o.guard(t, departments())
	for _, c := range []struct {
		name, person         string
		finance, engineering bool
	}{
		{"somebody of finance", "fiona", true, false},
		{"an engineer", "erik", false, true},
		{"somebody of both", "beate", true, true},
		{"somebody of groups with similar names", "ingo", false, false},
		{"somebody of no group", "nora", false, false},
		{"somebody whose session takes several cookies", "omar", true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := o.visitor(t, c.person)
			v.visit(t, finance+"/")
			for service, allowed := range map[string]bool{finance: c.finance, engineering: c.engineering} {
				want := refusedWith(http.StatusForbidden)
				if allowed {
					want = allowedAs(mailOf(c.person))
				}
				v.expect(t, service+"/", want)
			}
		})
	}
	t.Run("a session that somebody made up is none", func(t *testing.T) {
		honest := o.visitor(t, "fiona")
		honest.visit(t, finance+"/")
		session := honest.session(t, 1)
		value, signature, _ := strings.Cut(session[0].Value, "|")
		for _, forged := range []string{"", "fiona", value, signature, value + "A|" + signature, "|" + signature} {
			v := o.visitor(t, "mallory")
			v.setCookies(t, finance, []*http.Cookie{{Name: sessionCookie, Value: forged}})
			v.expectLogin(t, finance+"/")
		}
		v := o.visitor(t, "mallory")
		v.setCookies(t, finance, session)
		v.expect(t, finance+"/", allowedAs(mailOf("fiona")))
	})
	for person, cookies := range map[string]int{"fiona": 1, "omar": 2} {
		t.Run(fmt.Sprintf("the service gets its own cookies, and not the %d of the session", cookies), func(t *testing.T) {
			v := o.visitor(t, person)
			v.visit(t, finance+"/")
			v.session(t, cookies)
			v.setCookies(t, finance, []*http.Cookie{{Name: "theme", Value: "dark"}})
			if got := v.ask(t, "proxy", v.navigation(t, finance+"/")).told.Get("Cookie"); got != "theme=dark" {
				t.Errorf("the service gets the cookies %.100s, expected theme=dark", got)
			}
		})
	}
	o.gate.stop(t)
}

// TestE2EOAuth2ProxyLogout ends a session, and begins one of another person.
func TestE2EOAuth2ProxyLogout(t *testing.T) {
	t.Parallel()
	o := startOAuth2Proxy(t)
	o.guard(t, departments())
	v := o.visitor(t, "fiona")
	v.visit(t, finance+"/")
	v.expect(t, finance+"/", allowedAs(mailOf("fiona")))

	v.sits(t, "nobody")
	v.visit(t, loginPage+"/oauth2/sign_out?rd="+finance+"/bye")
	if want := finance + "/bye"; len(v.trail) == 0 || v.trail[0] != want {
		t.Errorf("logging out leads to %v, expected %s first", v.trail, want)
	}
	v.expectLogin(t, finance+"/")
	v.expectLogin(t, engineering+"/")

	v.sits(t, "erik")
	v.visit(t, engineering+"/")
	v.expect(t, finance+"/", refusedWith(http.StatusForbidden))
	v.expect(t, engineering+"/", allowedAs(mailOf("erik")))
	o.gate.stop(t)
}

// TestE2EOAuth2ProxyOutage stops oauth2-proxy: nobody can log in, so nobody is sent to.
func TestE2EOAuth2ProxyOutage(t *testing.T) {
	t.Parallel()
	o := startOAuth2Proxy(t)
	o.guard(t, departments())
	known, unknown := o.visitor(t, "fiona"), o.visitor(t, "mallory")
	known.visit(t, finance+"/")
	unknown.setCookies(t, finance, []*http.Cookie{{Name: sessionCookie, Value: "made up"}})
	known.expect(t, finance+"/", allowedAs(mailOf("fiona")))
	unknown.expectLogin(t, finance+"/")

	o.stop(t)
	for _, way := range ways {
		for _, v := range []*visitor{known, unknown} {
			answer := v.ask(t, way, v.navigation(t, finance+"/"))
			if to := answer.header.Get("Location"); answer.status != http.StatusServiceUnavailable || to != "" {
				t.Errorf("the %s answers %d and leads to %q, expected 503", way, answer.status, to)
			}
		}
	}

	o.start(t)
	for _, way := range ways {
		eventually(t, "the "+way+" lets them in again", func() (string, bool) {
			got := known.ask(t, way, known.navigation(t, finance+"/")).verdict()
			return fmt.Sprintf("seen is %+v", got), got == allowedAs(mailOf("fiona"))
		})
	}
	o.gate.stop(t)
}

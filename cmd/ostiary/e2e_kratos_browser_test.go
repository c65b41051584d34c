//go:build e2e

package main_test

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// deepLink is a path and a query with much that has to survive a login: escapes that could be written otherwise, an
// empty value, and two kinds of blanks.
const deepLink = "/graph/a%2Fb?g0.expr=up%7Bjob%3D%22a%22%7D&g0.tab=&q=a+b%20c"

// TestE2EKratosInBrowser has people come with a real browser, and the engine's proxy in front of everything.
func TestE2EKratosInBrowser(t *testing.T) {
	t.Parallel()
	s := startSite(t, append(browserGuards(),
		guarded("broken", "kratos_session", `"cookie": "another_session"`))...)
	k, everyHost := s.kratos, "MAP *.ops.test:80 "+s.ports.address("proxy")
	s.walkThrough(t, everyHost)

	t.Run("who has no account makes one", func(t *testing.T) {
		b, password := startBrowser(t, everyHost), rand.Text()
		b.open(t, k.on("auth", "/registration?return_to="+url.QueryEscape(k.on("app", deepLink))))
		b.fill(t, "profile", map[string]string{"traits.email": "grace@people.test", "traits.team": "watch"})
		b.fill(t, "password", map[string]string{"password": password})
		b.arrives(t, k.on("app", deepLink), upstreamPage)
	})
	t.Run("who is sent round in circles gets out of them", func(t *testing.T) {
		b, frank := startBrowser(t, everyHost), k.create(t, "frank")
		b.open(t, k.on("app", "/"))
		b.logIn(t, frank)
		b.arrives(t, k.on("app", "/"), upstreamPage)
		// That rule looks for a cookie that Kratos does not give out: the engine wants a login, and Kratos has seen one.
		b.open(t, k.on("broken", deepLink))
		b.arrives(t, k.on("broken", deepLink), "You were sent to log in 5 times in a row")
	})
	s.stop(t)
}

// browserGuards are the rules of a walk-through.
func browserGuards() []guard {
	return []guard{
		guarded("app", "kratos_session", `"cache": {"ttl": "1s"}`),
		guarded("vault", "kratos_session", `"required_aal": "aal2"`),
		open("half-open", "http://half.ops.test/open", ""),
		{
			id: "half-closed", match: `{"url": "http://half.ops.test/api/<.*>", "methods": ["GET", "POST"]}`,
			authenticators: `[{"handler": "kratos_session"}]`,
		},
	}
}

// walkThrough is what people do with a browser to which every host has one address.
func (s *site) walkThrough(t *testing.T, everyHost string) {
	t.Helper()
	k := s.kratos
	loginHost, app, vault := k.on("auth", ""), k.on("app", deepLink), k.on("vault", deepLink)

	t.Run("a login leads back to the address that was asked for, and a logout out", func(t *testing.T) {
		b, alice := startBrowser(t, everyHost), k.create(t, "alice")
		b.open(t, app)
		b.isAsked(t, loginHost, "Sign in")
		b.fill(t, "password", map[string]string{"identifier": alice.email, "password": "a guess"})
		b.isAsked(t, loginHost, "credentials are invalid")
		s.upstream.take()
		b.logIn(t, alice)
		b.arrives(t, app, upstreamPage)
		s.upstream.reachedBy(t, alice, "X-User", deepLink)

		b.open(t, k.on("auth", "/welcome"))
		b.arrives(t, k.on("auth", "/welcome"), "You are signed in as "+alice.email)
		b.follow(t, "Sign out")
		b.arrives(t, k.on("auth", "/welcome"), "You are not signed in")
		b.open(t, app)
		b.isAsked(t, loginHost, "Sign in")
	})
	t.Run("whose session was revoked logs in again", func(t *testing.T) {
		b, bob := startBrowser(t, everyHost), k.create(t, "bob")
		b.open(t, app)
		b.logIn(t, bob)
		b.arrives(t, app, upstreamPage)
		k.revoke(t, k.session(t, bob))
		eventually(t, "the login page", func() (string, bool) {
			b.open(t, app)
			seen, _ := b.see()
			return seen.Address, strings.HasPrefix(seen.Address, loginHost+"/login?")
		})
		b.logIn(t, bob)
		b.arrives(t, app, upstreamPage)
	})
	t.Run("who needs a second factor sets it up and is let in", func(t *testing.T) {
		b, carol := startBrowser(t, everyHost), k.create(t, "carol")
		b.open(t, vault)
		b.logIn(t, carol)
		b.isAsked(t, loginHost, "no second factor yet")
		b.follow(t, "Your account")
		carol.secret = b.text(t, "totp-totp_secret_key")
		s.upstream.take()
		b.fill(t, "totp", map[string]string{"totp_code": totp(t, carol.secret)})
		b.arrives(t, vault, upstreamPage)
		s.upstream.reachedBy(t, carol, "X-User", deepLink)
	})
	t.Run("who has one is asked for it once, even if it was put off", func(t *testing.T) {
		b, erin := startBrowser(t, everyHost), k.enrol(t, k.create(t, "erin"))
		b.open(t, app)
		b.logIn(t, erin)
		b.isAsked(t, loginHost, "second")
		b.open(t, app)
		b.isAsked(t, loginHost, "second")
		b.fill(t, "totp", map[string]string{"totp_code": totp(t, erin.secret)})
		b.arrives(t, app, upstreamPage)
		b.open(t, vault)
		b.arrives(t, vault, upstreamPage)
	})
	t.Run("a script is told by a status that there is no session", func(t *testing.T) {
		b := startBrowser(t, everyHost)
		b.open(t, k.on("half", "/open"))
		b.arrives(t, k.on("half", "/open"), upstreamPage)
		s.upstream.take()
		for _, options := range []string{`{}`, `{method: "POST", body: "{}"}`, `{headers: {Accept: "application/json"}}`} {
			got := b.fetch(t, "/api/targets?state=any", options)
			if got.Status != http.StatusUnauthorized || got.Redirected || !strings.HasPrefix(got.Type, "application/json") ||
				!strings.Contains(got.Body, `"code":401`) {
				t.Errorf("fetch with %s gets %+v, expected a JSON error 401", options, got)
			}
		}
		if seen := s.upstream.take(); len(seen) > 0 {
			t.Errorf("the service was reached: %+v", seen)
		}
		b.open(t, k.on("half", "/api/targets?state=any"))
		b.isAsked(t, loginHost, "Sign in")
	})
}

// reachedBy checks that the service got the address as it was asked for, and the header who asked.
func (u *upstream) reachedBy(t *testing.T, a account, header, target string) {
	t.Helper()
	for _, seen := range u.take() { // which is also asked for an icon
		if seen.target == target {
			if users := seen.header.Values(header); !slices.Equal(users, []string{a.id}) {
				t.Errorf("the service is told that %q ask, expected %s", users, a.id)
			}
			return
		}
	}
	t.Errorf("the service was not asked for %s", target)
}

//go:build e2e

package main_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// TestE2EKratosSession has people and programs come with sessions of a real Kratos.
func TestE2EKratosSession(t *testing.T) {
	t.Parallel()
	s := startSite(t,
		guarded("app", "kratos_session", ""),
		guarded("brief", "kratos_session", `"cache": {"ttl": "1s"}`),
		guarded("uncached", "kratos_session", `"cache": {"enabled": false}`),
		guarded("machines", "kratos_session", `"credentials": ["session_token", "bearer"]`),
		guarded("recent", "kratos_session", `"max_auth_age": "3s"`),
		guarded("generic", "cookie_session", ""),
		guarded("by-header", "cookie_session", `"subject_from_header": "X-Kratos-Authenticated-Identity-Id"`),
	)
	k := s.kratos
	app := k.on("app", "/graph?g0.expr=up%7Bjob%3D%22a%22%7D")
	alice := k.create(t, "alice")
	visitor := s.visitor(t)
	visitor.logIn(t, k, alice)

	t.Run("a session of an account that the admin API made is let through", func(t *testing.T) {
		for _, host := range []string{"app", "brief", "uncached", "generic", "by-header"} {
			s.expect(t, visitor, k.on(host, "/graph?g0.expr=up%7Bjob%3D%22a%22%7D"), welcomed(alice))
		}
	})
	t.Run("so is one of an account that its owner registered", func(t *testing.T) {
		bob := k.register(t, "bob")
		owner := s.visitor(t)
		owner.logIn(t, k, bob)
		s.expect(t, owner, app, welcomed(bob))
	})
	t.Run("without a session people are sent to the login page", func(t *testing.T) {
		s.expect(t, s.visitor(t), app, s.sentToLogin(app))
		made := with(navigation, "Cookie", "ory_kratos_session=made-up")
		s.expectFor(t, s.visitor(t), http.MethodGet, app, made, s.sentToLogin(app))
	})
	t.Run("the login page is open, and so is Kratos behind it", func(t *testing.T) {
		for _, c := range []struct {
			path   string
			status int
			says   string
		}{
			{"/login?return_to=http%3A%2F%2Fapp.ops.test%2F", http.StatusOK, `<label for="password-identifier">Mail address</label>`},
			{"/registration", http.StatusOK, `<label for="profile-traits.email">Mail address</label>`},
			{"/settings", http.StatusOK, `<label for="password-password">Password</label>`}, // after the login that it leads to
			{"/", http.StatusUnauthorized, "You are not signed in"},
			{"/login?return_to=http%3A%2F%2Fmallory.test%2F", http.StatusBadRequest, "is not allowed"},
			{"/login?flow=" + alice.id, http.StatusNotFound, "That did not work"},
		} {
			if got := s.visitor(t).follow(t, k.on("auth", c.path)); got.status != c.status || !strings.Contains(got.body, c.says) {
				t.Errorf("%s leads to %d %s, expected %d with %s", c.path, got.status, got.body, c.status, c.says)
			}
		}
	})
	t.Run("a program is told by a status, and not sent to a page", func(t *testing.T) {
		for name, headers := range map[string]map[string]string{
			"it wants JSON":      {"Accept": "application/json"},
			"it is fetch()":      {"Accept": "*/*", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
			"it has a bad token": {"X-Session-Token": "ory_st_made_up", "Accept": "application/json"},
		} {
			t.Run(name, func(t *testing.T) {
				s.expectFor(t, s.visitor(t), http.MethodGet, app, headers, turnedAway(http.StatusUnauthorized))
				s.expectFor(t, s.visitor(t), http.MethodPost, app, headers, turnedAway(http.StatusUnauthorized))
			})
		}
		s.expectFor(t, s.visitor(t), http.MethodPost, app, navigation, turnedAway(http.StatusUnauthorized))

		answer := s.visitor(t).send(t, http.MethodPost, app, map[string]string{"Accept": "application/json"}, "{}")
		if kind := answer.header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") ||
			!strings.Contains(answer.body, `"code":401`) {
			t.Errorf("the answer is %s %s, expected a JSON error", kind, answer.body)
		}
	})
	t.Run("a program comes with a session token", func(t *testing.T) {
		token, program := k.tokenFor(t, alice), s.visitor(t)
		for _, address := range []string{app, k.on("machines", "/")} {
			s.expectFor(t, program, http.MethodGet, address, map[string]string{"X-Session-Token": token}, welcomed(alice))
			s.expectFor(t, program, http.MethodPost, address, map[string]string{"Authorization": "Bearer " + token}, welcomed(alice))
			for _, bad := range []string{"Bearer ory_st_made_up", "Bearer " + token + "x", "Bearer eyJhbGciOiJub25lIn0.e30.", "Basic " + token} {
				s.expectFor(t, program, http.MethodGet, address, map[string]string{"Authorization": bad}, turnedAway(http.StatusUnauthorized))
			}
		}
		s.expect(t, visitor, k.on("machines", "/"), s.sentToLogin(k.on("machines", "/")))
	})
	t.Run("a login that is too long ago has to be done again", func(t *testing.T) {
		recent := k.on("recent", "/vault")
		s.becomes(t, visitor, recent, s.sentTo("/login", recent, "refresh=true"))
		s.expect(t, visitor, app, welcomed(alice))
		s.expectFor(t, visitor, http.MethodGet, recent, map[string]string{"Accept": "application/json"}, turnedAway(http.StatusUnauthorized))
		eventually(t, "the vault after another login", func() (string, bool) {
			visitor.logInAgain(t, k, alice)
			got := s.proxied(t, visitor, http.MethodGet, recent, navigation)
			return fmt.Sprintf("seen is %+v", got), got == welcomed(alice)
		})
	})
	t.Run("an account that is deactivated has no sessions", func(t *testing.T) {
		k.deactivate(t, alice)
		for _, host := range []string{"uncached", "generic"} {
			s.expect(t, visitor, k.on(host, "/"), s.sentToLogin(k.on(host, "/")))
		}
		s.becomes(t, visitor, k.on("brief", "/"), s.sentToLogin(k.on("brief", "/")))
	})
	s.stop(t)
}

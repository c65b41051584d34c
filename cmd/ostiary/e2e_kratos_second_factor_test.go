//go:build e2e

package main_test

import (
	"net/http"
	"testing"
)

// TestE2EKratosSecondFactor asks for a second factor where the account has one, and where the rule wants one.
func TestE2EKratosSecondFactor(t *testing.T) {
	t.Parallel()
	s := startSite(t,
		guarded("app", "kratos_session", ""),
		guarded("vault", "kratos_session", `"required_aal": "aal2"`),
		guarded("generic", "cookie_session", ""),
	)
	k := s.kratos
	app, vault, generic := k.on("app", "/graph?a=%2F"), k.on("vault", "/keys?a=%2F"), k.on("generic", "/")
	const secondStep = "/self-service/login/browser"
	program := map[string]string{"Accept": "application/json"}

	t.Run("who has none is asked for it where the rule wants it", func(t *testing.T) {
		alice, visitor := k.create(t, "alice"), s.visitor(t)
		visitor.logIn(t, k, alice)
		s.expect(t, visitor, app, welcomed(alice))
		s.expect(t, visitor, vault, s.sentTo("/login", vault, "aal=aal2"))
		s.expectFor(t, visitor, http.MethodGet, vault, program, turnedAway(http.StatusUnauthorized))
	})
	t.Run("who has one is sent where Kratos wants them to go", func(t *testing.T) {
		bob, visitor := k.enrol(t, k.create(t, "bob")), s.visitor(t)
		visitor.logIn(t, k, bob)
		for _, address := range []string{app, vault, generic} {
			s.expect(t, visitor, address, s.sentTo(secondStep, address, "aal=aal2"))
			s.expectFor(t, visitor, http.MethodGet, address, program, turnedAway(http.StatusUnauthorized))
		}
		visitor.stepUp(t, k, bob)
		for _, address := range []string{app, vault, generic} {
			s.becomes(t, visitor, address, welcomed(bob))
		}
	})
	t.Run("a token is no second factor either", func(t *testing.T) {
		carol := k.create(t, "carol")
		token := map[string]string{"X-Session-Token": k.tokenFor(t, carol)}
		s.expectFor(t, s.visitor(t), http.MethodGet, app, token, welcomed(carol))
		s.expectFor(t, s.visitor(t), http.MethodGet, vault, token, turnedAway(http.StatusUnauthorized))
	})
	s.stop(t)
}

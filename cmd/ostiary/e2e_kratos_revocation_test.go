//go:build e2e

package main_test

import (
	"net/http"
	"testing"
)

// TestE2EKratosRevocation ends sessions that the engine remembers.
func TestE2EKratosRevocation(t *testing.T) {
	t.Parallel()
	s := startSite(t,
		guarded("brief", "kratos_session", `"cache": {"ttl": "1s"}`),
		guarded("steady", "kratos_session", `"cache": {"ttl": "1h"}`),
		guarded("uncached", "kratos_session", `"cache": {"enabled": false}`),
		guarded("generic", "cookie_session", `"cache": {"enabled": true, "ttl": "1h"}`),
	)
	k := s.kratos
	brief, steady, uncached, generic := k.on("brief", "/"), k.on("steady", "/"), k.on("uncached", "/"), k.on("generic", "/")
	// arrive is somebody whom every rule knows and remembers.
	arrive := func(t *testing.T, name string) (account, *person) {
		t.Helper()
		a, p := k.create(t, name), s.visitor(t)
		p.logIn(t, k, a)
		for _, address := range []string{brief, steady, uncached, generic} {
			s.expect(t, p, address, welcomed(a))
		}
		return a, p
	}

	t.Run("what the admin API revokes ends with the time to live", func(t *testing.T) {
		alice, visitor := arrive(t, "alice")
		k.revoke(t, k.session(t, alice))
		s.expect(t, visitor, uncached, s.sentToLogin(uncached))
		s.becomes(t, visitor, brief, s.sentToLogin(brief))
		s.expect(t, visitor, steady, welcomed(alice))
	})
	t.Run("and at once when it is purged, whatever the purge names", func(t *testing.T) {
		for _, by := range []string{"session", "subject", "all"} {
			t.Run(by, func(t *testing.T) {
				a, visitor := arrive(t, by)
				other, bystander := arrive(t, by+"-bystander")
				session := k.session(t, a)
				purged := map[string]any{"session": session}
				switch by {
				case "subject":
					purged = map[string]any{"subject": a.id}
				case "all":
					purged = map[string]any{"all": true}
				}
				k.revoke(t, session)
				s.expect(t, visitor, steady, welcomed(a))
				s.purge(t, k.names["PURGE_TOKEN"], purged, http.StatusNoContent)
				for _, address := range []string{steady, brief, generic} {
					s.expect(t, visitor, address, s.sentToLogin(address))
					s.expect(t, bystander, address, welcomed(other))
				}
			})
		}
	})
	t.Run("a purge of what is still valid is no logout", func(t *testing.T) {
		alice, visitor := arrive(t, "still-here")
		s.purge(t, k.names["PURGE_TOKEN"], map[string]any{"subject": alice.id}, http.StatusNoContent)
		s.expect(t, visitor, steady, welcomed(alice))
	})
	t.Run("nobody else may purge", func(t *testing.T) {
		alice, visitor := arrive(t, "kept")
		k.revoke(t, k.session(t, alice))
		s.purge(t, "made-up", map[string]any{"all": true}, http.StatusUnauthorized)
		s.purge(t, "", map[string]any{"all": true}, http.StatusUnauthorized)
		for _, bad := range []map[string]any{{}, {"all": false}, {"session": ""}, {"all": true, "subject": alice.id}, {"identity": alice.id}} {
			s.purge(t, k.names["PURGE_TOKEN"], bad, http.StatusBadRequest)
		}
		s.expect(t, visitor, steady, welcomed(alice))
	})
	s.stop(t)
}

// purge has the engine forget sessions. It fails the test unless the answer has the status.
func (s *site) purge(t *testing.T, token string, what map[string]any, want int) {
	t.Helper()
	headers := map[string]string{"Content-Type": "application/json"}
	if token != "" {
		headers["Authorization"] = "Bearer " + token
	}
	answer := newPerson(t, s.ports.address("api")).send(t, http.MethodPost, "http://api.test/sessions/purge", headers, asJSON(t, what))
	if answer.status != want {
		t.Errorf("the purge of %v answers %d %s, expected %d", what, answer.status, answer.body, want)
	}
}

//go:build e2e

package main_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// TestE2EKratosToken has upstreams get Kratos' own JWT of a session.
func TestE2EKratosToken(t *testing.T) {
	t.Parallel()
	s := startSite(t,
		guarded("bearer", "kratos_session", `"tokenize_as": "ostiary"`),
		guarded("unknown", "kratos_session", `"tokenize_as": "nobody"`),
		guarded("named", "kratos_session", `"tokenize_as": "ostiary", "token_header": "X-Token"`),
	)
	k := s.kratos
	alice, visitor := k.create(t, "alice"), s.visitor(t)
	visitor.logIn(t, k, alice)
	session := k.session(t, alice)

	t.Run("in the Authorization header", func(t *testing.T) {
		token, is := strings.CutPrefix(s.told(t, visitor, k.on("bearer", "/"), "Authorization"), "Bearer ")
		if !is {
			t.Fatal("the service got no bearer token")
		}
		k.verify(t, token, alice, session)
	})
	t.Run("in another one", func(t *testing.T) {
		k.verify(t, s.told(t, visitor, k.on("named", "/"), "X-Token"), alice, session)
	})
	t.Run("whatever the client says", func(t *testing.T) {
		s.upstream.take()
		answer := visitor.send(t, http.MethodGet, k.on("named", "/"), map[string]string{"X-Token": "made-up"}, "")
		if seen := s.upstream.take(); answer.status != http.StatusOK || len(seen) != 1 || len(seen[0].header.Values("X-Token")) != 1 {
			t.Fatalf("the answer is %d, and the service got %+v", answer.status, seen)
		} else {
			k.verify(t, seen[0].header.Get("X-Token"), alice, session)
		}
	})
	t.Run("but who logs in again gets none that Kratos cannot make", func(t *testing.T) {
		s.expect(t, visitor, k.on("unknown", "/"), turnedAway(http.StatusBadGateway))
	})
	s.stop(t)
}

// told is a header as the service gets it.
func (s *site) told(t *testing.T, p *person, address, name string) string {
	t.Helper()
	s.upstream.take()
	answer := p.send(t, http.MethodGet, address, navigation, "")
	seen := s.upstream.take()
	if answer.status != http.StatusOK || len(seen) != 1 {
		t.Fatalf("%s answers %d, and %d requests reached the service", address, answer.status, len(seen))
	}
	return seen[0].header.Get(name)
}

// verify checks that Kratos signed the token and that it is about this session of the account.
func (k *kratos) verify(t *testing.T, token string, a account, session string) {
	t.Helper()
	parsed, err := jwt.ParseSigned(token, []jose.SignatureAlgorithm{jose.RS256})
	if err != nil {
		t.Fatalf("%q is no JWT: %v", token, err)
	}
	var standard jwt.Claims
	var own struct {
		Session string `json:"sid"`
		Team    string `json:"team"`
		AAL     string `json:"aal"`
	}
	if err := parsed.Claims(k.keys, &standard, &own); err != nil {
		t.Fatalf("the token's signature: %v", err)
	}
	if err := standard.Validate(jwt.Expected{Subject: a.id, Time: time.Now()}); err != nil {
		t.Errorf("the token: %v", err)
	}
	if own.Session != session || own.Team != a.team || own.AAL != "aal1" {
		t.Errorf("the token tells %+v, expected the session %s of team %s with aal1", own, session, a.team)
	}
}

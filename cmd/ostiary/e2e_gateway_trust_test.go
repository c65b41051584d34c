//go:build e2e

package main_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// knows fails the test unless the service was told these, and nothing that a client said. An empty header is none.
func (s *gatewaySite) knows(t *testing.T, seen recorded, user, role string) {
	t.Helper()
	for name, want := range map[string]string{"X-User": user, "X-Role": role} {
		var got []string
		for given, values := range seen.header {
			if strings.EqualFold(strings.ReplaceAll(given, "_", "-"), name) {
				got = append(got, values...)
			}
		}
		if got = slices.DeleteFunc(got, func(value string) bool { return value == "" }); want == "" && len(got) == 0 {
			continue
		}
		if len(got) != 1 || got[0] != want {
			t.Errorf("%s is %q at the service, expected %q: %v", name, got, want, seen.header)
		}
	}
}

// impostor are the ways to write somebody else's name.
var impostor = []string{
	"X-User: mallory", "x-user: mallory", "X_User: mallory", "x_user: mallory", "X-Role: admiral", "x-role: admiral", "x_role: admiral", "X_Role: admiral",
}

func (s *gatewaySite) walkIdentity(t *testing.T) {
	for name, test := range map[string]struct {
		target, cookie, user, role string
	}{
		"somebody with a role":            {"/private/a", captain, "u-1", "captain"},
		"somebody without one":            {"/private/a", sailor, "u-2", ""},
		"nobody":                          {"/public/a", "X-None: 1", "", ""},
		"a rule that says nothing of it":  {"/bare", "X-None: 1", "", ""},
		"a rule that says nothing of her": {"/bare", captain, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			for _, lines := range [][]string{
				{test.cookie}, append(impostor, test.cookie), append([]string{test.cookie}, impostor...),
			} {
				s.knows(t, s.passes(t, asked{target: test.target, lines: lines}), test.user, test.role)
			}
			for _, line := range impostor {
				s.knows(t, s.passes(t, asked{target: test.target, lines: []string{test.cookie, line}}), test.user, test.role)
			}
		})
	}
	t.Run("nobody is admitted by it", func(t *testing.T) {
		s.refused(t, asked{target: "/private/a", lines: impostor}, http.StatusUnauthorized)
	})
	// A proxy takes away what the client says is for one connection only. That must not be the identity.
	t.Run("nobody has it taken away", func(t *testing.T) {
		for _, names := range []string{"X-User, X-Role", "close, x-user, x-role", "keep-alive, X-User, X-Role"} {
			answer, seen := s.ask(t, asked{target: "/private/a", lines: []string{captain, "Connection: " + names}})
			if len(seen) == 0 && answer.status == http.StatusBadRequest {
				continue
			}
			if answer.status != http.StatusOK || len(seen) != 1 {
				t.Fatalf("Connection: %s is answered with %d", names, answer.status)
			}
			s.knows(t, seen[0], "u-1", "captain")
		}
	})
}

// misleading are headers that tell of another request than the one they are in, the one that anybody may make.
var misleading = []string{
	"X-Forwarded-Uri: /public/a", "X-Forwarded-Host: public.test", "X-Forwarded-Method: POST", "X-Forwarded-Proto: https",
	"X-Forwarded-Port: 444", "X-Forwarded-Server: public.test", "X-Forwarded-Prefix: /public", "X-Forwarded-Scheme: https", "X-Forwarded-Ssl: on",
	"Forwarded: for=10.0.0.1;host=public.test;proto=https", "X-Forwarded-For: 10.0.0.1", "X-Real-IP: 10.0.0.1",
	"X-Original-URL: http://app.test/public/a", "X-Original-Method: POST", "X-Original-Host: public.test", "X-Original-URI: /public/a",
	"X-Rewrite-URL: /public/a", "X-Scheme: https", "X-HTTP-Method-Override: POST", "X-HTTP-Method: POST", "X-Method-Override: POST",
	"X-Auth-Redirect: https://evil.test/", "X-Auth-Status: 200", "Location: https://evil.test/",
	"X-Envoy-Original-Path: /public/a", "X-Forwarded_Uri: /public/a", "X_Forwarded_Uri: /public/a", "X_Original_URL: http://app.test/public/a",
	"Connection: X-Forwarded-Uri, X-Forwarded-Host, X-Forwarded-Method, X-Forwarded-Proto, X-Original-URL, X-Original-Method",
}

func (s *gatewaySite) walkForwarding(t *testing.T) {
	const target = "/private/a?b=c"
	for _, line := range misleading {
		t.Run(line, func(t *testing.T) {
			s.sentToLogin(t, target, line)
			s.refused(t, asked{target: target, lines: []string{line}}, http.StatusUnauthorized)
			s.refused(t, asked{target: "/elsewhere", lines: []string{line}}, http.StatusNotFound)
			seen := s.passes(t, asked{target: target, lines: []string{line, captain}})
			if seen.method != http.MethodGet || seen.target != target || seen.host != gatewayHost {
				t.Errorf("the service saw %s %s of %s", seen.method, seen.target, seen.host)
			}
			s.knows(t, seen, "u-1", "captain")
		})
	}
	t.Run("all of them", func(t *testing.T) {
		s.sentToLogin(t, target, misleading...)
		s.refused(t, asked{target: target, lines: misleading}, http.StatusUnauthorized)
		s.refused(t, asked{method: http.MethodDelete, target: target, lines: append(misleading, captain)}, http.StatusNotFound)
	})
	t.Run("the engine is not to be asked from outside", func(t *testing.T) {
		for _, path := range []string{"/auth/nginx", "/auth/traefik", "/decisions/public/a", "/rules", "/health/ready", "/ostiary", "/_ostiary", "/auth"} {
			s.refused(t, asked{target: path, lines: misleading}, http.StatusNotFound)
		}
	})
}

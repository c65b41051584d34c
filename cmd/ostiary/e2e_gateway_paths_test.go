//go:build e2e

package main_test

import (
	"net/http"
	"slices"
	"testing"
)

func (s *gatewaySite) walkPaths(t *testing.T) {
	t.Run("arrive as they were written", func(t *testing.T) {
		for _, target := range []string{
			"/public/a%2Fb/c", "/public/a%2fb", "/public/a;v=1/b;w", "/public/a%20b", "/public/a+b", "/public/dir/", "/public/",
			"/public/%7Euser/~user", "/public/a%3Fb", "/public/a%23b", "/public/a%25b", "/public/caf%C3%A9", "/public/caf%c3%a9",
			"/public/a:b@c,d=e!f$g&h'i(j)*k", "/public/a%3Bb", "/public/a.b/..c/d../.e",
			"/public/q?a=1&a=2&a=1", "/public/q?a=1;b=2", "/public/q?a=%2F&b=/?&c=%20+", "/public/q?a&b=&=c&&", "/public/q?x=%7B%22a%22%3A1%7D",
			"/public/q?../private/a", "/public/q?x=http://evil.test/../..",
		} {
			t.Run(target, func(t *testing.T) {
				if seen := s.passes(t, asked{target: target}); seen.target != s.spelled(target) {
					t.Errorf("the service saw %s", seen.target)
				}
			})
		}
	})
	t.Run("are decided as what they are", func(t *testing.T) {
		for _, test := range []struct {
			target string
			status int
		}{
			{"/%70rivate/a", http.StatusUnauthorized},
			{"/private%2Fa", http.StatusUnauthorized},
			{"/private/a%2Fb;c%20d/", http.StatusUnauthorized},
			{"/private/?x=/public/", http.StatusUnauthorized},
			{"/private/a?/../../public/a", http.StatusUnauthorized},
			{"/Private/a", http.StatusNotFound},
			{"/private", http.StatusNotFound},
			{"/bare/", http.StatusNotFound},
			{"/bare%2F", http.StatusNotFound},
			{"/bare;v=1", http.StatusBadRequest}, // servers that leave parameters out would serve /bare
			{"/bare%20", http.StatusNotFound},
			{"/?/public/a", http.StatusNotFound},
		} {
			s.refused(t, asked{target: test.target}, test.status)
		}
	})
	// Whoever resolves them, the gateway or the engine: no way leads from the public part into the private one.
	t.Run("do not lead around the rules", func(t *testing.T) {
		for _, target := range []string{
			"/public/../private/a", "/public/%2e%2e/private/a", "/public/%2E./private/a", "/public/..%2fprivate/a", "/public/..%2Fprivate/a",
			"/public/%2e%2e%2fprivate/a", "/public/..;/private/a", "/public/..;v=1/private/a", "/public/.%2e;/private/a", "/public/x/../../private/a",
			"/public/./../private/a", "/public/..//private/a", "/public//../private/a", "//private/a", "/./private/a", "/%2e/private/a",
			"/public/..\\private/a", "/public/..%5cprivate/a", "/public/%2e%2e%5cprivate%5ca", "/public/%00/../../private/a", "/public/x%00/../../private/a",
			"/public/../../private/a", "/../private/a", "/public/%2e%2e/%2e%2e/private/a", "/public/%252e%252e/../../private/a", "/public/a/..%c0%af../private/a",
			"/public/#/../../private/a", "/public/%23/../../private/a", "/public/%zz/../private/a", "http://app.test/private/a", "http://app.test/public/../private/a",
			"HTTP://APP.TEST/private/a", "private/a", "*",
		} {
			t.Run(target, func(t *testing.T) {
				answer, seen := s.ask(t, asked{target: target})
				if len(seen) > 0 || answer.status < 300 || answer.status >= 500 {
					t.Errorf("answered with %d %q, and the service saw %v", answer.status, answer.body, seen)
				}
			})
		}
	})
	// What is resolved to decide on it is not to arrive unresolved: a service may go by the first segment that it sees.
	t.Run("do not pretend to be private ones", func(t *testing.T) {
		for _, target := range []string{"/private/../public/a", "/private/x/../../public/a", "/private/./../public/a", "/./public/a", "/public/private/../a"} {
			answer, seen := s.ask(t, asked{target: target})
			if len(seen) == 0 && answer.status == http.StatusBadRequest {
				continue
			}
			if len(seen) != 1 || seen[0].target != "/public/a" {
				t.Errorf("%s is answered with %d, and the service saw %v", target, answer.status, seen)
			}
		}
	})
	t.Run("and the host is that of the request line", func(t *testing.T) {
		for _, request := range []asked{
			{target: "http://other.test/public/a"},
			{target: "http://app.test@other.test/public/a"},
			{target: "/public/a", lines: []string{"Host: other.test"}},
			{target: "/private/a", lines: []string{"Host: app.test/public/a?"}},
		} {
			s.refusedSomehow(t, request)
		}
	})
}

func (s *gatewaySite) walkOutages(t *testing.T) {
	t.Run("a store of sessions that is down is no login", func(t *testing.T) {
		s.sessions.Close()
		for _, lines := range [][]string{{captain}, append(slices.Clone(fromBrowser), captain)} {
			answer := s.refused(t, asked{target: "/private/a", lines: lines}, http.StatusServiceUnavailable)
			s.told(t, answer, http.StatusServiceUnavailable)
		}
		s.passes(t, asked{target: "/public/a"})
	})
	// It leaves in order, which it does not if the race detector saw anything.
	t.Run("an engine that is gone lets nobody in", func(t *testing.T) {
		s.stop(t)
		for _, request := range []asked{
			{target: "/public/a"},
			{target: "/private/a", lines: []string{captain}},
			{method: http.MethodPost, target: "/public/a", body: "x"},
			{target: "/private/a", lines: append(slices.Clone(fromBrowser), impostor...)},
		} {
			answer, seen := s.ask(t, request)
			if answer.status < 500 || answer.header["Location"] != nil || len(seen) > 0 {
				t.Errorf("%s is answered with %d %v, and reached the service %d times", request.target, answer.status, answer.header, len(seen))
			}
		}
	})
}

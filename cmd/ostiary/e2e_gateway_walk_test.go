//go:build e2e

package main_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// fromBrowser are the lines by which a browser goes to a page.
var fromBrowser = []string{"Accept: text/html,*/*;q=0.8", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}

const fromProgram = "Accept: application/json"

// walkGateway holds a gateway to all that clients, the service and the engine have to expect of it. Nothing of it
// depends on which gateway it is, but for what the gateway says about itself.
func walkGateway(t *testing.T, g gateway) {
	s := startGatewaySite(t, g)
	t.Run("refusals", s.walkRefusals)
	t.Run("permissions", s.walkPermissions)
	t.Run("identity", s.walkIdentity)
	t.Run("forwarding headers", s.walkForwarding)
	t.Run("paths", s.walkPaths)
	t.Run("outages", s.walkOutages)
}

// sentToLogin fails the test unless a browser is sent to the login page with this address to come back to.
func (s *gatewaySite) sentToLogin(t *testing.T, target string, lines ...string) reply {
	t.Helper()
	answer := s.refused(t, asked{target: target, lines: append(lines, fromBrowser...)}, http.StatusFound)
	want := "https://login.test/start?return_to=" + url.QueryEscape("http://"+gatewayHost+s.spelled(target))
	if got := answer.header["Location"]; len(got) != 1 || got[0] != want {
		t.Errorf("sent to %q, expected %s", got, want)
	}
	return answer
}

// told fails the test unless the client got the error document of this status, where the gateway passes it on.
func (s *gatewaySite) told(t *testing.T, answer reply, status int) {
	t.Helper()
	if answer.header["Location"] != nil {
		t.Errorf("a program is sent to %q", answer.header["Location"])
	}
	if s.ownPages {
		return
	}
	var document struct{ Error struct{ Code int } }
	if err := json.Unmarshal([]byte(answer.body), &document); err != nil || document.Error.Code != status {
		t.Errorf("the client reads %q (%v), expected the document of a %d", answer.body, err, status)
	}
	if got := answer.header.Get("Content-Type"); !strings.HasPrefix(got, "application/json") {
		t.Errorf("the document is a %q", got)
	}
}

func (s *gatewaySite) walkRefusals(t *testing.T) {
	t.Run("a browser logs in and comes back to the very address", func(t *testing.T) {
		for _, target := range []string{"/private/", "/private/a?q=a%26b%3Dc&q=d+e&n=%25;x", "/private/a%20b/", "/private/a%2Fb;v=1/c"} {
			s.sentToLogin(t, target)
		}
	})
	t.Run("and gets the cookies of the refusal", func(t *testing.T) {
		answer := s.sentToLogin(t, "/private/a")
		cookies := answer.header["Set-Cookie"]
		if len(cookies) != 1 || !strings.HasSuffix(cookies[0], "; Path=/private/a; Max-Age=30; HttpOnly; SameSite=Lax") {
			t.Errorf("Set-Cookie is %q", cookies)
		}
	})
	t.Run("a program is told", func(t *testing.T) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			s.told(t, s.refused(t, asked{method: method, target: "/private/a", lines: []string{fromProgram}}, http.StatusUnauthorized), http.StatusUnauthorized)
		}
		s.told(t, s.refused(t, asked{target: "/private/a", lines: []string{"Cookie: session=stolen"}}, http.StatusUnauthorized), http.StatusUnauthorized)
	})
	t.Run("a HEAD is refused without a body", func(t *testing.T) {
		connection, reader := s.dial(t)
		for _, request := range []asked{
			{method: http.MethodHead, target: "/private/a"}, {target: "/public/a"},
		} {
			// Bytes that do not belong there would be taken for the next answer.
			if _, err := connection.Write([]byte(request.text())); err != nil {
				t.Fatal(err)
			}
			want := map[string]int{http.MethodHead: http.StatusUnauthorized, "": http.StatusOK}[request.method]
			if answer := answerOn(t, reader, request); answer.status != want {
				t.Errorf("%s %s is answered with %d, expected %d", request.method, request.target, answer.status, want)
			}
		}
	})
	for name, test := range map[string]struct {
		asked  asked
		status int
	}{
		"forbidden":          {asked{target: "/forbidden", lines: []string{captain}}, http.StatusForbidden},
		"no rule":            {asked{target: "/elsewhere"}, http.StatusNotFound},
		"no rule for DELETE": {asked{method: http.MethodDelete, target: "/private/a", lines: []string{captain}}, http.StatusNotFound},
		"no rule for PURGE":  {asked{method: "PURGE", target: "/public/a"}, http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			s.told(t, s.refused(t, test.asked, test.status), test.status)
		})
	}
	t.Run("too many requests", func(t *testing.T) {
		answer := s.refused(t, asked{target: "/busy"}, http.StatusTooManyRequests)
		s.told(t, answer, http.StatusTooManyRequests)
		if got := answer.header["Retry-After"]; len(got) != 1 || got[0] != "7" {
			t.Errorf("Retry-After is %q, expected 7", got)
		}
	})
	t.Run("a name and a password", func(t *testing.T) {
		for _, lines := range [][]string{nil, {"Authorization: Basic YXVkaXRvcjp3cm9uZw=="}} {
			answer := s.refused(t, asked{target: "/reports", lines: lines}, http.StatusUnauthorized)
			if got := answer.header["Www-Authenticate"]; len(got) != 1 || got[0] != `Basic realm="the reports"` {
				t.Errorf("WWW-Authenticate is %q", got)
			}
		}
		seen := s.passes(t, asked{target: "/reports", lines: []string{"Authorization: Basic YXVkaXRvcjpyaWdodA=="}})
		s.knows(t, seen, "auditor", "")
	})
}

func (s *gatewaySite) walkPermissions(t *testing.T) {
	t.Run("a request arrives as it was sent", func(t *testing.T) {
		const target, body = "/private/a%2Fb?x=1&x=2&y", "a=1&b=\x00\xff"
		seen := s.passes(t, asked{
			method: http.MethodPatch, target: target, body: body,
			lines: []string{captain, "Content-Type: text/odd", "X-Custom: a,  b", "Accept-Language: tlh"},
		})
		if seen.method != http.MethodPatch || seen.target != target || seen.body != body || seen.host != gatewayHost {
			t.Errorf("the service saw %s %s %q of %s", seen.method, seen.target, seen.body, seen.host)
		}
		for name, want := range map[string]string{"Content-Type": "text/odd", "X-Custom": "a,  b", "Accept-Language": "tlh"} {
			if got := seen.header[name]; len(got) != 1 || got[0] != want {
				t.Errorf("%s is %q, expected %q", name, got, want)
			}
		}
		s.knows(t, seen, "u-1", "captain")
	})
	t.Run("a body of a mebibyte arrives whole", func(t *testing.T) {
		body := strings.Repeat("0123456789abcde\n", 1<<16)
		seen := s.passes(t, asked{method: http.MethodPost, target: "/private/upload", body: body, lines: []string{captain}})
		if got, want := sha256.Sum256([]byte(seen.body)), sha256.Sum256([]byte(body)); !bytes.Equal(got[:], want[:]) {
			t.Errorf("%d bytes of %d arrived, or others", len(seen.body), len(body))
		}
		s.refused(t, asked{method: http.MethodPost, target: "/private/upload", body: body}, http.StatusUnauthorized)
	})
	t.Run("a body without a length arrives whole", func(t *testing.T) {
		const chunks = "5\r\nhello\r\n6\r\n, gate\r\n0\r\n\r\n"
		request := asked{method: http.MethodPost, target: "/public/x", lines: []string{"Transfer-Encoding: chunked"}}
		s.service.take()
		connection, reader := s.dial(t)
		if _, err := connection.Write([]byte(request.text() + chunks)); err != nil {
			t.Fatal(err)
		}
		answer := answerOn(t, reader, request)
		if seen := s.service.take(); answer.status != http.StatusOK || len(seen) != 1 || seen[0].body != "hello, gate" {
			t.Errorf("%d, and the service saw %+v", answer.status, seen)
		}
	})
	t.Run("what the service refuses is its own affair", func(t *testing.T) {
		for target, want := range map[string]int{"/public/teapot": http.StatusUnauthorized, "/public/wrong": http.StatusForbidden} {
			answer, seen := s.ask(t, asked{target: target, lines: fromBrowser})
			if answer.status != want || !strings.HasPrefix(answer.body, "the service's own") || len(seen) != 1 {
				t.Errorf("%s is answered with %d %q, expected the %d of the service", target, answer.status, answer.body, want)
			}
			if got := answer.header.Get("Www-Authenticate"); want == http.StatusUnauthorized && got != `Basic realm="the teapot"` {
				t.Errorf("WWW-Authenticate is %q", got)
			}
		}
	})
	t.Run("a connection is upgraded", func(t *testing.T) {
		upgrade := []string{"Connection: Upgrade", "Upgrade: echo"}
		s.refused(t, asked{target: "/private/live", lines: upgrade}, http.StatusUnauthorized)
		request := asked{target: "/private/live", lines: append(upgrade, captain)}
		connection, reader := s.dial(t)
		if _, err := connection.Write([]byte(request.text())); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(reader, nil)
		if err != nil || response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Upgrade") != "echo" {
			t.Fatalf("%v, %v", response, err)
		}
		for _, line := range []string{"ahoy\n", "\x00\xff\n"} {
			if _, err := connection.Write([]byte(line)); err != nil {
				t.Fatal(err)
			}
			if got, err := reader.ReadString('\n'); err != nil || got != "you said "+line {
				t.Errorf("got %q, %v", got, err)
			}
		}
	})
}

package handlers

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// setsCookies has the session service set cookies for the client.
func setsCookies(lines ...string) func(*pipeline.Decision) {
	return func(d *pipeline.Decision) { d.Session.SetCookie = lines }
}

const renewed = "sid=2; Path=/; HttpOnly"

func TestAPermissionHasTheCookiesOfTheSessionService(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		changes []func(*pipeline.Decision)
		want    []string
	}{
		"none":    {nil, nil},
		"one":     {[]func(*pipeline.Decision){setsCookies(renewed)}, []string{renewed}},
		"several": {[]func(*pipeline.Decision){setsCookies(renewed, "csrf=x")}, []string{renewed, "csrf=x"}},
		"beside those of mutators": {
			[]func(*pipeline.Decision){sets(http.Header{"Set-Cookie": {"theme=dark"}}), setsCookies(renewed)}, []string{"theme=dark", renewed},
		},
		"and none that the client sends": {[]func(*pipeline.Decision){echoes, setsCookies(renewed)}, []string{renewed}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := openDecisions(t, permitted(test.changes...))
			response, _ := ask(t, address, "GET /decisions/x HTTP/1.1\r\nHost: app.test\r\nSet-Cookie: evil=1\r\nConnection: close\r\n\r\n")
			if diff := cmp.Diff(test.want, response.Header["Set-Cookie"]); diff != "" || response.StatusCode != http.StatusOK {
				t.Errorf("got %d: %s", response.StatusCode, diff)
			}
		})
	}
}

// TestCookiesOfOneClientDoNotStayWithTheDecision: the headers that mutators
// set may be shared between requests.
func TestCookiesOfOneClientDoNotStayWithTheDecision(t *testing.T) {
	t.Parallel()
	shared := make([]string, 1, 8)
	shared[0] = "theme=dark"
	address, _ := openDecisions(t, ruling(func(request *pipeline.Request) pipeline.Decision {
		own := setsCookies("sid=" + request.Header.Get("X-Client"))
		return permitted(sets(http.Header{"Set-Cookie": shared}), own)(request)
	}))
	for _, client := range []string{"ada", "bob", "ada"} {
		response, _ := ask(t, address, "GET /decisions/x HTTP/1.1\r\nHost: app.test\r\nX-Client: "+client+"\r\nConnection: close\r\n\r\n")
		if diff := cmp.Diff([]string{"theme=dark", "sid=" + client}, response.Header["Set-Cookie"]); diff != "" {
			t.Errorf("%s: %s", client, diff)
		}
	}
	if extended := shared[:2]; extended[1] != "" {
		t.Errorf("%q was written where others look", extended[1])
	}
}

func TestAForwardedAnswerHasTheCookiesOfTheSessionService(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cookies []string
		answer  string
		status  int
		want    []string
	}{
		"alone":                      {[]string{renewed}, plainAnswer, 200, []string{renewed}},
		"beside the upstream's own":  {[]string{renewed, "csrf=x"}, "HTTP/1.1 200 OK\r\nSet-Cookie: cart=1\r\nSet-Cookie: seen=2\r\nContent-Length: 0\r\n\r\n", 200, []string{renewed, "csrf=x", "cart=1", "seen=2"}},
		"of an error too":            {[]string{renewed}, "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", 404, []string{renewed}},
		"after an interim answer":    {[]string{renewed}, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nSet-Cookie: cart=1\r\nContent-Length: 0\r\n\r\n", 200, []string{renewed, "cart=1"}},
		"if the upstream breaks off": {[]string{renewed}, "220 mail.test ESMTP\r\n\r\n", 502, []string{renewed}},
		"none, if it set none":       {nil, plainAnswer, 200, nil},
		"the upstream's own alone":   {nil, "HTTP/1.1 200 OK\r\nSet-Cookie: cart=1\r\nContent-Length: 0\r\n\r\n", 200, []string{"cart=1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upstream := record(t, test.answer)
			g := openGate(t, permitted(to(t, upstream.here()), setsCookies(test.cookies...)))
			w := dial(t, g.address)
			w.send("GET /x HTTP/1.1\r\nHost: app.test\r\nCookie: sid=1\r\nConnection: close\r\n\r\n")
			response := w.final(http.MethodGet)
			if diff := cmp.Diff(test.want, response.Header["Set-Cookie"]); diff != "" || response.StatusCode != test.status {
				t.Errorf("got %d: %s", response.StatusCode, diff)
			}
		})
	}
}

func TestARefusalHasNoCookiesOfTheSessionService(t *testing.T) {
	t.Parallel()
	decider := ruling(func(*pipeline.Request) pipeline.Decision {
		decision := refused(pipeline.Forbidden)
		decision.Session = &pipeline.Session{SetCookie: []string{renewed}}
		return decision
	})
	api, _ := openDecisions(t, decider)
	for target, address := range map[string]string{"/decisions/x": api, "/x": openGate(t, decider).address} {
		response, _ := ask(t, address, "GET "+target+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if got := response.Header["Set-Cookie"]; got != nil || response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: got %d with %q", target, response.StatusCode, got)
		}
	}
}

// TestNoCacheKeepsTheCookiesOfTheSessionService, whatever the upstream says of its
// answer: they are for one client (RFC 9111 section 7.3).
func TestNoCacheKeepsTheCookiesOfTheSessionService(t *testing.T) {
	t.Parallel()
	for want, changes := range map[string][]func(*pipeline.Decision){
		"public, max-age=60": nil, "private, no-store": {setsCookies(renewed)},
	} {
		upstream := record(t, "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=60\r\nContent-Length: 0\r\n\r\n")
		g := openGate(t, permitted(append(changes, to(t, upstream.here()))...))
		response, _ := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if got := response.Header["Cache-Control"]; len(got) != 1 || got[0] != want {
			t.Errorf("got %q, want %s", got, want)
		}
	}
}

// TestAnAnswerWithCookiesOfTheSessionServiceIsForNoCache: it would give them to
// others.
func TestAnAnswerWithCookiesOfTheSessionServiceIsForNoCache(t *testing.T) {
	t.Parallel()
	upstream := record(t, "HTTP/1.1 200 OK\r\nCache-Control: public, max-age=600\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
	for _, test := range []struct {
		cookies []string
		want    []string
	}{{[]string{renewed}, []string{"private, no-store"}}, {nil, []string{"public, max-age=600"}}} {
		g := openGate(t, permitted(to(t, upstream.here()), setsCookies(test.cookies...)))
		response, _ := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if diff := cmp.Diff(test.want, response.Header["Cache-Control"]); diff != "" {
			t.Errorf("with the cookies %q: %s", test.cookies, diff)
		}
	}
}

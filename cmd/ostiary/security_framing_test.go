package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// smuggled stands behind a request as if it were a part of it. Whoever reads the end of the request elsewhere serves it.
const smuggled = "GET /admin/smuggled HTTP/1.1\r\nHost: app.test\r\nX-Case: smuggled\r\nConnection: close\r\n\r\n"

// refusesFraming makes a row of header lines and bodies: each is refused, the connection is closed, and nothing of it nor of
// what stands behind it reaches the upstream.
func refusesFraming(statuses []int, framings ...[2]string) func(t *testing.T, g *bastion) {
	return func(t *testing.T, g *bastion) {
		for _, framing := range framings {
			for _, listener := range []string{"proxy", "api"} {
				path := map[string]string{"proxy": "/user/1", "api": "/decisions/user/1"}[listener]
				name := fmt.Sprintf("framing-%d", g.cases.Add(1))
				head := "POST " + path + " HTTP/1.1\r\nHost: app.test\r\nAuthorization: Bearer TU\r\nX-Case: " + name + "\r\n"
				answers := g.converse(t, listener, head+framing[0]+"\r\n\r\n"+framing[1]+smuggled)
				if len(answers) == 0 {
					continue // closed without a word
				}
				served := answers[0].StatusCode == http.StatusOK && len(statuses) == 0
				if !served && (len(answers) != 1 || !isOneOf(answers[0].StatusCode, statuses)) {
					t.Errorf("%s: %q: got %v", listener, framing, answersOf(answers))
				}
				for _, later := range answers[1:] {
					if later.StatusCode == http.StatusOK {
						t.Errorf("%s: %q: what stands behind it is served", listener, framing)
					}
				}
			}
			if got := g.upstream.those(func(s *testimony) bool { return strings.Contains(s.target+s.name, "smuggled") }); len(got) > 0 {
				t.Errorf("%q: the upstream got %+v", framing, got)
			}
		}
	}
}

func isOneOf(status int, statuses []int) bool {
	for _, one := range statuses {
		if one == status {
			return true
		}
	}
	return false
}

func answersOf(answers []*http.Response) (statuses []int) {
	for _, answer := range answers {
		statuses = append(statuses, answer.StatusCode)
	}
	return statuses
}

// converse sends bytes, and reads answers until the connection is closed.
func (g *bastion) converse(t testing.TB, listener, text string) (answers []*http.Response) {
	t.Helper()
	connection, err := net.Dial("tcp", g.ports.address(listener))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(deadline()); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(connection, text)
	reader := bufio.NewReader(connection)
	for {
		answer, err := http.ReadResponse(reader, nil)
		if err != nil {
			return answers
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		answers = append(answers, answer)
	}
}

var securityFraming = []securityRow{
	{id: "FR-02", test: refusesFraming(
		[]int{malformed},
		[2]string{"Content-Length: 5\r\nContent-Length: 6", "hello"}, [2]string{"Content-Length: +5", "hello"}, [2]string{"Content-Length: 5,5", "hello"},
		[2]string{"Content-Length: 0x5", "hello"}, [2]string{"Content-Length: -1", ""}, [2]string{"Content-Length: 5 5", "hello"}, [2]string{"Content-Length:", "hello"},
		[2]string{"Content-Length: 99999999999999999999", "hello"}, [2]string{"Content-Length: 5\r\nContent-Length: 5, 6", "hello"},
	)},
	{id: "FR-03", test: refusesFraming(
		[]int{malformed, http.StatusNotImplemented},
		[2]string{"Transfer-Encoding : chunked", "0\r\n\r\n"}, [2]string{"Transfer-Encoding: xchunked", "0\r\n\r\n"}, [2]string{"Transfer-Encoding: chunked, identity", "0\r\n\r\n"},
		[2]string{"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "0\r\n\r\n"}, [2]string{"Transfer-Encoding: identity, chunked", "0\r\n\r\n"},
		[2]string{"Transfer-Encoding: \x0bchunked", "0\r\n\r\n"}, [2]string{"Transfer-Encoding: chunked\r\nContent-Length: 3\r\nContent-Length: 4", "0\r\n\r\n"},
		[2]string{"Transfer-Encoding\t: chunked", "0\r\n\r\n"}, [2]string{"Transfer-Encoding: gzip, chunked", "0\r\n\r\n"}, [2]string{"Transfer-Encoding:\r\n chunked\r\nTransfer-Encoding: x", "0\r\n\r\n"},
	)},
	{id: "FR-05", test: func(t *testing.T, g *bastion) {
		for _, body := range []string{
			"1;a\n\r\nx\r\n0\r\n\r\n", "5\nhello\n0\n\n", "1;" + strings.Repeat("a", 1<<16) + "\r\nx\r\n0\r\n\r\n", "fffffffffffffffff\r\nx", "-1\r\nx\r\n0\r\n\r\n",
			"0x1\r\nx\r\n0\r\n\r\n", "1 \r\nxy\r\n0\r\n\r\n", " 1\r\nx\r\n0\r\n\r\n", "1\r\nxy0\r\n\r\n", "g\r\nx\r\n0\r\n\r\n",
		} {
			got := asProxied(t, g, attempt{method: "POST", target: "/user/1", token: userToken, lines: []string{"Transfer-Encoding: chunked"}, body: body + smuggled})
			if got.granted() && (len(got.upstream) != 1 || got.upstream[0].body != "hello" && got.upstream[0].body != "x") {
				t.Errorf("%.30q: got %d; upstream %+v", body, got.status, got.upstream)
			}
			if !got.granted() && got.status != malformed && got.status != 0 {
				t.Errorf("%.30q: got %d", body, got.status)
			}
		}
		if got := g.upstream.of("smuggled"); len(got) > 0 {
			t.Errorf("the upstream got %+v", got)
		}
	}},
	{id: "FR-06", test: func(t *testing.T, g *bastion) {
		plain := func(path string, more ...[2]string) [][2]string {
			return append([][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "app.test"}, {":path", path}}, more...)
		}
		for _, fields := range [][][2]string{
			plain("/public/x", [2]string{"transfer-encoding", "chunked"}), plain("/public/x", [2]string{"connection", "close"}),
			plain("/public/x", [2]string{"x-a", "b\r\nX-User: root"}), plain("/public/x y"), plain("/public/x\r\nHost: evil"), plain("public/x"), plain(""),
			plain("/public/x", [2]string{"x-a", "b\x00"}), plain("/public/x", [2]string{":path", "/admin"}), plain("/public/x", [2]string{"content-length", "5"}),
			{{":method", "GET"}, {":scheme", "http"}, {":path", "/public/x"}},
			{{":method", "GE T"}, {":scheme", "http"}, {":authority", "app.test"}, {":path", "/public/x"}},
			plain("/public/x", [2]string{"keep-alive", "1"}), plain("/public/x", [2]string{"proxy-connection", "close"}), plain("/public/x", [2]string{"te", "gzip"}),
		} {
			if got := g.askHTTP2(t, fields); got != "" && got != "400" {
				t.Errorf("%q: got %s", fields, got)
			}
		}
	}},
	{id: "FR-08", test: func(t *testing.T, g *bastion) {
		for _, upgrade := range []string{"h2c", "H2C, websocket", "HTTP/2.0", "TLS/1.2"} {
			got := asProxied(t, g, attempt{target: "/public/x", lines: []string{"Upgrade: " + upgrade, "Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"}})
			if got.status == http.StatusSwitchingProtocols {
				t.Errorf("%s: got 101", upgrade)
			}
			for _, s := range got.upstream {
				if all := strings.Join(s.lines, "\n"); strings.Contains(strings.ToLower(all), "upgrade") || strings.Contains(strings.ToLower(all), "http2-settings") {
					t.Errorf("%s: the upstream got %s", upgrade, all)
				}
			}
		}
	}},
	{id: "FR-09", test: func(t *testing.T, g *bastion) {
		answers := g.converse(t, "proxy", "GET /admin/socket HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n\x81\x85\x00\x00\x00\x00hello"+smuggled)
		if len(answers) == 0 || answers[0].StatusCode != http.StatusUnauthorized {
			t.Errorf("got %v", answersOf(answers))
		}
		got := g.upstream.those(func(s *testimony) bool { return strings.Contains(s.target, "socket") || s.name == "smuggled" })
		if len(got) > 0 {
			t.Errorf("the upstream got %+v", got)
		}
	}},
	{id: "FR-11", test: func(t *testing.T, g *bastion) {
		expecting := func(path, token, expectation string) []*http.Response {
			return g.converse(t, "proxy", "POST "+path+" HTTP/1.1\r\nHost: app.test\r\nAuthorization: Bearer "+token+"\r\nExpect: "+expectation+
				"\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello")
		}
		if got := answersOf(expecting("/admin/x", userToken, "100-continue")); len(got) == 0 || got[0] != http.StatusForbidden {
			t.Errorf("refused: got %v", got)
		}
		if got := answersOf(expecting("/user/x", userToken, "200-ok")); len(got) != 1 || got[0] != http.StatusExpectationFailed {
			t.Errorf("an expectation that nobody knows: got %v", got)
		}
		if got := answersOf(expecting("/user/x", userToken, "100-continue")); len(got) == 0 || got[len(got)-1] != http.StatusOK {
			t.Errorf("granted: got %v", got)
		}
	}},
	{id: "FR-12", test: func(t *testing.T, _ *bastion) {
		bad := startBastion(t, nil, nil)
		answers := map[string]string{
			"/public/unasked-101": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
			"/public/two-lengths": "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy",
			"/public/bad-length":  "HTTP/1.1 200 OK\r\nContent-Length: +1\r\n\r\nx",
			"/public/split":       "HTTP/1.1 200 OK\r\nX-A: b\rSet-Cookie: session=evil\r\nContent-Length: 0\r\n\r\n",
			"/public/long-header": "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 300<<10) + "\r\nContent-Length: 0\r\n\r\n",
			"/public/no-http":     "hello\r\n\r\n",
			"/public/bad-name":    "HTTP/1.1 200 OK\r\nX A: b\r\nContent-Length: 0\r\n\r\n",
			"/public/many-1xx":    strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", 100) + "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		}
		bad.upstream.mutex.Lock()
		bad.upstream.answers = func(s *testimony) string { return answers[s.target] }
		bad.upstream.mutex.Unlock()
		for target := range answers {
			got := asProxied(t, bad, attempt{target: target})
			switch {
			case got.status == http.StatusBadGateway:
			case strings.HasSuffix(target, "bad-name"): // may also be left out
			case strings.HasSuffix(target, "1xx") && got.status/100 == 1: // passed on, within bounds
			default:
				t.Errorf("%s: got %d", target, got.status)
			}
			if text := fmt.Sprint(got.header); strings.Contains(text, "evil") || strings.Contains(text, "X A") {
				t.Errorf("%s: answers %v", target, got.header)
			}
		}
		// What an answer has beyond its length is nobody's answer.
		bad.upstream.mutex.Lock()
		bad.upstream.answers = func(s *testimony) string {
			if strings.HasSuffix(s.target, "long") {
				return "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
			}
			return ""
		}
		bad.upstream.mutex.Unlock()
		for range 5 {
			if got := asProxied(t, bad, attempt{target: "/public/long"}); got.body != "ok" {
				t.Errorf("got %q", got.body)
			}
			if got := asProxied(t, bad, attempt{target: "/public/next"}); got.body != "served" {
				t.Errorf("the next client got %q", got.body)
			}
		}
	}},
}

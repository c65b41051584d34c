package main_test

import (
	"net"
	"strings"
	"testing"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

var securityHosts = []securityRow{
	{id: "HO-01", test: func(t *testing.T, g *bastion) {
		for _, host := range []string{"APP.TEST", "App.Test"} {
			g.grants(t, attempt{host: host, target: "/public/x"}, nil, "/public/x")
			g.refuses(t, attempt{host: host, target: "/admin/x"}, nil, 401)
		}
	}},
	{id: "HO-03", test: func(t *testing.T, g *bastion) {
		g.grants(t, attempt{host: "app.test.", target: "/public/x"}, nil, "/public/x")
		g.refuses(t, attempt{host: "app.test.", target: "/admin/x"}, nil, 401)
		for _, host := range []string{"app.test..", ".app.test", "app..test", "."} {
			g.refuses(t, attempt{host: host, target: "/public/x"}, nil, malformed)
		}
	}},
	{id: "HO-04", test: func(t *testing.T, g *bastion) {
		for _, second := range []string{"Host: app.test", "Host: evil.test", "host: other"} {
			g.refuses(t, attempt{target: "/public/x", lines: []string{second}}, []string{"proxy"}, malformed)
		}
		g.refuses(t, attempt{target: "/public/x", lines: []string{"X-Forwarded-Host: other"}}, []string{"decisions"}, malformed)
		// HTTP/2 has an authority, and may have a Host beside it.
		for host, want := range map[string]string{"evil.test": "400", "app.test": "200", "APP.TEST": "200"} {
			if got := g.askHTTP2(t, [][2]string{{":method", "GET"}, {":scheme", "http"}, {":authority", "app.test"}, {":path", "/public/x"}, {"host", host}}); got != want {
				t.Errorf("HTTP/2 with the Host %s: got %s, want %s", host, got, want)
			}
		}
	}},
	{id: "HO-06", test: func(t *testing.T, g *bastion) {
		for _, head := range []string{"GET /public/x HTTP/1.1\r\n", "GET /public/x HTTP/1.0\r\n", "GET /public/x HTTP/1.1\r\nHost:\r\n", "GET /public/x HTTP/1.0\r\nHost: \r\n"} {
			if got := g.send(t, "proxy", stranger, head, attempt{}); got.status != malformed || got.granted() {
				t.Errorf("%q: got %d", head, got.status)
			}
		}
		g.refuses(t, attempt{target: "/public/x", host: " "}, []string{"proxy", "envoy"}, malformed)
	}},
	{id: "HO-07", test: func(t *testing.T, _ *bastion) {
		six := startBastion(t, hosts("http://[::1]:8080/<.*>", "http://[2001:db8::1]/<.*>"), nil)
		for _, host := range []string{"[::1]:8080", "[0:0:0:0:0:0:0:1]:8080", "[2001:DB8:0::1]"} {
			six.grants(t, attempt{host: host, target: "/x"}, nil, "/x")
		}
		for _, host := range []string{"[::2]:8080", "[::1]", "[::ffff:127.0.0.1]:8080"} {
			six.refuses(t, attempt{host: host, target: "/x"}, nil, 404)
		}
		for _, host := range []string{"[::1", "[::1]x", "[::1%25eth0]:8080", "::1", "[app.test]"} {
			six.refuses(t, attempt{host: host, target: "/x"}, nil, malformed)
		}
	}},
	{id: "HO-09", test: func(t *testing.T, _ *bastion) {
		wild := startBastion(t, hosts("http://<*>.app.test/<**>", "http://<**>.any.test/<**>"), func(config object) {
			section(config, "access_rules")["matching_strategy"] = "glob"
		})
		for host, open := range map[string]bool{
			"a.app.test": true, "a.b.app.test": false, "app.test": false, "evilapp.test": false, "a.evilapp.test": false, "app.test.evil": false,
			"a.app.test.evil": false, "a.b.any.test": true, "any.test": false, "evilany.test": false,
		} {
			if open {
				wild.grants(t, attempt{host: host, target: "/x"}, nil, "/x")
			} else {
				wild.refuses(t, attempt{host: host, target: "/x"}, nil, 404)
			}
		}
	}},
	{id: "HO-10", test: func(t *testing.T, _ *bastion) {
		// Of two rules that match, the one that is to go first says so by its priority; without, nobody passes.
		overlapping := func(priority int) *bastion {
			return startBastion(t, func(upstream, _ string) []object {
				lax, strict := openRule(upstream), openRule(upstream)
				lax["match"] = object{"url": "http://<.*>.app.test/<.*>", "methods": []string{"GET"}}
				strict["match"] = object{"url": "http://<.*>.b.app.test/<.*>", "methods": []string{"GET"}}
				strict["id"], strict["priority"], strict["authenticators"] = "strict", priority, []object{{"handler": "unauthorized"}}
				return []object{lax, strict}
			}, nil)
		}
		first, equal := overlapping(1), overlapping(0)
		for _, host := range []string{"a.b.app.test", "a.B.app.test", "A.B.APP.TEST", "a.b.app.test."} {
			first.refuses(t, attempt{host: host, target: "/x"}, nil, 401)
			equal.refuses(t, attempt{host: host, target: "/x"}, nil, 500)
		}
		first.grants(t, attempt{host: "a.c.app.test", target: "/x"}, nil, "/x")
	}},
}

// hosts makes rules that are open to all at some addresses.
func hosts(addresses ...string) func(upstream, _ string) []object {
	return func(upstream, _ string) (rules []object) {
		for _, address := range addresses {
			rule := openRule(upstream)
			rule["id"], rule["match"] = address, object{"url": address, "methods": []string{"GET"}}
			rules = append(rules, rule)
		}
		return rules
	}
}

// askHTTP2 sends the proxy a request with these fields, and returns the status; or "" if the stream or the connection is
// closed without.
func (g *bastion) askHTTP2(t testing.TB, fields [][2]string) string {
	t.Helper()
	connection, err := net.Dial("tcp", g.ports.address("proxy"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	framer := beginHTTP2(t, connection)
	var block strings.Builder
	encoder := hpack.NewEncoder(&block)
	for _, field := range fields {
		if err := encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]}); err != nil {
			t.Fatal(err)
		}
	}
	if err := framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: []byte(block.String()), EndStream: true, EndHeaders: true}); err != nil {
		t.Fatal(err)
	}
	for {
		frame, err := framer.ReadFrame()
		if err != nil {
			return ""
		}
		switch f := frame.(type) {
		case *http2.MetaHeadersFrame:
			return f.PseudoValue("status")
		case *http2.RSTStreamFrame, *http2.GoAwayFrame:
			return ""
		}
	}
}

// beginHTTP2 opens a connection of HTTP/2.
func beginHTTP2(t testing.TB, connection net.Conn) *http2.Framer {
	t.Helper()
	if err := connection.SetDeadline(deadline()); err != nil {
		t.Fatal(err)
	}
	if _, err := connection.Write([]byte(http2.ClientPreface)); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(connection, connection)
	framer.AllowIllegalWrites = true
	framer.ReadMetaHeaders = hpack.NewDecoder(4096, nil)
	if err := framer.WriteSettings(); err != nil {
		t.Fatal(err)
	}
	return framer
}

package handlers

import (
	"bufio"
	"crypto/tls"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ostiary/pipeline"
)

const stranger = "192.0.2.1:1234"

// received is a request as a server gets it off the connection from a peer.
// Lines end with a line feed here, for reading.
func received(t testing.TB, peer, text string) *http.Request {
	t.Helper()
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.ReplaceAll(text, "\n", "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatal(err)
	}
	r.RemoteAddr = peer
	return r
}

func TestAProxiedRequestIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	got, err := proxyRequest(received(t, stranger, "GET /a%2Fb/../c?q=1;z=%zz HTTP/1.1\nHost: app.test"), Trust{})
	expectMalformed(t, err, "a dot segment stands behind an escaped slash")
	if got == nil {
		t.Fatal("there is nothing to log about a request that was refused")
	}

	r := received(t, stranger, "PATCH /x/../a%2Fb/{id}/?q=1;z=%zz&&u=//.. HTTP/1.1\nHost: APP.test:8080\nAccept: */*\nX-Forwarded-For: 1.1.1.1")
	got, err = proxyRequest(r, Trust{})
	if err != nil {
		t.Fatal(err)
	}
	want := &pipeline.Request{
		Method: "PATCH", Scheme: "http", Host: "app.test:8080", Path: "/a/b/{id}/", RawPath: "/a%2Fb/{id}/", RawQuery: "q=1;z=%zz&&u=//..",
		Header:  http.Header{"Accept": {"*/*"}},
		Peer:    netip.MustParseAddr("192.0.2.1"),
		Client:  netip.MustParseAddr("192.0.2.1"),
		Address: "http://app.test:8080/a%2Fb/{id}/?q=1;z=%zz&&u=//..",
		Forward: true,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateComparable(netip.Addr{}), cmpopts.IgnoreFields(pipeline.Request{}, "Body")); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestTheTargetOfAProxiedRequest(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, address string }{
		{"a path", "GET /x HTTP/1.1\nHost: app.test", "http://app.test/x"},
		{"a path with a query", "GET /x?a=b?c HTTP/1.1\nHost: app.test", "http://app.test/x?a=b?c"},
		{"two slashes are no authority", "GET //evil.test/x HTTP/1.1\nHost: app.test", "http://app.test/evil.test/x"},
		{"a URL inside a path is a path", "GET /http://evil.test/ HTTP/1.1\nHost: app.test", "http://app.test/http:/evil.test/"},
		{"a URL", "GET http://app.test/x?q HTTP/1.1\nHost: other.test", "http://app.test/x?q"},
		{"a URL in upper case", "GET HTTP://APP.TEST/X HTTP/1.1\nHost: other.test", "http://app.test/X"},
		{"a URL with a port", "GET http://app.test:81/x HTTP/1.1\nHost: app.test", "http://app.test:81/x"},
		{"a URL without a path", "GET http://app.test HTTP/1.1\nHost: app.test", "http://app.test/"},
		{"a URL with a query only", "GET http://app.test?q=/x HTTP/1.1\nHost: app.test", "http://app.test/?q=/x"},
		{"a URL with dots", "GET http://app.test/a/../b HTTP/1.1\nHost: app.test", "http://app.test/b"},
		{"a URL inside a URL", "GET http://app.test/http://evil.test HTTP/1.1\nHost: app.test", "http://app.test/http:/evil.test"},
		{"CONNECT to a path", "CONNECT /x HTTP/1.1\nHost: app.test", "http://app.test/x"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			request, err := proxyRequest(received(t, stranger, test.text), Trust{})
			if err != nil || request.Address != test.address {
				t.Errorf("got %q, %v; want %q", request.Address, err, test.address)
			}
		})
	}
}

func TestTargetsThatAProxyDoesNotServe(t *testing.T) {
	t.Parallel()
	const (
		noTarget = "the request target is neither a path nor a URL"
		mixed    = "the request target has a user name or another scheme than the connection"
		noHost   = "the host is empty or has empty labels"
		badHost  = "the host has a character that no host name has"
	)
	for _, test := range []struct{ name, text, reason string }{
		{"an asterisk", "OPTIONS * HTTP/1.1\nHost: app.test", noTarget},
		{"an authority", "CONNECT app.test:443 HTTP/1.1\nHost: app.test", noTarget},
		{"CONNECT to a URL", "CONNECT http://app.test/x HTTP/1.1\nHost: app.test", noTarget},
		{"a URL without a host", "GET http:///x HTTP/1.1\nHost: app.test", noTarget},
		{"a URL without slashes", "GET mailto:alice HTTP/1.1\nHost: app.test", noTarget},
		{"a user name", "GET http://app.test@evil.test/x HTTP/1.1\nHost: app.test", mixed},
		{"a user name and password", "GET http://a:b@app.test/x HTTP/1.1\nHost: app.test", mixed},
		{"another scheme", "GET ftp://app.test/x HTTP/1.1\nHost: app.test", mixed},
		{"https over plain text", "GET https://app.test/x HTTP/1.1\nHost: app.test", mixed},
		{"a fragment", "GET http://app.test/x#y HTTP/1.1\nHost: app.test", "the path has a number sign or a blank that is not escaped"},
		{"no host at all", "GET /x HTTP/1.0", noHost},
		{"an empty host", "GET /x HTTP/1.1\nHost: ", noHost},
		{"two hosts in one", "GET /x HTTP/1.1\nHost: app.test, evil.test", badHost},
		{"a user name in the host", "GET /x HTTP/1.1\nHost: app.test@evil.test", badHost},
		{"a dot segment in disguise", "GET /public/%2e%2e/admin HTTP/1.1\nHost: app.test", "the path has a dot segment in disguise"},
		{"a fragment in the query", "GET /x?a#b HTTP/1.1\nHost: app.test", "the query has a control byte, a blank or a number sign that is not escaped"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := proxyRequest(received(t, stranger, test.text), Trust{})
			if err == nil {
				t.Fatal("accepted")
			}
			expectMalformed(t, err, test.reason)
			if _, err = proxyRequest(received(t, stranger, test.text), Trust{Everybody: true}); err == nil {
				t.Error("accepted from a trusted peer")
			}
		})
	}
}

func TestTheSchemeIsTheConnectionsUnlessATrustedPeerNamesAnother(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, line, header string
		secure, trusted    bool
		want               string
	}{
		{"plain", "/x", "", false, false, "http"},
		{"TLS", "/x", "", true, false, "https"},
		{"a URL over TLS", "https://app.test/x", "", true, false, "https"},
		{"a stranger says https", "/x", "X-Forwarded-Proto: https", false, false, "http"},
		{"a stranger says http over TLS", "/x", "X-Forwarded-Proto: http", true, false, "https"},
		{"a trusted peer says https", "/x", "X-Forwarded-Proto: https", false, true, "https"},
		{"a trusted peer says it in upper case", "/x", "X-Forwarded-Proto: HTTPS", false, true, "https"},
		{"a trusted peer says http over TLS", "/x", "X-Forwarded-Proto: http", true, true, "http"},
		{"a trusted peer says what a connection over TLS is to become", "/x", "X-Forwarded-Proto: wss", false, true, "https"},
		{"a trusted peer says what a connection is to become", "/x", "X-Forwarded-Proto: ws", true, true, "http"},
		{"a stranger says wss", "/x", "X-Forwarded-Proto: wss", false, false, "http"},
		{"a trusted peer says something else", "/x", "X-Forwarded-Proto: gopher", false, true, "http"},
		{"a trusted peer says nothing", "/x", "X-Forwarded-Proto:", true, true, "https"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := received(t, stranger, strings.TrimSuffix("GET "+test.line+" HTTP/1.1\nHost: app.test\n"+test.header, "\n"))
			if test.secure {
				r.TLS = &tls.ConnectionState{}
			}
			request, err := proxyRequest(r, Trust{Everybody: test.trusted})
			if err != nil || request.Scheme != test.want {
				t.Errorf("got %q, %v; want %q", request.Scheme, err, test.want)
			}
		})
	}
}

func TestAForwardedHostIsOnlyForTheAddressToComeBackTo(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, header string
		trusted      bool
		want         string
	}{
		{"of a stranger", "X-Forwarded-Host: evil.test", false, "http://app.test/x?q"},
		{"of a trusted peer", "X-Forwarded-Host: Outside.test:444", true, "http://outside.test:444/x?q"},
		{"of a trusted peer, with the scheme", "X-Forwarded-Host: outside.test\nX-Forwarded-Proto: https", true, "https://outside.test/x?q"},
		{"that is no host", "X-Forwarded-Host: a, b", true, "http://app.test/x?q"},
		{"that is empty", "X-Forwarded-Host:", true, "http://app.test/x?q"},
		{"there is none", "Accept: */*", true, "http://app.test/x?q"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			request, err := proxyRequest(received(t, stranger, "GET /x?q HTTP/1.1\nHost: app.test\n"+test.header), Trust{Everybody: test.trusted})
			if err != nil || request.Host != "app.test" || request.Address != test.want {
				t.Errorf("got the host %q and the address %q, %v; want app.test and %q", request.Host, request.Address, err, test.want)
			}
		})
	}
}

func TestTheClientsAddressComesFromTrustedPeersOnly(t *testing.T) {
	t.Parallel()
	const text = "GET /x HTTP/1.1\nHost: app.test\nX-Forwarded-For: 1.1.1.1\nX-Forwarded-For: 9.9.9.9"
	trust := Trust{Networks: networks(t, "10.0.0.0/8")}
	for peer, want := range map[string]string{stranger: "192.0.2.1", "10.0.0.1:80": "9.9.9.9"} {
		request, err := proxyRequest(received(t, peer, text), trust)
		if err != nil || request.Client != netip.MustParseAddr(want) || request.Peer.String()+":" != peer[:strings.LastIndexByte(peer, ':')+1] {
			t.Errorf("from %s: got the client %v of the peer %v, %v; want %s", peer, request.Client, request.Peer, err, want)
		}
	}
}

// TestTwoHostsAreRefused is about HTTP/2, where a Host header may come beside
// the authority.
func TestTwoHostsAreRefused(t *testing.T) {
	t.Parallel()
	r := received(t, stranger, "GET /x HTTP/1.1\nHost: app.test")
	r.Header["Host"] = []string{"other.test"}
	_, err := proxyRequest(r, Trust{})
	expectMalformed(t, err, "the header Host names another host than the request")
	r.Header["Host"] = []string{"App.test"}
	if _, err = proxyRequest(r, Trust{}); err != nil {
		t.Errorf("the same host twice: %v", err)
	}
}

package handlers

import (
	"crypto/tls"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"ostiary/pipeline"
)

const gateway = "127.0.0.1:4321"

var gateways = Trust{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}}

func TestADecisionIsAboutTheRequestItselfUnlessHeadersNameAnother(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, text, method, address string }{
		{"nothing but the API's path", "GET /decisions HTTP/1.1\nHost: app.test", "GET", "http://app.test"},
		{"a query", "GET /decisions?q=1 HTTP/1.1\nHost: app.test", "GET", "http://app.test?q=1"},
		{"the root", "GET /decisions/ HTTP/1.1\nHost: app.test", "GET", "http://app.test/"},
		{"a path behind", "GET /decisions/a%2Fb/?q=1;2 HTTP/1.1\nHost: app.test", "GET", "http://app.test/a%2Fb/?q=1;2"},
		{"a path that is not clean", "GET /decisions//a/./../b HTTP/1.1\nHost: app.test", "GET", "http://app.test/b"},
		{"the API's path twice", "GET /decisions/decisions/x HTTP/1.1\nHost: app.test", "GET", "http://app.test/decisions/x"},
		{"the absolute form", "GET http://App.test/decisions/x?q=1 HTTP/1.1\nHost: app.test", "GET", "http://app.test/x?q=1"},
		{"all of the headers", "GET /decisions HTTP/1.1\nHost: api.test\nX-Forwarded-Method: DELETE\nX-Forwarded-Proto: https\n" +
			"X-Forwarded-Host: App.test\nX-Forwarded-Uri: /x//y?q=1", "DELETE", "https://app.test/x/y?q=1"},
		{"the method alone", "GET /decisions/x HTTP/1.1\nHost: app.test\nX-Forwarded-Method: POST", "POST", "http://app.test/x"},
		{"a method as it is written", "GET /decisions/x HTTP/1.1\nHost: app.test\nX-Forwarded-Method: get", "get", "http://app.test/x"},
		{"the host alone", "GET /decisions/x HTTP/1.1\nHost: api.test\nX-Forwarded-Host: app.test:81", "GET", "http://app.test:81/x"},
		{"the scheme alone", "GET /decisions/x HTTP/1.1\nHost: app.test\nX-Forwarded-Proto: HTTPS", "GET", "https://app.test/x"},
		{"the scheme of a WebSocket", "GET /decisions/x HTTP/1.1\nHost: app.test\nX-Forwarded-Proto: wss", "GET", "wss://app.test/x"},
		{"the path before the one behind", "GET /decisions/public?own=1 HTTP/1.1\nHost: app.test\nX-Forwarded-Uri: /admin", "GET", "http://app.test/admin"},
		{"a query alone leaves the path", "GET /decisions/x?own=1 HTTP/1.1\nHost: app.test\nX-Forwarded-Uri: ?q=1", "GET", "http://app.test/x?own=1"},
		{"empty headers count as none", "GET /decisions/x HTTP/1.1\nHost: app.test\nX-Forwarded-Method:\nX-Forwarded-Proto:\n" +
			"X-Forwarded-Host:\nX-Forwarded-Uri:", "GET", "http://app.test/x"},
		{"bytes stay in the path", "GET /decisions HTTP/1.1\nHost: app.test\nX-Forwarded-Uri: /%41/{}/%2f", "GET", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			request, err := Oathkeeper.request(received(t, gateway, test.text), "/decisions", gateways)
			if test.address == "" {
				expectMalformed(t, err, "the path has escaped slashes that make empty or dot segments")
				return
			}
			if err != nil || request.Method != test.method || request.Address != test.address {
				t.Errorf("got %s %s, %v; want %s %s", request.Method, request.Address, err, test.method, test.address)
			}
			if request.Forward {
				t.Error("a decision is to be forwarded")
			}
		})
	}
}

func TestForwardingHeadersOfStrangersDecideNothing(t *testing.T) {
	t.Parallel()
	r := received(t, stranger, "GET /decisions/admin/x HTTP/1.1\nHost: app.test\nX-Forwarded-Method: POST\nX-Forwarded-Proto: https\n"+
		"X-Forwarded-Host: evil.test\nX-Forwarded-Uri: /public/x\nX-Forwarded-For: 1.1.1.1\nX-Forwarded-Uri: /another")
	request, err := Oathkeeper.request(r, "/decisions", gateways)
	if err != nil || request.Method != "GET" || request.Address != "http://app.test/admin/x" || len(request.Header) != 0 {
		t.Errorf("got %s %s with %v, %v", request.Method, request.Address, request.Header, err)
	}
	if want := netip.MustParseAddr("192.0.2.1"); request.Client != want {
		t.Errorf("got the client %v", request.Client)
	}
}

func TestADecisionOverTLSIsAboutHTTPS(t *testing.T) {
	t.Parallel()
	r := received(t, gateway, "GET /decisions/x HTTP/1.1\nHost: app.test")
	r.TLS = &tls.ConnectionState{}
	if request, err := Oathkeeper.request(r, "/decisions", gateways); err != nil || request.Scheme != "https" {
		t.Errorf("got %q, %v", request.Scheme, err)
	}
}

func TestForwardingHeadersThatCanBeReadInTwoWaysAreRefused(t *testing.T) {
	t.Parallel()
	const badHost = "the host has a character that no host name has"
	for _, test := range []struct{ name, headers, reason string }{
		{"two URIs", "X-Forwarded-Uri: /a\nX-Forwarded-Uri: /b", "the header X-Forwarded-Uri is there more than once"},
		{"the same URI twice", "X-Forwarded-Uri: /a\nX-Forwarded-Uri: /a", "the header X-Forwarded-Uri is there more than once"},
		{"two methods", "X-Forwarded-Method: GET\nX-Forwarded-Method: POST", "the header X-Forwarded-Method is there more than once"},
		{"two hosts", "X-Forwarded-Host: app.test\nX-Forwarded-Host: b", "the header X-Forwarded-Host is there more than once"},
		{"two schemes", "X-Forwarded-Proto: http\nX-Forwarded-Proto: http", "the header X-Forwarded-Proto is there more than once"},
		{"joined URIs", "X-Forwarded-Uri: /a, /b", "the path has a number sign or a blank that is not escaped"},
		{"joined methods", "X-Forwarded-Method: GET, POST", "the method is not a token"},
		{"joined hosts", "X-Forwarded-Host: app.test,b", badHost},
		{"joined schemes", "X-Forwarded-Proto: https,http", "X-Forwarded-Proto is neither http nor https nor ws nor wss"},
		{"another scheme", "X-Forwarded-Proto: ftp", "X-Forwarded-Proto is neither http nor https nor ws nor wss"},
		{"a method that is no token", "X-Forwarded-Method: G/T", "the method is not a token"},
		{"a host with a user name", "X-Forwarded-Host: app.test@evil.test", badHost},
		{"a host with a path", "X-Forwarded-Host: app.test/public", badHost},
		{"a path without a slash", "X-Forwarded-Uri: public", "the path does not begin with a slash"},
		{"a URL", "X-Forwarded-Uri: http://app.test/public", "the path does not begin with a slash"},
		{"a fragment", "X-Forwarded-Uri: /public#/admin", "the path has a number sign or a blank that is not escaped"},
		{"a fragment in the query", "X-Forwarded-Uri: /public?a#b", "the query has a control byte, a blank or a number sign that is not escaped"},
		{"a dot segment in disguise", "X-Forwarded-Uri: /public/%2e%2e/admin/x", "the path has a dot segment in disguise"},
		{"a backslash", `X-Forwarded-Uri: /public\..\admin`, "the path has a backslash"},
		{"a control byte", "X-Forwarded-Uri: /a%00", "the path has a control byte"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, err := Oathkeeper.request(received(t, gateway, "GET /decisions/x HTTP/1.1\nHost: app.test\n"+test.headers), "/decisions", gateways)
			if err == nil {
				t.Fatal("accepted")
			}
			expectMalformed(t, err, test.reason)
		})
	}
}

// FuzzDecisionRequest has a trusted gateway say anything: what is accepted is
// canonical.
func FuzzDecisionRequest(f *testing.F) {
	f.Add("/decisions/x?y", "app.test", "GET", "https", "app.test", "/x?y")
	f.Add("/decisions", "APP.test.", "", "", "", "?q")
	f.Add("/decisions//a/%2e", "a@b", "get", "WSS", "[::1]:80", "/a%2Fb/../c")
	f.Add("*", "", "G T", "http,https", "a, b", "http://app.test/")
	f.Add("/decisionsfoo", "a", "\x00", " ", "a:", "/\xff#?#")
	f.Fuzz(func(t *testing.T, target, host, method, proto, forwardedHost, uri string) {
		header := http.Header{
			"X-Forwarded-Method": {method}, "X-Forwarded-Proto": {proto}, "X-Forwarded-Host": {forwardedHost}, "X-Forwarded-Uri": {uri},
		}
		parsed, err := url.ParseRequestURI(target)
		if err != nil {
			return // the server has refused it already
		}
		r := &http.Request{Method: http.MethodGet, RequestURI: target, URL: parsed, Host: host, Header: header, RemoteAddr: gateway}
		request, err := Oathkeeper.request(r, "/decisions", gateways)
		if request == nil {
			t.Fatal("there is no request to log")
		}
		if err != nil {
			if kind := pipeline.KindOf(err); kind != pipeline.Malformed {
				t.Fatalf("refused as %v", kind)
			}
			return
		}
		if again, err := canonicalHost(request.Host); err != nil || again != request.Host {
			t.Errorf("the host %q is not canonical: %q, %v", request.Host, again, err)
		}
		if request.Path != "" || request.RawPath != "" {
			if path, rawPath, err := canonicalPath(request.RawPath); err != nil || path != request.Path || rawPath != request.RawPath {
				t.Errorf("the path %q, %q is not canonical: %q, %q, %v", request.Path, request.RawPath, path, rawPath, err)
			}
			checkCanonical(t, request.Path)
		}
		if !httpguts.ValidHeaderFieldName(request.Method) {
			t.Errorf("the method %q is no token", request.Method)
		}
		if strings.ContainsAny(request.Address, " \t\r\n#") {
			t.Errorf("the address %q has a character that no URL has", request.Address)
		}
		switch request.Scheme {
		case "http", "https", "ws", "wss":
		default:
			t.Errorf("the scheme is %q", request.Scheme)
		}
	})
}

package handlers

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"ostiary/pipeline"
)

// FuzzProxyRequest takes requests off the wire as a server does. What a
// stranger's forwarding headers say changes nothing, and what is accepted is in
// its one form: the URL that it stands for leads to the same request again.
func FuzzProxyRequest(f *testing.F) {
	f.Add("GET", "/public/../admin/x?q", "app.test", "X-Forwarded-Uri: /public/x\r\nX-Forwarded-Proto: https")
	f.Fuzz(func(t *testing.T, method, target, host, lines string) {
		text := method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n"
		with, err := http.ReadRequest(bufio.NewReader(strings.NewReader(text + lines + "\r\n\r\n")))
		if err != nil {
			return // the server has refused it already
		}
		for name := range with.Header {
			if !httpguts.ValidHeaderFieldName(name) {
				return // likewise
			}
		}
		with.RemoteAddr = stranger
		without := with.Clone(t.Context())
		for name := range without.Header {
			if tellsOfAnother(name) {
				delete(without.Header, name)
			}
		}
		got, err := proxyRequest(with, Trust{})
		bare, bareErr := proxyRequest(without, Trust{})
		if (err == nil) != (bareErr == nil) {
			t.Fatalf("%v, but %v without forwarding headers", err, bareErr)
		}
		if err != nil {
			checkRefusal(t, got, err)
			return
		}
		checkRequest(t, got)
		if got.Address != bare.Address || got.Method != bare.Method || got.Client != got.Peer {
			t.Errorf("%s %s of %v, but %s %s without forwarding headers", got.Method, got.Address, got.Client, bare.Method, bare.Address)
		}
		for name := range got.Header {
			if tellsOfAnother(name) {
				t.Errorf("handlers see the header %q of a stranger", name)
			}
		}
		if got.Method == http.MethodConnect {
			return
		}
		again, err := Canonical(got.Method, got.Address)
		if err != nil || again.Target() != got.Target() || again.RawPath != got.RawPath || again.Address != got.Address {
			t.Errorf("%s leads to %+v, %v", got.Address, again, err)
		}
	})
}

// FuzzDialects has a trusted gateway say anything in every dialect. What is
// accepted is canonical, strangers are not heard, and the headers of one dialect
// say nothing in another.
func FuzzDialects(f *testing.F) {
	f.Add(uint8(0), "/auth/nginx", "GET", "https", "app.test", "/public/x", "http://app.test/admin/x")
	f.Fuzz(func(t *testing.T, which uint8, line, method, proto, host, uri, url string) {
		dialect := Dialects[int(which)%len(Dialects)]
		ask := func(peer string, own bool) (*pipeline.Request, error) {
			r, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET /auth/x HTTP/1.1\r\nHost: gate.test\r\n\r\n")))
			if err != nil {
				t.Fatal(err)
			}
			r.RemoteAddr, r.RequestURI = peer, "/auth/"+dialect.Name+line
			for name, value := range map[string]string{
				"X-Forwarded-Method": method, "X-Forwarded-Proto": proto, "X-Forwarded-Host": host, "X-Forwarded-Uri": uri,
				"X-Original-Method": method, "X-Original-Url": url,
			} {
				used := name == dialect.method || name == dialect.scheme || name == dialect.host || name == dialect.uri || name == dialect.url
				if used || !own {
					r.Header[name] = []string{value}
				}
			}
			return dialect.request(r, "/auth/"+dialect.Name, gateways)
		}
		if _, err := ask(stranger, false); err == nil && dialect.strict {
			t.Errorf("%s: a stranger is heard", dialect.Name)
		}
		got, err := ask(gateway, false)
		alone, aloneErr := ask(gateway, true)
		if (err == nil) != (aloneErr == nil) || err == nil && (got.Address != alone.Address || got.Method != alone.Method) {
			t.Errorf("%s: %+v, %v, but without the headers of other dialects %+v, %v", dialect.Name, got, err, alone, aloneErr)
		}
		if err != nil {
			checkRefusal(t, got, err)
			return
		}
		checkRequest(t, got)
		// The gateway forwards what its client wrote, which has to be what was decided on.
		named, authority := uri, host
		switch dialect.Name {
		case "nginx":
			authority, named, _ = strings.Cut(url[strings.Index(url, "://")+3:], "/")
			named = "/" + named
		case "envoy":
			named, authority = line, "gate.test"
		}
		if forHost, err := canonicalHost(authority); err != nil || forHost != got.Host {
			t.Errorf("%s: %q is decided on, and the gateway forwards to %q", dialect.Name, got.Host, authority)
		}
		if path, _, _ := strings.Cut(named, "?"); strings.HasPrefix(path, "/") && len(path) > 1 && len(got.RawPath) != len(path) && isASCII(path) {
			t.Errorf("%s: %q is decided on, and the gateway forwards %q", dialect.Name, got.RawPath, path)
		}
		for name := range got.Header {
			if tellsOfAnother(name) && !dialect.believes(name) {
				t.Errorf("%s: handlers see the header %q", dialect.Name, name)
			}
		}
	})
}

func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r >= 0x80 })
}

// FuzzBelievable: no spelling of a forwarding header gets past, whoever sends it.
func FuzzBelievable(f *testing.F) {
	f.Add("X_Forwarded_For")
	f.Add("x-http_method-override")
	f.Fuzz(func(t *testing.T, name string) {
		if !httpguts.ValidHeaderFieldName(name) {
			return // no server takes it
		}
		sent := http.Header{http.CanonicalHeaderKey(name): {"1"}, "Accept": {"*/*"}}
		for believed, believes := range map[bool]func(string) bool{false: nothing, true: everything} {
			kept := believable(sent, believes)
			if kept["Accept"] == nil || len(sent) == 2 && sent.Get(name) == "" {
				t.Fatal("another header is gone, or the client's own have been changed")
			}
			for seen := range kept {
				disguised := strings.Contains(seen, "_") || strings.Contains(strings.ToLower(seen), "method-override") || seen == "X-Http-Method"
				if tellsOfAnother(seen) && (!believed || disguised) {
					t.Errorf("%q gets past, with the sender believed: %t", seen, believed)
				}
			}
		}
	})
}

// tellsOfAnother is a slow way to tell a header that is about another request
// than the one it is in, in whatever way it is spelled.
func tellsOfAnother(name string) bool {
	plain := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	for _, exact := range strings.Fields(`forwarded x-real-ip x-scheme front-end-https true-client-ip cf-connecting-ip x-rewrite-url
		x-original-url x-original-uri x-original-method x-original-host x-http-method-override x-http-method x-method-override`) {
		if plain == exact {
			return true
		}
	}
	return strings.HasPrefix(plain, "x-forwarded") || strings.HasPrefix(plain, "x-envoy-") || strings.HasPrefix(plain, "x-ssl-client-")
}

// checkRefusal: what is refused is refused as malformed, and can be logged.
func checkRefusal(t *testing.T, request *pipeline.Request, err error) {
	t.Helper()
	if kind := pipeline.KindOf(err); kind != pipeline.Malformed || request == nil {
		t.Fatalf("%v is refused as %v", request, kind)
	}
}

// checkRequest checks what rules, handlers and upstreams rely on.
func checkRequest(t *testing.T, request *pipeline.Request) {
	t.Helper()
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
	if strings.ContainsFunc(request.Address, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '#' }) {
		t.Errorf("the address %q has a character that no URL has", request.Address)
	}
	switch request.Scheme {
	case "http", "https", "ws", "wss":
	default:
		t.Errorf("the scheme is %q", request.Scheme)
	}
}

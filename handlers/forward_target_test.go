package handlers

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"ostiary/pipeline"
)

func TestTheUpstreamGetsTheTargetByteForByte(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	g := openGate(t, permitted(to(t, upstream.here())))
	for target, want := range map[string]string{
		"/":                                 "/",
		"/user/1/":                          "/user/1/",
		"/files/a%2Fb":                      "/files/a%2Fb",
		"/files/a%2fb":                      "/files/a%2fb",
		"/%41dmin/%7e":                      "/%41dmin/%7e",
		"/a;b=c/d;e":                        "/a;b=c/d;e",
		`/{id}/"x"|y`:                       `/{id}/"x"|y`,
		"/^`<>":                             "/^`<>",
		"/a!$&'()*+,=:@":                    "/a!$&'()*+,=:@",
		"/[::1]":                            "/[::1]",
		"/public/%252e%252e/admin":          "/public/%252e%252e/admin",
		"//a///b//":                         "/a/b/",
		"/public/../admin/x":                "/admin/x",
		"/./x/../a%2Fb":                     "/a%2Fb",
		"/ü":                                "/%C3%BC",
		"/x?":                               "/x?",
		"/x??":                              "/x??",
		"/[::1]?":                           "/[::1]?",
		"/x?a=1;b=2&&c=%zz&d=%2F&e=a+b%20c": "/x?a=1;b=2&&c=%zz&d=%2F&e=a+b%20c",
		`/x?{"a":[1]}|^`:                    `/x?{"a":[1]}|^`,
		"/x?u=http://a/../b//c?d":           "/x?u=http://a/../b//c?d",
		"/a%3Fb?c":                          "/a%3Fb?c",
	} {
		ask(t, g.address, "GET "+target+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if line, _, _ := strings.Cut(upstream.head(t), "\r\n"); line != "GET "+want+" HTTP/1.1" {
			t.Errorf("%s: the upstream got %q, want the target %s", target, line, want)
		}
	}
}

func TestAmbiguousTargetsNeverReachTheUpstream(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	g := openGate(t, permitted(to(t, upstream.here())))
	for _, target := range []string{
		"/public/%2e%2e/admin/x", "/public/..;/admin/x", "/public/..%5cadmin", `/public\..\admin`, "/a%00", "/%c0%ae%c0%ae/", "/a%2F../b",
		"*", "http://app.test@evil.test/", "ftp://app.test/x", "/x#y",
	} {
		response, _ := ask(t, g.address, "GET "+target+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got the status %d", target, response.StatusCode)
		}
	}
	upstream.untouched(t)
}

func TestTheAuthorityOfAURLIsTheHostThatIsForwarded(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	config := upstream.here()
	config.PreserveHost = true
	g := openGate(t, permitted(to(t, config)))
	ask(t, g.address, "GET http://App.test/x HTTP/1.1\r\nHost: other.test\r\nConnection: close\r\n\r\n")
	if got, want := upstream.head(t), "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n"; got != want {
		t.Errorf("the upstream got %q, want %q", got, want)
	}
}

func TestTheHostIsTheUpstreamsUnlessItIsPreserved(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	for _, test := range []struct {
		preserve bool
		want     string
	}{{false, upstream.address}, {true, "app.test:81"}} {
		config := upstream.here()
		config.PreserveHost = test.preserve
		g := openGate(t, permitted(to(t, config)))
		ask(t, g.address, "GET /x HTTP/1.1\r\nHost: APP.test:81\r\nConnection: close\r\n\r\n")
		if got, want := upstream.head(t), "GET /x HTTP/1.1\r\nHost: "+test.want+"\r\n\r\n"; got != want {
			t.Errorf("preserve_host %v: the upstream got %q, want %q", test.preserve, got, want)
		}
	}
}

func TestTheUpstreamsBasePathAndStripPathTouchNoOtherByte(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	config := pipeline.UpstreamConfig{URL: "http://" + upstream.address + "/base%2F1/", StripPath: "/api"}
	g := openGate(t, permitted(to(t, config)))
	for target, want := range map[string]string{
		"/api/a%2Fb/{}?q;": "/base%2F1/a%2Fb/{}?q;",
		"/apikeys":         "/base%2F1/apikeys",
	} {
		ask(t, g.address, "GET "+target+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if line, _, _ := strings.Cut(upstream.head(t), "\r\n"); line != "GET "+want+" HTTP/1.1" {
			t.Errorf("%s: the upstream got %q, want the target %s", target, line, want)
		}
	}
}

func TestTheMethodIsForwardedAsItIsWritten(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	g := openGate(t, permitted(to(t, upstream.here())))
	for _, method := range []string{"GET", "get", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "M-SEARCH"} {
		ask(t, g.address, method+" /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if line, _, _ := strings.Cut(upstream.head(t), "\r\n"); line != method+" /x HTTP/1.1" {
			t.Errorf("%s: the upstream got %q", method, line)
		}
	}
}

// TestTheTargetSurvivesHTTP2 is about the other way in which a target is
// written to an upstream.
func TestTheTargetSurvivesHTTP2(t *testing.T) {
	t.Parallel()
	targets := make(chan string, 1)
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		targets <- r.Proto + " " + r.RequestURI
	}))
	upstream.EnableHTTP2 = true
	upstream.StartTLS()
	t.Cleanup(upstream.Close)
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: rootsOf(t, upstream)}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	g := openGate(t, permitted(to(t, pipeline.UpstreamConfig{URL: upstream.URL})), func(p *Proxy) { p.Forwarder.Transport = transport })
	for _, target := range []string{"/a%2Fb;c/{}?q;=%zz", "/%41/", "/"} {
		ask(t, g.address, "GET "+target+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if got := <-targets; got != "HTTP/2.0 "+target {
			t.Errorf("the upstream got %q, want the target %s", got, target)
		}
	}
}

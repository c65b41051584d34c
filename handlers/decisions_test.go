package handlers

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// openDecisions serves the decision API to trusted gateways and returns its
// address.
func openDecisions(t testing.TB, decider Decider) (address string, recorded notes) {
	t.Helper()
	recorded = newNotes()
	api := API{Decisions: []*Decisions{{Decider: decider, Recorder: recorded, Trust: gateways, Dialect: Oathkeeper, Path: "/decisions"}}, Recorder: recorded}
	return serve(t, Frontend(quiet, CORS{}, api.Handler())), recorded
}

// answeredHeader is the header of a decision without what the server adds.
func answeredHeader(response *http.Response) http.Header {
	header := response.Header.Clone()
	header.Del("Date")
	header.Del("Connection")
	return header
}

func TestAPermissionIsAnEmpty200WithTheSessionsHeaders(t *testing.T) {
	t.Parallel()
	address, recorded := openDecisions(t, permitted(sets(http.Header{
		"X-User": {"alice"}, "Authorization": {"Bearer engine"}, "Cookie": {"a=1"}, "X-Many": {"1", "2"}, "X-Empty": {""},
		"Content-Length": {"7"}, "Transfer-Encoding": {"chunked"}, "Connection": {"X-User"}, "Host": {"evil.test"}, "Upgrade": {"h2c"},
		"Keep-Alive": {"1"}, "Te": {"gzip"}, "Trailer": {"X-User"}, "Proxy-Authorization": {"Basic eA=="}, "Proxy-Authenticate": {"Basic"}, "Proxy-Connection": {"x"},
	})))
	response, body := ask(t, address, "GET /decisions/x HTTP/1.1\r\nHost: app.test\r\nX-Own: 1\r\nAuthorization: Bearer T\r\nConnection: close\r\n\r\n")
	want := http.Header{
		"X-User": {"alice"}, "Authorization": {"Bearer engine"}, "Cookie": {"a=1"}, "X-Many": {"1", "2"}, "X-Empty": {""}, "Content-Length": {"0"},
	}
	if diff := cmp.Diff(want, answeredHeader(response)); diff != "" || response.StatusCode != http.StatusOK || body != "" {
		t.Errorf("got %d with %q, and headers (-want +got):\n%s", response.StatusCode, body, diff)
	}
	if got := recorded.next(t); got.Status != 200 || got.Size != 0 || got.Service != APIService || !got.Decision.Allowed || got.Request.Path != "/x" {
		t.Errorf("recorded: %+v", got)
	}
}

// notEchoed are the headers of a request that mean something else in an
// answer, or that a gateway would do harm with (contract 14, noop mutator).
var notEchoed = []string{
	"Cookie", "Authorization", "X-Session-Token", // credentials
	"Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", // the connection
	"Content-Type", "Content-Encoding", "Content-Language", "Content-Location", "Content-Security-Policy", "Content-Whatever", "Range",
	"If-None-Match", "If-Modified-Since", "If-Match", "Accept-Encoding", // the body
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Uri-Prefix", "Forwarded", "X-Real-Ip", "X-Original-Url", "X-Rewrite-Url", "X-Envoy-Auth", // forwarding
	"Location", "Refresh", "Set-Cookie", "Www-Authenticate", "Date", "Server", "Vary", "Strict-Transport-Security", "Clear-Site-Data",
	"Access-Control-Allow-Origin", "Access-Control-Request-Method", // a browser
	"Cache-Control", "Expires", "Age", "Etag", "Last-Modified", // a cache
	"X-Accel-Redirect", "X-Accel-Expires", "X-Accel-Buffering", "X-Sendfile", // a gateway
}

func TestNoopEchoesWhatAGatewayMayCopy(t *testing.T) {
	t.Parallel()
	address, _ := openDecisions(t, permitted(echoes, owns("X-User"), sets(http.Header{"X-Added": {"1"}, "Accept": {"engine"}}), withholds(pipeline.Withheld{
		Headers: []string{"x-api-key"},
	})))
	request := "GET /decisions/x HTTP/1.1\r\nHost: app.test\r\nConnection: close, X-Named\r\nX-Named: 1\r\nContent-Length: 0\r\nExpect: 100-continue\r\n" +
		"X-User: root\r\nX_user: root\r\nx-USER: root\r\nX-Api-Key: T\r\nX_api_key: T\r\nAccept: */*\r\nX-Own: 1\r\nx-own: 2\r\nUser-Agent: curl\r\nSnake_case: 3\r\n"
	for _, name := range notEchoed {
		request += name + ": client\r\n"
	}
	response, body := ask(t, address, request+"\r\n")
	want := http.Header{
		"X-Own": {"1", "2"}, "User-Agent": {"curl"}, "Snake_case": {"3"}, "X-Added": {"1"}, "Accept": {"engine"}, "Content-Length": {"0"},
		"X-User": {""}, // which overwrites the client's where a gateway copies it
	}
	if diff := cmp.Diff(want, answeredHeader(response)); diff != "" || response.StatusCode != http.StatusOK || body != "" {
		t.Errorf("got %d with %q, and headers (-want +got):\n%s", response.StatusCode, body, diff)
	}
}

func TestARefusalPassesAsItIs(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]pipeline.Response{
		"a redirect": {Status: 302, Header: http.Header{"Location": {"https://login.test/?to=http%3A%2F%2Fapp.test"}, "Content-Length": {"0"}}},
		"a document": {Status: 403, Header: http.Header{"Content-Type": {"application/json"}, "Ory-Error-Id": {""}, "Content-Length": {"3"}}, Body: []byte("{}\n")},
		"a limit":    {Status: 429, Header: http.Header{"Content-Type": {"text/plain"}, "Retry-After": {"7"}, "Content-Length": {"5"}}, Body: []byte("later")},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decision := pipeline.Decision{Err: pipeline.Forbidden, Response: want}
			decision.Session = &pipeline.Session{Header: http.Header{"X-User": {"alice"}}, EchoHeader: true}
			address, recorded := openDecisions(t, ruling(func(*pipeline.Request) pipeline.Decision { return decision }))
			response, body := ask(t, address, "GET /decisions/x HTTP/1.1\r\nHost: app.test\r\nX-Own: 1\r\n\r\n")
			if diff := cmp.Diff(want.Header, answeredHeader(response)); diff != "" || response.StatusCode != want.Status || body != string(want.Body) {
				t.Errorf("got %d with %q, and headers (-want +got):\n%s", response.StatusCode, body, diff)
			}
			if got := recorded.next(t); got.Status != want.Status || got.Size != int64(len(want.Body)) {
				t.Errorf("recorded: %d, %d bytes", got.Status, got.Size)
			}
		})
	}
}

func TestAMalformedQuestionIsRefused(t *testing.T) {
	t.Parallel()
	address, recorded := openDecisions(t, permitted())
	for _, head := range []string{
		"GET /decisions/%2e%2e/admin HTTP/1.1\r\nHost: app.test\r\n",
		"GET /decisions HTTP/1.1\r\nHost: app.test\r\nX-Forwarded-Uri: /a\r\nX-Forwarded-Uri: /b\r\n",
	} {
		if response, _ := ask(t, address, head+"\r\n"); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%s: got %d", head, response.StatusCode)
		}
		if got := recorded.next(t); got.Status != http.StatusBadRequest || pipeline.KindOf(got.Decision.Err) != pipeline.Malformed {
			t.Errorf("%s: recorded %d because of %v", head, got.Status, got.Decision.Err)
		}
	}
}

// TestEveryMethodIsDecidedOn, those too that no router has heard of: a gateway
// may ask with the method of its client.
func TestEveryMethodIsDecidedOn(t *testing.T) {
	t.Parallel()
	address, recorded := openDecisions(t, permitted())
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "QUERY", "PROPFIND", "M-SEARCH", "get"} {
		for _, target := range []string{"/decisions", "/decisions/", "/decisions/a/b", "/decisions?q"} {
			response, _ := ask(t, address, method+" "+target+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
			got := recorded.next(t)
			if response.StatusCode != http.StatusOK || got.Decision == nil || got.Request.Method != method {
				t.Errorf("%s %s: got %d; recorded: %+v", method, target, response.StatusCode, got)
			}
		}
	}
}

// TestTheAPIDecidesOnEveryTargetItself instead of redirecting to a cleaned one
// (contract 14, /decisions).
func TestTheAPIDecidesOnEveryTargetItself(t *testing.T) {
	t.Parallel()
	address, recorded := openDecisions(t, permitted())
	for target, want := range map[string]string{
		"/decisions//a": "/a", "/decisions/./a/../b/": "/b/", "/decisions/a%2Fb": "/a%2Fb", "/decisions/../rules": "/rules", "/decisions/{a}": "/{a}",
		"/decisions/rules": "/rules", "/decisions/decisions": "/decisions",
	} {
		response, _ := ask(t, address, "GET "+target+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if got := recorded.next(t); response.StatusCode != http.StatusOK || got.Request.RawPath != want {
			t.Errorf("%s: got %d, decided on %q, want %q", target, response.StatusCode, got.Request.RawPath, want)
		}
	}
	for _, target := range []string{"/decisionsfoo", "/Decisions", "/decisions%2Fx", "/%64ecisions/x", "//decisions", "/x/decisions", "/decision"} {
		response, _ := ask(t, address, "GET "+target+" HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		if got := recorded.next(t); response.StatusCode != http.StatusNotFound || got.Decision != nil {
			t.Errorf("%s: got %d, decided on %v", target, response.StatusCode, got.Request)
		}
	}
}

func TestADecisionMaySeeTheBody(t *testing.T) {
	t.Parallel()
	address, _ := openDecisions(t, ruling(func(request *pipeline.Request) pipeline.Decision {
		body, err := request.Body.Bytes(100)
		if err != nil {
			t.Error(err)
		}
		return permitted(sets(http.Header{"X-Body": {string(body)}}))(request)
	}))
	response, _ := ask(t, address, "POST /decisions/x HTTP/1.1\r\nHost: app.test\r\nContent-Length: 5\r\n\r\nhello")
	if got := response.Header.Get("X-Body"); got != "hello" {
		t.Errorf("the decision saw %q", got)
	}
}

// unwritten is an answer that nobody reads.
type unwritten struct{ header http.Header }

func (u unwritten) Header() http.Header       { return u.header }
func (unwritten) Write(p []byte) (int, error) { return len(p), nil }
func (unwritten) WriteHeader(int)             {}

func BenchmarkDecision(b *testing.B) {
	decider := permitted(sets(http.Header{"X-User": {"alice"}}))
	decisions := &Decisions{Decider: decider, Recorder: Recorders{}, Trust: gateways, Dialect: Oathkeeper, Path: "/decisions"}
	r := received(b, gateway, "GET /decisions HTTP/1.1\nHost: api.test\nUser-Agent: gateway\nAuthorization: Bearer T\nX-Forwarded-For: 9.9.9.9\n"+
		"X-Forwarded-Method: GET\nX-Forwarded-Proto: https\nX-Forwarded-Host: app.test\nX-Forwarded-Uri: /api/users/42?q=1").WithContext(context.Background())
	r.Body = io.NopCloser(strings.NewReader(""))
	w := unwritten{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		clear(w.header)
		decisions.ServeHTTP(w, r)
	}
}

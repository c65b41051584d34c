package handlers

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestTheProxyAnswersARefusalWithTheResponseOfItsErrorHandler(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	for name, test := range map[string]struct {
		response pipeline.Response
		status   int
	}{
		"a document":  {pipeline.Response{Status: 403, Header: http.Header{"Content-Type": {"application/json"}, "Ory-Error-Id": {""}}, Body: []byte("{}\n")}, 403},
		"a redirect":  {pipeline.Response{Status: 302, Header: http.Header{"Location": {"https://login.test/"}}}, 302},
		"a challenge": {pipeline.Response{Status: 401, Header: http.Header{"Www-Authenticate": {`Basic realm="a"`, `Bearer`}}, Body: []byte("Unauthorized\n")}, 401},
		"nothing":     {pipeline.Response{}, 500},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decision := pipeline.Decision{Rule: "rule", Stage: pipeline.Authorize, Err: pipeline.Forbidden, Response: test.response}
			to(t, upstream.here())(&decision)
			g := openGate(t, ruling(func(*pipeline.Request) pipeline.Decision { return decision }))
			response, body := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n")
			if response.StatusCode != test.status || body != string(test.response.Body) || response.ContentLength != int64(len(test.response.Body)) {
				t.Errorf("got %d with %q", response.StatusCode, body)
			}
			for name, values := range test.response.Header {
				if !cmp.Equal(response.Header[name], values) {
					t.Errorf("%s: got %q, want %q", name, response.Header[name], values)
				}
			}
			if got := g.notes.next(t); got.Status != test.status || got.Decision.Rule != "rule" || got.Size != int64(len(test.response.Body)) {
				t.Errorf("recorded: %d for the rule %q, %d bytes", got.Status, got.Decision.Rule, got.Size)
			}
		})
	}
	t.Cleanup(func() { upstream.untouched(t) })
}

func TestTheZeroDecisionRefuses(t *testing.T) {
	t.Parallel()
	g := openGate(t, ruling(func(*pipeline.Request) pipeline.Decision { return pipeline.Decision{} }))
	if response, body := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n"); response.StatusCode != 500 || body != "" {
		t.Errorf("got %d with %q", response.StatusCode, body)
	}
}

func TestAMalformedRequestIsRefusedWithoutADecision(t *testing.T) {
	t.Parallel()
	g := openGate(t, ruling(func(*pipeline.Request) pipeline.Decision {
		t.Error("it was decided on")
		return pipeline.Decision{}
	}))
	response, body := ask(t, g.address, "GET /%2e%2e/x HTTP/1.1\r\nHost: app.test\r\nX-Request-Id: 7\r\n\r\n")
	const want = `{"error":{"code":400,"status":"Bad Request","reason":"the path has a dot segment in disguise",` +
		`"message":"The request was malformed or contained invalid parameters"}}` + "\n"
	if response.StatusCode != http.StatusBadRequest || body != want {
		t.Errorf("got %d with %s", response.StatusCode, body)
	}
	got := g.notes.next(t)
	if got.Status != http.StatusBadRequest || got.Request == nil || got.Decision == nil || !errors.Is(got.Decision.Err, pipeline.Malformed) {
		t.Errorf("recorded: %+v", got)
	}
}

// TestFaultyFramingNeverIsARequest is security class FR: the server refuses
// these itself, and with them all that follows on the connection.
func TestFaultyFramingNeverIsARequest(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	g := openGate(t, permitted(to(t, upstream.here())))
	for name, head := range map[string]string{
		"two lengths":                "Content-Length: 4\r\nContent-Length: 5\r\n",
		"a signed length":            "Content-Length: +5\r\n",
		"a list of lengths":          "Content-Length: 5,5\r\n",
		"a hexadecimal length":       "Content-Length: 0x5\r\n",
		"a blank before the colon":   "Transfer-Encoding : chunked\r\n",
		"an encoding nobody knows":   "Transfer-Encoding: xchunked\r\n",
		"chunked is not the last":    "Transfer-Encoding: chunked, identity\r\n",
		"chunked twice":              "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
		"a vertical tab":             "Transfer-Encoding: \x0bchunked\r\n",
		"a folded line at the start": " X: 1\r\n",
		"a blank in a name":          "X User: root\r\n",
		"a blank behind a name":      "X-User : root\r\n",
		"a control byte in a value":  "X-User: ro\x00ot\r\n",
		"a second host":              "Host: other.test\r\n",
		"no colon":                   "X-User\r\n",
	} {
		answer := untilClosed(t, g.address, "POST /x HTTP/1.1\r\nHost: app.test\r\n"+head+"\r\nhelloGET /admin HTTP/1.1\r\nHost: app.test\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 400 ") && !strings.HasPrefix(answer, "HTTP/1.1 501 ") {
			t.Errorf("%s: got %q", name, answer)
		}
		if strings.Count(answer, "HTTP/1.1 ") != 1 {
			t.Errorf("%s: the connection goes on: %q", name, answer)
		}
	}
	upstream.untouched(t)
}

func TestMethodsThatAreNoTokensAreRefused(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	g := openGate(t, permitted(to(t, upstream.here())))
	for _, method := range []string{"G/T", "GET,POST", "(GET)", "G\tT", "GET:", "\"GET\"", "GÉT"} {
		if response, _ := ask(t, g.address, method+" /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n"); response.StatusCode != http.StatusBadRequest {
			t.Errorf("%q: got %d", method, response.StatusCode)
		}
	}
	upstream.untouched(t)
}

func TestExpectationsThatNobodyKnowsAreRefused(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	g := openGate(t, permitted(to(t, upstream.here())))
	if response, _ := ask(t, g.address, "PUT /x HTTP/1.1\r\nHost: app.test\r\nExpect: 200-ok\r\nContent-Length: 1\r\n\r\nx"); response.StatusCode != http.StatusExpectationFailed {
		t.Errorf("got %d", response.StatusCode)
	}
	upstream.untouched(t)
}

func TestAnswersOfTheUpstreamPassAsTheyAre(t *testing.T) {
	t.Parallel()
	upstream := record(t, "HTTP/1.1 418 Teapot\r\nContent-Type: text/x-tea\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nContent-Encoding: gzip\r\n"+
		"Access-Control-Allow-Origin: *\r\nServer: pot\r\nConnection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 3\r\n\r\ntea")
	g := openGate(t, permitted(to(t, upstream.here())))
	response, body := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n")
	response.Header.Del("Date")
	want := http.Header{
		"Content-Type": {"text/x-tea"}, "Set-Cookie": {"a=1", "b=2"}, "Content-Encoding": {"gzip"}, "Access-Control-Allow-Origin": {"*"},
		"Server": {"pot"}, "Content-Length": {"3"},
	}
	if diff := cmp.Diff(want, response.Header); diff != "" || response.StatusCode != 418 || body != "tea" {
		t.Errorf("got %d with %q, and headers (-want +got):\n%s", response.StatusCode, body, diff)
	}
	if got := g.notes.next(t); got.Status != 418 || got.Size != 3 || got.Service != ProxyService || got.Failure != nil || got.Took <= 0 {
		t.Errorf("recorded: %+v", got)
	}
}

// TestTheBodyOfAPermittedRequestGoesUpstream also after a handler has read it.
func TestTheBodyOfAPermittedRequestGoesUpstream(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }))
	t.Cleanup(server.Close)
	forward := permitted(to(t, pipeline.UpstreamConfig{URL: server.URL}))
	for name, limit := range map[string]int{"unread": -1, "read in part": 3, "read to the end": 100} {
		g := openGate(t, ruling(func(request *pipeline.Request) pipeline.Decision {
			if limit >= 0 {
				_, _ = request.Body.Bytes(limit)
			}
			return forward(request)
		}))
		for _, framing := range []string{"Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"} {
			if response, body := ask(t, g.address, "POST /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n"+framing); response.StatusCode != http.StatusOK || body != "hello" {
				t.Errorf("%s: got %d with %q", name, response.StatusCode, body)
			}
		}
	}
}

func BenchmarkProxy(b *testing.B) {
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") }))
	b.Cleanup(upstream.Close)
	transport := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16}
	b.Cleanup(transport.CloseIdleConnections)
	proxy := &Proxy{
		Decider: permitted(to(b, pipeline.UpstreamConfig{URL: upstream.URL})), Recorder: Recorders{},
		Forwarder: &Forwarder{Transport: transport, Log: quiet},
	}
	w := dial(b, serve(b, Frontend(quiet, CORS{}, proxy)))
	b.ReportAllocs()
	for b.Loop() {
		w.send("GET /api/users/42?q=1 HTTP/1.1\r\nHost: app.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n")
		response, err := http.ReadResponse(w.reader, nil)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, response.Body); err != nil {
			b.Fatal(err)
		}
	}
}

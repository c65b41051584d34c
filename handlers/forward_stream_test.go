package handlers

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// gateTo opens a proxy for an upstream that answers with a handler.
func gateTo(t testing.TB, upstream http.HandlerFunc, changes ...func(*Proxy)) gate {
	t.Helper()
	server := httptest.NewServer(upstream)
	t.Cleanup(server.Close)
	return openGate(t, permitted(to(t, pipeline.UpstreamConfig{URL: server.URL})), changes...)
}

// until is for an upstream that waits for a test to have seen something. It
// also returns when nobody is going to call.
func until(t testing.TB) (wait func(*http.Request), call func()) {
	t.Helper()
	called := make(chan struct{}, 1)
	return func(r *http.Request) {
			select {
			case <-called:
			case <-r.Context().Done():
			}
		}, func() {
			called <- struct{}{}
		}
}

func TestAnswersStreamWhileTheUpstreamIsStillAtIt(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"text/event-stream", "application/octet-stream", ""} {
		t.Run(contentType, func(t *testing.T) {
			t.Parallel()
			wait, call := until(t)
			g := gateTo(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header()["Content-Type"] = nil
				if contentType != "" {
					w.Header().Set("Content-Type", contentType)
				}
				for i := range 3 {
					_, _ = fmt.Fprintf(w, "data: %d\n", i)
					_ = http.NewResponseController(w).Flush()
					wait(r)
				}
			})
			w := dial(t, g.address)
			w.send("GET /events HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
			events := bufio.NewReader(w.answer("GET").Body)
			for i := range 3 {
				line, err := events.ReadString('\n')
				if want := fmt.Sprintf("data: %d\n", i); err != nil || line != want {
					t.Fatalf("got %q, %v; want %q", line, err, want)
				}
				call() // only now the upstream goes on
			}
			if rest, err := io.ReadAll(events); err != nil || len(rest) > 0 {
				t.Errorf("after the last event: %q, %v", rest, err)
			}
		})
	}
}

func TestRequestsStreamWhileTheClientIsStillAtIt(t *testing.T) {
	t.Parallel()
	arrived := make(chan string, 8)
	g := gateTo(t, func(_ http.ResponseWriter, r *http.Request) {
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			arrived <- lines.Text()
		}
		arrived <- "end of a body of length " + fmt.Sprint(r.ContentLength)
	})
	w := dial(t, g.address)
	w.send("POST /x HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
	for _, line := range []string{"first", "second"} {
		w.send(fmt.Sprintf("%x\r\n%s\n\r\n", len(line)+1, line))
		if got := <-arrived; got != line {
			t.Fatalf("the upstream got %q, want %q", got, line)
		}
	}
	w.send("0\r\n\r\n")
	if got := <-arrived; got != "end of a body of length -1" {
		t.Errorf("the upstream got %q", got)
	}
	if response := w.answer("POST"); response.StatusCode != http.StatusOK {
		t.Errorf("got the status %d", response.StatusCode)
	}
}

func TestBothDirectionsStreamAtOnce(t *testing.T) {
	t.Parallel()
	g := gateTo(t, func(w http.ResponseWriter, r *http.Request) {
		connection := http.NewResponseController(w)
		_ = connection.EnableFullDuplex()
		lines := bufio.NewScanner(r.Body)
		for lines.Scan() {
			_, _ = fmt.Fprintf(w, "echo %s\n", lines.Text())
			_ = connection.Flush()
		}
	})
	w := dial(t, g.address)
	w.send("POST /x HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nfirst\r\n1\r\n\n\r\n")
	echoes := bufio.NewReader(w.answer("POST").Body)
	if line, err := echoes.ReadString('\n'); err != nil || line != "echo first\n" {
		t.Fatalf("got %q, %v", line, err)
	}
	w.send("7\r\nsecond\n\r\n0\r\n\r\n")
	if line, err := echoes.ReadString('\n'); err != nil || line != "echo second\n" {
		t.Fatalf("got %q, %v", line, err)
	}
}

// TestABigUploadIsNotKept must not run beside other tests, because it counts
// what the whole program allocates.
func TestABigUploadIsNotKept(t *testing.T) {
	const size = 32 << 20
	g := gateTo(t, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		_, _ = fmt.Fprint(w, n, err)
	})
	w := dial(t, g.address)
	chunk := []byte(strings.Repeat("x", 64<<10))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	w.send(fmt.Sprintf("PUT /x HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", size))
	for range size / len(chunk) {
		if _, err := w.Write(chunk); err != nil {
			t.Fatal(err)
		}
	}
	body, err := io.ReadAll(w.answer("PUT").Body)
	runtime.ReadMemStats(&after)
	if want := fmt.Sprint(size, "<nil>"); err != nil || strings.ReplaceAll(string(body), " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("the upstream got %s, %v; want %s", body, err, want)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > size/8 {
		t.Errorf("an upload of %d bytes allocates %d", size, grown)
	}
}

func TestTrailersPass(t *testing.T) {
	t.Parallel()
	g := gateTo(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Trailer", "X-Announced")
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Announced", "yes")
		w.Header().Set(http.TrailerPrefix+"X-Sudden", "too")
	})
	response, body := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nTE: trailers\r\nConnection: close\r\n\r\n")
	if body != "body" || response.Trailer.Get("X-Announced") != "yes" || response.Trailer.Get("X-Sudden") != "too" {
		t.Errorf("got %q with the trailers %v", body, response.Trailer)
	}
}

func TestATrailerOfTheClientIsNoHeader(t *testing.T) {
	t.Parallel()
	seen := make(chan http.Header, 1)
	g := gateTo(t, func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		seen <- r.Header
	})
	response, _ := ask(t, g.address, "POST /x HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\nTrailer: X-User\r\nConnection: close\r\n\r\n"+
		"1\r\nx\r\n0\r\nX-User: root\r\n\r\n")
	if header := <-seen; response.StatusCode != http.StatusOK || header.Get("X-User") != "" {
		t.Errorf("got the status %d, and the upstream the header %v", response.StatusCode, header)
	}
}

func TestInterimAnswersPass(t *testing.T) {
	t.Parallel()
	for _, cors := range []CORS{{}, {Enabled: true, AllowedOrigins: []string{"https://page.test"}, AllowedMethods: []string{"GET"}}} {
		upstream := record(t, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"+plainAnswer)
		g := openGateWithCORS(t, cors, permitted(to(t, upstream.here())))
		w := dial(t, g.address)
		w.send("GET /x HTTP/1.1\r\nHost: app.test\r\nOrigin: https://page.test\r\nConnection: close\r\n\r\n")
		if hints := w.answer("GET"); hints.StatusCode != http.StatusEarlyHints || hints.Header.Get("Link") != "</style.css>" {
			t.Errorf("CORS %v: first came %d with %v", cors.Enabled, hints.StatusCode, hints.Header)
		}
		final := w.answer("GET")
		if final.StatusCode != http.StatusOK || final.Header.Get("Link") != "" {
			t.Errorf("CORS %v: then came %d with %v", cors.Enabled, final.StatusCode, final.Header)
		}
		if cors.Enabled && (final.Header.Get("Access-Control-Allow-Origin") != "https://page.test" || final.Header.Get("Vary") != "Origin") {
			t.Errorf("the answer after the interim one has no CORS headers: %v", final.Header)
		}
		if got := g.notes.next(t).Status; got != http.StatusOK {
			t.Errorf("CORS %v: the status %d was recorded", cors.Enabled, got)
		}
	}
}

func TestAFailureAfterAnInterimAnswerIsForTheSamePage(t *testing.T) {
	t.Parallel()
	upstream := record(t, "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
	g := openGateWithCORS(t, pageCORS, permitted(to(t, upstream.here())))
	w := dial(t, g.address)
	w.send("GET /x HTTP/1.1\r\nHost: app.test\r\nOrigin: https://page.test\r\nConnection: close\r\n\r\n")
	final := w.final("GET")
	if final.StatusCode != http.StatusBadGateway || final.Header.Get("Access-Control-Allow-Origin") != "https://page.test" {
		t.Errorf("got %d with %v", final.StatusCode, final.Header)
	}
}

func TestTheClientIsOnlyAskedForItsBodyWhenItMayPass(t *testing.T) {
	t.Parallel()
	const request = "PUT /x HTTP/1.1\r\nHost: app.test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
	t.Run("permitted", func(t *testing.T) {
		t.Parallel()
		g := gateTo(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
		w := dial(t, g.address)
		w.send(request)
		if interim := w.answer("PUT"); interim.StatusCode != http.StatusContinue {
			t.Fatalf("got the status %d", interim.StatusCode)
		}
		w.send("body")
		if body, err := io.ReadAll(w.final("PUT").Body); err != nil || string(body) != "body" {
			t.Errorf("got %q, %v", body, err)
		}
	})
	t.Run("refused", func(t *testing.T) {
		t.Parallel()
		g := openGate(t, ruling(func(*pipeline.Request) pipeline.Decision { return refused(pipeline.Forbidden) }))
		w := dial(t, g.address)
		w.send(request)
		if answer := w.answer("PUT"); answer.StatusCode != http.StatusForbidden {
			t.Errorf("got the status %d", answer.StatusCode)
		}
	})
}

func TestAnAnswerWithoutAContentTypeGetsNone(t *testing.T) {
	t.Parallel()
	upstream := record(t, "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n<html>hi</html>")
	g := openGate(t, permitted(to(t, upstream.here())))
	response, body := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
	if given, there := response.Header["Content-Type"]; there || body != "<html>hi</html>" {
		t.Errorf("got %q with the type %q", body, given)
	}
}

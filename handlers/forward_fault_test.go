package handlers

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"ostiary/pipeline"
)

func TestAnUpstreamThatDoesNotAnswerIsA502(t *testing.T) {
	t.Parallel()
	closed := listen(t)
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]string{
		"nobody listens":                closed.Addr().String(),
		"hangs up":                      record(t, "").address,
		"does not speak HTTP":           record(t, "SSH-2.0-OpenSSH\r\n\r\n").address,
		"is cut off in its header":      record(t, "HTTP/1.1 200 OK\r\nContent-Le").address,
		"has two lengths":               record(t, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc").address,
		"has a length that is none":     record(t, "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nab").address,
		"has an encoding nobody knows":  record(t, "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n").address,
		"answers with a status of none": record(t, "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n").address,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := openGate(t, permitted(to(t, pipeline.UpstreamConfig{URL: "http://" + address})))
			response, body := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
			if response.StatusCode != http.StatusBadGateway || body != "" || response.ContentLength != 0 {
				t.Errorf("got %d with the body %q", response.StatusCode, body)
			}
			if got := g.notes.next(t); got.Status != http.StatusBadGateway || got.Failure == nil || !got.Decision.Allowed {
				t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
			}
		})
	}
}

func TestAnUpstreamThatIsTooSlowIsA504(t *testing.T) {
	t.Parallel()
	transport := &http.Transport{ResponseHeaderTimeout: 20 * time.Millisecond}
	t.Cleanup(transport.CloseIdleConnections)
	g := gateTo(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, func(p *Proxy) { p.Forwarder.Transport = transport })
	response, body := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
	if response.StatusCode != http.StatusGatewayTimeout || body != "" {
		t.Errorf("got %d with the body %q", response.StatusCode, body)
	}
	if got := g.notes.next(t); got.Status != http.StatusGatewayTimeout || got.Failure == nil {
		t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
	}
}

func TestAClientThatGoesAwayIsA499(t *testing.T) {
	t.Parallel()
	arrived := make(chan struct{})
	g := gateTo(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done() // the upstream is told too
	})
	w := dial(t, g.address)
	w.send("GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n")
	<-arrived
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := g.notes.next(t); got.Status != pipeline.StatusClientGone || got.Failure == nil {
		t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
	}
}

func TestAClientThatGoesAwayInTheMiddleOfItsBodyIsA499(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"with a length": "Content-Length: 100\r\n\r\nhalf",
		"in chunks":     "Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			arrived := make(chan struct{})
			g := gateTo(t, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.ReadFull(r.Body, make([]byte, 4))
				close(arrived)
				_, _ = io.Copy(io.Discard, r.Body)
			})
			w := dial(t, g.address)
			w.send("POST /x HTTP/1.1\r\nHost: app.test\r\n" + body)
			<-arrived
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			if got := g.notes.next(t); got.Status != pipeline.StatusClientGone || got.Failure == nil {
				t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
			}
		})
	}
}

func TestABrokenBodyOfTheClientIsA400(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"a chunk without a size":       "5\r\nhello\r\nZZ\r\n",
		"a chunk with a negative size": "-5\r\nhello\r\n",
		"a chunk of another size":      "3\r\nhello\r\n",
		"a size without an end":        "fffffffffffffffff\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := gateTo(t, func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
			w := dial(t, g.address)
			w.send("POST /x HTTP/1.1\r\nHost: app.test\r\nTransfer-Encoding: chunked\r\n\r\n" + body)
			if response := w.answer("POST"); response.StatusCode != http.StatusBadRequest {
				t.Errorf("got %d", response.StatusCode)
			}
			if got := g.notes.next(t); got.Status != http.StatusBadRequest || got.Failure == nil {
				t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
			}
			// Nothing that follows may be taken for a request.
			_, _ = io.WriteString(w.Conn, "\r\n\r\nGET /admin HTTP/1.1\r\nHost: app.test\r\n\r\n")
			if rest := w.untilClosed(); strings.Contains(rest, "HTTP/1.1") {
				t.Errorf("the connection goes on with %q", rest)
			}
		})
	}
}

func TestAnUpstreamThatBreaksOffBreaksTheClientOff(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]string{
		"with a length":     "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf",
		"in chunks":         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
		"in half a chunk":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
		"in broken chunks":  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nZZ\r\n",
		"in a server event": "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upstream := record(t, answer)
			g := openGate(t, permitted(to(t, upstream.here())))
			all := untilClosed(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n")
			if strings.HasSuffix(all, "0\r\n\r\n") || strings.Contains(all, "panic") {
				t.Errorf("the answer looks whole or tells why it is not: %q", all)
			}
			if got := g.notes.next(t); got.Status != http.StatusOK || got.Failure == nil {
				t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
			}
		})
	}
}

// TestABodyMayStillBeReadWhenTheUpstreamHasFailed is for the race detector: a
// transport may give up before it has stopped reading.
func TestABodyMayStillBeReadWhenTheUpstreamHasFailed(t *testing.T) {
	t.Parallel()
	incoming := &body{ReadCloser: io.NopCloser(iotest.ErrReader(http.ErrBodyReadAfterClose))}
	read := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, incoming)
		read <- err
	}()
	if status := statusOf(t.Context(), io.EOF, incoming.failure()); status != http.StatusBadGateway && status != http.StatusBadRequest {
		t.Errorf("got %d", status)
	}
	if err := <-read; !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("reading ended with %v", err)
	}
	if status := statusOf(t.Context(), io.EOF, incoming.failure()); status != http.StatusBadRequest {
		t.Errorf("afterwards: got %d", status)
	}
}

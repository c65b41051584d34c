package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
)

// hurried is a gate with time-outs that are as short as they can be for a
// transfer that takes many times as long to come through.
func hurried(t *testing.T, timeouts Timeouts, upstream http.HandlerFunc) (address string, recorded notes) {
	t.Helper()
	recorded = newNotes()
	transport := &http.Transport{DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &Proxy{
		Decider: permitted(to(t, pipeline.UpstreamConfig{URL: "http://" + serve(t, upstream)})), Recorder: recorded,
		Forwarder: &Forwarder{Transport: transport, Log: quiet}, Timeouts: timeouts,
	}
	socket := listen(t)
	server := NewServer(Frontend(quiet, CORS{}, proxy), timeouts, nil, quiet)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(socket) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
	return socket.Addr().String(), recorded
}

// trickle gives a piece, and waits before the next one.
type trickle struct {
	pieces int
	piece  string
	pause  time.Duration
}

func (t *trickle) Read(p []byte) (int, error) {
	if t.pieces == 0 {
		return 0, io.EOF
	}
	t.pieces--
	time.Sleep(t.pause)
	return copy(p, t.piece), nil
}

const (
	patienceWithClients = 1500 * time.Millisecond
	beat                = 150 * time.Millisecond
)

func TestAnUploadMayTakeLongerThanTheTimeOut(t *testing.T) {
	t.Parallel()
	address, _ := hurried(t, Timeouts{Read: patienceWithClients}, func(w http.ResponseWriter, r *http.Request) {
		n, err := io.Copy(io.Discard, r.Body)
		if err != nil {
			t.Errorf("after %d bytes: %v", n, err)
		}
		w.Header().Set("X-Received", http.StatusText(int(n>>10)))
	})
	const pieces = 24 // which take three times the time-out
	response, err := http.Post("http://"+address+"/x", "text/plain", &trickle{pieces, strings.Repeat("x", 8<<10), beat})
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("got %d", response.StatusCode)
	}
}

func TestAClientThatStopsSendingIsCutOff(t *testing.T) {
	t.Parallel()
	for name, upload := range map[string]*trickle{
		"at once":                   {1, "x", 0},
		"after a while":             {10, strings.Repeat("x", 8<<10), beat},
		"and sends next to nothing": {1000, "x", beat},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, recorded := hurried(t, Timeouts{Read: patienceWithClients}, func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
			})
			w := dial(t, address)
			w.send("POST /x HTTP/1.1\r\nHost: app.test\r\nContent-Length: 10000000\r\n\r\n")
			go func() { _, _ = io.Copy(w.Conn, upload) }() // until the engine hangs up
			if got := recorded.next(t); got.Status == http.StatusOK || got.Failure == nil {
				t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
			}
		})
	}
}

func TestADownloadMayTakeLongerThanTheTimeOut(t *testing.T) {
	t.Parallel()
	address, recorded := hurried(t, Timeouts{Write: patienceWithClients}, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 24 {
			_, _ = io.WriteString(w, "data: x\n\n")
			_ = http.NewResponseController(w).Flush()
			time.Sleep(beat)
		}
	})
	response, err := http.Get("http://" + address + "/x")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close()
	if want := strings.Repeat("data: x\n\n", 24); err != nil || string(body) != want {
		t.Errorf("got %d of %d bytes, %v", len(body), len(want), err)
	}
	if got := recorded.next(t); got.Failure != nil {
		t.Error(got.Failure)
	}
}

func TestAClientThatStopsReadingIsCutOff(t *testing.T) {
	t.Parallel()
	address, recorded := hurried(t, Timeouts{Write: patienceWithClients}, func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 64<<10))
		}
	})
	w := dial(t, address)
	if err := w.Conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	w.send("GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n")
	recorded.next(t) // or else the request never ends
}

// TestAStreamOverHTTP2MayBeSilent in both directions, as those of gRPC are.
func TestAStreamOverHTTP2MayBeSilent(t *testing.T) {
	t.Parallel()
	address, _ := hurried(t, Timeouts{Read: patienceWithClients}, func(w http.ResponseWriter, r *http.Request) {
		if err := http.NewResponseController(w).EnableFullDuplex(); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		_, err := io.Copy(w, r.Body)
		if err != nil {
			t.Error(err)
		}
	})
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	said, say := io.Pipe()
	request, err := http.NewRequestWithContext(context.Background(), http.MethodPost, "http://"+address+"/x", said)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/grpc+proto")
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * patienceWithClients) // there is nothing to say
	if _, err := io.WriteString(say, "after all"); err != nil {
		t.Fatal(err)
	}
	_ = say.Close()
	body, err := io.ReadAll(response.Body)
	if _ = response.Body.Close(); err != nil || string(body) != "after all" {
		t.Errorf("got %q, %v", body, err)
	}
}

// clients of both versions of HTTP: their deadlines work in different ways.
func clients(t *testing.T) map[string]*http.Transport {
	t.Helper()
	one, two := &http.Transport{}, &http.Transport{Protocols: new(http.Protocols)}
	two.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(one.CloseIdleConnections)
	t.Cleanup(two.CloseIdleConnections)
	return map[string]*http.Transport{"HTTP/1.1": one, "HTTP/2": two}
}

// TestAnUpstreamMayTakeItsTime while the client has nothing to do: the time-outs
// are about clients.
func TestAnUpstreamMayTakeItsTime(t *testing.T) {
	t.Parallel()
	const late = 2 * patienceWithClients
	for name, test := range map[string]struct {
		upstream http.HandlerFunc
		upload   func() io.Reader
		status   int
		body     string
	}{
		"to answer": {func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(late)
			_, _ = io.WriteString(w, "at last")
		}, nil, http.StatusOK, "at last"},
		"to answer with nothing": {func(w http.ResponseWriter, _ *http.Request) {
			time.Sleep(late)
			w.WriteHeader(http.StatusNoContent)
		}, nil, http.StatusNoContent, ""},
		"to break off": {func(http.ResponseWriter, *http.Request) {
			time.Sleep(late)
			panic(http.ErrAbortHandler)
		}, nil, http.StatusBadGateway, ""},
		"between two events": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			for range 2 {
				_, _ = io.WriteString(w, "data: x\n\n")
				_ = http.NewResponseController(w).Flush()
				time.Sleep(late)
			}
		}, nil, http.StatusOK, "data: x\n\ndata: x\n\n"},
		"to answer a body that came late": {func(w http.ResponseWriter, r *http.Request) {
			n, _ := io.Copy(io.Discard, r.Body)
			time.Sleep(late)
			_, _ = fmt.Fprint(w, n)
		}, func() io.Reader {
			return &trickle{1, strings.Repeat("x", 1024), patienceWithClients / 2}
		}, http.StatusOK, "1024"},
	} {
		for version, transport := range clients(t) {
			t.Run(name+", "+version, func(t *testing.T) {
				t.Parallel()
				address, _ := hurried(t, Timeouts{Read: patienceWithClients, Write: patienceWithClients}, test.upstream)
				var upload io.Reader
				length := int64(0)
				if test.upload != nil {
					upload, length = test.upload(), 1024
				}
				request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/x", upload)
				if err != nil {
					t.Fatal(err)
				}
				request.ContentLength = length
				response, err := transport.RoundTrip(request)
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(response.Body)
				if _ = response.Body.Close(); err != nil || response.StatusCode != test.status || string(body) != test.body {
					t.Errorf("got %d, %q, %v", response.StatusCode, body, err)
				}
			})
		}
	}
}

// TestAnUploadWaitsForItsUpstream over HTTP/2 too, whose deadlines do not wait
// for anybody to read.
func TestAnUploadWaitsForItsUpstream(t *testing.T) {
	t.Parallel()
	const size = 20 << 20
	for version, transport := range clients(t) {
		t.Run(version, func(t *testing.T) {
			t.Parallel()
			address, _ := hurried(t, Timeouts{Read: patienceWithClients, Write: patienceWithClients}, func(w http.ResponseWriter, r *http.Request) {
				time.Sleep(2 * patienceWithClients)
				n, err := io.Copy(io.Discard, r.Body)
				_, _ = fmt.Fprint(w, n, err)
			})
			request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/x", strings.NewReader(strings.Repeat("x", size)))
			if err != nil {
				t.Fatal(err)
			}
			response, err := transport.RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			body, err := io.ReadAll(response.Body)
			if _ = response.Body.Close(); err != nil || string(body) != fmt.Sprint(size, nil) {
				t.Errorf("got %d, %q, %v", response.StatusCode, body, err)
			}
		})
	}
}

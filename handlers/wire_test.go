package handlers

import (
	"bufio"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
)

// serve serves on a socket of its own and returns the address.
func serve(t testing.TB, handler http.Handler) string {
	t.Helper()
	socket := listen(t)
	serveOn(t, socket, NewServer(handler, Timeouts{}, nil, quiet))
	return socket.Addr().String()
}

func serveOn(t testing.TB, socket net.Listener, server *http.Server) {
	t.Helper()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(socket) }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = socket.Close() })
	return socket
}

// gate is a proxy that serves.
type gate struct {
	address string
	notes   notes
}

// openGate serves a proxy as the program does.
func openGate(t testing.TB, decider Decider, changes ...func(*Proxy)) gate {
	t.Helper()
	return openGateWithCORS(t, CORS{}, decider, changes...)
}

func openGateWithCORS(t testing.TB, cors CORS, decider Decider, changes ...func(*Proxy)) gate {
	t.Helper()
	transport := &http.Transport{DisableCompression: true, ExpectContinueTimeout: time.Second}
	t.Cleanup(transport.CloseIdleConnections)
	g := gate{notes: newNotes()}
	proxy := &Proxy{Decider: decider, Recorder: g.notes, Forwarder: &Forwarder{Transport: transport, Log: quiet}}
	for _, change := range changes {
		change(proxy)
	}
	g.address = serve(t, Frontend(quiet, cors, proxy))
	return g
}

// trusting makes a proxy believe everybody.
func trusting(p *Proxy) { p.Trust.Everybody = true }

// wire is a client's connection, for requests that no client library sends.
type wire struct {
	t testing.TB
	net.Conn
	reader *bufio.Reader
}

func dial(t testing.TB, address string) *wire {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	return &wire{t: t, Conn: connection, reader: bufio.NewReader(connection)}
}

func (w *wire) send(text string) {
	w.t.Helper()
	if _, err := io.WriteString(w.Conn, text); err != nil {
		w.t.Fatal(err)
	}
}

// answer reads the header of the next response.
func (w *wire) answer(method string) *http.Response {
	w.t.Helper()
	response, err := http.ReadResponse(w.reader, &http.Request{Method: method})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = response.Body.Close() })
	return response
}

// final is the next response that is no interim one.
func (w *wire) final(method string) *http.Response {
	w.t.Helper()
	for {
		if response := w.answer(method); response.StatusCode >= http.StatusOK || response.StatusCode == http.StatusSwitchingProtocols {
			return response
		}
	}
}

// ask sends a request as it is written and returns the response and its body.
func ask(t testing.TB, address, request string) (*http.Response, string) {
	t.Helper()
	w := dial(t, address)
	w.send(request)
	method, _, _ := strings.Cut(request, " ")
	response := w.answer(method)
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

// recording is an upstream that keeps the header of each request byte for byte
// and answers all of them the same.
type recording struct {
	address string
	heads   chan string
}

const plainAnswer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

func record(t testing.TB, answer string) *recording {
	t.Helper()
	socket := listen(t)
	u := &recording{address: socket.Addr().String(), heads: make(chan string, 64)}
	go func() {
		for {
			connection, err := socket.Accept()
			if err != nil {
				return
			}
			go u.answer(connection, answer)
		}
	}()
	return u
}

func (u *recording) answer(connection net.Conn, answer string) {
	defer func() { _ = connection.Close() }()
	var head strings.Builder
	reader := bufio.NewReader(connection)
	for !strings.HasSuffix(head.String(), "\r\n\r\n") {
		line, err := reader.ReadString('\n')
		if err != nil {
			return
		}
		head.WriteString(line)
	}
	u.heads <- head.String()
	_, _ = io.WriteString(connection, answer)
}

// head is the header of the next request that came.
func (u *recording) head(t testing.TB) string {
	t.Helper()
	select {
	case head := <-u.heads:
		return head
	case <-time.After(patience):
		t.Fatal("no request came to the upstream")
		return ""
	}
}

// untouched checks that no request came.
func (u *recording) untouched(t testing.TB) {
	t.Helper()
	select {
	case head := <-u.heads:
		t.Errorf("the upstream got a request: %q", head)
	default:
	}
}

// here is the upstream of a rule.
func (u *recording) here() pipeline.UpstreamConfig {
	return pipeline.UpstreamConfig{URL: "http://" + u.address}
}

// rootsOf are the certificates that make a client trust a test's server.
func rootsOf(t testing.TB, server *httptest.Server) *x509.CertPool {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	return roots
}

// untilClosed sends a request and returns all that comes until the server
// closes the connection, in whatever way.
func untilClosed(t testing.TB, address, request string) string {
	t.Helper()
	w := dial(t, address)
	w.send(request)
	return w.untilClosed()
}

func (w *wire) untilClosed() string {
	w.t.Helper()
	all, err := io.ReadAll(w.reader)
	var network net.Error
	if errors.As(err, &network) && network.Timeout() {
		w.t.Fatal("the connection stays open")
	}
	return string(all)
}

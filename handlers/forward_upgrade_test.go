package handlers

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"io"
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// webSocketEcho accepts the opening handshake of RFC 6455 and then returns
// each masked text frame without its mask.
func webSocketEcho(w http.ResponseWriter, r *http.Request) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	connection, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = connection.Close() }()
	_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + r.Header.Get("Upgrade") + "\r\nConnection: Upgrade\r\n" +
		"Sec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) + "\r\n\r\n")
	_ = buffered.Flush()
	for {
		var head [6]byte // opcode, length below 126, four bytes of mask
		if _, err := io.ReadFull(buffered, head[:]); err != nil {
			return
		}
		payload := make([]byte, head[1]&0x7f)
		if _, err := io.ReadFull(buffered, payload); err != nil {
			return
		}
		for i := range payload {
			payload[i] ^= head[2+i%4]
		}
		_, _ = buffered.Write(append([]byte{head[0], byte(len(payload))}, payload...))
		_ = buffered.Flush()
	}
}

func frame(text string) string {
	mask := [4]byte{0x37, 0xfa, 0x21, 0x3d}
	masked := []byte(text)
	for i := range masked {
		masked[i] ^= mask[i%4]
	}
	return string([]byte{0x81, 0x80 | byte(len(text))}) + string(mask[:]) + string(masked)
}

// The key and its answer are the example of RFC 6455 section 1.3.
const handshake = "GET /chat HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"

func TestAWebSocketIsPassedThrough(t *testing.T) {
	t.Parallel()
	g := gateTo(t, webSocketEcho)
	w := dial(t, g.address)
	w.send(handshake)
	response := w.answer("GET")
	if response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Sec-Websocket-Accept") != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" ||
		response.Header.Get("Upgrade") != "websocket" || response.Header.Get("Connection") != "Upgrade" {
		t.Fatalf("got %d with %v", response.StatusCode, response.Header)
	}
	for _, text := range []string{"first", "second"} {
		w.send(frame(text))
		echo := make([]byte, 2+len(text))
		if _, err := io.ReadFull(w.reader, echo); err != nil || string(echo[2:]) != text || echo[0] != 0x81 {
			t.Fatalf("got %q, %v; want %q", echo, err, text)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := g.notes.next(t); got.Status != http.StatusSwitchingProtocols || got.Failure != nil {
		t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
	}
}

func TestARefusedWebSocketReachesNobody(t *testing.T) {
	t.Parallel()
	g := openGate(t, ruling(func(*pipeline.Request) pipeline.Decision { return refused(pipeline.NoCredential) }))
	w := dial(t, g.address)
	w.send(handshake + frame("eager"))
	if response := w.answer("GET"); response.StatusCode != http.StatusUnauthorized || response.Header.Get("Upgrade") != "" {
		t.Errorf("got %d with %v", response.StatusCode, response.Header)
	}
}

func TestAnUpstreamMayDeclineAnUpgrade(t *testing.T) {
	t.Parallel()
	g := gateTo(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusUpgradeRequired) })
	if response, body := ask(t, g.address, strings.Replace(handshake, "Upgrade\r\n", "Upgrade, close\r\n", 1)); response.StatusCode != http.StatusUpgradeRequired || body != "no\n" {
		t.Errorf("got %d, %q", response.StatusCode, body)
	}
}

// TestUpgradesToAnotherHTTPDoNotPass is security class FR-08: requests on such
// a connection would pass undecided.
func TestUpgradesToAnotherHTTPDoNotPass(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	g := openGate(t, permitted(to(t, upstream.here())))
	for _, protocol := range []string{
		"h2c", "H2C", "h2", "HTTP/2.0", "http/3", "TLS/1.2", "h2c, websocket", "websocket, h2c", "websocket,H2C", "websocket, TLS/1.0", " h2c ",
	} {
		for _, connection := range []string{"Upgrade, HTTP2-Settings", "Upgrade", "upgrade, close"} {
			ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: "+connection+"\r\nUpgrade: "+protocol+
				"\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n")
			head := upstream.head(t)
			for _, name := range []string{"\r\nUpgrade:", "\r\nConnection:", "\r\nHttp2-Settings:"} {
				if strings.Contains(head, name) {
					t.Errorf("%s with Connection %q: the upstream got %q", protocol, connection, head)
				}
			}
		}
	}
}

// TestAnUpstreamCannotSwitchProtocolsUnasked is security class FR-12.
func TestAnUpstreamCannotSwitchProtocolsUnasked(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ request, answer string }{
		"to anything":    {"GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n", "Upgrade: websocket\r\nConnection: Upgrade\r\n"},
		"to h2c":         {"GET /x HTTP/1.1\r\nHost: app.test\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n", "Upgrade: h2c\r\nConnection: Upgrade\r\n"},
		"to nothing":     {"GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n", ""},
		"to another one": {handshake, "Upgrade: other\r\nConnection: Upgrade\r\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			upstream := record(t, "HTTP/1.1 101 Switching Protocols\r\n"+test.answer+"\r\n")
			g := openGate(t, permitted(to(t, upstream.here())))
			w := dial(t, g.address)
			w.send(test.request)
			if response := w.answer("GET"); response.StatusCode != http.StatusBadGateway {
				t.Errorf("got %d with %v", response.StatusCode, response.Header)
			}
			if got := g.notes.next(t); got.Status != http.StatusBadGateway || got.Failure == nil {
				t.Errorf("recorded: the status %d, %v", got.Status, got.Failure)
			}
		})
	}
}

// TestPipelinedRequestsAreDecidedOneByOne is about bytes behind a request that
// is not upgraded.
func TestPipelinedRequestsAreDecidedOneByOne(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	decisions := permitted(to(t, upstream.here()))
	g := openGate(t, ruling(func(request *pipeline.Request) pipeline.Decision {
		if request.Path == "/public" {
			return decisions(request)
		}
		return refused(pipeline.Forbidden)
	}))
	w := dial(t, g.address)
	w.send("GET /public HTTP/1.1\r\nHost: app.test\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\nGET /admin HTTP/1.1\r\nHost: app.test\r\n\r\n")
	reader := bufio.NewReader(w.Conn)
	for _, want := range []int{http.StatusOK, http.StatusForbidden} {
		response, err := http.ReadResponse(reader, &http.Request{Method: http.MethodGet})
		if err != nil || response.StatusCode != want {
			t.Fatalf("got %v, %v; want %d", response, err, want)
		}
		_, _ = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
	}
	if head := upstream.head(t); !strings.HasPrefix(head, "GET /public ") {
		t.Errorf("the upstream got %q", head)
	}
	upstream.untouched(t)
}

package handlers

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
)

// tunnelled is a connection through the engine that has changed to another
// protocol, with both of its ends in a test's hands.
type tunnelled struct {
	t        *testing.T
	upgrades *Upgrades
	client   *wire
	upstream *wire
	notes    notes
}

func openTunnel(t *testing.T, protocol string) tunnelled {
	t.Helper()
	return openTunnelOf(t, new(Upgrades), protocol)
}

func openTunnelOf(t *testing.T, upgrades *Upgrades, protocol string) tunnelled {
	t.Helper()
	socket := listen(t)
	g := openGate(t, permitted(to(t, pipeline.UpstreamConfig{URL: "http://" + socket.Addr().String()})), func(p *Proxy) { p.Forwarder.Upgrades = upgrades })
	o := tunnelled{t: t, upgrades: upgrades, client: dial(t, g.address), notes: g.notes}
	o.client.send("GET /chat HTTP/1.1\r\nHost: app.test\r\nUpgrade: " + protocol + "\r\nConnection: Upgrade\r\n\r\n")
	connection, err := socket.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	o.upstream = &wire{t: t, Conn: connection, reader: bufio.NewReader(connection)}
	if _, err := http.ReadRequest(o.upstream.reader); err != nil {
		t.Fatal(err)
	}
	o.upstream.send("HTTP/1.1 101 Switching Protocols\r\nUpgrade: " + protocol + "\r\nConnection: Upgrade\r\n\r\n")
	if answer := o.client.answer("GET"); answer.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %d", answer.StatusCode)
	}
	return o
}

// receives checks what comes next.
func (w *wire) receives(want string) {
	w.t.Helper()
	got := make([]byte, len(want))
	if n, err := io.ReadFull(w.reader, got); err != nil || string(got) != want {
		w.t.Fatalf("got % x, %v; want % x", got[:n], err, want)
	}
}

// receivesFarewell checks that a Close frame comes next that says that the other
// end is going away.
func (w *wire) receivesFarewell(fromClient bool) {
	w.t.Helper()
	frame := make([]byte, len(farewell(fromClient)))
	if _, err := io.ReadFull(w.reader, frame); err != nil {
		w.t.Fatal(err)
	}
	status := frame[len(frame)-2:]
	if fromClient {
		status = []byte{status[0] ^ frame[2], status[1] ^ frame[3]}
	}
	if frame[0] != final|closing || frame[1]&masked != 0 != fromClient || binary.BigEndian.Uint16(status) != goingAway {
		w.t.Fatalf("got % x", frame)
	}
}

// ends checks that nothing more comes.
func (w *wire) ends() {
	w.t.Helper()
	if rest := w.untilClosed(); rest != "" {
		w.t.Errorf("got % x", rest)
	}
}

// nothingYet checks that nothing comes that need not wait for anything. A moment
// more would not make it fail, and a moment less only see less.
func (w *wire) nothingYet() {
	w.t.Helper()
	_ = w.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if b, err := w.reader.ReadByte(); !errors.Is(err, os.ErrDeadlineExceeded) {
		w.t.Errorf("got %x, %v", b, err)
	}
	_ = w.SetReadDeadline(time.Now().Add(patience))
}

var (
	fromClient   = func(opcode byte, text string) string { return string(webSocketFrame(opcode, true, []byte(text))) }
	fromUpstream = func(opcode byte, text string) string { return string(webSocketFrame(opcode, false, []byte(text))) }
)

const normal = "\x03\xe8" // the status of an end that is done

func TestAWebSocketIsToldThatTheEngineGoesAway(t *testing.T) {
	t.Parallel()
	o := openTunnel(t, "websocket")
	o.client.send(fromClient(1, "hello"))
	o.upstream.receives(fromClient(1, "hello"))
	o.upgrades.Leave()
	o.client.receivesFarewell(false)
	o.upstream.receivesFarewell(true)
	// What they had to say still is nobody's to hear any more.
	o.client.send(fromClient(1, "late"))
	o.upstream.send(fromUpstream(1, "late"))
	o.client.send(fromClient(closing, "\x03\xe9"))
	o.upstream.send(fromUpstream(closing, "\x03\xe9"))
	o.client.ends()
	o.upstream.ends()
	if got := o.notes.next(t); got.Status != http.StatusSwitchingProtocols || got.Failure != nil {
		t.Errorf("recorded: %d, %v", got.Status, got.Failure)
	}
}

// TestAFrameThatIsUnderWayIsNotCutInTwo, in either direction.
func TestAFrameThatIsUnderWayIsNotCutInTwo(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]func(o tunnelled) (from, to *wire, frame string, masked bool){
		"to the client": func(o tunnelled) (*wire, *wire, string, bool) {
			return o.upstream, o.client, fromUpstream(2, strings.Repeat("x", 1000)), false
		},
		"to the upstream": func(o tunnelled) (*wire, *wire, string, bool) {
			return o.client, o.upstream, fromClient(2, strings.Repeat("x", 1000)), true
		},
	} {
		for _, cut := range []int{1, 3, 7, 500, 1003} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				o := openTunnel(t, "websocket")
				from, to, frame, masked := way(o)
				from.send(frame[:cut])
				to.receives(frame[:cut])
				o.upgrades.Leave()
				to.nothingYet()
				from.send(frame[cut:] + frame)
				to.receives(frame[cut:])
				to.receivesFarewell(masked)
				to.nothingYet()
			})
		}
	}
}

// TestAClosingHandshakeUnderWayIsLeftToItself: a second Close frame would be a
// fault.
func TestAClosingHandshakeUnderWayIsLeftToItself(t *testing.T) {
	t.Parallel()
	o := openTunnel(t, "websocket")
	o.client.send(fromClient(closing, normal))
	o.upstream.receives(fromClient(closing, normal))
	o.upgrades.Leave()
	o.client.receivesFarewell(false)
	o.upstream.send(fromUpstream(closing, normal))
	o.upstream.ends()
	o.client.ends()
}

func TestAWebSocketThatIsClosedAlreadyOnBothSidesEnds(t *testing.T) {
	t.Parallel()
	o := openTunnel(t, "websocket")
	o.client.send(fromClient(closing, normal))
	o.upstream.receives(fromClient(closing, normal))
	o.upstream.send(fromUpstream(closing, normal))
	o.client.receives(fromUpstream(closing, normal))
	o.client.nothingYet()
	o.upgrades.Leave()
	o.upstream.ends()
	o.client.ends()
}

// TestAWebSocketThatBeginsLateIsToldAtOnce, and not before it has begun.
func TestAWebSocketThatBeginsLateIsToldAtOnce(t *testing.T) {
	t.Parallel()
	upgrades := new(Upgrades)
	upgrades.Leave()
	o := openTunnelOf(t, upgrades, "websocket")
	o.client.receivesFarewell(false)
	o.upstream.receivesFarewell(true)
}

// TestOtherProtocolsGoOnUntilTheyAreClosed: nobody knows how to say farewell in
// them.
func TestOtherProtocolsGoOnUntilTheyAreClosed(t *testing.T) {
	t.Parallel()
	o := openTunnel(t, "mqtt")
	o.upgrades.Leave()
	for range 2 {
		o.client.send("from the client")
		o.upstream.receives("from the client")
		o.upstream.send("from the upstream")
		o.client.receives("from the upstream")
	}
	o.upgrades.Close()
	o.client.ends()
	o.upstream.ends()
	o.notes.next(t)
	if len(o.upgrades.open) != 0 {
		t.Error("it is still kept in mind")
	}
}

// TestAWebSocketThatDoesNotAnswerIsClosed when somebody's patience is over.
func TestAWebSocketThatDoesNotAnswerIsClosed(t *testing.T) {
	t.Parallel()
	o := openTunnel(t, "websocket")
	o.upgrades.Leave()
	o.client.receivesFarewell(false)
	o.upstream.receivesFarewell(true)
	o.upgrades.Close()
	o.client.ends()
	o.upstream.ends()
}

// TestOneDirectionEndsAloneAsWithoutTheEngine between its ends.
func TestOneDirectionEndsAloneAsWithoutTheEngine(t *testing.T) {
	t.Parallel()
	for name, way := range map[string]func(o tunnelled) (first, second *wire){
		"that of the client":   func(o tunnelled) (*wire, *wire) { return o.client, o.upstream },
		"that of the upstream": func(o tunnelled) (*wire, *wire) { return o.upstream, o.client },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			first, second := way(openTunnel(t, "mqtt"))
			if err := first.Conn.(*net.TCPConn).CloseWrite(); err != nil {
				t.Fatal(err)
			}
			second.ends()
			second.send("still heard")
			first.receives("still heard")
		})
	}
}

// TestTheSlowerEndIsWaitedFor when the other one has said farewell already.
func TestTheSlowerEndIsWaitedFor(t *testing.T) {
	t.Parallel()
	o := openTunnel(t, "websocket")
	o.upgrades.Leave()
	o.client.receivesFarewell(false)
	o.upstream.receivesFarewell(true)
	o.client.send(fromClient(closing, "\x03\xe9"))
	o.upstream.nothingYet()
	o.client.nothingYet()
	o.upstream.send(fromUpstream(closing, "\x03\xe9"))
	o.upstream.ends()
	o.client.ends()
}

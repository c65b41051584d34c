package handlers

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// memoryListener accepts connections from within the process. In a bubble of
// testing/synctest they have its virtual time, which stands still as long as
// anybody waits for a socket of the system.
type memoryListener struct {
	arriving chan net.Conn
	closed   chan struct{}
	close    func()
}

func listenInMemory(t testing.TB) *memoryListener {
	t.Helper()
	closed := make(chan struct{})
	l := &memoryListener{arriving: make(chan net.Conn), closed: closed, close: sync.OnceFunc(func() { close(closed) })}
	t.Cleanup(l.close)
	return l
}

// transport is one whose requests all come to the listener.
func (l *memoryListener) transport(t testing.TB, protocols *http.Protocols) *http.Transport {
	t.Helper()
	transport := &http.Transport{DialContext: l.DialContext, Protocols: protocols, DisableCompression: true}
	t.Cleanup(transport.CloseIdleConnections)
	return transport
}

// dial makes a connection on which nobody waits longer than the limit.
func (l *memoryListener) dial(t testing.TB, limit time.Duration) *wire {
	t.Helper()
	connection, err := l.DialContext(t.Context(), "tcp", memoryAddress.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	return &wire{t: t, Conn: connection, reader: bufio.NewReader(connection)}
}

func (l *memoryListener) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	up, down := newStream(), newStream()
	select {
	case l.arriving <- &memoryConnection{incoming: up, outgoing: down}:
		return &memoryConnection{incoming: down, outgoing: up}, nil
	case <-l.closed:
		return nil, syscall.ECONNREFUSED
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *memoryListener) Accept() (net.Conn, error) {
	select {
	case connection := <-l.arriving:
		return connection, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *memoryListener) Close() error {
	l.close()
	return nil
}

func (l *memoryListener) Addr() net.Addr { return memoryAddress }

// memoryAddress is everybody's.
var memoryAddress = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80}

// memoryConnection is one side's end of the two streams of a connection.
type memoryConnection struct{ incoming, outgoing *stream }

func (c *memoryConnection) Read(p []byte) (int, error)  { return c.incoming.read(p) }
func (c *memoryConnection) Write(p []byte) (int, error) { return c.outgoing.write(p) }

// Close leaves what was written to the other side, and takes no more from it.
func (c *memoryConnection) Close() error {
	c.outgoing.leave(&c.outgoing.writer)
	c.incoming.leave(&c.incoming.reader)
	return nil
}

func (c *memoryConnection) LocalAddr() net.Addr  { return memoryAddress }
func (c *memoryConnection) RemoteAddr() net.Addr { return memoryAddress }

func (c *memoryConnection) SetDeadline(deadline time.Time) error {
	_ = c.SetReadDeadline(deadline)
	return c.SetWriteDeadline(deadline)
}

func (c *memoryConnection) SetReadDeadline(deadline time.Time) error {
	return c.incoming.limit(&c.incoming.reader, deadline)
}

func (c *memoryConnection) SetWriteDeadline(deadline time.Time) error {
	return c.outgoing.limit(&c.outgoing.writer, deadline)
}

// streamCapacity is how many bytes a stream holds that are not read yet: a
// writer feels it when the reader stops.
const streamCapacity = 64 << 10

// stream carries bytes in one direction. Whoever waits does so for the
// condition and not for the mutex, which would hold virtual time up.
type stream struct {
	mutex          sync.Mutex
	changed        *sync.Cond
	held           bytes.Buffer
	reader, writer party
}

// party is one of the two that share a stream.
type party struct {
	left     bool
	deadline time.Time
	alarm    *time.Timer // nil as long as there was no deadline
}

func newStream() *stream {
	s := new(stream)
	s.changed = sync.NewCond(&s.mutex)
	return s
}

func (s *stream) read(p []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for {
		if err := s.reader.stopped(); err != nil {
			return 0, err
		}
		if s.held.Len() > 0 || s.writer.left {
			s.changed.Broadcast()
			return s.held.Read(p) // io.EOF after the last byte
		}
		s.changed.Wait()
	}
}

func (s *stream) write(p []byte) (int, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	written := 0
	for {
		if err := s.writer.stopped(); err != nil {
			return written, err
		}
		if s.reader.left {
			return written, syscall.EPIPE
		}
		if fits := min(streamCapacity-s.held.Len(), len(p)-written); fits > 0 {
			s.held.Write(p[written : written+fits])
			s.changed.Broadcast()
			written += fits
		}
		if written == len(p) {
			return written, nil
		}
		s.changed.Wait()
	}
}

// stopped says why the party can take no part any more, if it cannot.
func (p *party) stopped() error {
	switch {
	case p.left:
		return net.ErrClosed
	case !p.deadline.IsZero() && !time.Now().Before(p.deadline):
		return os.ErrDeadlineExceeded
	default:
		return nil
	}
}

func (s *stream) leave(p *party) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p.left = true
	s.changed.Broadcast()
}

func (s *stream) limit(p *party, deadline time.Time) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if p.left {
		return net.ErrClosed
	}
	if p.alarm != nil {
		p.alarm.Stop()
	}
	p.deadline = deadline
	if !deadline.IsZero() {
		p.alarm = time.AfterFunc(time.Until(deadline), s.wake)
	}
	s.changed.Broadcast()
	return nil
}

// wake has everybody look again: a deadline has passed.
func (s *stream) wake() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.changed.Broadcast()
}

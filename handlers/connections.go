package handlers

import (
	"net"
	"sync"
)

// Bounded is a listener that has at most so many connections open at the same
// time. Further ones wait in the queue of the system, and their clients for an
// answer, until one of those ends. Zero is no bound.
func Bounded(socket net.Listener, most int) net.Listener {
	if most <= 0 {
		return socket
	}
	return &bounded{Listener: socket, room: make(chan struct{}, most), closed: make(chan struct{})}
}

type bounded struct {
	net.Listener
	room    chan struct{} // has an entry for each connection
	closed  chan struct{}
	closing sync.Once
}

// Accept waits for room first.
func (b *bounded) Accept() (net.Conn, error) {
	select {
	case b.room <- struct{}{}:
	case <-b.closed:
		return nil, net.ErrClosed
	}
	connection, err := b.Listener.Accept()
	if err != nil {
		<-b.room
		return nil, err //nolint:wrapcheck // servers look at it
	}
	leave := sync.OnceFunc(func() { <-b.room })
	if tcp, ok := connection.(*net.TCPConn); ok {
		return &countedTCP{tcp, leave}, nil
	}
	return &counted{connection, leave}, nil
}

func (b *bounded) Close() error {
	b.closing.Do(func() { close(b.closed) })
	return b.Listener.Close() //nolint:wrapcheck // it is the listener's own
}

// counted is a connection that makes room when it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close() //nolint:wrapcheck // it is the connection's own
}

// countedTCP can all that TCP can, such as being closed in one direction.
type countedTCP struct {
	*net.TCPConn
	leave func()
}

func (c *countedTCP) Close() error {
	defer c.leave()
	return c.TCPConn.Close() //nolint:wrapcheck // it is the connection's own
}

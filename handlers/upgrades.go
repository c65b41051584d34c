package handlers

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// Upgrades are the connections that have changed to another protocol than HTTP,
// on both sides of the engine. The server knows nothing of them any more, and
// does not wait for them when it ends. The zero value is ready to be used.
type Upgrades struct {
	mutex   sync.Mutex
	open    map[*tunnel]bool // whether bytes are passed on yet
	leaving bool
}

// Leave tells both ends of every WebSocket, now and from now on, that the engine
// is going away. They have all the time that they want to answer. Of other
// protocols there is no saying how that is done.
func (u *Upgrades) Leave() {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.leaving = true
	for t, begun := range u.open {
		if begun {
			go t.leave()
		}
	}
}

// Close closes them all.
func (u *Upgrades) Close() {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	for t := range u.open {
		go t.close()
	}
}

// tunnel is for an upstream that agrees to change the protocol; nil for one that
// does not, in truth. What is sent through the response's body from now on goes
// through the tunnel.
func (u *Upgrades) tunnel(agreed *http.Response) *tunnel {
	upstream, ok := agreed.Body.(io.ReadWriteCloser)
	if u == nil || !ok {
		return nil
	}
	t := &tunnel{upgrades: u, upstream: upstream}
	t.up = direction{to: upstream, other: &t.down, finish: t.close}
	t.down = direction{other: &t.up, finish: t.close}
	if isWebSocket(agreed.Header) {
		t.up.farewell, t.down.farewell = farewell(true), farewell(false)
	}
	agreed.Body = exit{upstream, t}
	u.mutex.Lock()
	defer u.mutex.Unlock()
	if u.open == nil {
		u.open = make(map[*tunnel]bool)
	}
	u.open[t] = false
	return t
}

// tunnel is a connection that has changed to another protocol.
type tunnel struct {
	upgrades *Upgrades
	upstream io.ReadWriteCloser
	client   net.Conn // nil as long as it is one for HTTP
	up, down direction
	begun    sync.Once
}

// entrance is the client's connection, from which and to which bytes are passed
// on.
func (t *tunnel) entrance(client net.Conn) net.Conn {
	t.upgrades.mutex.Lock()
	defer t.upgrades.mutex.Unlock()
	t.client, t.down.to = client, client
	return entrance{client, t}
}

// begin is to be called when bytes are passed on. Before that the answer that
// agrees to the protocol is not sent, and nothing may be sent before it.
func (t *tunnel) begin() {
	t.upgrades.mutex.Lock()
	defer t.upgrades.mutex.Unlock()
	if _, open := t.upgrades.open[t]; open {
		t.upgrades.open[t] = true
		if t.upgrades.leaving {
			go t.leave()
		}
	}
}

// end is to be called when nothing is passed on any more.
func (t *tunnel) end() {
	if t == nil {
		return
	}
	t.upgrades.mutex.Lock()
	defer t.upgrades.mutex.Unlock()
	delete(t.upgrades.open, t)
}

// leave may take as long as an end takes that reads nothing.
func (t *tunnel) leave() {
	go t.up.leave()
	t.down.leave()
}

// close may be called more than once.
func (t *tunnel) close() {
	_ = t.upstream.Close()
	t.upgrades.mutex.Lock()
	client := t.client
	t.upgrades.mutex.Unlock()
	if client != nil {
		_ = client.Close()
	}
}

// entrance is the client's end of a tunnel.
type entrance struct {
	net.Conn
	tunnel *tunnel
}

func (e entrance) Read(p []byte) (int, error) {
	e.tunnel.begun.Do(e.tunnel.begin)
	return e.Conn.Read(p) //nolint:wrapcheck // it is the connection's own
}

func (e entrance) Write(p []byte) (int, error) { return e.tunnel.down.Write(p) }
func (e entrance) CloseWrite() error           { return closeWrite(e.Conn) }

// exit is the upstream's end of a tunnel.
type exit struct {
	io.ReadWriteCloser
	tunnel *tunnel
}

func (e exit) Read(p []byte) (int, error) {
	e.tunnel.begun.Do(e.tunnel.begin)
	return e.ReadWriteCloser.Read(p) //nolint:wrapcheck // it is the connection's own
}

func (e exit) Write(p []byte) (int, error) { return e.tunnel.up.Write(p) }
func (e exit) CloseWrite() error           { return closeWrite(e.ReadWriteCloser) }

// closeWrite ends one direction of a connection, if it can be ended alone.
func closeWrite(connection io.Writer) error {
	if one, ok := connection.(interface{ CloseWrite() error }); ok {
		return one.CloseWrite() //nolint:wrapcheck // it is the connection's own
	}
	return errors.ErrUnsupported
}

// direction is one of the two ways through a tunnel.
type direction struct {
	to       io.Writer
	other    *direction
	farewell []byte // nil if the protocol is not known to have one
	finish   func() // to be called when both ends have said farewell

	mutex   sync.Mutex
	frames  frames
	leaving bool
	told    bool        // the end that it leads to has been sent a Close frame: nothing may follow
	heard   atomic.Bool // the end that it comes from has sent one
}

// leave sends the farewell as soon as no frame is in its way.
func (d *direction) leave() {
	if d.farewell == nil {
		return
	}
	d.mutex.Lock()
	d.leaving = true
	if d.frames.between() {
		_ = d.tell()
	}
	d.mutex.Unlock()
	d.conclude()
}

// conclude ends the tunnel if there is nothing left to wait for.
func (d *direction) conclude() {
	if d.heard.Load() && d.other.heard.Load() {
		d.finish()
	}
}

// tell sends the farewell, unless one was sent.
func (d *direction) tell() error {
	if d.told {
		return nil
	}
	d.told = true
	_, err := d.to.Write(d.farewell)
	return err //nolint:wrapcheck // it is the connection's own
}

// Write passes bytes on. What comes behind a farewell is only looked at, for
// that of the other end.
func (d *direction) Write(p []byte) (int, error) {
	if d.farewell == nil {
		return d.to.Write(p) //nolint:wrapcheck // it is the connection's own
	}
	leaving, err := d.pass(p)
	if err != nil {
		return 0, err
	}
	if leaving {
		d.conclude()
	}
	return len(p), nil
}

func (d *direction) pass(p []byte) (leaving bool, err error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	passing := 0
	for rest := p; len(rest) > 0; {
		n, opcode, ended := d.frames.next(rest)
		rest = rest[n:]
		if !d.told {
			passing += n
		}
		if ended && opcode == closing {
			d.told = true
			d.heard.Store(true)
		}
		if ended && d.leaving && !d.told {
			if _, err := d.to.Write(p[:passing]); err != nil {
				return false, err //nolint:wrapcheck // it is the connection's own
			}
			if err := d.tell(); err != nil {
				return false, err
			}
			passing = 0
		}
	}
	if passing > 0 {
		_, err = d.to.Write(p[:passing])
	}
	return d.leaving, err //nolint:wrapcheck // it is the connection's own
}

package handlers

import (
	"net/http"
	"sync"
	"time"
)

// slowestUpload is how many bytes of a body have to arrive, on average, within
// each read time-out: a client that sends less holds a connection, and no more.
const slowestUpload = 16 << 10

// pace keeps a transfer going for as long as the client takes its part in it.
// The listener's time-outs bound how long the engine waits for the client, and
// not how long a whole upload or download may take.
type pace struct {
	control  *http.ResponseController
	timeouts Timeouts
	written  time.Time // when the time to write was set last

	// A transport may go on reading when the request is over, but its time is
	// then no longer its own to set.
	reads   sync.Mutex
	began   time.Time
	read    time.Time // when the time to read was set last
	endless bool      // there is no saying when the client has to send, or it is over
}

// newPace is for a request that has arrived just now, with the listener's
// time-outs running.
func newPace(w http.ResponseWriter, r *http.Request, timeouts Timeouts) *pace {
	now := time.Now()
	p := &pace{control: http.NewResponseController(w), timeouts: timeouts, began: now, read: now, written: now}
	if r.ProtoMajor >= 2 && r.ContentLength < 0 && timeouts.Read > 0 {
		// A stream, such as those of gRPC: both sides speak when they have
		// something to say.
		p.endless = true
		_ = p.control.SetReadDeadline(time.Time{}) // without it the stream ends sooner, and no harm is done
	}
	return p
}

// reading is to be called before each read of the client's body, with how many
// bytes have come so far.
func (p *pace) reading(received int64) {
	p.reads.Lock()
	defer p.reads.Unlock()
	if p.endless || p.timeouts.Read <= 0 {
		return
	}
	now := time.Now()
	if now.Sub(p.read) < p.timeouts.Read/4 || received/slowestUpload < int64(now.Sub(p.began)/p.timeouts.Read) {
		return
	}
	p.read = now
	_ = p.control.SetReadDeadline(now.Add(p.timeouts.Read)) // or else the one before stands
}

// end is to be called before the request is over.
func (p *pace) end() {
	p.reads.Lock()
	defer p.reads.Unlock()
	p.endless = true
}

// writing is to be called before each write to the client.
func (p *pace) writing() {
	if p.timeouts.Write <= 0 {
		return
	}
	if now := time.Now(); now.Sub(p.written) >= p.timeouts.Write/4 {
		p.written = now
		_ = p.control.SetWriteDeadline(now.Add(p.timeouts.Write)) // or else the one before stands
	}
}

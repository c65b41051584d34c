package handlers

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// slowestUpload is how many bytes of a body have to arrive, on average, within
// each read time-out that is spent waiting for them: a client that sends less
// holds a connection, and no more.
const slowestUpload = 16 << 10

// pace keeps a transfer going for as long as the client takes its part in it.
// The listener's time-outs bound how long the engine waits for the client, and
// not how long a whole upload or download may take, or an upstream.
type pace struct {
	control  *http.ResponseController
	timeouts Timeouts
	// http2: a deadline ends the stream when it passes, though nobody waits for
	// the client. It is only there while somebody does.
	http2 bool
	// silent: there is no saying when the client has to send.
	silent  bool
	written time.Time // when the time to write was set last

	// A transport may go on reading when the request is over, but its time is
	// then no longer its own to set.
	reads  sync.Mutex
	over   bool
	began  time.Time     // when the wait for a part of the body began
	waited time.Duration // for all of them
	read   time.Time     // when the time to read was set last
}

// newPace is for a request that is about to be forwarded.
func newPace(w http.ResponseWriter, r *http.Request, timeouts Timeouts) *pace {
	p := &pace{
		control: http.NewResponseController(w), timeouts: timeouts, http2: r.ProtoMajor >= 2,
		// Both sides of a gRPC stream speak when they have something to say.
		silent: r.ProtoMajor >= 2 && strings.HasPrefix(r.Header.Get("Content-Type"), "application/grpc"),
	}
	if p.http2 {
		_ = p.control.SetReadDeadline(time.Time{}) // or else the stream ends sooner, which harms nobody else
		_ = p.control.SetWriteDeadline(time.Time{})
	}
	return p
}

// reading is to be called before each read of the client's body, with how many
// bytes have come so far, and rested after it.
func (p *pace) reading(received int64) {
	p.reads.Lock()
	defer p.reads.Unlock()
	if p.over || p.silent || p.timeouts.Read <= 0 {
		return
	}
	p.began = time.Now()
	if p.began.Sub(p.read) >= p.timeouts.Read/4 && received/slowestUpload >= int64(p.waited/p.timeouts.Read) {
		p.read = p.began
	} else if !p.http2 {
		return // the deadline before stands
	}
	_ = p.control.SetReadDeadline(p.read.Add(p.timeouts.Read))
}

func (p *pace) rested() {
	p.reads.Lock()
	defer p.reads.Unlock()
	if p.over || p.silent || p.timeouts.Read <= 0 {
		return
	}
	p.waited += time.Since(p.began)
	if p.http2 {
		_ = p.control.SetReadDeadline(time.Time{})
	}
}

// writing is to be called before each write to the client, and flushed after
// it.
func (p *pace) writing() {
	if p.timeouts.Write <= 0 {
		return
	}
	if now := time.Now(); p.http2 || now.Sub(p.written) >= p.timeouts.Write/4 {
		p.written = now
		_ = p.control.SetWriteDeadline(now.Add(p.timeouts.Write)) // or else the one before stands
	}
}

func (p *pace) flushed() {
	if p.http2 && p.timeouts.Write > 0 {
		_ = p.control.SetWriteDeadline(time.Time{})
	}
}

// end is to be called before the request is over. What is left to send has the
// time to write.
func (p *pace) end() {
	p.reads.Lock()
	defer p.reads.Unlock()
	p.over = true
	p.writing()
}

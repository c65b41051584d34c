package handlers

import (
	"io"
	"net/http"
	"strconv"
	"strings"

	"ostiary/pipeline"
)

// Limits bound what a listener takes on. Zero is no bound, except that a header
// and the streams of a connection are then bounded as net/http does it.
type Limits struct {
	HeaderBytes int // with the request line
	HeaderLines int
	TargetBytes int // path and query
	BodyBytes   int
	Connections int // open at the same time; see [Bounded]
	Requests    int // under way at the same time
	Streams     int // likewise, on one connection of HTTP/2
}

// headerSlack is what net/http reads of a header beyond the most that it is
// told.
const headerSlack = 4 << 10

// Bind sets the limits that the server itself keeps.
func (l Limits) Bind(server *http.Server) {
	server.MaxHeaderBytes = max(l.HeaderBytes-headerSlack, 0)
	server.HTTP2 = &http.HTTP2Config{MaxConcurrentStreams: l.Streams}
}

// shownTarget is how much of a target that is too long the log gets to see, in
// bytes.
const shownTarget = 1 << 10

// refusal says why the listener refuses a request of which it knows the header;
// nil if it does not.
func (l Limits) refusal(r *http.Request) error {
	if l.TargetBytes > 0 && len(r.RequestURI) > l.TargetBytes {
		return l.targetTooLong(len(r.RequestURI))
	}
	if lines := lineCount(r.Header); l.HeaderLines > 0 && lines > l.HeaderLines {
		return l.headerTooLong(lines)
	}
	if length := r.Header["Content-Length"]; len(length) > 0 && r.ProtoMajor == 2 && strings.Join(length, ",") != strconv.FormatInt(r.ContentLength, 10) {
		return pipeline.Malformed.Because("the header Content-Length is not the length of the body") // RFC 9113 section 8.1.1
	}
	if l.BodyBytes > 0 && r.ContentLength > int64(l.BodyBytes) {
		return l.bodyTooLarge()
	}
	return nil
}

func (l Limits) targetTooLong(length int) error {
	return pipeline.TargetTooLong.Because("path and query have %d bytes, and limits.target_bytes are %d", length, l.TargetBytes)
}

func (l Limits) headerTooLong(lines int) error {
	return pipeline.HeaderTooLong.Because("the header has %d lines, and limits.header_lines are %d", lines, l.HeaderLines)
}

func lineCount(header http.Header) (lines int) {
	for _, values := range header {
		lines += len(values)
	}
	return lines
}

func (l Limits) bodyTooLarge() error {
	return pipeline.TooLarge.Because("the body has more than the %d bytes of limits.body_bytes", l.BodyBytes)
}

// overloaded is answered while as many requests are under way as may be. A
// moment later there may be room.
func (l Limits) overloaded() error {
	refusal := pipeline.Overloaded.Because("there are the %d of limits.requests", l.Requests)
	refusal.Header = http.Header{"Retry-After": {"1"}}
	return refusal
}

// boundedBody is a body of which nobody knows how long it is.
type boundedBody struct {
	io.ReadCloser
	left    int64
	refusal error
}

// bound makes the body break off where it becomes too large.
func (l Limits) bound(r *http.Request) {
	if l.BodyBytes > 0 && r.ContentLength < 0 && r.Body != nil {
		r.Body = &boundedBody{ReadCloser: r.Body, left: int64(l.BodyBytes), refusal: l.bodyTooLarge()}
	}
}

// Read reads one byte more than it may give, to tell the end of a body from one
// that goes on.
func (b *boundedBody) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, b.refusal
	}
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, b.refusal
	}
	return n, err //nolint:wrapcheck // it is the body's own
}

package handlers

import (
	"bufio"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"

	"ostiary/pipeline"
)

// observed remembers what was answered, for the record of the request.
type observed struct {
	http.ResponseWriter
	status int // of the final answer; 0 as long as there is none
	size   int64
	pace   *pace // nil if the answer is a short one

	refusal error        // why the listener refuses the request, if it does
	leaving *atomic.Bool // whether the connection is not to be kept; nil if nobody says so
	tunnel  *tunnel      // what the connection is to become, if the upstream agreed to another protocol
}

// observe is what observes the answer already, or begins to.
func observe(w http.ResponseWriter) *observed {
	if already, ok := w.(*observed); ok {
		return already
	}
	return &observed{ResponseWriter: w}
}

func (o *observed) WriteHeader(status int) {
	if o.status == 0 && (status >= http.StatusOK || status == http.StatusSwitchingProtocols) {
		o.status = status
		o.part()
	}
	if o.pace != nil {
		o.pace.writing()
		defer o.pace.flushed()
	}
	o.ResponseWriter.WriteHeader(status)
}

func (o *observed) Write(p []byte) (int, error) {
	if o.status == 0 {
		o.status = http.StatusOK
		o.part()
	}
	if o.pace != nil {
		o.pace.writing()
		defer o.pace.flushed()
	}
	n, err := o.ResponseWriter.Write(p)
	o.size += int64(n)
	return n, err
}

// FlushError sends what has been written. Over HTTP/2 this is what waits for a
// client that does not read.
func (o *observed) FlushError() error {
	if o.pace != nil {
		o.pace.writing()
		defer o.pace.flushed()
	}
	return http.NewResponseController(o.ResponseWriter).Flush() //nolint:wrapcheck // it is the connection's own
}

// end is to be called when the request is over.
func (o *observed) end() {
	if o.status == 0 { // then net/http answers now
		o.part()
	}
}

// part tells the client to send its next request by another connection, if this
// one is to be closed soon: in HTTP/1.1 by a header, of which net/http makes
// what says the same in HTTP/2.
func (o *observed) part() {
	if o.leaving != nil && o.leaving.Load() {
		o.Header()["Connection"] = []string{"close"}
	}
}

// Hijack gives the connection to another protocol. That is the answer, and
// whoever asked for the connection writes it there.
func (o *observed) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	connection, buffered, err := http.NewResponseController(o.ResponseWriter).Hijack()
	if err == nil && o.status == 0 {
		o.status = http.StatusSwitchingProtocols
	}
	if err == nil && o.tunnel != nil {
		connection = o.tunnel.entrance(connection)
	}
	return connection, buffered, err
}

// Unwrap lets http.ResponseController reach the connection: to flush and to
// set deadlines.
func (o *observed) Unwrap() http.ResponseWriter { return o.ResponseWriter }

// write answers the client with a response that the pipeline made.
func write(w http.ResponseWriter, response pipeline.Response) {
	header := w.Header()
	for name, values := range response.Header {
		header[name] = values
	}
	status := response.Status
	if status == 0 { // the zero response refuses
		status = http.StatusInternalServerError
	}
	header.Set("Content-Length", strconv.Itoa(len(response.Body)))
	w.WriteHeader(status)
	_, _ = w.Write(response.Body) // a client that is gone cannot be helped
}

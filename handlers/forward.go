package handlers

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"ostiary/pipeline"
)

// Forwarder sends allowed requests upstream and their answers back. What was
// decided on is what is sent.
type Forwarder struct {
	Transport http.RoundTripper // for upstreams that have none of their own
	// AppendForwarded adds X-Forwarded-For, -Host and -Proto to what goes
	// upstream; without it the engine adds none (contract 14).
	AppendForwarded bool
	Log             *slog.Logger // for faults of the transfer itself
	Upgrades        *Upgrades    // takes note of connections that change to another protocol; nil: nobody does
}

// forward carries out an allowed decision. If the upstream does not answer, or
// breaks off, the record has the failure; without an answer the client gets a
// 400, 413, 499, 502 or 504, past all error handlers (contract 9.3).
func (f *Forwarder) forward(w *observed, record *Record) {
	request, decision := record.Request, record.Decision
	incoming := &body{ReadCloser: request.Body.Forward(), pace: w.pace}
	r := record.HTTP
	r.Body = incoming
	own := maps.Clone(w.Header()) // an interim answer clears what has been set so far
	defer w.pace.end()
	broken := func() error { return nil }
	transport := decision.Upstream.Transport
	if transport == nil {
		transport = f.Transport
	}
	proxy := httputil.ReverseProxy{
		Rewrite:       func(pr *httputil.ProxyRequest) { f.rewrite(pr.Out, request, decision) },
		Transport:     transport,
		FlushInterval: 0, // streams are recognised and flushed at once
		BufferPool:    buffers,
		ErrorLog:      slog.NewLogLogger(f.Log.Handler(), slog.LevelDebug),
		ModifyResponse: func(response *http.Response) error {
			maps.Copy(w.Header(), own)
			leaveCORS(own, response.Header)
			if len(own["Set-Cookie"]) > 0 { // of the session service, for this client and no cache
				response.Header["Cache-Control"] = []string{"private, no-store"}
			}
			if _, typed := response.Header["Content-Type"]; !typed {
				w.Header()["Content-Type"] = nil // or net/http would guess one
			}
			if response.StatusCode == http.StatusSwitchingProtocols {
				w.tunnel = f.Upgrades.tunnel(response)
			} else {
				outgoing := &body{ReadCloser: response.Body}
				response.Body = outgoing
				broken = outgoing.failure
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			record.Failure = err
			maps.Copy(w.Header(), own)
			w.WriteHeader(statusOf(r.Context(), err, incoming.failure()))
		},
	}
	defer func() { // an answer that breaks off aborts the client's connection with a panic
		if err := broken(); err != nil {
			record.Failure = err
		}
	}()
	defer func() { w.tunnel.end() }()
	proxy.ServeHTTP(w, r)
}

// rewrite makes the upstream's request of the client's: the canonical target,
// the client's headers as far as they may pass, and the session's over them.
func (f *Forwarder) rewrite(out *http.Request, request *pipeline.Request, decision *pipeline.Decision) {
	out.Method = request.Method
	out.URL = upstreamURL(request, decision)
	out.Host = ""
	if decision.Upstream.PreserveHost {
		out.Host = request.Host
	}
	header := out.Header
	for name := range header {
		if _, passes := request.Header[name]; !passes && name != "Connection" && name != "Upgrade" && name != "Te" && name != "User-Agent" {
			delete(header, name)
			continue
		}
		if decision.Identity.Cover(name) {
			delete(header, name)
		}
	}
	for _, name := range [...]string{"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto"} {
		if values, trusted := request.Header[name]; trusted {
			header[name] = slices.Clone(values)
		}
	}
	refuseHTTPUpgrade(header)
	withhold(out, &decision.Session.Withheld)
	for name, values := range decision.Session.Header {
		if !isConnectionHeader(name) {
			header[name] = values
		}
	}
	if f.AppendForwarded {
		appendForwarded(header, request)
	}
}

// upstreamURL is the address of the upstream's request. The path is sent with
// the bytes that the client wrote; Go's own way of writing a path changes some
// of them, and is only left to it when it does not.
func upstreamURL(request *pipeline.Request, decision *pipeline.Decision) *url.URL {
	raw := decision.Upstream.Path(request.RawPath)
	target := &url.URL{Scheme: decision.Upstream.Scheme, Host: decision.Upstream.Host, RawQuery: request.RawQuery, ForceQuery: request.EmptyQuery}
	if decoded, err := url.PathUnescape(raw); err == nil {
		target.Path, target.RawPath = decoded, raw
	}
	if target.EscapedPath() != raw {
		target.Path, target.RawPath, target.Opaque = "", "", raw
	}
	return target
}

// isConnectionHeader reports whether a header is about one connection or one
// message's framing: no handler can set those.
func isConnectionHeader(name string) bool {
	switch name {
	case "Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authorization",
		"Te", "Trailer", "Transfer-Encoding", "Upgrade", "Host", "Content-Length":
		return true
	}
	return false
}

// refuseHTTPUpgrade keeps a connection from becoming one of another version of
// HTTP: requests on it would pass undecided.
func refuseHTTPUpgrade(header http.Header) {
	for protocol := range strings.SplitSeq(strings.Join(header["Upgrade"], ","), ",") {
		name := strings.ToLower(strings.TrimSpace(protocol))
		if strings.HasPrefix(name, "h2") || strings.Contains(name, "http/") || strings.HasPrefix(name, "tls/") {
			delete(header, "Upgrade")
			delete(header, "Connection")
			delete(header, "Http2-Settings")
			return
		}
	}
}

// withhold takes credentials out that are not to go upstream.
func withhold(out *http.Request, withheld *pipeline.Withheld) {
	for _, name := range withheld.Headers {
		out.Header.Del(name)
	}
	if len(withheld.Cookies) > 0 {
		removeCookies(out.Header, withheld.Cookies)
	}
	if len(withheld.QueryParameters) > 0 {
		var kept []string
		for pair := range strings.SplitSeq(out.URL.RawQuery, "&") {
			name, _, _ := strings.Cut(pair, "=")
			if decoded, err := url.QueryUnescape(name); err != nil || !slices.Contains(withheld.QueryParameters, decoded) {
				kept = append(kept, pair)
			}
		}
		out.URL.RawQuery = strings.Join(kept, "&")
	}
}

func removeCookies(header http.Header, names []string) {
	lines := header["Cookie"]
	header.Del("Cookie")
	for _, line := range lines {
		if kept := withoutCookies(line, names); kept != "" {
			header.Add("Cookie", kept)
		}
	}
}

// withoutCookies takes cookies out of a line and leaves every other byte: what
// applications put into their cookies is often nothing that a parser knows.
func withoutCookies(line string, names []string) string {
	var kept []string
	for pair := range strings.SplitSeq(line, ";") {
		name, _, _ := strings.Cut(pair, "=")
		if !pipeline.CookiesCover(names, strings.TrimSpace(name)) {
			kept = append(kept, pair)
		}
	}
	return strings.TrimSpace(strings.Join(kept, ";"))
}

func appendForwarded(header http.Header, request *pipeline.Request) {
	addresses := append(slices.Clone(header["X-Forwarded-For"]), request.Peer.String())
	header["X-Forwarded-For"] = []string{strings.Join(addresses, ", ")}
	if len(header["X-Forwarded-Host"]) == 0 {
		header["X-Forwarded-Host"] = []string{request.Host}
	}
	header["X-Forwarded-Proto"] = []string{request.Scheme}
}

// leaveCORS takes the upstream's own CORS headers away if the engine has set
// its own: two of them and a browser believes neither.
func leaveCORS(own, upstream http.Header) {
	if own.Get("Access-Control-Allow-Origin") == "" {
		return
	}
	for name := range upstream {
		if strings.HasPrefix(name, "Access-Control-Allow-") || name == "Access-Control-Expose-Headers" {
			delete(upstream, name)
		}
	}
}

// body remembers why it could not be read to its end, to tell the client's
// faults from the upstream's. A transport may still be reading when it has
// given up.
type body struct {
	io.ReadCloser
	pace   *pace // nil if it is not the client's
	read   int64
	ended  bool // net/http waits then for the client to leave, however long that takes
	failed atomic.Pointer[error]
}

func (b *body) Read(p []byte) (int, error) {
	if b.pace != nil && !b.ended {
		b.pace.reading(b.read)
		defer b.pace.rested()
	}
	n, err := b.ReadCloser.Read(p)
	b.ended = b.ended || err != nil
	b.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		b.failed.CompareAndSwap(nil, &err)
	}
	return n, err
}

// failure is nil for a body that was read to its end, or is still being read.
func (b *body) failure() error {
	if err := b.failed.Load(); err != nil {
		return *err
	}
	return nil
}

// statusOf is the status for a request that the upstream did not answer
// (contract 9.3). unread says why the client's body could not be read, if that
// was the reason.
func statusOf(ctx context.Context, err, unread error) int {
	var network net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled), errors.Is(unread, io.ErrUnexpectedEOF), errors.Is(unread, syscall.ECONNRESET):
		return pipeline.StatusClientGone
	case errors.Is(unread, pipeline.TooLarge):
		return http.StatusRequestEntityTooLarge
	case unread != nil:
		return http.StatusBadRequest
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return http.StatusGatewayTimeout
	default:
		return http.StatusBadGateway
	}
}

// buffers are used for copying bodies.
var buffers = &bufferPool{pool: sync.Pool{New: func() any { return new([32 << 10]byte) }}}

type bufferPool struct{ pool sync.Pool }

func (b *bufferPool) Get() []byte {
	buffer, _ := b.pool.Get().(*[32 << 10]byte)
	return buffer[:]
}

func (b *bufferPool) Put(buffer []byte) {
	if cap(buffer) == 32<<10 {
		b.pool.Put((*[32 << 10]byte)(buffer[:32<<10]))
	}
}

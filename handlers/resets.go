package handlers

import (
	"context"
	"net"
	"net/http"
	"sync/atomic"
)

// mostResets is how many requests a client may take back on one connection of
// HTTP/2 (RST_STREAM, RFC 9113 section 5.4.2) without having to wait for the
// others. People leave pages, and calls run into deadlines; but a client that
// takes most of them back has the server work for nothing.
const mostResets = 500

// resets counts what becomes of the requests of a connection.
type resets struct {
	connection      net.Conn
	requests, taken atomic.Int64
}

type resetsKey struct{}

// withResets has the requests of a connection counted together (see
// [http.Server.ConnContext]).
func withResets(ctx context.Context, connection net.Conn) context.Context {
	return context.WithValue(ctx, resetsKey{}, &resets{connection: connection})
}

// countingResets closes connections of HTTP/2 whose client has taken back more
// than [mostResets] of its requests, and more than half of them. No answer is
// lost by that which the client has waited for in earnest: it may ask again on
// another connection, and begins anew there.
func countingResets(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor == 2 {
			if counted, ok := r.Context().Value(resetsKey{}).(*resets); ok {
				defer counted.count(r.Context())
			}
		}
		next.ServeHTTP(w, r)
	})
}

// count takes note of a request that is over. Its context has ended if nobody
// waits for the answer any more.
func (c *resets) count(request context.Context) {
	requests := c.requests.Add(1)
	if request.Err() == nil {
		return
	}
	if taken := c.taken.Add(1); taken > mostResets && taken > requests/2 {
		_ = c.connection.Close()
	}
}

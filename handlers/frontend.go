package handlers

import (
	"log/slog"
	"net/http"
	"sync/atomic"
)

// Frontend makes the handler of a listener: what is common to the proxy and to
// the API around what is theirs.
func Frontend(log *slog.Logger, cors CORS, next http.Handler) http.Handler {
	return recovered(log, cors.wrap(next))
}

// Switch is a handler that can be exchanged while it serves. A request ends
// with the handler that it began with. It serves 503 until it has one.
type Switch struct{ current atomic.Pointer[http.Handler] }

// Set exchanges the handler for the requests that come from now on.
func (s *Switch) Set(next http.Handler) { s.current.Store(&next) }

// ServeHTTP passes the request to the handler of the moment.
func (s *Switch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	next := s.current.Load()
	if next == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	(*next).ServeHTTP(w, r)
}

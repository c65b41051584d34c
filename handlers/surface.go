package handlers

import (
	"net/http"
	"time"

	"github.com/go-chi/chi/v5"

	"ostiary/pipeline"
)

// surface is a set of addresses that answer about the engine itself.
type surface struct {
	router   *chi.Mux
	service  Service
	recorder Recorder // takes note of each request
}

// read is an address that answers with something.
func (s surface) read(path string, serve http.HandlerFunc) {
	s.router.Get(path, s.counted(serve))
	s.router.Head(path, s.counted(serve))
}

// handler answers 404 where there is nothing, or not with that method (contract
// 11.6).
func (s surface) handler() http.Handler {
	s.router.NotFound(s.counted(notFound))
	s.router.MethodNotAllowed(s.counted(notFound))
	return s.router
}

// counted records a request that is about the engine itself.
func (s surface) counted(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer := observe(w)
		started := time.Now()
		if answer.refusal != nil {
			write(answer, pipeline.ErrorResponse(answer.refusal, r.Header.Get("X-Request-Id"), false))
		} else {
			serve(answer, r)
		}
		s.recorder.Record(&Record{Service: s.service, HTTP: r, Status: answer.status, Size: answer.size, Took: time.Since(started)})
	}
}

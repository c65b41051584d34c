package handlers

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"

	"ostiary/pipeline"
)

// recovered turns a panic into a bare 500 and an entry in the log (contract
// 14, panics). If the answer has begun, the connection is broken off, so that
// nobody takes half an answer for a whole one.
func recovered(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := observe(w)
		defer func() {
			panicked := recover()
			if panicked == nil {
				return
			}
			if err, ok := panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(http.ErrAbortHandler)
			}
			log.Error("panic while serving a request", "panic", panicked, "stack", string(debug.Stack()))
			if answer.status != 0 {
				panic(http.ErrAbortHandler)
			}
			clear(w.Header())
			write(w, pipeline.ErrorResponse(pipeline.Internal, "", false))
		}()
		next.ServeHTTP(answer, r)
	})
}

package handlers

import (
	"net/http"
	"strings"

	"ostiary/pipeline"
)

const notFoundPage = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>404 - Not Found</title></head>
<body><h1>404</h1><p>There is nothing at this address.</p></body>
</html>
`

// notFound answers for addresses that the API does not have, in the form that
// the client asks for (contract 11.6).
func notFound(w http.ResponseWriter, r *http.Request) {
	accept := r.Header.Get("Accept")
	response := pipeline.Response{Status: http.StatusNotFound, Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}}
	switch {
	case strings.Contains(accept, "application/json"):
		response = pipeline.ErrorResponse(pipeline.NoRule, r.Header.Get("X-Request-Id"), false)
	case strings.Contains(accept, "text/plain") && !strings.Contains(accept, "text/html"):
		response.Header.Set("Content-Type", "text/plain; charset=utf-8")
		response.Body = []byte("404 Not Found\n")
	default:
		response.Body = []byte(notFoundPage)
	}
	write(w, response)
}

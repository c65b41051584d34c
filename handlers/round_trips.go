package handlers

import (
	"net/http"
	"strings"

	"ostiary/pipeline"
)

// takeRoundTrips takes the engine's own cookie out of a request, and tells what
// it counts. A browser sends the one of the nearest path first.
func takeRoundTrips(r *http.Request) int {
	const name = pipeline.RoundTripsCookie
	lines := r.Header["Cookie"]
	if !strings.Contains(strings.Join(lines, ";"), name) { // as in nearly all requests
		return 0
	}
	count := 0
	if cookie, err := r.Cookie(name); err == nil {
		count = pipeline.ParseRoundTrips(cookie.Value)
	}
	r.Header = r.Header.Clone()
	removeCookies(r.Header, []string{name})
	return count
}

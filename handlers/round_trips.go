package handlers

import (
	"net/http"
	"strings"

	"ostiary/pipeline"
)

// takeRoundTrips takes the engine's own cookies out of a request, and returns
// their values.
func takeRoundTrips(r *http.Request) (values []string) {
	const name = pipeline.RoundTripsCookie
	lines := r.Header["Cookie"]
	if !strings.Contains(strings.Join(lines, ";"), name) { // as in nearly all requests
		return nil
	}
	for _, cookie := range r.CookiesNamed(name) {
		values = append(values, cookie.Value)
	}
	r.Header = r.Header.Clone()
	removeCookies(r.Header, []string{name})
	return values
}

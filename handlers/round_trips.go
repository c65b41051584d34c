package handlers

import (
	"net/http"
	"strings"

	"ostiary/pipeline"
)

// takeRoundTrips takes the engine's own cookies out of a request, and returns
// their values. The header is a copy if there were some.
func takeRoundTrips(header http.Header) (without http.Header, values []string) {
	const name = pipeline.RoundTripsCookie
	lines := header["Cookie"]
	if !strings.Contains(strings.Join(lines, ";"), name) { // as in nearly all requests
		return header, nil
	}
	for _, cookie := range (&http.Request{Header: header}).CookiesNamed(name) {
		values = append(values, cookie.Value)
	}
	without = header.Clone()
	removeCookies(without, []string{name})
	return without, values
}

package pipeline

import (
	"net/http"
	"strconv"
	"strings"
)

// RoundTripsCookie is the one cookie that the engine sets itself: in it a
// browser that is sent away to log in carries how often that happened to it, so
// that one that comes back no better is not sent round for ever. It is for the
// engine alone: no handler, session service or upstream sees it.
const RoundTripsCookie = "ostiary_round_trips"

// roundTripsLife is how long a browser may take for a round trip and have it
// counted with the one before, in seconds.
const roundTripsLife = 30

// ParseRoundTrips reads the value of the cookie; what it cannot be counts as none.
func ParseRoundTrips(value string) int {
	count, err := strconv.ParseUint(value, 10, 7)
	if err != nil {
		return 0
	}
	return int(count)
}

// RoundTrips is the line that has a browser count on from the request; 0 ends
// the counting.
func RoundTrips(request *Request, count int) string {
	cookie := http.Cookie{ //nolint:gosec // where the page itself is not secure, no cookie can be
		Name: RoundTripsCookie, Value: strconv.Itoa(count), Path: "/", MaxAge: roundTripsLife,
		HttpOnly: true, Secure: request.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
	if path := request.RawPath; path != "" && !strings.ContainsFunc(path, breaksAttribute) {
		cookie.Path = path // what is asked for beside it counts for itself
	}
	if count == 0 {
		cookie.MaxAge = -1
	}
	return cookie.String()
}

// breaksAttribute reports whether an attribute of a cookie cannot have the
// letter. Browsers escape such letters in a path.
func breaksAttribute(letter rune) bool { return letter == ';' || letter < ' ' || letter > '~' }

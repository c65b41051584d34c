package pipeline

import (
	"hash/fnv"
	"net/http"
	"strconv"
	"strings"
)

// RoundTripsCookie is the one cookie that the engine sets itself: in it a
// browser that is sent away to log in carries how often that happened to it, so
// that one that comes back no better is not sent round for ever. It is for the
// engine alone: no handler or session service sees it, and no upstream of the
// proxy.
const RoundTripsCookie = "ostiary_round_trips"

// roundTripsLife is how long a browser may take for a round trip and have it
// counted with the one before, in seconds.
const roundTripsLife = 30

// CountRoundTrips is what the values of such cookies count for a path. A browser
// sends those of the paths above it as well, which count for themselves.
func CountRoundTrips(values []string, rawPath string) int {
	for _, value := range values {
		count, path, _ := strings.Cut(value, "-")
		if number, err := strconv.ParseUint(count, 10, 7); err == nil && path == pathMark(rawPath) {
			return int(number)
		}
	}
	return 0
}

// pathMark tells paths apart, well enough for counting.
func pathMark(rawPath string) string {
	hash := fnv.New32a()
	_, _ = hash.Write([]byte(rawPath))
	return strconv.FormatUint(uint64(hash.Sum32()), 36)
}

// RoundTrips is the line that has a browser count on from the request; 0 ends
// the counting.
func RoundTrips(request *Request, count int) string {
	cookie := http.Cookie{ //nolint:gosec // where the page itself is not secure, no cookie can be
		Name: RoundTripsCookie, Value: strconv.Itoa(count) + "-" + pathMark(request.RawPath), Path: "/", MaxAge: roundTripsLife,
		HttpOnly: true, Secure: request.Scheme == "https", SameSite: http.SameSiteLaxMode,
	}
	if path := request.RawPath; path != "" && !strings.ContainsFunc(path, breaksAttribute) {
		cookie.Path = path
	}
	if count == 0 {
		cookie.MaxAge = -1
	}
	return cookie.String()
}

// breaksAttribute reports whether an attribute of a cookie cannot have the
// letter. Browsers escape such letters in a path.
func breaksAttribute(letter rune) bool { return letter == ';' || letter < ' ' || letter > '~' }

package handlers

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"

	"ostiary/pipeline"
)

// bears reports whether a request bears the token (RFC 6750). It compares
// digests, so that the time it takes tells nothing about the token, its length
// included.
func bears(r *http.Request, wanted string) bool {
	values := r.Header["Authorization"]
	if len(values) != 1 {
		return false
	}
	scheme, given, _ := strings.Cut(values[0], " ")
	givenSum, wantedSum := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(wanted))
	return strings.EqualFold(scheme, "bearer") && subtle.ConstantTimeCompare(givenSum[:], wantedSum[:]) == 1
}

// refuseBearer answers a request that does not bear the token of what it asks
// for.
func refuseBearer(w http.ResponseWriter, r *http.Request, realm string) {
	w.Header().Set("Www-Authenticate", `Bearer realm="`+realm+`"`)
	write(w, pipeline.ErrorResponse(pipeline.BadCredential, r.Header.Get("X-Request-Id"), false))
}

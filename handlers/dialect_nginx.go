package handlers

import (
	"cmp"
	"maps"
	"net/http"
	"strconv"

	"ostiary/pipeline"
)

// Headers that tell nginx what its auth_request module cannot: it knows a
// permission, a 401 and a 403, and makes a 500 of everything else.
const (
	// authRedirect is where the client is to go, for an error_page of the 401.
	authRedirect = "X-Auth-Redirect"
	// authStatus is the status that the refusal has for every other gateway.
	authStatus = "X-Auth-Status"
)

// refuseToNginx makes a 401 of a redirect and a 403 of everything that is no
// 401. The rest of the refusal stays: nginx can hand its headers on.
func refuseToNginx(response pipeline.Response) pipeline.Response {
	header := maps.Clone(response.Header)
	if header == nil {
		header = http.Header{}
	}
	header[authStatus] = []string{strconv.Itoa(cmp.Or(response.Status, http.StatusInternalServerError))}
	status := http.StatusForbidden
	if target := header["Location"]; len(target) > 0 && isRedirect(response.Status) {
		status = http.StatusUnauthorized
		header[authRedirect] = target
		delete(header, "Location")
	} else if response.Status == http.StatusUnauthorized {
		status = response.Status
	}
	response.Status, response.Header = status, header
	return response
}

func isRedirect(status int) bool {
	return status >= http.StatusMultipleChoices && status < http.StatusBadRequest
}

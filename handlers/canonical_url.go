package handlers

import (
	"net/http"
	"strings"

	"ostiary/pipeline"
)

// Canonical is the canonical form that a request for a URL has at the proxy. An
// error is why the proxy would refuse it.
func Canonical(method, url string) (*pipeline.Request, error) {
	scheme, rest, found := strings.Cut(url, "://")
	switch scheme = strings.ToLower(scheme); {
	case !found, scheme != "http" && scheme != "https" && scheme != "ws" && scheme != "wss":
		return nil, pipeline.Malformed.Because("the URL does not begin with http://, https://, ws:// or wss://")
	case method == http.MethodConnect:
		return nil, pipeline.Malformed.Because("the request target is neither a path nor a URL")
	}
	host, path := rest, "/" // which is what clients ask for if there is no path
	if at := strings.IndexAny(rest, "/?#"); at >= 0 {
		host, path = rest[:at], rest[at:]
		if path[0] != '/' {
			path = "/" + path
		}
	}
	t := target{method: method, scheme: scheme, host: host}
	t.cut(path)
	return t.canonical(arrival{authority: host, header: http.Header{}, believes: nothing})
}

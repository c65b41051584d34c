package pipelinetest

import (
	"net/http"
	"net/netip"

	"ostiary/pipeline"
)

// Request is a request as front ends hand it on, with these headers: names and
// values in turn.
func Request(headers ...string) *pipeline.Request {
	client := netip.MustParseAddr("192.0.2.7")
	request := &pipeline.Request{
		Method:   http.MethodGet,
		Scheme:   "https",
		Host:     "api.example.test",
		Path:     "/orders/a b/7",
		RawPath:  "/orders/a%20b/7",
		RawQuery: "page=2&access_token=in-query",
		Header:   http.Header{},
		Peer:     client,
		Client:   client,
		Address:  "https://api.example.test/orders/a%20b/7?page=2&access_token=in-query",
		Forward:  true,
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	return request
}

// requests have one kind of credential each, and the last has all of them.
func requests() map[string]*pipeline.Request {
	const (
		bearer = "Bearer opaque"
		token  = "Bearer eyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJl"
		basic  = "Basic dXNlcjpwYXNz"
		cookie = "sid=1; theme=dark"
	)
	return map[string]*pipeline.Request{
		"no credential":      Request(),
		"a bearer token":     Request("Authorization", bearer),
		"a JSON web token":   Request("Authorization", token),
		"basic credentials":  Request("Authorization", basic),
		"cookies":            Request("Cookie", cookie),
		"several of a kind":  Request("Authorization", bearer, "Authorization", basic, "Cookie", cookie, "Cookie", "sid=2"),
		"headers of clients": Request("Authorization", bearer, "Cookie", cookie, "Accept", "text/html", "Content-Type", "application/json", "X-User", "mallory", "X-Request-Id", "id-1"),
	}
}

// clone is a deep copy of all that a handler could write to.
func clone(request *pipeline.Request) *pipeline.Request {
	copied := *request
	copied.Header = request.Header.Clone()
	return &copied
}

package pipeline

import (
	"net/http"
	"net/netip"
	"net/url"
)

// Request is a client's request in its one canonical form: what rules match,
// what handlers judge and what is forwarded are all this value. It is read
// only; a handler that wants something changed says so in the Session.
type Request struct {
	Method   string // a token of RFC 9110, as written
	Scheme   string // "http", "https", "ws" or "wss"
	Host     string // lower case, with the port if the client named one
	Path     string // decoded once, without empty, "." and ".." segments
	RawPath  string // the same path with every byte escaped as the client escaped it
	RawQuery string // as the client wrote it, without the "?"

	// EmptyQuery is set if there is a "?" with nothing behind it.
	EmptyQuery bool

	// Override is the method that a header asks whoever serves the request to
	// take it for, where that header cannot be kept from them; else empty.
	Override string

	Header http.Header // without the forwarding headers that are not believed
	Body   *Body       // for the few handlers that have to see it

	Peer   netip.Addr // the other end of the connection
	Client netip.Addr // the client, as far as trusted proxies tell it; else the peer

	// Address is the URL that the client asked for, as seen from outside:
	// where a login page is to send it back to.
	Address string

	// RoundTrips is how often in a row the client was sent away from this path
	// to log in, as it says itself.
	RoundTrips int

	// Forward is set if the request goes to the rule's upstream when it is
	// allowed; a rule without an upstream cannot serve it then.
	Forward bool
}

// Target is the text that the URL patterns of rules are compared with
// (contract 3.1). The query is no part of it.
func (r *Request) Target() string {
	return r.Scheme + "://" + r.Host + r.Path
}

// URL is the canonical URL, query included. Each call makes a new one. RawPath
// is only set if the client escaped the path in a way of its own, as in a URL
// that net/url parsed.
func (r *Request) URL() *url.URL {
	u := &url.URL{Scheme: r.Scheme, Host: r.Host, Path: r.Path, RawQuery: r.RawQuery, ForceQuery: r.EmptyQuery}
	if r.RawPath != r.Path && u.EscapedPath() != r.RawPath {
		u.RawPath = r.RawPath
	}
	return u
}

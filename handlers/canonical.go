package handlers

import (
	"net/http"
	"net/netip"
	"strings"

	"golang.org/x/net/http/httpguts"

	"ostiary/pipeline"
)

// target is what a request asks for, before it is in canonical form.
type target struct {
	method, scheme, host string
	path, query          string // escaped, as they were written
	marked               bool   // a question mark stands behind the path, if with nothing behind it
}

// arrival is what comes with a target, and from whom.
type arrival struct {
	authority  string      // the host that the message itself is for
	header     http.Header // without the engine's own cookies
	roundTrips []string    // which have these values
	body       *pipeline.Body
	peer       netip.Addr
	client     netip.Addr             // as far as the peer may tell
	believes   func(name string) bool // which forwarding headers count
}

// arrivalOf is how a request came. It takes the engine's own cookies out of
// it.
func arrivalOf(r *http.Request, trust Trust) arrival {
	peer := peerOf(r)
	from := arrival{authority: r.Host, body: bodyOf(r), peer: peer, client: peer, believes: nothing}
	from.header, from.roundTrips = takeRoundTrips(r.Header)
	r.Header = from.header
	if trust.Believes(peer) {
		from.client, from.believes = trust.clientOf(peer, r.Header), everything
	}
	return from
}

// canonical is the request in its one canonical form. With an error it is
// incomplete and only of use to say what was refused.
func (t target) canonical(from arrival) (*pipeline.Request, error) {
	request := &pipeline.Request{
		Method: t.method,
		Scheme: t.scheme,
		Header: believable(from.header, from.believes),
		Body:   from.body,
		Peer:   from.peer,
		Client: from.client,
	}
	if !httpguts.ValidHeaderFieldName(t.method) { // RFC 9110: both are tokens
		return request, pipeline.Malformed.Because("the method is not a token")
	}
	var err error
	if request.Host, err = canonicalHost(t.host); err != nil {
		return request, err
	}
	if err = checkHostHeader(from); err != nil {
		return request, err
	}
	if t.path != "" { // a decision may be asked for without any path (contract 3.1)
		if request.Path, request.RawPath, err = canonicalPath(t.path); err != nil {
			return request, err
		}
	}
	if len(from.roundTrips) > 0 {
		request.RoundTrips = pipeline.CountRoundTrips(from.roundTrips, request.RawPath)
	}
	if err = checkQuery(t.query); err != nil {
		return request, err
	}
	request.RawQuery, request.EmptyQuery = t.query, t.marked && t.query == ""
	request.Address = address(request.Scheme, request.Host, request)
	return request, nil
}

// bodyOf is nil if the client sends none.
func bodyOf(r *http.Request) *pipeline.Body {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	return pipeline.NewBody(r.Body)
}

// checkHostHeader refuses a second host: HTTP/2 may bring a Host header beside
// the authority (RFC 9113 section 8.3.1).
func checkHostHeader(from arrival) error {
	for _, named := range from.header["Host"] {
		if !strings.EqualFold(named, from.authority) {
			return pipeline.Malformed.Because("the header Host names another host than the request")
		}
	}
	return nil
}

func address(scheme, host string, request *pipeline.Request) string {
	whole := scheme + "://" + host + request.RawPath
	if request.RawQuery != "" || request.EmptyQuery {
		whole += "?" + request.RawQuery
	}
	return whole
}

// schemeOf is the scheme of the connection. What a client writes into its
// target does not make a connection a secure one.
func schemeOf(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	return "http"
}

// cut sets path and query from a target of the origin form (RFC 9112 section
// 3.2.1).
func (t *target) cut(text string) { t.path, t.query, t.marked = strings.Cut(text, "?") }

// lineTarget is what the request line asks for.
func lineTarget(r *http.Request) (target, error) {
	t := target{method: r.Method, scheme: schemeOf(r), host: r.Host}
	text := r.RequestURI
	switch {
	case strings.HasPrefix(text, "/"):
	case r.URL.Scheme != "" && r.URL.Host != "" && r.Method != http.MethodConnect: // absolute form (RFC 9112 section 3.2.2)
		if r.URL.User != nil || !strings.EqualFold(r.URL.Scheme, t.scheme) {
			return t, pipeline.Malformed.Because("the request target has a user name or another scheme than the connection")
		}
		_, rest, _ := strings.Cut(text, "://")
		switch at := strings.IndexAny(rest, "/?#"); {
		case at < 0:
			text = "/"
		case rest[at] == '/':
			text = rest[at:]
		default:
			text = "/" + rest[at:]
		}
	default:
		return t, pipeline.Malformed.Because("the request target is neither a path nor a URL")
	}
	t.cut(text)
	return t, nil
}

// proxyRequest is the canonical form of a request to the proxy (contract 3.1).
// From a trusted peer X-Forwarded-Proto sets the scheme; the host that is
// decided on is never a forwarded one, but the address to come back to is.
func proxyRequest(r *http.Request, trust Trust) (*pipeline.Request, error) {
	t, err := lineTarget(r)
	trusted := trust.Believes(peerOf(r))
	if trusted {
		switch strings.ToLower(r.Header.Get("X-Forwarded-Proto")) {
		case "http", "ws": // some proxies tell what the connection is to become
			t.scheme = "http"
		case "https", "wss":
			t.scheme = "https"
		}
	}
	request, malformed := t.canonical(arrivalOf(r, trust))
	if err == nil {
		err = malformed
	}
	if err != nil {
		return request, err
	}
	request.Forward = true
	if trusted {
		if outside, err := canonicalHost(r.Header.Get("X-Forwarded-Host")); err == nil {
			request.Address = address(request.Scheme, outside, request)
		}
	}
	return request, nil
}

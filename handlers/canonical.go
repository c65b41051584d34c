package handlers

import (
	"net/http"
	"strings"

	"golang.org/x/net/http/httpguts"

	"ostiary/pipeline"
)

// target is what a request asks for, before it is in canonical form.
type target struct {
	method, scheme, host string
	path, query          string // escaped, as they were written
}

// canonical is the request in its one canonical form. With an error it is
// incomplete and only of use to say what was refused.
func (t target) canonical(r *http.Request, trust Trust) (*pipeline.Request, error) {
	peer := peerOf(r)
	trusted := trust.Believes(peer)
	roundTrips := takeRoundTrips(r)
	request := &pipeline.Request{
		Method: t.method,
		Scheme: t.scheme,
		Header: believable(r.Header, trusted),
		Body:   bodyOf(r),
		Peer:   peer,
		Client: peer,
	}
	if trusted {
		request.Client = trust.clientOf(peer, r.Header)
	}
	if !httpguts.ValidHeaderFieldName(t.method) { // RFC 9110: both are tokens
		return request, pipeline.Malformed.Because("the method is not a token")
	}
	var err error
	if request.Host, err = canonicalHost(t.host); err != nil {
		return request, err
	}
	if err = checkHostHeader(r); err != nil {
		return request, err
	}
	if t.path != "" { // a decision may be asked for without any path (contract 3.1)
		if request.Path, request.RawPath, err = canonicalPath(t.path); err != nil {
			return request, err
		}
	}
	if len(roundTrips) > 0 {
		request.RoundTrips = pipeline.CountRoundTrips(roundTrips, request.RawPath)
	}
	if err = checkQuery(t.query); err != nil {
		return request, err
	}
	request.RawQuery = t.query
	request.Address = address(request.Scheme, request.Host, request.RawPath, request.RawQuery)
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
func checkHostHeader(r *http.Request) error {
	for _, named := range r.Header["Host"] {
		if !strings.EqualFold(named, r.Host) {
			return pipeline.Malformed.Because("the header Host names another host than the request")
		}
	}
	return nil
}

func address(scheme, host, rawPath, rawQuery string) string {
	whole := scheme + "://" + host + rawPath
	if rawQuery != "" {
		whole += "?" + rawQuery
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

// cutTarget splits a target of the origin form (RFC 9112 section 3.2.1).
func cutTarget(text string) (path, query string) {
	path, query, _ = strings.Cut(text, "?")
	return path, query
}

// single is the value of a header that may be there once. An empty value
// counts as none.
func single(header http.Header, name string) (string, error) {
	switch values := header[name]; len(values) {
	case 0:
		return "", nil
	case 1:
		return values[0], nil
	default:
		return "", pipeline.Malformed.Because("the header %s is there more than once", name)
	}
}

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
	t.path, t.query = cutTarget(text)
	return t, nil
}

// proxyRequest is the canonical form of a request to the proxy (contract 3.1).
// From a trusted peer X-Forwarded-Proto sets the scheme; the host that is
// decided on is never a forwarded one, but the address to come back to is.
func proxyRequest(r *http.Request, trust Trust) (*pipeline.Request, error) {
	t, err := lineTarget(r)
	trusted := trust.Believes(peerOf(r))
	if trusted {
		if scheme := strings.ToLower(r.Header.Get("X-Forwarded-Proto")); scheme == "http" || scheme == "https" {
			t.scheme = scheme
		}
	}
	request, malformed := t.canonical(r, trust)
	if err == nil {
		err = malformed
	}
	if err != nil {
		return request, err
	}
	request.Forward = true
	if trusted {
		if outside, err := canonicalHost(r.Header.Get("X-Forwarded-Host")); err == nil {
			request.Address = address(request.Scheme, outside, request.RawPath, request.RawQuery)
		}
	}
	return request, nil
}

// decisionPrefix is where the decision API is; the path to decide on may
// follow it.
const decisionPrefix = "/decisions"

// decisionRequest is the canonical form of the request that a gateway asks
// about (contract 3.1 and 10): what the X-Forwarded headers of a trusted peer
// say, and for what they do not say the request to the API itself.
func decisionRequest(r *http.Request, trust Trust) (*pipeline.Request, error) {
	t, err := lineTarget(r)
	t.path = strings.TrimPrefix(t.path, decisionPrefix)
	if err == nil && trust.Believes(peerOf(r)) {
		err = t.forward(r.Header)
	}
	request, malformed := t.canonical(r, trust)
	if err == nil {
		err = malformed
	}
	return request, err
}

// forward replaces what the forwarding headers name.
func (t *target) forward(header http.Header) error {
	var uri, proto string
	for _, named := range [...]struct {
		header string
		sets   *string
	}{
		{"X-Forwarded-Method", &t.method},
		{"X-Forwarded-Proto", &proto},
		{"X-Forwarded-Host", &t.host},
		{"X-Forwarded-Uri", &uri},
	} {
		given, err := single(header, named.header)
		if err != nil {
			return err
		}
		if given != "" {
			*named.sets = given
		}
	}
	switch proto = strings.ToLower(proto); proto {
	case "":
	case "http", "https", "ws", "wss":
		t.scheme = proto
	default:
		return pipeline.Malformed.Because("X-Forwarded-Proto is neither http nor https nor ws nor wss")
	}
	if uri == "" || uri[0] == '?' {
		return nil
	}
	t.path, t.query = cutTarget(uri)
	return nil
}

package handlers

import (
	"cmp"
	"net/http"
	"strings"

	"ostiary/pipeline"
)

// Dialect is how one kind of gateway tells the decision API about a request,
// and how it has to be told of a refusal. A dialect looks at its own headers
// only: what a client writes into those of another reaches nobody.
type Dialect struct {
	Name string

	// below: the path to decide on follows the path that the gateway asks at.
	// Otherwise the gateway asks at that one path.
	below bool
	// The headers that name the parts of the request. What has no header is
	// taken from the question itself.
	method, scheme, host, uri, url string
	// open: what forwarding headers of other dialects say is seen by handlers,
	// though it is not decided on.
	open bool
	// strict refuses a question in which a header is missing, or that comes
	// from a peer whose headers are not believed. Otherwise the question itself
	// has all that they do not say.
	strict bool
	// refuse puts a refusal in a form that the gateway passes on; nil: it passes
	// on everything.
	refuse func(pipeline.Response) pipeline.Response
}

// Oathkeeper is the dialect of its decision API (contract 10).
var Oathkeeper = Dialect{
	Name: "oathkeeper", below: true, open: true,
	method: "X-Forwarded-Method", scheme: "X-Forwarded-Proto", host: "X-Forwarded-Host", uri: "X-Forwarded-Uri",
}

// Dialects are those of the gateways, each at a path of its own.
var Dialects = []Dialect{
	// What Traefik's forwardAuth sends, Caddy's forward_auth and the Lua action
	// for HAProxy send too.
	forwardAuth("traefik"), forwardAuth("caddy"), forwardAuth("haproxy"),
	{Name: "nginx", method: "X-Original-Method", url: "X-Original-Url", strict: true, refuse: refuseToNginx},
	// Envoy asks with the request's own method, host and path.
	{Name: "envoy", below: true, scheme: "X-Forwarded-Proto"},
}

func forwardAuth(name string) Dialect {
	d := Oathkeeper
	d.Name, d.below, d.open, d.strict = name, false, false, true
	return d
}

// DialectNamed is the dialect of that name.
func DialectNamed(name string) (dialect Dialect, known bool) {
	for _, d := range append([]Dialect{Oathkeeper}, Dialects...) {
		if d.Name == name {
			return d, true
		}
	}
	return Dialect{}, false
}

// believes reports whether a forwarding header of a trusted gateway counts.
// Those about the client count in every dialect.
func (d *Dialect) believes(name string) bool {
	switch name {
	case d.method, d.scheme, d.host, d.uri, d.url, "X-Forwarded-For", "X-Real-Ip":
		return true
	}
	return d.open
}

// request is the canonical form of the request that the gateway asks about
// (contract 3.1 and 10). prefix is the path that the gateway asks at.
func (d *Dialect) request(r *http.Request, prefix string, trust Trust) (*pipeline.Request, error) {
	t, err := lineTarget(r)
	from := arrivalOf(r, trust)
	trusted := trust.Believes(from.peer)
	if d.below {
		t.path = strings.TrimPrefix(t.path, prefix)
	}
	switch {
	case err != nil:
	case trusted:
		from.believes = d.believes
		from.body = wholeBody(from.body, r.Header)
		err = d.read(&t, r.Header)
	case d.strict:
		err = pipeline.Malformed.Because("%s asks like a gateway, and is none of those in serve.api.trusted_proxies", from.peer)
	}
	request, malformed := t.canonical(from)
	request.Override = overrideOf(from.header) // which the gateway forwards
	if err == nil {
		err = malformed
	}
	if err == nil && !d.open {
		err = checkResolved(t.path)
	}
	return request, err
}

// checkResolved refuses a path with dot segments, or with empty ones. The proxy
// would resolve them and forward what it decided on; a gateway forwards what
// its client wrote, and the service may go by the first segments of it, or take
// //name/ for a host.
func checkResolved(path string) error {
	unresolved := strings.Contains(path, "//")
	for segment := range strings.SplitSeq(path, "/") {
		unresolved = unresolved || segment == "." || segment == ".."
	}
	if unresolved {
		return pipeline.Malformed.Because("the path has dot segments or empty ones, and a gateway forwards it as it was written")
	}
	return nil
}

// read replaces the parts of the target that the dialect's headers name.
func (d *Dialect) read(t *target, header http.Header) error {
	var uri, scheme, url string
	for _, named := range [...]struct {
		header string
		sets   *string
	}{
		{d.method, &t.method}, {d.scheme, &scheme}, {d.host, &t.host}, {d.uri, &uri}, {d.url, &url},
	} {
		if named.header == "" {
			continue
		}
		given, err := single(header, named.header)
		switch {
		case err != nil:
			return err
		case given != "":
			*named.sets = given
		case d.strict:
			return pipeline.Malformed.Because("the gateway does not send the header %s", named.header)
		}
	}
	if url != "" {
		// Only a slash ends the host: nginx writes the client's Host there.
		var rest string
		scheme, rest, _ = strings.Cut(url, "://")
		t.host, rest, _ = strings.Cut(rest, "/")
		uri = "/" + rest
	}
	switch scheme = strings.ToLower(scheme); scheme {
	case "":
	case "http", "https", "ws", "wss":
		t.scheme = scheme
	default:
		return pipeline.Malformed.Because("%s is neither http nor https nor ws nor wss", cmp.Or(d.scheme, "the scheme in "+d.url))
	}
	switch {
	case strings.HasPrefix(uri, "?") && d.strict:
		return pipeline.Malformed.Because("the gateway names a query without a path")
	case uri == "", uri[0] == '?':
	default:
		t.cut(uri)
	}
	return nil
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

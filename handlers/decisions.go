package handlers

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"ostiary/pipeline"
)

// Decisions is the decision API (contract 10): a gateway asks it about a
// request and carries the decision out itself.
type Decisions struct {
	Decider  Decider
	Recorder Recorder
	Trust    Trust
	Dialect  Dialect
	Path     string // where gateways ask
	Limits   Limits // for the request that is asked about, too
}

// ServeHTTP decides. A permission is a 200 without a body and with the
// session's headers; a refusal is what the error handlers say.
func (d *Decisions) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := observe(w)
	started := time.Now()
	request, refusal := d.Dialect.request(r, d.Path, d.Trust)
	if asked := len(request.RawPath) + len(request.RawQuery); d.Limits.TargetBytes > 0 && asked > d.Limits.TargetBytes {
		refusal = d.Limits.targetTooLong(asked)
	}
	if answer.refusal != nil {
		refusal = answer.refusal
	}
	var decision pipeline.Decision
	if refusal != nil {
		decision = d.Decider.Refuse(request, refusal)
	} else {
		decision = d.Decider.Decide(r.Context(), request)
	}
	if decision.Allowed {
		d.permit(answer, request, &decision)
	} else {
		write(answer, d.refusal(decision.Response))
	}
	d.Recorder.Record(&Record{
		Service: APIService, HTTP: r, Request: request, Decision: &decision,
		Status: answer.status, Size: answer.size, Took: time.Since(started),
	})
}

func (d *Decisions) refusal(response pipeline.Response) pipeline.Response {
	if d.Dialect.refuse == nil {
		return response
	}
	return d.Dialect.refuse(response)
}

// answers reports whether a path, as it was written, is one to ask for
// decisions at.
func (d *Decisions) answers(path string) bool {
	rest, ok := strings.CutPrefix(path, d.Path)
	return ok && (rest == "" || d.Dialect.below && rest[0] == '/')
}

// cleared is what a header that only the rule may set answers if it has
// nothing to set: a gateway that copies headers overwrites the client's with
// it, and one that goes by their presence does so too.
var cleared = []string{""}

func (d *Decisions) permit(w http.ResponseWriter, request *pipeline.Request, decision *pipeline.Decision) {
	header := w.Header()
	// The gateways of the other dialects have the request's headers, and would
	// take the client's for the engine's.
	if decision.Session.EchoHeader && d.Dialect.open {
		named := connectionNames(request.Header)
		withheld := pipeline.Names(decision.Session.Withheld.Headers)
		for name, values := range request.Header {
			if isEchoed(name) && !named.Cover(name) && !decision.Identity.Cover(name) && !withheld.Cover(name) {
				header[name] = values
			}
		}
	}
	for _, name := range decision.Identity {
		if !isConnectionHeader(name) {
			header[name] = cleared
		}
	}
	for name, values := range decision.Session.Header {
		if !isConnectionHeader(name) {
			header[name] = values
		}
	}
	setCookies(header, decision.Session)
	w.WriteHeader(http.StatusOK)
}

// setCookies gives the client what the session service sets for it.
func setCookies(header http.Header, session *pipeline.Session) {
	if len(session.SetCookie) > 0 {
		header["Set-Cookie"] = append(slices.Clip(header["Set-Cookie"]), session.SetCookie...)
	}
}

// connectionNames are the headers that the client says are for one connection
// only (RFC 9110 section 7.6.1).
func connectionNames(header http.Header) pipeline.Names {
	var names pipeline.Names
	for _, line := range header["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// isEchoed reports whether a header of a request may be answered to a gateway
// that copies answered headers (contract 14, noop mutator): not if it is a
// credential, about the connection, the body or the forwarding, or if it would
// mean something as a header of the answer, to a browser, a cache or the
// gateway itself.
func isEchoed(name string) bool {
	switch name {
	case "Cookie", "Authorization", "X-Session-Token", "Expect", "Location", "Refresh", "Set-Cookie", "Www-Authenticate", "Date", "Server",
		"Cache-Control", "Expires", "Age", "Etag", "Last-Modified", "Accept-Encoding", "Range", "Vary",
		"Strict-Transport-Security", "Clear-Site-Data", "X-Sendfile":
		return false
	}
	return !isConnectionHeader(name) && !isForwarding(name) && !strings.HasPrefix(name, "X-Accel-") &&
		!strings.HasPrefix(name, "Content-") && !strings.HasPrefix(name, "Access-Control-") && !strings.HasPrefix(name, "If-")
}

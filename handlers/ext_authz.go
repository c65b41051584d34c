package handlers

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	core "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"golang.org/x/net/http/httpguts"
	"google.golang.org/grpc/peer"

	"ostiary/pipeline"
)

// ExtAuthz is Envoy's external authorization over gRPC
// (envoy.service.auth.v3): Envoy asks about a request and carries the decision
// out itself. Its checks can be exchanged while it serves, as with a [Switch].
type ExtAuthz struct {
	auth.UnimplementedAuthorizationServer
	Door    Door // which questions are let in by
	current atomic.Pointer[Checks]
}

// Checks is what is decided with.
type Checks struct {
	Decider  Decider
	Recorder Recorder
	Trust    Trust
	Log      *slog.Logger
}

// Set exchanges the checks for the requests that come from now on.
func (e *ExtAuthz) Set(checks *Checks) { e.current.Store(checks) }

// refusalOf says why a question is refused whatever it asks; nil if it is not.
func (l Limits) refusalOf(question *auth.CheckRequest, full bool) error {
	asked := question.GetAttributes().GetRequest().GetHttp()
	switch length := len(asked.GetPath()); {
	case l.TargetBytes > 0 && length > l.TargetBytes:
		asked.Path = asked.GetPath()[:min(length, shownTarget)]
		return l.targetTooLong(length)
	case l.HeaderLines > 0 && len(asked.GetHeaders())+len(asked.GetHeaderMap().GetHeaders()) > l.HeaderLines:
		return l.headerTooLong(len(asked.GetHeaders()) + len(asked.GetHeaderMap().GetHeaders()))
	case full:
		return l.overloaded()
	default:
		return nil
	}
}

// Check answers a question of Envoy's. It never fails: an error would let
// everything pass where Envoy has failure_mode_allow. (gRPC itself fails for
// questions that are longer than limits.body_bytes.)
func (e *ExtAuthz) Check(ctx context.Context, question *auth.CheckRequest) (*auth.CheckResponse, error) {
	limits, full := e.Door.enter()
	defer e.Door.exit()
	if checks := e.current.Load(); checks != nil {
		return checks.check(ctx, question, limits.refusalOf(question, full)), nil
	}
	return denial(&pipeline.Decision{Response: pipeline.ErrorResponse(pipeline.Unavailable, "", false)}), nil
}

// check decides, unless there is a reason to refuse already.
func (c *Checks) check(ctx context.Context, question *auth.CheckRequest, refusal error) (answer *auth.CheckResponse) {
	defer func() {
		if panicked := recover(); panicked != nil {
			c.Log.Error("panic while serving a request", "panic", panicked, "stack", string(debug.Stack()))
			answer = denial(&pipeline.Decision{Response: pipeline.ErrorResponse(pipeline.Internal, "", false)})
		}
	}()
	started := time.Now()
	request, from, malformed := c.request(ctx, question)
	if refusal == nil {
		refusal = malformed
	}
	var decision pipeline.Decision
	if refusal != nil {
		decision = c.Decider.Refuse(request, refusal)
	} else {
		decision = c.Decider.Decide(ctx, request)
	}
	record := Record{Service: ExtAuthzService, Request: request, Decision: &decision, Status: http.StatusOK}
	if decision.Allowed {
		answer = permission(from, &decision)
	} else {
		answer = denial(&decision)
	}
	if denied := answer.GetDeniedResponse(); denied != nil {
		record.Status, record.Size = int(denied.GetStatus().GetCode()), int64(len(denied.GetBody()))
	}
	record.Took = time.Since(started)
	c.Recorder.Record(&record)
	return answer
}

// request is the canonical form of the request that Envoy asks about, and how
// it came.
func (c *Checks) request(ctx context.Context, question *auth.CheckRequest) (request *pipeline.Request, from arrival, err error) {
	asked := question.GetAttributes().GetRequest().GetHttp()
	t := target{method: asked.GetMethod(), scheme: strings.ToLower(asked.GetScheme()), host: asked.GetHost()}
	t.cut(asked.GetPath())
	from = arrival{authority: asked.GetHost(), believes: nothing}
	from.header, from.roundTrips = takeRoundTrips(headerOf(asked))
	from.body = wholeBody(envoyBody(asked), from.header)
	if from.peer = askingPeer(ctx); c.Trust.Believes(from.peer) {
		from.believes = extAuthz.believes
		from.client = c.Trust.clientOf(behind(from.peer, question), from.header)
		// An HTTP/2 client writes the scheme itself; this Envoy writes.
		if proto := from.header["X-Forwarded-Proto"]; len(proto) > 0 {
			t.scheme = strings.ToLower(strings.Join(proto, ","))
		}
	} else {
		from.client = from.peer
		err = pipeline.Malformed.Because("%s asks like a gateway, and is none of those in serve.grpc.trusted_proxies", from.peer)
	}
	switch {
	case t.scheme == "":
		t.scheme = "http"
	case t.scheme != "http" && t.scheme != "https" && err == nil:
		err = pipeline.Malformed.Because("the scheme is neither http nor https")
	}
	switch {
	case err != nil:
	case t.path == "":
		err = pipeline.Malformed.Because("the path is empty")
	case !sameTarget(asked):
		err = pipeline.Malformed.Because("the headers name another path or host than the request")
	case !isHeader(from.header):
		err = pipeline.Malformed.Because("a header has a name or a value that no header has")
	}
	request, malformed := t.canonical(from)
	for _, wrong := range []error{malformed, checkResolved(t.path)} {
		if err == nil {
			err = wrong
		}
	}
	return request, from, err
}

// extAuthz is believed what Envoy is believed over HTTP.
var extAuthz, _ = DialectNamed("envoy")

// behind is the address of who asks Envoy, as Envoy sees it.
func behind(envoy netip.Addr, question *auth.CheckRequest) netip.Addr {
	source := question.GetAttributes().GetSource().GetAddress().GetSocketAddress().GetAddress()
	if address, ok := parseForwarded(source); ok {
		return address
	}
	return envoy
}

// askingPeer is the other end of the connection that the question came by; the
// zero address if it has none.
func askingPeer(ctx context.Context) netip.Addr {
	from, known := peer.FromContext(ctx)
	if !known {
		return netip.Addr{}
	}
	return peerAt(from.Addr.String())
}

// headerOf is the header as Envoy has it: with every line of its own if it
// sends them raw, and else with the lines of one name joined.
func headerOf(asked *auth.AttributeContext_HttpRequest) http.Header {
	raw := asked.GetHeaderMap().GetHeaders()
	header := make(http.Header, len(asked.GetHeaders())+len(raw))
	add := func(name, value string) {
		if !strings.HasPrefix(name, ":") {
			name = http.CanonicalHeaderKey(name)
			header[name] = append(header[name], value)
		}
	}
	for name, value := range asked.GetHeaders() {
		add(name, value)
	}
	for _, line := range raw {
		add(line.GetKey(), valueOf(line))
	}
	return header
}

// isHeader reports whether a header could have come by HTTP, which the protocol
// does not see to.
func isHeader(header http.Header) bool {
	for name, values := range header {
		if !httpguts.ValidHeaderFieldName(name) {
			return false
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return false
			}
		}
	}
	return true
}

func valueOf(line *core.HeaderValue) string {
	if bytes := line.GetRawValue(); len(bytes) > 0 {
		return string(bytes)
	}
	return line.GetValue()
}

// sameTarget reports whether raw headers name the same target as the question
// does. Envoy may have replaced bytes there that are no text.
func sameTarget(asked *auth.AttributeContext_HttpRequest) bool {
	for _, line := range asked.GetHeaderMap().GetHeaders() {
		switch value := valueOf(line); line.GetKey() {
		case ":path":
			if value != asked.GetPath() {
				return false
			}
		case ":authority":
			if value != asked.GetHost() {
				return false
			}
		}
	}
	return true
}

// envoyBody is the body, if Envoy is configured to send it.
func envoyBody(asked *auth.AttributeContext_HttpRequest) *pipeline.Body {
	text := asked.GetBody()
	if bytes := asked.GetRawBody(); len(bytes) > 0 {
		text = string(bytes)
	}
	if text == "" {
		return nil
	}
	return pipeline.NewBody(io.NopCloser(strings.NewReader(text)))
}

// wholeBody is the body, or one that cannot be read if Envoy has cut it short:
// nobody is to decide on half of it.
func wholeBody(body *pipeline.Body, header http.Header) *pipeline.Body {
	if body == nil || !slices.Contains(header["X-Envoy-Auth-Partial-Body"], "true") {
		return body
	}
	return pipeline.NewBody(io.NopCloser(cutShort{}))
}

type cutShort struct{}

func (cutShort) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

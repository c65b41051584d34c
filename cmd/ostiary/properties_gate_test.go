package main_test

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc/peer"

	"ostiary/handlers"
	"ostiary/pipeline"
	"ostiary/pipeline/authn"
	"ostiary/pipeline/authz"
	"ostiary/pipeline/mutate"
	"ostiary/pipeline/onerror"
	"ostiary/rules"
)

// gateInside is an engine with all its front ends in this process, and without a network.
type gateInside struct {
	engine   *rules.Engine
	recorded *lastRecord
	proxy    *handlers.Proxy
	apis     map[string]*handlers.Decisions
	envoy    handlers.ExtAuthz
}

// passage is what becomes of a request.
type passage struct {
	Allowed bool
	Status  int // that every gateway but nginx would be told
	Rule    string
}

type lastRecord struct{ decided pipeline.Decision }

func (l *lastRecord) Record(record *handlers.Record) { l.decided = *record.Decision }

// roundTrip is a network that answers by itself.
type roundTrip func(*http.Request) (int, string)

func (f roundTrip) RoundTrip(request *http.Request) (*http.Response, error) {
	status, body := f(request)
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)),
		ContentLength: int64(len(body)), Request: request,
	}, nil
}

// drawnTokens are what the introspection endpoint knows.
var drawnTokens = roundTrip(func(request *http.Request) (int, string) {
	switch body, _ := io.ReadAll(request.Body); string(body) {
	case "token=good":
		return http.StatusOK, `{"active": true, "sub": "ada", "scope": "a b"}`
	case "token=weak":
		return http.StatusOK, `{"active": true, "sub": "eve", "scope": "a"}`
	default:
		return http.StatusOK, `{"active": false}`
	}
})

const (
	gatewayPeer  = "127.0.0.9:4321"
	strangerPeer = "192.0.2.7:4321"
)

var trustedGateways = handlers.Trust{Networks: []netip.Prefix{netip.MustParsePrefix("127.0.0.9/32")}}

// openGateInside makes a gate of rules, one source for each list of them.
func openGateInside(t *testing.T, globs bool, sources ...[]randomRule) *gateInside {
	t.Helper()
	on := func(config map[string]any) pipeline.Setting { return pipeline.Setting{Enabled: true, Config: config} }
	settings := rules.Settings{
		Strategy:    rules.Regexp,
		Handlers:    pipeline.Handlers{Authenticators: authn.Handlers, Authorizers: authz.Handlers, Mutators: mutate.Handlers, ErrorHandlers: onerror.Handlers},
		Environment: pipeline.Environment{Transport: drawnTokens, Now: time.Now, Globs: globs},
		Pipeline: pipeline.Settings{
			Authenticators: map[string]pipeline.Setting{
				"anonymous": on(nil), "noop": on(nil), "unauthorized": on(nil),
				"oauth2_introspection": on(map[string]any{"introspection_url": "http://drawnTokens.test/", "scope_strategy": "exact"}),
			},
			Authorizers:   map[string]pipeline.Setting{"allow": on(nil), "deny": on(nil)},
			Mutators:      map[string]pipeline.Setting{"header": on(map[string]any{"headers": map[string]any{"X-User": "{{ print .Subject }}"}})},
			ErrorHandlers: map[string]pipeline.Setting{"json": on(nil)},
			Fallback:      []string{"json"},
		},
	}
	if globs {
		settings.Strategy = rules.Glob
	}
	wanted := 0
	for _, source := range sources {
		text, err := json.Marshal(source)
		if err != nil {
			t.Fatal(err)
		}
		settings.Repositories = append(settings.Repositories, "inline://"+base64.StdEncoding.EncodeToString(text))
		wanted += len(source)
	}
	g := &gateInside{engine: rules.NewEngine(), recorded: &lastRecord{}, apis: map[string]*handlers.Decisions{}}
	report, err := rules.NewLoader(g.engine).Configure(t.Context(), settings)
	if err != nil || report.Rules != wanted || report.Broken > 0 {
		t.Fatalf("the rules cannot be used: %v, %+v", err, report)
	}
	quiet := slog.New(slog.DiscardHandler)
	upstream := roundTrip(func(*http.Request) (int, string) { return http.StatusOK, "" })
	g.proxy = &handlers.Proxy{Decider: g.engine, Recorder: g.recorded, Trust: trustedGateways, Forwarder: &handlers.Forwarder{Transport: upstream, Log: quiet}}
	for _, dialect := range append([]handlers.Dialect{handlers.Oathkeeper}, handlers.Dialects...) {
		g.apis[dialect.Name] = &handlers.Decisions{Decider: g.engine, Recorder: g.recorded, Trust: trustedGateways, Dialect: dialect, Path: "/ask"}
	}
	g.envoy.Set(&handlers.Checks{Decider: g.engine, Recorder: g.recorded, Trust: trustedGateways, Log: quiet})
	return g
}

// throughProxy is what becomes of a request of a stranger's at the proxy.
func (g *gateInside) throughProxy(t *testing.T, q randomRequest) passage {
	t.Helper()
	return g.serve(t, g.proxy, strangerPeer, q.Method, q.Host, q.target(), q, nil)
}

// below is what the decision API tells a peer about a request to the path below its own.
func (g *gateInside) below(t *testing.T, peer string, q randomRequest) passage {
	t.Helper()
	return g.serve(t, g.apis["oathkeeper"], peer, q.Method, q.Host, "/ask"+q.target(), q, nil)
}

// throughGateways is what all gateways are told about a request, by their names.
func (g *gateInside) throughGateways(t *testing.T, q randomRequest) map[string]passage {
	t.Helper()
	told := map[string]passage{"oathkeeper, below": g.below(t, gatewayPeer, q), "ext_authz": g.throughEnvoy(t, q)}
	named := map[string]string{"X-Forwarded-Method": q.Method, "X-Forwarded-Proto": "http", "X-Forwarded-Host": q.Host, "X-Forwarded-Uri": q.target()}
	for _, name := range []string{"oathkeeper", "traefik", "caddy", "haproxy"} {
		told[name] = g.serve(t, g.apis[name], gatewayPeer, "GET", "gate.test", "/ask", q, named)
	}
	original := map[string]string{"X-Original-Method": q.Method, "X-Original-Url": "http://" + q.Host + q.target()}
	told["nginx"] = g.serve(t, g.apis["nginx"], gatewayPeer, "GET", "gate.test", "/ask", q, original)
	told["envoy"] = g.serve(t, g.apis["envoy"], gatewayPeer, q.Method, q.Host, "/ask"+q.target(), q, nil)
	return told
}

// serve takes the request off the wire as a server does.
func (g *gateInside) serve(t *testing.T, to http.Handler, peer, method, host, target string, q randomRequest, more map[string]string) passage {
	t.Helper()
	lines := []string{method + " " + target + " HTTP/1.1", "Host: " + host}
	for _, header := range []map[string]string{headerOf(q), more} {
		for _, name := range slices.Sorted(maps.Keys(header)) {
			lines = append(lines, name+": "+header[name])
		}
	}
	r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(strings.Join(lines, "\r\n") + "\r\n\r\n")))
	if err != nil {
		t.Fatalf("%q: %v", lines, err)
	}
	r.RemoteAddr = peer
	w := httptest.NewRecorder()
	to.ServeHTTP(w, r.WithContext(t.Context()))
	status := w.Code
	if told, err := strconv.Atoi(w.Header().Get("X-Auth-Status")); err == nil {
		status = told
	}
	return g.passage(t, status, w.Code == http.StatusOK)
}

func (g *gateInside) throughEnvoy(t *testing.T, q randomRequest) passage {
	t.Helper()
	header := map[string]string{}
	for name, value := range headerOf(q) {
		header[strings.ToLower(name)] = value
	}
	ctx := peer.NewContext(t.Context(), &peer.Peer{Addr: net.TCPAddrFromAddrPort(netip.MustParseAddrPort(gatewayPeer))})
	answer, err := g.envoy.Check(ctx, &auth.CheckRequest{Attributes: &auth.AttributeContext{Request: &auth.AttributeContext_Request{
		Http: &auth.AttributeContext_HttpRequest{Method: q.Method, Scheme: "http", Host: q.Host, Path: q.target(), Headers: header},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	if answer.GetStatus().GetCode() == 0 {
		return g.passage(t, http.StatusOK, true)
	}
	return g.passage(t, int(answer.GetDeniedResponse().GetStatus().GetCode()), false)
}

// passage holds what was answered to what was decided.
func (g *gateInside) passage(t *testing.T, status int, passed bool) passage {
	t.Helper()
	if g.recorded.decided.Allowed != passed {
		t.Fatalf("decided %+v and answered %d", g.recorded.decided, status)
	}
	return passage{passed, status, g.recorded.decided.Rule}
}

func headerOf(q randomRequest) map[string]string {
	header := map[string]string{"Accept": "application/json"}
	if q.Token != "" {
		header["Authorization"] = "Bearer " + q.Token
	}
	maps.Copy(header, q.Header)
	return header
}

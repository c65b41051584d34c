package main_test

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	auth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
)

// Who asks: a client that nobody vouches for, and the gateway whose forwarding headers count.
const (
	stranger       = "127.0.0.1"
	trustedGateway = "127.0.0.9"
)

// Tokens that the introspection services of a gate know: of a user, an administrator, and a tenant's user.
const (
	userToken   = "TU"
	adminToken  = "TA"
	tenantToken = "T2"
)

// bastion is an engine in front of a protected upstream, listening in every way: as a proxy, as a decision API over HTTP, and
// as ext_authz over gRPC.
type bastion struct {
	*engine
	dir      string
	upstream *witness
	envoy    map[string]auth.AuthorizationClient // by who asks
	cases    atomic.Int64
	asked    map[string]*atomic.Int64 // how often an introspection service was, by its name
}

// securityRules are public, protected for users and administrators, an exact path, files by name, and a tenant's with an
// introspection service of its own.
func securityRules(upstream, tenantService string) []object {
	rule := func(id, path string, methods []string, authenticator object) object {
		return object{
			"id": id, "match": object{"url": "http://app.test" + path, "methods": methods},
			"authenticators": []object{authenticator}, "authorizer": object{"handler": "allow"},
			"mutators": []object{{"handler": "header"}}, "upstream": object{"url": upstream},
		}
	}
	reading, all := []string{"GET", "HEAD"}, []string{"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}
	scoped := func(scope string) object {
		return object{"handler": "oauth2_introspection", "config": object{"required_scope": []string{scope}}}
	}
	anonymous := object{"handler": "anonymous"}
	stripped := rule("stripped", "/api<(/.*)?>", reading, anonymous)
	stripped["upstream"] = object{"url": upstream, "strip_path": "/api"}
	return []object{
		rule("public", "/public<(/.*)?>", reading, anonymous),
		rule("user", "/user<(/.*)?>", all, scoped("u")),
		rule("admin", "/admin<(/.*)?>", all, scoped("a")),
		rule("exact", "/health-app", []string{"GET"}, anonymous),
		rule("file", "/files/<.+>", []string{"GET"}, anonymous),
		rule("tenant", "/t<(/.*)?>", all, object{"handler": "oauth2_introspection", "config": object{"introspection_url": tenantService}}),
		stripped,
	}
}

// startBastion starts one with these rules; nil: securityRules. change may alter the configuration before the engine reads it.
func startBastion(t testing.TB, rules func(upstream, tenantService string) []object, change func(config object)) *bastion {
	t.Helper()
	g := &bastion{dir: t.TempDir(), upstream: startWitness(t), envoy: map[string]auth.AuthorizationClient{}, asked: map[string]*atomic.Int64{}}
	users := g.startIntrospection(t, "users", map[string]object{
		userToken: {"sub": "alice", "scope": "u"}, adminToken: {"sub": "root", "scope": "a"},
	})
	tenants := g.startIntrospection(t, "tenants", map[string]object{tenantToken: {"sub": "tenant", "scope": "t"}})
	enabled := object{"enabled": true}
	config := object{
		"access_rules": object{"repositories": []string{"file://" + filepath.Join(g.dir, "rules.json")}},
		"log":          object{"format": "json"},
		"authenticators": object{
			"anonymous": enabled, "unauthorized": enabled,
			"oauth2_introspection": object{"enabled": true, "config": object{"introspection_url": users, "scope_strategy": "exact"}},
		},
		"authorizers": object{"allow": enabled, "deny": enabled},
		"mutators": object{"noop": enabled, "header": object{"enabled": true, "config": object{
			"headers": object{"X-User": "{{ print .Subject }}", "X-Roles": `{{ print .Extra.role }}`},
		}}},
		"serve": object{
			"proxy": object{"trusted_proxies": []string{trustedGateway + "/32"}},
			"api":   object{"trusted_proxies": []string{trustedGateway + "/32"}},
			"grpc":  object{"enabled": true, "trusted_proxies": []string{trustedGateway + "/32"}},
		},
	}
	if rules == nil {
		rules = securityRules
	}
	if change != nil {
		change(config)
	}
	ports := freeListeners(t)
	ports["grpc"] = freePort(t)
	ports.bind(config)
	for name, value := range map[string]any{"rules.json": rules(g.upstream.url, tenants), "config.json": config} {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(g.dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	g.engine = startEngine(t, g.dir, ports, []string{filepath.Join(g.dir, "config.json")}, nil)
	if err := g.awaitReady(); err != nil {
		t.Fatal(err)
	}
	for _, who := range []string{stranger, trustedGateway} {
		connection, err := grpc.NewClient(ports.address("grpc"), grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
				return dialerOf(who).DialContext(ctx, "tcp", address)
			}))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = connection.Close() })
		g.envoy[who] = auth.NewAuthorizationClient(connection)
	}
	return g
}

// startIntrospection starts a service that knows these tokens.
func (g *bastion) startIntrospection(t testing.TB, name string, tokens map[string]object) string {
	t.Helper()
	asked := new(atomic.Int64)
	g.asked[name] = asked
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		answer := object{"active": false}
		if known, is := tokens[r.FormValue("token")]; is {
			answer = object{"active": true}
			for claim, value := range known {
				answer[claim] = value
			}
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(answer)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// dialerOf connects from the address of who asks.
func dialerOf(who string) *net.Dialer {
	return &net.Dialer{Timeout: lifeLimit, LocalAddr: &net.TCPAddr{IP: net.ParseIP(who)}}
}

// attempt is a request as it is written to a socket. What is left out is plain: GET, app.test, no token, a stranger.
type attempt struct {
	method, target, host string
	token                string   // goes into Authorization
	lines                []string // further header lines
	body                 string   // goes after the header as it is: lines has to say how long it is
	from                 string
}

func (a attempt) filled() attempt {
	a.method, a.host, a.from = cmp.Or(a.method, "GET"), cmp.Or(a.host, "app.test"), cmp.Or(a.from, stranger)
	if a.token != "" {
		a.lines = append([]string{"Authorization: Bearer " + a.token}, a.lines...)
	}
	return a
}

// consequence is what came of an attempt.
type consequence struct {
	status   int // 0: the connection was closed without an answer
	header   http.Header
	body     string
	upstream []*testimony // what the protected upstream got
}

// granted reports whether the request reached what is protected, or may.
func (o consequence) granted() bool { return o.status/100 == 2 || len(o.upstream) > 0 }

// refuses demands that an attempt does not get through in these modes (nil: any), with one of these statuses (none: any that
// blames the request).
func (g *bastion) refuses(t *testing.T, a attempt, in []string, statuses ...int) {
	t.Helper()
	if len(statuses) == 0 {
		statuses = []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound}
	}
	for _, mode := range namesOf(in) {
		if got := modes[mode](t, g, a); !slices.Contains(statuses, got.status) || got.granted() {
			t.Errorf("%s: %+v: got %d, want %v; upstream: %+v", mode, a, got.status, statuses, got.upstream)
		}
	}
}

// grants demands that an attempt gets through in these modes (nil: any), and that the proxy asks the upstream for the target.
func (g *bastion) grants(t *testing.T, a attempt, in []string, forwarded string) {
	t.Helper()
	for _, mode := range namesOf(in) {
		switch got := modes[mode](t, g, a); {
		case got.status != http.StatusOK:
			t.Errorf("%s: %+v: got %d: %s", mode, a, got.status, got.body)
		case mode == "proxy" && (len(got.upstream) != 1 || got.upstream[0].target != forwarded):
			t.Errorf("%+v: the upstream got %+v, not %s", a, got.upstream, forwarded)
		}
	}
}

func namesOf(in []string) []string {
	if in == nil {
		return slices.Sorted(maps.Keys(modes))
	}
	return in
}

// modes are the ways to ask, by name. In those of a gateway the attempt is what a trusted gateway tells about.
var modes = map[string]func(t testing.TB, g *bastion, a attempt) consequence{
	"proxy":     asProxied,
	"decisions": asForwarded,
	"envoy":     asChecked,
}

// asProxied sends the attempt to the proxy.
func asProxied(t testing.TB, g *bastion, a attempt) consequence {
	t.Helper()
	a = a.filled()
	return g.send(t, "proxy", a.from, fmt.Sprintf("%s %s HTTP/1.1\r\nHost: %s\r\n", a.method, a.target, a.host), a)
}

// asForwarded lets the trusted gateway ask about the attempt as a forward-auth middleware does.
func asForwarded(t testing.TB, g *bastion, a attempt) consequence {
	t.Helper()
	a = a.filled()
	a.lines = append([]string{
		"X-Forwarded-Method: " + a.method, "X-Forwarded-Proto: http", "X-Forwarded-Host: " + a.host, "X-Forwarded-Uri: " + a.target,
	}, a.lines...)
	a.body = ""
	return g.send(t, "api", trustedGateway, "GET /decisions HTTP/1.1\r\nHost: gate.test\r\n", a)
}

// send writes a request to a listener, byte for byte, and reads the answer.
func (g *bastion) send(t testing.TB, listener, from, head string, a attempt) consequence {
	t.Helper()
	name := fmt.Sprintf("case-%d", g.cases.Add(1))
	connection, err := dialerOf(from).Dial("tcp", g.ports.address(listener))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	if err := connection.SetDeadline(deadline()); err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	text.WriteString(head + "X-Case: " + name + "\r\nConnection: close\r\n")
	for _, line := range a.lines {
		text.WriteString(line + "\r\n")
	}
	// Who is refused early may be told before all is written.
	_, _ = io.WriteString(connection, text.String()+"\r\n"+a.body)
	got := consequence{}
	response, err := http.ReadResponse(bufio.NewReader(connection), &http.Request{Method: head[:strings.IndexByte(head, ' ')]})
	if err == nil {
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Errorf("the answer to %q breaks off: %v", head, err)
		}
		got.status, got.header, got.body = response.StatusCode, response.Header, string(body)
	}
	got.upstream = g.upstream.of(name)
	return got
}

// asChecked lets Envoy ask about the attempt. It has parsed the header already, and joins what is there more than once.
func asChecked(t testing.TB, g *bastion, a attempt) consequence {
	t.Helper()
	a = a.filled()
	answer, err := g.check(t, trustedGateway, a)
	if status.Code(err) == codes.Internal && !utf8.ValidString(fmt.Sprint(a)) {
		return consequence{status: http.StatusBadRequest} // protobuf has no such strings: it cannot be asked
	}
	if err != nil {
		t.Fatal(err)
	}
	got := consequence{header: http.Header{}}
	options := answer.GetDeniedResponse().GetHeaders()
	if denied := answer.GetDeniedResponse(); denied != nil {
		got.status, got.body = int(denied.GetStatus().GetCode()), denied.GetBody()
	} else if answer.GetStatus().GetCode() == 0 {
		got.status, options = http.StatusOK, answer.GetOkResponse().GetHeaders()
	}
	for _, option := range options {
		got.header.Add(option.GetHeader().GetKey(), option.GetHeader().GetValue())
	}
	return got
}

// check asks as Envoy does, from an address.
func (g *bastion) check(t testing.TB, from string, a attempt) (*auth.CheckResponse, error) {
	t.Helper()
	header := map[string]string{}
	for _, line := range a.lines {
		name, value, _ := strings.Cut(line, ":")
		name, value = strings.ToLower(name), strings.TrimSpace(value)
		if already, is := header[name]; is {
			value = already + "," + value
		}
		header[name] = value
	}
	return g.envoy[from].Check(t.Context(), &auth.CheckRequest{Attributes: &auth.AttributeContext{Request: &auth.AttributeContext_Request{
		Http: &auth.AttributeContext_HttpRequest{Method: a.method, Scheme: "http", Host: a.host, Path: a.target, Headers: header},
	}}})
}

// logs reports whether the engine has logged a text.
func (g *bastion) logs(t testing.TB, text string) bool {
	t.Helper()
	all, err := os.ReadFile(g.log)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Contains(string(all), text)
}

// deadline is when a connection of a test is given up.
func deadline() time.Time { return time.Now().Add(lifeLimit) }

//go:build e2e

package main_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"
)

// gateHost is the host that the rules of the e2e tests are about.
const gateHost = "gate.test"

// gate is the engine in front of a service, with a rule for each of a few paths of it.
type gate struct {
	*engine
	upstream *upstream
}

// guard is a rule. Handlers and what it matches are in JSON, as operators write them.
type guard struct {
	id             string
	match          string // empty: a GET of the path that is the id, or of one name below it
	authenticators string
	authorizer     string // empty: allow
	user           string // the template of X-User; empty: that of the configuration
	upstream       string // empty: the service
}

// startGate starts the engine with a configuration out of testdata/e2e, in which names are replaced, and with
// these rules.
func startGate(t *testing.T, config string, names map[string]string, guards []guard) *gate {
	t.Helper()
	dir, g := t.TempDir(), &gate{upstream: startUpstream(t)}
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	var rules []map[string]any
	for _, one := range guards {
		rules = append(rules, one.rule(g.upstream.server.URL))
	}
	ports, local := freeListeners(t), map[string]any{}
	ports.bind(local)
	section(local, "access_rules")["repositories"] = []string{"file://" + write("rules.json", asJSON(t, rules))}
	files := []string{write("engine.yaml", replaced(t, config, names)), write("local.json", asJSON(t, local))}
	g.engine = startEngine(t, dir, ports, files, nil)
	if err := g.awaitReady(); err != nil {
		t.Fatal(err)
	}
	return g
}

func (g guard) rule(service string) map[string]any {
	header := map[string]any{"handler": "header"}
	if g.user != "" {
		header["config"] = map[string]any{"headers": map[string]any{"X-User": g.user}}
	}
	path := fmt.Sprintf(`{"url": "http://%s/%s<(/([a-z0-9-]+))?>", "methods": ["GET"]}`, gateHost, g.id)
	return map[string]any{
		"id":             g.id,
		"match":          json.RawMessage(cmp.Or(g.match, path)),
		"authenticators": json.RawMessage(g.authenticators),
		"authorizer":     json.RawMessage(cmp.Or(g.authorizer, `{"handler": "allow"}`)),
		"mutators":       []any{header},
		"upstream":       map[string]any{"url": cmp.Or(g.upstream, service)},
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// verdict is what the gate makes of a request: the status that the client gets, and the X-User that the service
// gets. A request that is refused does not reach the service.
type verdict struct {
	status int
	user   string
}

// refusedWith is a verdict against a request.
func refusedWith(status int) verdict { return verdict{status: status} }

// allowedAs is a verdict for a request.
func allowedAs(user string) verdict { return verdict{http.StatusOK, user} }

// expect asks both ways about a GET of the path with an Authorization header, unless that is empty: as a client of
// the proxy, and as another proxy asks the decision API.
func (g *gate) expect(t *testing.T, path, authorization string, want verdict) {
	t.Helper()
	if got := g.proxied(t, path, authorization); got != want {
		t.Errorf("the proxy makes %+v of %s, expected %+v", got, path, want)
	}
	if got := g.decided(t, path, authorization); got != want {
		t.Errorf("the decision API makes %+v of %s, expected %+v", got, path, want)
	}
}

// becomes waits until both ways agree on the verdict, for what an outage or a time to live puts off.
func (g *gate) becomes(t *testing.T, path, authorization string, want verdict) {
	t.Helper()
	eventually(t, path+" becomes "+asJSON(t, want.status), func() (string, bool) {
		got := [2]verdict{g.proxied(t, path, authorization), g.decided(t, path, authorization)}
		return "seen is " + http.StatusText(got[0].status), got == [2]verdict{want, want}
	})
}

func (g *gate) proxied(t *testing.T, path, authorization string) verdict {
	t.Helper()
	g.upstream.take()
	answer := g.get(t, "proxy", path, authorization, nil)
	got := verdict{status: answer.StatusCode}
	seen := g.upstream.take()
	if reached := len(seen) == 1; reached != (got.status == http.StatusOK) {
		t.Fatalf("the proxy answers %s, and %d requests reached the service", answer.Status, len(seen))
	}
	if len(seen) == 1 {
		got.user = seen[0].header.Get("X-User")
	}
	return got
}

func (g *gate) decided(t *testing.T, path, authorization string) verdict {
	t.Helper()
	answer := g.get(t, "api", "/decisions", authorization, map[string]string{
		"X-Forwarded-Method": http.MethodGet, "X-Forwarded-Proto": "http", "X-Forwarded-Host": gateHost, "X-Forwarded-Uri": path,
	})
	return verdict{answer.StatusCode, answer.Header.Get("X-User")}
}

// get always claims to be mallory, which nobody may believe.
func (g *gate) get(t *testing.T, listener, path, authorization string, headers map[string]string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+g.ports.address(listener)+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = gateHost
	request.Header.Set("X-User", "mallory")
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	answer, err := plainClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	return answer
}

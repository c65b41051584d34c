package main_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const scenarioDir = "../../testdata/scenarios/operational-auth"

// inForce is when a change of the ConfigMap counts as lost. How soon one is in force is for benchmarks to say: here it
// depends on what else the machine does.
const inForce = 30 * time.Second

// deployment is the scenario at work: the engine with the configuration as operators wrote it, the session
// store and the upstreams that it calls, and the ConfigMap that its rules come from.
type deployment struct {
	*engine
	sessions *sessionStore
	upstream *upstream
	mount    string
}

// deploy starts the scenario with these rules. The configuration is loaded unchanged. What differs here from the
// cluster that it was written for comes on top, as it would there: ports from a second file, addresses from the
// environment, and names of hosts from a proxy, which stands in for the cluster's DNS.
func deploy(t *testing.T, rules string) *deployment {
	t.Helper()
	dir := t.TempDir()
	d := &deployment{sessions: startSessionStore(t), upstream: startUpstream(t), mount: filepath.Join(dir, "rules")}
	d.publish(t, rules)

	ports, listen := freeListeners(t), map[string]any{}
	ports.bind(listen)
	overrides, err := json.Marshal(listen)
	if err != nil {
		t.Fatal(err)
	}
	listenFile := filepath.Join(dir, "listen.json")
	if err := os.WriteFile(listenFile, overrides, 0o600); err != nil {
		t.Fatal(err)
	}
	config, err := filepath.Abs(filepath.Join(scenarioDir, "config.yml"))
	if err != nil {
		t.Fatal(err)
	}
	d.engine = startEngine(t, dir, ports, []string{config, listenFile}, map[string]string{
		"ACCESS_RULES_REPOSITORIES":                              "file://" + filepath.Join(d.mount, "access-rules.json"),
		"AUTHENTICATORS_COOKIE_SESSION_CONFIG_CHECK_SESSION_URL": d.sessions.server.URL + "/sessions/whoami",
		"HTTP_PROXY": d.upstream.server.URL,
	})
	if err := d.awaitReady(); err != nil {
		t.Fatal(err)
	}
	return d
}

// publish puts rules into the mounted ConfigMap.
func (d *deployment) publish(t *testing.T, rules string) {
	t.Helper()
	if err := swapConfigMap(d.mount, map[string]string{"access-rules.json": rules}); err != nil {
		t.Fatal(err)
	}
}

// reply is an answer of the engine, read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// send sends a request for an absolute URL to one of the engine's listeners, as an ingress in front of it does.
// Redirects are answers like any other.
func (d *deployment) send(
	ctx context.Context, listener, method, target string, headers map[string]string, body string,
) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		return reply{}, err
	}
	request.Host, request.URL.Host = request.URL.Host, d.ports.address(listener)
	for name, value := range headers {
		request.Header.Set(name, value)
	}
	response, err := plainClient.Do(request)
	if err != nil {
		return reply{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, response.Header, string(content)}, err
}

var plainClient = &http.Client{
	Timeout:       10 * time.Second,
	Transport:     &http.Transport{MaxIdleConnsPerHost: 32},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func scenarioRules(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(scenarioDir, "access-rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// withRule adds to rules a copy of the first one for another service.
func withRule(t *testing.T, rules, service string) string {
	t.Helper()
	var list []json.RawMessage
	if err := json.Unmarshal([]byte(rules), &list); err != nil {
		t.Fatal(err)
	}
	list = append(list, json.RawMessage(strings.ReplaceAll(string(list[0]), "vmagent", service)))
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

package config_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/config"
	"ostiary/config/document"
)

func wantError(t *testing.T, err error, part string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), part) {
		t.Errorf("the error is %v, not %q", err, part)
	}
}

// folder writes files and goes where they are.
func folder(t *testing.T, files map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
}

func load(t *testing.T, source config.Source) *config.Config {
	t.Helper()
	loaded, err := attempt(source)
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// TestDefaults is contract 1.4.
func TestDefaults(t *testing.T) {
	c := load(t, config.Source{})
	cors := config.CORS{
		AllowedOrigins: []string{"*"},
		AllowedMethods: []string{"GET", "POST", "PUT", "PATCH", "DELETE"},
		AllowedHeaders: []string{"Authorization", "Content-Type"},
		ExposedHeaders: []string{"Content-Type"},
	}
	timeout := config.Timeout{Read: 5 * time.Second, Write: 2 * time.Minute, Idle: 2 * time.Minute}
	for name, pair := range map[string][2]any{
		"proxy address":   {c.Serve.Proxy.Address(), ":4455"},
		"api address":     {c.Serve.API.Address(), ":4456"},
		"metrics address": {c.Serve.Prometheus.Address(), ":9000"},
		"proxy timeout":   {c.Serve.Proxy.Timeout, timeout},
		"api timeout":     {c.Serve.API.Timeout, timeout},
		"proxy cors":      {c.Serve.Proxy.CORS, cors},
		"api cors":        {c.Serve.API.CORS, cors},
		"proxy trusts":    {len(c.Serve.Proxy.TrustedProxies), 0},
		"api trusts":      {len(c.Serve.API.TrustedProxies), 6},
		"trust everybody": {c.Serve.Proxy.TrustForwardedHeaders, false},
		"forwarded":       {c.Serve.Proxy.ForwardedHeaders, ""},
		"metrics":         {c.Serve.Prometheus.MetricsPath + " " + c.Serve.Prometheus.MetricNamePrefix, "/metrics ory_oathkeeper_"},
		"collapse":        {c.Serve.Prometheus.CollapseRequestPaths, true},
		"hide":            {c.Serve.Prometheus.HideRequestPaths, false},
		"access rules": {c.AccessRules, config.AccessRules{
			Repositories: []string{}, Servers: []config.Server{}, Poll: config.Poll{Interval: 30 * time.Second, Timeout: 15 * time.Second}, Minimum: 1,
			MatchingStrategy: "regexp", NoMatch: 404, OnOverlap: "warn", DoubleEncoding: "forward", IdentityHeaders: "rule",
		}},
		"json":             {c.Errors.Handlers["json"].Enabled, true},
		"redirect":         {c.Errors.Handlers["redirect"].Enabled, false},
		"noop":             {c.Authenticators["noop"].Enabled, false},
		"fallback":         {c.Errors.Fallback, []string{"json"}},
		"log":              {c.Log.Level + " " + c.Log.Format, "info text"},
		"tracing provider": {c.Tracing.Provider, ""},
		"tracing service":  {c.Tracing.ServiceName, "ORY Oathkeeper"},
		"jaeger ratio":     {c.Tracing.Providers.Jaeger.Sampling.TraceIDRatio, 1.0},
		"zipkin ratio":     {c.Tracing.Providers.Zipkin.Sampling.Ratio, 0.0},
		"otlp ratio":       {c.Tracing.Providers.OTLP.Sampling.Ratio, 1.0},
		"warnings":         {len(c.Warnings), 0},
	} {
		if diff := cmp.Diff(pair[1], pair[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	if got, err := c.Serve.Proxy.TLS.Certificate(); got != nil || err != nil {
		t.Errorf("certificate %v, %v", got, err)
	}
}

// TestDefaultsOfHandlersStayOut: the pipeline lays them under.
func TestDefaultsOfHandlersStayOut(t *testing.T) {
	folder(t, map[string]string{"c.yaml": `
authenticators:
  cookie_session:
    enabled: true
    config: {check_session_url: "http://s/"}
  anonymous: {enabled: true}
`})
	c := load(t, config.Source{Files: []string{"c.yaml"}})
	if diff := cmp.Diff(map[string]any{"check_session_url": "http://s/"}, c.Authenticators["cookie_session"].Config); diff != "" {
		t.Error(diff)
	}
	if got := c.Authenticators["anonymous"]; !got.Enabled || got.Config != nil {
		t.Errorf("anonymous is %v", got)
	}
}

// TestMerging is contract 1.1: later files count more, maps merge, lists and
// single values are replaced.
func TestMerging(t *testing.T) {
	folder(t, map[string]string{
		"a.yaml": `
serve: {proxy: {port: 1, host: a, cors: {enabled: true, allowed_origins: [https://a, https://b, https://c]}}}
authenticators:
  anonymous: {enabled: true, config: {subject: a}}
  bearer_token: {enabled: true, config: {check_session_url: "http://a/", token_from: {header: A}}}
mutators: {header: {enabled: true, config: {headers: {A: a, B: a}}}}
`,
		"b.json": `{"serve": {"proxy": {"port": 2, "cors": {"allowed_origins": ["https://d"]}}},
"authenticators": {"bearer_token": {"config": {"token_from": {"cookie": "b"}}}},
"mutators": {"header": {"config": {"headers": {"B": "b"}}}}}`,
		"c.toml": "[serve.proxy]\nport = 3\n[authenticators.anonymous]\nenabled = false\n[mutators.header.config.headers]\nC = \"c\"\n",
	})
	c := load(t, config.Source{
		Files:   []string{"a.yaml", "b.json", "c.toml"},
		Environ: []string{"SERVE_PROXY_PORT=4", "AUTHENTICATORS_NOOP_ENABLED=true"},
	})
	for name, pair := range map[string][2]any{
		"port":       {c.Serve.Proxy.Port, 4},
		"host":       {c.Serve.Proxy.Host, "a"},
		"origins":    {c.Serve.Proxy.CORS.AllowedOrigins, []string{"https://d"}},
		"cors":       {c.Serve.Proxy.CORS.Enabled, true},
		"anonymous":  {c.Authenticators["anonymous"], config.Switch{Config: map[string]any{"subject": "a"}}},
		"noop":       {c.Authenticators["noop"].Enabled, true},
		"token_from": {c.Authenticators["bearer_token"].Config["token_from"], map[string]any{"cookie": "b"}},
		"headers":    {c.Mutators["header"].Config["headers"], map[string]any{"A": "a", "B": "b", "C": "c"}},
	} {
		if diff := cmp.Diff(pair[1], pair[0]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// TestWhere: a value's position is that of the last source that sets it.
func TestWhere(t *testing.T) {
	folder(t, map[string]string{
		"a.yaml": "serve:\n  proxy:\n    port: 1\n    host: a\naccess_rules:\n  repositories:\n    - file://a\n    - file://b\n",
		"b.json": "{\n\"serve\": {\n\"proxy\": {\n\"port\": 2}}}\n",
		"c.toml": "[log]\nlevel = \"warn\"\n[mutators.header]\nenabled = true\nconfig = {headers = {A = \"a\"}}\n",
	})
	c := load(t, config.Source{
		Files: []string{"a.yaml", "b.json", "c.toml"},
		Environ: []string{
			"SERVE_API_PORT=7", "ACCESS_RULES_REPOSITORIES_1=file://c",
			`ERRORS={"handlers":{"redirect":{"enabled":true,"config":{"to":"/"}}}}`,
		},
	})
	for path, want := range map[string]string{
		"serve.proxy.port":                   "b.json:4",
		"serve.proxy.host":                   "a.yaml:4",
		"serve.proxy":                        "b.json:3",
		"serve.proxy.timeout.read":           "b.json:3",
		"serve.api.port":                     "environment variable SERVE_API_PORT",
		"serve.prometheus.port":              "b.json:2",
		"access_rules.repositories.0":        "a.yaml:7",
		"access_rules.repositories.1":        "environment variable ACCESS_RULES_REPOSITORIES_1",
		"access_rules.repositories":          "a.yaml:6",
		"log.level":                          "c.toml:2",
		"log.format":                         "c.toml:1",
		"mutators.header.config.headers.A":   "c.toml:5",
		"mutators.header.config.headers.B":   "c.toml:5",
		"errors.handlers.redirect.config.to": "environment variable ERRORS",
		"errors.fallback":                    "environment variable ERRORS",
		"tracing":                            "c.toml:1",
	} {
		file, line := c.Where(strings.Split(path, "."))
		got := file
		if line > 0 {
			got = strings.TrimSuffix(document.Problem{File: file, Line: line}.String(), ": ")
		}
		if got != want {
			t.Errorf("%s is at %s, want %s", path, got, want)
		}
	}
	if file, line := load(t, config.Source{}).Where(document.Path{"serve"}); file != "" || line != 0 {
		t.Errorf("without sources: %s:%d", file, line)
	}
}

// TestProblemsOfSeveralSources are all there, in order.
func TestProblemsOfSeveralSources(t *testing.T) {
	folder(t, map[string]string{
		"a.yaml":     "serve:\n  proxy:\n    port: x\n    timeout: {read: soon}\n",
		"b.yaml":     "log: [\n",
		"c.json":     `{"serve": {"proxy": {"timeout": {"read": "1s"}}}, "lgo": {}}`,
		"folder.yml": "",
	})
	if err := os.Remove("folder.yml"); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir("folder.yml", 0o700); err != nil {
		t.Fatal(err)
	}
	_, err := attempt(config.Source{
		Files:   []string{"a.yaml", "b.yaml", "c.json", "missing.toml", "folder.yml", "notes.txt", "plain"},
		Environ: []string{"SERVE_API_PORT=no", `AUTHENTICATORS={"noop":{"enabled":"x"},"nope":{}}`},
	})
	want := `a.yaml:3: serve.proxy.port: expected integer, got string
b.yaml:1: invalid YAML: did not find expected node content
c.json:1: lgo: unknown key; did you mean "log"?
missing.toml: the file cannot be read: no such file or directory
folder.yml: the file cannot be read: is a directory
notes.txt: this kind of file is not known; its name must end in .yaml, .yml, .json or .toml
plain: this kind of file is not known; its name must end in .yaml, .yml, .json or .toml
environment variable AUTHENTICATORS: authenticators.noop.enabled: expected boolean, got string
environment variable AUTHENTICATORS: authenticators.nope: there is no authenticator of that name; did you mean "noop"?
environment variable SERVE_API_PORT: serve.api.port: "no" is not a whole number`
	if err == nil {
		t.Fatal("loads")
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestScenarios loads the configurations that deployments and the conformance
// suites run with.
func TestScenarios(t *testing.T) {
	load(t, config.Source{Files: []string{"../testdata/scenarios/operational-auth/config.yml"}})

	suites, err := filepath.Glob("../testdata/conformance/*.json")
	if err != nil || len(suites) == 0 {
		t.Fatalf("no suites: %v", err)
	}
	bad := []string{"bad-duration", "bad-strategy", "unknown-handler", "unknown-key"}
	for i, id := range bad {
		bad[i] = "rules-start-" + id + ".json"
	}
	loaded := 0
	place := regexp.MustCompile(`\{\{(\w+)\}\}`)
	for _, name := range suites {
		var suite struct {
			Config json.RawMessage
			Env    map[string]string
			Starts *bool
		}
		err := json.Unmarshal([]byte(place.ReplaceAllString(read(t, name), "$1")), &suite)
		mistaken := slices.Contains(bad, filepath.Base(name))
		if err != nil || suite.Config == nil || (suite.Starts != nil && !*suite.Starts && !mistaken) {
			continue
		}
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, suite.Config, 0o600); err != nil {
			t.Fatal(err)
		}
		var environ []string
		for name, text := range suite.Env {
			environ = append(environ, name+"="+text)
		}
		// Without handlers, whose settings are then not looked at.
		_, err = config.Load(config.Source{Files: []string{file}, Environ: environ})
		if mistaken != (err != nil) {
			t.Errorf("%s: %v", filepath.Base(name), err)
		}
		loaded++
	}
	if loaded < len(suites)/2 {
		t.Errorf("only %d of %d suites have a configuration", loaded, len(suites))
	}
}

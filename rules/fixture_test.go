package rules

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/authn"
	"ostiary/pipeline/authz"
	"ostiary/pipeline/mutate"
	"ostiary/pipeline/onerror"
)

// everyHandler are the handlers of the program.
var everyHandler = pipeline.Handlers{
	Authenticators: authn.Handlers,
	Authorizers:    authz.Handlers,
	Mutators:       mutate.Handlers,
	ErrorHandlers:  onerror.Handlers,
}

// enabled switches on what the tests use.
var enabled = pipeline.Settings{
	Authenticators: map[string]pipeline.Setting{
		"noop":           {Enabled: true},
		"anonymous":      {Enabled: true, Config: map[string]any{"subject": "guest"}},
		"unauthorized":   {Enabled: true},
		"cookie_session": {Enabled: true},
		"bearer_token":   {Enabled: true},
	},
	Authorizers: map[string]pipeline.Setting{"allow": {Enabled: true}, "deny": {Enabled: true}},
	Mutators: map[string]pipeline.Setting{
		"noop":   {Enabled: true},
		"header": {Enabled: true, Config: map[string]any{"headers": map[string]any{"X-User": "{{ print .Subject }}"}}},
	},
	ErrorHandlers: map[string]pipeline.Setting{
		"json":             {Enabled: true, Config: map[string]any{"verbose": true}},
		"redirect":         {Enabled: true},
		"www_authenticate": {Enabled: true},
	},
	Fallback: []string{"json"},
}

// from are settings for rules in these files.
func from(paths ...string) Settings {
	settings := Settings{
		MinimumRules: 1,
		Strategy:     Regexp,
		Handlers:     everyHandler,
		Pipeline:     enabled,
		Environment:  pipeline.Environment{Transport: http.DefaultTransport, Now: time.Now},
	}
	for _, path := range paths {
		settings.Repositories = append(settings.Repositories, "file://"+path)
	}
	return settings
}

// simple is a rule as JSON that allows GET on everything below a host.
func simple(id, host string) string {
	return `{"id": "` + id + `", "match": {"url": "http://` + host + `/<.*>", "methods": ["GET"]},
  "authenticators": [{"handler": "anonymous"}], "authorizer": {"handler": "allow"}, "mutators": [{"handler": "header"}]}`
}

// list is a document of these rules.
func list(rules ...string) string { return "[\n" + strings.Join(rules, ",\n") + "\n]\n" }

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// replace writes a file beside another one and renames it over that, so that
// nobody ever sees half of it.
func replace(t testing.TB, path, text string) {
	t.Helper()
	write(t, path+".new", text)
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// loaded is an engine with a document's rules, and what there was to say.
func loaded(t testing.TB, text string, strategy Strategy) (*Engine, *Report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.json")
	write(t, path, text)
	engine := NewEngine()
	settings := from(path)
	settings.Strategy = strategy
	report, err := NewLoader(engine).Configure(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	return engine, report
}

// request is one for http://host/path.
func request(method, host, path string) *pipeline.Request {
	return &pipeline.Request{Method: method, Scheme: "http", Host: host, Path: path, RawPath: path, Header: http.Header{}}
}

// outcome is what becomes of a GET: the rule that allowed it, or the error.
func outcome(engine *Engine, host, path string) string {
	decision := engine.Decide(context.Background(), request("GET", host, path))
	if decision.Allowed {
		return decision.Rule
	}
	return decision.Err.Error()
}

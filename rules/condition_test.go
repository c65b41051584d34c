package rules

import (
	"encoding/json"
	"maps"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// conditional is a rule as JSON that allows GET on a host, if its authorizers
// do. Their text is at line 4 of a document in which the rule is the first.
func conditional(id, authorizers string) string {
	return `{"id": "` + id + `", "match": {"url": "http://` + id + `/<.*>", "methods": ["GET"]},
  "authenticators": [{"handler": "anonymous"}], "mutators": [{"handler": "noop"}],
  "authorizers": ` + authorizers + `}`
}

// judged loads one such rule, where authorizers that the others do not need are
// enabled too.
func judged(t *testing.T, authorizers string) (*Engine, *Report) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rules.json")
	write(t, path, list(conditional("host", authorizers)))
	settings := from(path)
	settings.Pipeline.Authorizers = maps.Clone(settings.Pipeline.Authorizers)
	for _, id := range []string{"cel", "remote"} {
		settings.Pipeline.Authorizers[id] = pipeline.Setting{Enabled: true}
	}
	engine := NewEngine()
	report, err := NewLoader(engine).Configure(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	return engine, report
}

func TestARuleMayHaveSeveralAuthorizers(t *testing.T) {
	t.Parallel()
	const (
		allow   = `{"handler": "allow"}`
		deny    = `{"handler": "deny"}`
		allowed = "host"
		denied  = "Access credentials are not sufficient to access this resource: the rule allows nobody"
		guest   = `{"handler": "cel", "config": {"expression": "subject == 'guest'"}}`
	)
	for authorizers, want := range map[string]string{
		allow: allowed,
		deny:  denied,
		`{"all_of": [` + allow + `, ` + guest + `]}`:                            allowed,
		`{"all_of": [` + allow + `, ` + deny + `]}`:                             denied,
		`{"any_of": [` + deny + `, ` + guest + `]}`:                             allowed,
		`{"any_of": [` + deny + `]}`:                                            denied,
		`{"none_of": [` + deny + `]}`:                                           allowed,
		`{"none_of": [` + deny + `, ` + guest + `]}`:                            "Access credentials are not sufficient to access this resource: the rule refuses what this authorizer allows",
		`{"all_of": [{"any_of": [` + deny + `, {"none_of": [` + deny + `]}]}]}`: allowed,
	} {
		engine, report := judged(t, authorizers)
		if len(report.Flaws)+len(report.Warnings)+len(report.Rejected) > 0 {
			t.Errorf("%s: %v %v %v", authorizers, report.Flaws, report.Warnings, report.Rejected)
		}
		if got := outcome(engine, "host", "/"); got != want {
			t.Errorf("%s: got %q, want %q", authorizers, got, want)
		}
	}
}

func TestAuthorizersThatCannotWorkDenyAndSayWhy(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ authorizers, want string }{
		"a handler that is not enabled": {
			`{"all_of": [{"handler": "allow"}, {"handler": "keto"}]}`,
			`rules.json:4: rule "host": authorizers.all_of[1] (keto): the handler is not enabled in the configuration`,
		},
		"a configuration that is wrong": {
			"{\n\"any_of\": [{\"none_of\": [{\"handler\": \"cel\",\n\"config\": {\"expression\": \"subject == 1\"}}]}]}",
			`rules.json:6: rule "host": authorizers.any_of[0].none_of[0] (cel): expression: 1:9: found no matching overload for '_==_' applied to '(string, int)'`,
		},
		"nobody": {
			`{"all_of": [{"any_of": []}]}`,
			`rules.json:4: rule "host": authorizers.all_of[0].any_of: needs at least one authorizer`,
		},
		"an authorizer beside them": {
			`{"all_of": [{"handler": "allow"}]}, "authorizer": {"handler": "allow"}`,
			`rules.json:4: rule "host": authorizers: stands beside authorizer; a rule has one or the other`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			engine, report := judged(t, test.authorizers)
			var flaws []string
			for _, flaw := range report.Flaws {
				flaws = append(flaws, filepath.Base(flaw.String()))
			}
			if diff := cmp.Diff([]string{test.want}, flaws); diff != "" {
				t.Error(diff)
			}
			if got := outcome(engine, "host", "/"); !strings.HasPrefix(got, pipeline.Misconfigured.Error()) {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestAuthorizersOfAnotherShapeSpoilTheDocument(t *testing.T) {
	t.Parallel()
	for authorizers, want := range map[string]string{
		`["allow"]`:                        `authorizers: expected object or null, got array`,
		`{"all_of": {"handler": "allow"}}`: `authorizers.all_of: expected array or null, got object`,
		`{"any_of": ["allow"]}`:            `authorizers.any_of[0]: expected object or null, got string`,
		`{"none_of": [{"handler": 1}]}`:    `authorizers.none_of[0].handler: expected string, got integer`,
	} {
		_, report := judged(t, authorizers)
		if len(report.Rejected) != 1 || !strings.HasSuffix(report.Rejected[0].String(), want) {
			t.Errorf("%s: got %v, want %s", authorizers, report.Rejected, want)
		}
	}
}

func TestUnknownKeysAmongAuthorizersAreReported(t *testing.T) {
	t.Parallel()
	_, report := judged(t, `{"all_of": [{"handler": "allow", "enabled": true}, {"any_off": [], "any_of": [{"handler": "allow"}]}]}`)
	var warnings []string
	for _, warning := range report.Warnings {
		warnings = append(warnings, filepath.Base(warning.String()))
	}
	want := []string{
		`rules.json:4: rule "host": authorizers.all_of[0].enabled: unknown key`,
		`rules.json:4: rule "host": authorizers.all_of[1].any_off: unknown key; did you mean "any_of"?`,
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Error(diff)
	}
}

func TestRulesShowTheirAuthorizersWithoutSecrets(t *testing.T) {
	t.Parallel()
	engine, _ := judged(t, `{"any_of": [{"handler": "allow"}, {"all_of": [{"handler": "remote", "config": {
		"remote": "http://user:pass@host.test/", "headers": {"Authorization": "Bearer key", "X-A": "a"}}}]}, {"none_of": []}]}`)
	var shown map[string]any
	for _, text := range engine.Rules() {
		if err := json.Unmarshal(text, &shown); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]any{"any_of": []any{
		map[string]any{"handler": "allow"},
		map[string]any{"all_of": []any{map[string]any{"handler": "remote", "config": map[string]any{
			"remote": "http://user:xxxxx@host.test/", "headers": map[string]any{"Authorization": "********", "X-A": "a"},
		}}}},
		map[string]any{"none_of": []any{}},
	}}
	if diff := cmp.Diff(want, shown["authorizers"]); diff != "" {
		t.Error(diff)
	}
}

func TestRulesWithoutAuthorizersDoNotShowThem(t *testing.T) {
	t.Parallel()
	engine, _ := loaded(t, list(simple("r1", "host")), Regexp)
	for _, text := range engine.Rules() {
		if strings.Contains(string(text), `"authorizers"`) {
			t.Errorf("it shows %s", text)
		}
	}
}

func TestTheSchemaOfRulesKnowsAuthorizersThatAreCombined(t *testing.T) {
	t.Parallel()
	text, err := Schema(everyHandler)
	if err != nil {
		t.Fatal(err)
	}
	schema := document.MustCompileSchema("rules.schema.json", text)
	tests := map[string]struct {
		authorizers string
		want        []string
	}{
		"right ones":               {`{"any_of": [{"handler": "allow"}, {"none_of": [{"handler": "cel", "config": {"expression": "true"}}]}]}`, nil},
		"one that nobody knows":    {`{"any_of": [{"handler": "alow"}]}`, []string{"[0].authorizers.any_of[0].handler"}},
		"one that is misinformed":  {`{"any_of": [{"none_of": [{"handler": "cel", "config": {"expression": 1}}]}]}`, []string{"[0].authorizers.any_of[0].none_of[0].config.expression"}},
		"a group that is no group": {`{"all_of": {}}`, []string{"[0].authorizers.all_of"}},
	}
	for name, test := range tests {
		var rules []any
		if err := json.Unmarshal([]byte(list(conditional("host", test.authorizers))), &rules); err != nil {
			t.Fatal(err)
		}
		var places []string
		for _, violation := range schema.Check(rules) {
			places = append(places, violation.Path.String())
		}
		if diff := cmp.Diff(test.want, places); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// lintRoom is a directory with configurations and rules to look at.
func lintRoom(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	const handlers = "authenticators: {noop: {enabled: true}, anonymous: {enabled: true}}\nauthorizers: {allow: {enabled: true}}\nmutators: {noop: {enabled: true}}\n"
	rule := func(id, url string) string {
		return `{"id": "` + id + `", "match": {"url": "` + url + `", "methods": ["GET"]},
  "authenticators": [{"handler": "noop"}], "authorizer": {"handler": "allow"}, "mutators": [{"handler": "noop"}]}`
	}
	for name, text := range map[string]string{
		"config.yaml":    handlers + "access_rules: {repositories: ['file://rules.json']}\n",
		"globs.yaml":     handlers + "access_rules: {matching_strategy: glob, repositories: ['file://good.json']}\n",
		"unusable.yaml":  handlers + "access_rules: {repositories: ['gopher://x']}\n",
		"rules.json":     "[" + rule("reports", "https://a.test/reports/<[0-9]+>/<.*>") + ",\n" + rule("everything", "http://a.test</?.*>") + "]\n",
		"good.json":      "[" + rule("good", "http://a.test/<.*>") + "]\n",
		"any host.json":  "[" + rule("any", "http://<[^/]+>/ping") + "]\n",
		"overlap.json":   "[" + rule("a", "http://a.test/<.*>") + ",\n" + rule("b", "http://<[ab]>.test/x") + "]\n",
		"broken.json":    "[" + rule("a", "http://a.test/<.*") + "]\n",
		"no_match.yaml":  handlers + "access_rules: {no_match: 403, repositories: ['file://rules.json']}\n",
		"overlap.yaml":   handlers + "access_rules: {repositories: ['file://overlap.json']}\n",
		"disturbed.yaml": handlers + "access_rules: {repositories: ['file://good.json', 'file://gone.json']}\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const (
	crossing = "warning  rules.json:3: rule \"everything\": the host a.test runs on into others, so that http://a.test.evil.example/x matches; let a slash follow it, as in http://a.test/<.*> [host-crossing]\n"
	unused   = "note     config.yaml:1: authenticators.anonymous: is enabled, and no rule uses it; disable it if none is going to [unused-handler]\n"
	anyHosts = "note     any host.json:1: rule \"any\": matches anybody's hosts, as in http://evil.example/ping; name the host if it is meant for one [any-host]\n"
)

func TestLintPrintsFindings(t *testing.T) {
	t.Parallel()
	dir := lintRoom(t)
	for arguments, expected := range map[string]result{
		"--config config.yaml":               {1, crossing + unused + "\n1 warning, 1 note\n", ""},
		"--config config.yaml --level error": {0, crossing + unused + "\n1 warning, 1 note\n", ""},
		"--config config.yaml good.json":     {0, "good     nothing found\n", ""},
		"rules.json":                         {1, crossing + "\n1 warning\n", ""},
		"good.json":                          {0, "good     nothing found\n", ""},
		"any\u00a0host.json":                 {0, anyHosts + "\n1 note\n", ""},
		"--level note any\u00a0host.json":    {1, anyHosts + "\n1 note\n", ""},
		"gone.json":                          {1, "error    gone.json: no such file or directory [broken-rule]\n\n1 error\n", ""},
		"broken.json":                        {1, "error    broken.json:1: rule \"a\": match.url: a < is not closed; the rule is left out [broken-rule]\n\n1 error\n", ""},
		"--config globs.yaml --format json":  {0, "[\n  {\n    \"check\": \"unused-handler\",\n    \"level\": \"note\",\n    \"file\": \"globs.yaml\",\n    \"line\": 1,\n    \"message\": \"is enabled, and no rule uses it; disable it if none is going to\"\n  }\n]\n", ""},
		"--format json good.json":            {0, "[]\n", ""},
		"--config unusable.yaml":             {1, "", "ostiary: the configuration cannot be used:\nunusable.yaml:4: access_rules.repositories[0]: there are no repositories of the kind gopher://; use file://, inline://, http://, https://, s3://, gs:// or azblob://\n"},
		"":                                   {2, "", "ostiary: there are no rules to look at; name a configuration by --config, or rule files\nRun 'ostiary --help' for what there is.\n"},
		"--format xml good.json":             {2, "", "ostiary: --format: \"xml\" is none of text, json and sarif\nRun 'ostiary --help' for what there is.\n"},
		"--level fatal good.json":            {2, "", "ostiary: --level: \"fatal\" is none of error, warning and note\nRun 'ostiary --help' for what there is.\n"},
		"--levels note good.json":            {2, "", "ostiary: unknown flag: --levels\nRun 'ostiary --help' for what there is.\n"},
	} {
		t.Run(arguments, func(t *testing.T) {
			t.Parallel()
			words := strings.Fields(strings.ReplaceAll(arguments, "\u00a0", "\x00"))
			for i := range words {
				words[i] = strings.ReplaceAll(words[i], "\x00", " ")
			}
			if got := runCommand(t, dir, append([]string{"rules", "lint"}, words...)...); got != expected {
				t.Errorf("got %+v\nexpected %+v", got, expected)
			}
		})
	}
}

func TestFindingsAsJSON(t *testing.T) {
	t.Parallel()
	got := runCommand(t, lintRoom(t), "rules", "lint", "--format", "json", "rules.json")
	var findings []map[string]any
	if err := json.Unmarshal([]byte(got.stdout), &findings); err != nil || len(findings) != 1 || got.status != 1 {
		t.Fatalf("%v: %+v", err, got)
	}
	for key, expected := range map[string]any{
		"check": "host-crossing", "level": "warning", "file": "rules.json", "line": 3.0, "rule": "everything",
		"witness": "GET http://a.test.evil.example/x",
	} {
		if findings[0][key] != expected {
			t.Errorf("%s is %v, expected %v", key, findings[0][key], expected)
		}
	}
}

func TestFindingsAsSARIF(t *testing.T) {
	t.Parallel()
	got := runCommand(t, lintRoom(t), "rules", "lint", "--format", "sarif", "--config", "config.yaml")
	var log struct {
		Schema  string `json:"$schema"`
		Version string
		Runs    []struct {
			Tool struct {
				Driver struct {
					Name  string
					Rules []struct {
						ID   string
						Help struct{ Text string }
					}
				}
			}
			Results []struct {
				RuleID    string
				RuleIndex int
				Level     string
				Message   struct{ Text string }
				Locations []struct {
					PhysicalLocation struct {
						ArtifactLocation struct{ URI string }
						Region           struct{ StartLine int }
					}
				}
			}
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &log); err != nil || got.status != 1 || len(log.Runs) != 1 || len(log.Runs[0].Results) != 2 {
		t.Fatalf("%v: %+v", err, got)
	}
	run := log.Runs[0]
	if log.Version != "2.1.0" || !strings.Contains(log.Schema, "sarif-2.1.0") || run.Tool.Driver.Name != "ostiary" {
		t.Errorf("version %s, schema %s, tool %s", log.Version, log.Schema, run.Tool.Driver.Name)
	}
	for i, expected := range []struct {
		id, level, text, file string
		line                  int
	}{
		{"host-crossing", "warning", `rule "everything": the host a.test runs on`, "rules.json", 3},
		{"unused-handler", "note", "authenticators.anonymous: is enabled", "config.yaml", 1},
	} {
		result := run.Results[i]
		place := result.Locations[0].PhysicalLocation
		if result.RuleID != expected.id || result.Level != expected.level || !strings.HasPrefix(result.Message.Text, expected.text) ||
			place.ArtifactLocation.URI != expected.file || place.Region.StartLine != expected.line {
			t.Errorf("got %+v, expected %+v", result, expected)
		}
		if rule := run.Tool.Driver.Rules[result.RuleIndex]; rule.ID != expected.id || rule.Help.Text == "" {
			t.Errorf("the rule of %s is %+v", expected.id, rule)
		}
	}
}

func TestChecksAreListed(t *testing.T) {
	t.Parallel()
	got := runCommand(t, t.TempDir(), "rules", "lint", "--checks")
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	if got.status != 0 || len(lines) < 16 || lines[5] != "warning  host-crossing      a pattern in the host runs on into another host, which may be anybody's" {
		t.Errorf("%+v", got)
	}
	got = runCommand(t, t.TempDir(), "rules", "lint", "--checks", "--format", "json")
	var checks []map[string]string
	if err := json.Unmarshal([]byte(got.stdout), &checks); err != nil || len(checks) != len(lines) {
		t.Errorf("%v: %+v", err, got)
	}
}

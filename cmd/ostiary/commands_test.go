package main_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// result is what a command did.
type result struct {
	status         int
	stdout, stderr string
}

// runCommand runs a command of the binary to its end, in dir.
func runCommand(t *testing.T, dir string, arguments ...string) result {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), path, arguments...)
	command.Dir, command.Env = dir, environment(nil)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	_ = command.Run() // the status is part of the result
	return result{command.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

func TestUsageIsExplainedOnceOnStderr(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arguments []string
		status    int
		stderr    string
	}{
		"an unknown command":                {[]string{"serv"}, 2, "ostiary: unknown command \"serv\" for \"ostiary\"\n\nDid you mean this?\n\tserve\n\nRun 'ostiary --help' for what there is.\n"},
		"an unknown flag":                   {[]string{"serve", "--confg", "x"}, 2, "ostiary: unknown flag: --confg\nRun 'ostiary --help' for what there is.\n"},
		"an argument too many":              {[]string{"check", "x"}, 2, "ostiary: unknown command \"x\" for \"ostiary check\"\nRun 'ostiary --help' for what there is.\n"},
		"a rule without an id":              {[]string{"rules", "get"}, 2, "ostiary: accepts 1 arg(s), received 0\nRun 'ostiary --help' for what there is.\n"},
		"a key without an algorithm":        {[]string{"credentials", "generate"}, 2, "ostiary: name what the key signs with by --alg: ES256, ES384, ES512, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512\nRun 'ostiary --help' for what there is.\n"},
		"a key of an unknown algorithm":     {[]string{"credentials", "generate", "--alg", "none"}, 1, "ostiary: --alg: \"none\" is none of ES256, ES384, ES512, EdDSA, HS256, HS384, HS512, PS256, PS384, PS512, RS256, RS384, RS512\n"},
		"a key that is too short":           {[]string{"credentials", "generate", "--alg", "RS256", "--bits", "1024"}, 1, "ostiary: --bits: a key for RS256 has at least 2048 bits, in steps of 8\n"},
		"a curve of another size":           {[]string{"credentials", "generate", "--alg", "ES256", "--bits", "384"}, 1, "ostiary: --bits: a key for ES256 has 256 bits\n"},
		"a handler that is not there":       {[]string{"handlers", "cookie_sesion"}, 1, "ostiary: there is no handler \"cookie_sesion\"; did you mean \"cookie_session\"?\n"},
		"no engine named":                   {[]string{"rules", "list"}, 1, "ostiary: name the engine's API with --endpoint, such as --endpoint http://127.0.0.1:4456\n"},
		"a configuration that is not there": {[]string{"serve", "--config", "gone.yaml"}, 1, "ostiary: the configuration cannot be used:\ngone.yaml: the file cannot be read: no such file or directory\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := runCommand(t, t.TempDir(), c.arguments...)
			if got.status != c.status || got.stderr != c.stderr || got.stdout != "" {
				t.Errorf("status %d, stderr %q, stdout %q; expected %d and %q", got.status, got.stderr, got.stdout, c.status, c.stderr)
			}
		})
	}
}

func TestVersionPrintsThreeLines(t *testing.T) {
	t.Parallel()
	got := runCommand(t, t.TempDir(), "version")
	lines := strings.Split(strings.TrimSpace(got.stdout), "\n")
	if got.status != 0 || len(lines) != 3 || lines[0] != "Version:    dev" ||
		!strings.HasPrefix(lines[1], "Git Hash:   ") || !strings.HasPrefix(lines[2], "Build Time: ") {
		t.Errorf("status %d, stdout %q", got.status, got.stdout)
	}
}

func TestGeneratedKeysSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for algorithm, keyType := range map[string]string{"HS512": "oct", "ES384": "EC", "EdDSA": "OKP", "PS256": "RSA"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			got := runCommand(t, t.TempDir(), "credentials", "generate", "--alg", algorithm, "--kid", "mine")
			var set struct{ Keys []map[string]string }
			if err := json.Unmarshal([]byte(got.stdout), &set); err != nil || len(set.Keys) != 1 {
				t.Fatalf("%v: %s", err, got.stdout)
			}
			key := set.Keys[0]
			private := key["d"] + key["k"]
			if key["kty"] != keyType || key["alg"] != algorithm || key["use"] != "sig" || key["kid"] != "mine" || private == "" {
				t.Errorf("the key says %v", key)
			}
		})
	}
}

func TestSchemasAreJSON(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"config", "rules"} {
		got := runCommand(t, t.TempDir(), "schema", kind)
		var schema map[string]any
		if err := json.Unmarshal([]byte(got.stdout), &schema); err != nil || schema["$schema"] == nil {
			t.Errorf("schema %s: %v", kind, err)
		}
	}
}

func TestTheReferenceOfAHandlerNamesEveryKey(t *testing.T) {
	t.Parallel()
	got := runCommand(t, t.TempDir(), "handlers", "redirect")
	for _, expected := range []string{"redirect (errors.handlers)", "  to  string, required\n", "  code  one of 301,302, default 302\n", "  when[].error  array\n"} {
		if !strings.Contains(got.stdout, expected) {
			t.Errorf("the reference lacks %q:\n%s", expected, got.stdout)
		}
	}
}

func TestCheckPrintsEveryProblem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const handlers = "authenticators: {anonymous: {enabled: true}}\nauthorizers: {allow: {enabled: true}}\nmutators: {noop: {enabled: true}}\n"
	write("good.yaml", handlers+"access_rules: {repositories: ['file://good.json']}\n")
	write("bad-rules.yaml", handlers+"access_rules: {repositories: ['file://bad.json', 'file://gone.json']}\n")
	write("bad.yaml", handlers+"serve: {proxy: {port: high}}\nacces_rules: {}\n")
	const rule = `[{"id": "a", "match": {"url": "http://a.test/", "methods": ["GET"]},
  "authenticators": [{"handler": "anonymous"}], "authorizer": {"handler": "%"}, "mutators": [{"handler": "noop"}]}]`
	write("good.json", strings.Replace(rule, "%", "allow", 1))
	write("bad.json", strings.Replace(rule, "%", "alow", 1))
	for config, expected := range map[string]result{
		"good.yaml": {status: 0, stdout: "good     1 access rule from 1 repository\n"},
		"bad-rules.yaml": {status: 1, stdout: "problem  gone.json: no such file or directory\n" +
			"problem  bad.json:2: rule \"a\": authorizer (alow): there is no handler of that name; did you mean \"allow\"?\n\n2 problems\n"},
		"bad.yaml": {status: 1, stdout: "problem  bad.yaml:4: serve.proxy.port: expected integer, got string\n" +
			"problem  bad.yaml:5: acces_rules: unknown key; did you mean \"access_rules\"?\n\n2 problems\n"},
	} {
		t.Run(config, func(t *testing.T) {
			t.Parallel()
			if got := runCommand(t, dir, "check", "--config", config); got != expected {
				t.Errorf("got %+v\nexpected %+v", got, expected)
			}
		})
	}
}

package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// found are findings, one on a line.
func found(findings []Finding) string {
	var b strings.Builder
	for _, f := range findings {
		b.WriteString(f.Level.String() + " " + f.String() + "\n")
	}
	return b.String()
}

// scopeByName is what is known besides the rules of a document in testdata: for
// configured-… what is enabled in tests.
func scopeByName(name string) Scope {
	if strings.HasPrefix(name, "configured-") {
		return SomeRules
	}
	return RulesAlone
}

// TestLintedDocuments holds every check to its exact messages: name.expected
// lists those about name; without that file there is nothing to find.
func TestLintedDocuments(t *testing.T) {
	t.Chdir("../testdata/rules/lint")
	seen := map[string]bool{}
	for _, name := range documents(t, ".") {
		t.Run(name, func(t *testing.T) {
			findings, err := Lint(t.Context(), byName(name), scopeByName(name))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(expected(t, name), found(findings)); diff != "" {
				t.Errorf("(-expected +got):\n%s", diff)
			}
			for _, f := range findings {
				seen[f.Check] = true
			}
		})
	}
	for _, check := range Checks() {
		if !seen[check.ID] && check != *unusedHandler { // that one is about a whole deployment
			t.Errorf("no document shows what %s finds", check.ID)
		}
	}
}

// TestWitnessesAreProofs: the rule that a finding is about matches the request
// that the finding gives.
func TestWitnessesAreProofs(t *testing.T) {
	t.Chdir("../testdata/rules/lint")
	witnesses := 0
	for _, name := range documents(t, ".") {
		findings, err := Lint(t.Context(), byName(name), scopeByName(name))
		if err != nil {
			t.Fatal(err)
		}
		engine := NewEngine()
		if _, err := NewLoader(engine).Configure(t.Context(), byName(name)); err != nil {
			t.Fatal(err)
		}
		for _, f := range findings {
			if f.Witness == "" || f.Check == overlapUndecided.ID {
				continue
			}
			witnesses++
			method, target, _ := strings.Cut(f.Witness, " ")
			if !isCanonical(target) {
				t.Errorf("%s: no request is for %s", f, target)
			}
			if !matchedBy(engine.Explain(method, target, true), f.Rule) {
				t.Errorf("%s: the rule does not match %s", f, f.Witness)
			}
		}
	}
	if witnesses < 30 {
		t.Errorf("there are only %d witnesses", witnesses)
	}
}

// matchedBy reports whether a rule matches, whether it answers or not.
func matchedBy(x Explanation, id string) bool {
	for _, rule := range x.Rules {
		if rule.ID == id {
			return true
		}
	}
	for _, miss := range x.Near {
		if miss.ID == id && strings.HasPrefix(miss.Reason, "it matches as well") {
			return true
		}
	}
	return false
}

// TestTheScenariosRule matches more than it seems to, and that is all.
func TestTheScenariosRule(t *testing.T) {
	t.Chdir("../testdata/scenarios/operational-auth")
	findings, err := Lint(t.Context(), from("access-rules.json"), RulesAlone)
	if err != nil || len(findings) != 1 || findings[0].Check != hostCrossing.ID || findings[0].Witness != "GET http://vmagent.localhost.evil.example/x" {
		t.Errorf("%v, %v", err, findings)
	}
}

// TestEveryDocumentCanBeLinted, good or bad, in either language.
func TestEveryDocumentCanBeLinted(t *testing.T) {
	for _, folder := range []string{"good", "bad", "lint"} {
		t.Run(folder, func(t *testing.T) {
			t.Chdir("../testdata/rules/" + folder)
			for _, name := range documents(t, ".") {
				for _, strategy := range []Strategy{Regexp, Glob} {
					settings := byName(name)
					settings.Strategy = strategy
					findings, err := Lint(t.Context(), settings, Deployment)
					if err != nil {
						t.Errorf("%s: %v", name, err)
					}
					if folder == "bad" && strategy == byName(name).Strategy && !strings.Contains(found(findings), "error ") {
						t.Errorf("%s: nothing is wrong with it:\n%s", name, found(findings))
					}
				}
			}
		})
	}
}

// TestOrdinaryRulesAreNothingToTalkAbout, however many.
func TestOrdinaryRulesAreNothingToTalkAbout(t *testing.T) {
	t.Chdir(t.TempDir())
	text, _ := mixed(100)
	write(t, "mix", string(text))
	findings, err := Lint(t.Context(), from("mix"), SomeRules)
	if err != nil || len(findings) > 0 {
		t.Errorf("%v, %v", err, findings)
	}
}

func TestHandlersOfADeployment(t *testing.T) {
	t.Chdir(t.TempDir())
	text := func(more string) string {
		return `[{"id": "a", "match": {"url": "http://a.test/", "methods": ["GET"]}, "authenticators": [{"handler": "noop"}],
  "authorizers": {"any_of": [{"handler": "allow"}, {"handler": "deny"}]}, "mutators": [{"handler": "noop"}]` + more + `}]`
	}
	settings := func(c map[string]any, fallback ...string) Settings {
		s := from("rules")
		s.Pipeline = pipeline.Settings{
			Authenticators: map[string]pipeline.Setting{"noop": {Enabled: true}, "anonymous": {Enabled: true}, "jwt": {}},
			Authorizers:    map[string]pipeline.Setting{"allow": {Enabled: true}, "deny": {Enabled: true}},
			Mutators:       map[string]pipeline.Setting{"noop": {Enabled: true}, "cookie": {Enabled: true}},
			ErrorHandlers: map[string]pipeline.Setting{
				"json": {Enabled: true}, "www_authenticate": {Enabled: true}, "redirect": {Enabled: true, Config: c},
			},
			Fallback: fallback,
		}
		return s
	}
	const (
		unusedOnes = "note authenticators.anonymous: is enabled, and no rule uses it; disable it if none is going to [unused-handler]\n" +
			"note mutators.cookie: is enabled, and no rule uses it; disable it if none is going to [unused-handler]\n"
		unusedChallenge = "note errors.handlers.www_authenticate: is enabled, and no rule uses it; disable it if none is going to [unused-handler]\n"
		remedy          = "also answers programs, which need a 401 and cannot log in; set on_browser_only: true [api-redirect]\n"
		fallback        = "warning errors.handlers.redirect: is the fallback of rules without error handlers, and " + remedy
	)
	anything := map[string]any{"to": "https://login.test/"}
	browsers := map[string]any{"to": "https://login.test/", "when": []any{
		map[string]any{"request": map[string]any{"header": map[string]any{"accept": []any{"text/html"}}}},
	}}
	for name, test := range map[string]struct {
		more     string
		settings Settings
		want     string
	}{
		"a fallback for everybody":      {"", settings(anything, "redirect"), fallback + unusedOnes + unusedChallenge},
		"a fallback for browsers":       {"", settings(browsers, "redirect", "www_authenticate"), unusedOnes},
		"a fallback behind another":     {"", settings(anything, "www_authenticate", "redirect"), unusedOnes},
		"a fallback for navigations":    {"", settings(map[string]any{"to": "https://login.test/", "on_browser_only": true}, "redirect", "www_authenticate"), unusedOnes},
		"a rule with its own":           {`, "errors": [{"handler": "www_authenticate"}]`, settings(anything, "redirect"), unusedOnes},
		"a rule for everybody":          {`, "errors": [{"handler": "redirect"}]`, settings(anything, "www_authenticate"), "warning rules:2: rule \"a\": the redirect " + remedy + unusedOnes},
		"a rule as configured":          {`, "errors": [{"handler": "redirect"}]`, settings(browsers, "www_authenticate"), unusedOnes},
		"a rule against what is set":    {`, "errors": [{"handler": "redirect", "config": {"when": []}}]`, settings(browsers, "www_authenticate"), "warning rules:2: rule \"a\": the redirect " + remedy + unusedOnes},
		"a rule for navigations":        {`, "errors": [{"handler": "redirect", "config": {"on_browser_only": true}}]`, settings(anything, "www_authenticate"), unusedOnes},
		"a rule for more than it seems": {`, "errors": [{"handler": "redirect", "config": {"when": [{"request": {"header": {"accept": ["text/html", "application/json"]}}}]}}]`, settings(browsers, "www_authenticate"), "warning rules:2: rule \"a\": the redirect " + remedy + unusedOnes},
	} {
		t.Run(name, func(t *testing.T) {
			write(t, "rules", text(test.more))
			findings, err := Lint(t.Context(), test.settings, Deployment)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, found(findings)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestSettingsThatCannotBeUsedAreAnError(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, "rules", list(simple("a", "a.test")))
	settings := from("rules")
	settings.Repositories = append(settings.Repositories, "gopher://rules")
	if _, err := Lint(t.Context(), settings, Deployment); err == nil || !strings.HasPrefix(err.Error(), "access_rules.repositories[1]: ") {
		t.Error(err)
	}
	settings = from("rules")
	settings.Pipeline.Authenticators = map[string]pipeline.Setting{"anonymous": {Enabled: true, Config: map[string]any{"subject": 7}}}
	if _, err := Lint(t.Context(), settings, Deployment); err == nil || !strings.HasPrefix(err.Error(), "authenticators.anonymous.config.subject: ") {
		t.Error(err)
	}
}

func TestLevelsHaveNames(t *testing.T) {
	for _, level := range []Level{Note, Warning, Failure} {
		if read, err := ParseLevel(level.String()); read != level || err != nil {
			t.Errorf("%s is read as %v, %v", level, read, err)
		}
	}
	for _, name := range []string{"", "fatal"} {
		if _, err := ParseLevel(name); err == nil {
			t.Errorf("%q is a level", name)
		}
	}
}

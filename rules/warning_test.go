package rules

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestUnfoldedPatterns: hosts are compared in lower case, so capitals in a
// pattern are worth a warning where they cannot be folded and might be meant
// for the host.
func TestUnfoldedPatterns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template string
		strategy Strategy
		want     string
	}{
		{"http://API.example.com/<[A-Z]+>", Regexp, ""},
		{"http://<API|WWW>.example.com/", Regexp, ""},
		{"http://<[^/]+[.]EXAMPLE[.]com>/", Regexp, ""},
		{"http://<[^/]+>/Users/<[A-Z]+/x>", Regexp, ""},
		{"http://<[^/]+/users/.*>", Regexp, ""},
		{`http://<\S+/\D+/\p{Lu}>`, Regexp, ""},
		{"http://<(?P<Name>[^/]+)/x>", Regexp, ""},
		{"http://<(?i)API/x>", Regexp, ""},
		{"http://<[^A-Z]+/x>", Regexp, ""},
		{"<.*>", Regexp, ""},
		{"<[A-Z]/>", Regexp, ""},
		{"<open", Regexp, ""},
		{"http://<API/x>", Regexp, "API/x"},
		{"http://<[^/]+/Users/.*>", Regexp, "[^/]+/Users/.*"},
		{"http://www.<API>.<example[.]COM/v1>/<X/y>", Regexp, "example[.]COM/v1"},
		{"<https?://API[.]com/.*>", Regexp, "https?://API[.]com/.*"},
		{"<https?>://API.com<(:80)?>/<X/Y>", Regexp, ""},
		{"http://<API.com/**>", Glob, "API.com/**"},
		{"http://<[^/]API>", Glob, "[^/]API"}, // for a glob ^ is a letter like others
		{"http://<[!/]API>", Glob, ""},
		{"http://<[!A-Z/]>", Glob, ""},
	} {
		if got := unfolded(test.template, test.strategy); got != test.want {
			t.Errorf("%s (%s): %q, want %q", test.template, test.strategy, got, test.want)
		}
	}
}

func TestRulesForCallsAndRulesLeftOutAreNotWarnedOf(t *testing.T) {
	t.Parallel()
	definitions := read(t, `[{"match": {"full_method": "a/B"}}, {"match": {"methods": []}}, {"match": null}, {}]`)
	if warnings := checkMatches(definitions, Regexp); len(warnings) > 0 {
		t.Errorf("warnings: %v", warnings)
	}
}

func TestEveryRuleThatSharesAnIDIsWarnedOf(t *testing.T) {
	t.Parallel()
	definitions := append(read(t, "[{\"id\": \"a\"},\n{\"id\": \"b\"}, {\"id\": \"a\"}]"), read(t, "- id: b\n- id: a\n-\n  upstream: {}\n")...)
	want := `rules:2: rule "a": id: is also the id of the rule at rules:1
rules:1: rule "b": id: is also the id of the rule at rules:2
rules:2: rule "a": id: is also the id of the rule at rules:1
rules:4: rule [2]: id: is missing; logs and metrics cannot name the rule
`
	if diff := cmp.Diff(want, lines(checkIDs(definitions)...)); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
}

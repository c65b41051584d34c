package rules

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everythingOf is what there is to know about a document that was read.
func everythingOf(rules []*definition, err ...string) []any {
	var all []any
	for _, rule := range rules {
		all = append(all, rule.Rule, rule.index, rule.digest, rule.place(), rule.plain)
	}
	return append(all, err)
}

// TestADocumentReadAgainIsAsReadForTheFirstTime, whatever it was before.
func TestADocumentReadAgainIsAsReadForTheFirstTime(t *testing.T) {
	t.Parallel()
	a, b, c := simple("a", "a.test"), simple("b", "b.test"), simple("c", "c.test")
	documents := map[string]string{
		"none":                  "[]",
		"one":                   list(a),
		"three":                 list(a, b, c),
		"in another order":      list(c, a, b),
		"on one line":           "[" + a + "," + b + "," + c + "]",
		"the same twice":        list(a, a, b),
		"with another one":      list(a, simple("b", "elsewhere.test"), c),
		"with an unknown key":   list(a, strings.Replace(b, "{", `{"colour": "red", `, 1)),
		"with a key twice":      list(a, strings.Replace(b, "{", `{"id": "x", `, 1)),
		"with a mistake":        list(a, `{"id": 7}`, b),
		"with two":              list(`{"id": 7}`, `{"match": 7}`),
		"with a bad version":    list(a, strings.Replace(b, "{", `{"version": "new", `, 1)),
		"with no rule":          list(a, `"b"`),
		"cut off":               list(a, b)[:300],
		"with a tail":           list(a) + "]",
		"an object":             a,
		"null":                  "null",
		"empty":                 "",
		"YAML":                  "- id: a\n  match: {url: 'http://a.test/', methods: [GET]}\n",
		"JSON but for a remark": list(a, b) + "# that is all",
		"with a BOM":            "\ufeff" + list(a),
	}
	for name, before := range documents {
		for _, strict := range []bool{false, true} {
			earlier, _, _ := parse("rules", []byte(before), strict, nil)
			for next, text := range documents {
				rules, warnings, problems := parse("rules", []byte(text), strict, nil)
				want := everythingOf(rules, lines(warnings...), lines(problems...))
				for range 2 { // from the texts of the document, and from those that are known then
					rules, warnings, problems = parse("rules", []byte(text), strict, earlier)
					if diff := cmp.Diff(want, everythingOf(rules, lines(warnings...), lines(problems...))); diff != "" {
						t.Errorf("%s after %s, strict %t (-first time +again):\n%s", next, name, strict, diff)
					}
				}
			}
		}
	}
}

// TestRulesThatAreTheSameAreNotReadAgain: it is what makes large sets quick to
// change.
func TestRulesThatAreTheSameAreNotReadAgain(t *testing.T) {
	t.Parallel()
	text, _ := mixed(100)
	before, _, _ := parse("rules", text, false, nil)
	again := reread("rules", append(text[:len(text):len(text)], ' '), before)
	if len(again) != len(before) {
		t.Fatalf("%d of %d rules", len(again), len(before))
	}
	for i := range again {
		if &again[i].Authenticators[0] != &before[i].Authenticators[0] {
			t.Fatalf("rule %d was read again", i)
		}
	}
}

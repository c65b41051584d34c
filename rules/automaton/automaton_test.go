package automaton

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func parsed(t testing.TB, pattern string) *Expression {
	t.Helper()
	e, err := ParseRegexp(pattern)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	return e
}

// compiled is the automaton of patterns, for all texts.
func compiled(t testing.TB, patterns ...string) *Automaton {
	t.Helper()
	var expressions []*Expression
	for _, pattern := range patterns {
		expressions = append(expressions, parsed(t, pattern))
	}
	a, err := Compile(expressions, nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestOnePassTellsAllPatternsThatMatch(t *testing.T) {
	t.Parallel()
	patterns := []string{
		0:  `http://a\.test/.*`,
		1:  `http://a\.test/admin`,
		2:  `http://a\.test/(?!admin).*`,
		3:  `https?://[a-z]+\.test/.*`,
		4:  `http://a\.test/admin`, // as 1
		5:  ``,
		6:  `.*\.php`,
		7:  `(?=.*x)(?=.*y)(?!.*z).*`,
		8:  `(a|b)*a(a|b){3}`,
		9:  `\bword\b.*`,
		10: `((?!--).)*`,
		11: `(a*)*b`,
		12: `ä+[^ä]`,
		13: `([0-9])\1`,
		14: `(?:x|(y)\1)`,
	}
	a := compiled(t, patterns...)
	certain := func(indexes ...int) []Match {
		var all []Match
		for _, i := range indexes {
			all = append(all, Match{i, true})
		}
		return all
	}
	for text, want := range map[string][]Match{
		"":                     certain(5, 10),
		"http://a.test/":       certain(0, 2, 3, 10),
		"http://a.test/admin":  certain(0, 1, 3, 4, 10),
		"http://a.test/admin/": certain(0, 3, 10),
		"http://a.test/x.php":  certain(0, 2, 3, 6, 10),
		"https://b.test/":      certain(3, 10),
		"http://a.test/--":     certain(0, 2, 3),
		"axby":                 certain(7, 10),
		"axbyz":                certain(10),
		"abab":                 certain(8, 10),
		"baaab":                certain(8, 10),
		"word":                 certain(9, 10),
		"word up":              certain(9, 10),
		"words":                certain(10),
		"aaab":                 certain(8, 10, 11),
		"b":                    certain(10, 11),
		"ääx":                  certain(10, 12),
		"\xff\xff":             certain(10),
		"77":                   append(certain(10), Match{13, false}),
		"yy":                   append(certain(10), Match{14, false}),
		"x":                    certain(10, 14),
		"\n":                   nil,
	} {
		if diff := cmp.Diff(want, a.Match(text)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", text, diff)
		}
		for i, pattern := range patterns {
			has := slices.ContainsFunc(a.Match(text), func(m Match) bool { return m.Pattern == i })
			if alone := len(compiled(t, pattern).Match(text)) > 0; alone != has {
				t.Errorf("%q with %s: alone it says %v", text, pattern, alone)
			}
		}
	}
}

// TestHostilePatternsAreBounded: each of these would take an engine that tries
// everything, or an automaton that is made beforehand, longer than anybody waits.
func TestHostilePatternsAreBounded(t *testing.T) {
	t.Parallel()
	patterns := []string{
		`(a{1,1000}){1,1000}`, `((((a{1,100}){1,100}){1,100}){1,100})`, `(x+)+y`, `(a|a)*b`, `(.*a){20}`, `(a?){50}a{50}`,
		`(?:\b{1000}){1000}a`, `(?:(?!x){1000}){1000}a`, `(?:(?:^|){1000}){1000}a`,
		`.*a.{2000}b`, `(?=.*a.{2000}b).*`, `(?!.*a.{60}b).*`, `((a?){50}){50}x`, `(?:(?!ab).|(?=b).){300}`, `(?=(?!(?=.*a.{12}b).*a.{12}c).*)b*`,
	}
	a := compiled(t, patterns...)
	for _, text := range []string{strings.Repeat("a", 600), strings.Repeat("ab", 300) + "!", strings.Repeat("x", 600) + "!"} {
		found := a.Match(text)
		for i, pattern := range patterns {
			has := slices.ContainsFunc(found, func(m Match) bool { return m.Pattern == i })
			if alone := len(compiled(t, pattern).Match(text)) > 0; alone != has {
				t.Errorf("%.10s… with %s: alone it says %v", text, pattern, alone)
			}
		}
	}
	if _, costly := a.Overlaps(always, 1<<12, many); costly < 0 {
		t.Error("they have all been compared")
	}
}

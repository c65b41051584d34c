package document_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"ostiary/config/document"
)

func TestAliasesAndMergeKeys(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"alias":               {"a: &x [1, 2]\nb: *x\n", `{"a":[1,2],"b":[1,2]}`},
		"alias of a scalar":   {"a: &x yes\nb: *x\n", `{"a":"yes","b":"yes"}`},
		"merge":               {"a: &x {p: 1, q: 2}\nb: {<<: *x, q: 3}\n", `{"a":{"p":1,"q":2},"b":{"p":1,"q":3}}`},
		"own keys come first": {"a: &x {p: 1}\nb:\n  p: 2\n  <<: *x\n", `{"a":{"p":1},"b":{"p":2}}`},
		"of several the first": {
			"a: &x {p: 1}\nb: &y {p: 2, q: 2}\nc: {<<: [*x, *y]}\n",
			`{"a":{"p":1},"b":{"p":2,"q":2},"c":{"p":1,"q":2}}`,
		},
		"merge of a merge":   {"a: &x {p: 1}\nb: &y {<<: *x, q: 2}\nc: {<<: *y}\n", `{"a":{"p":1},"b":{"p":1,"q":2},"c":{"p":1,"q":2}}`},
		"merge is not deep":  {"a: &x {m: {p: 1}}\nb: {<<: *x, m: {q: 2}}\n", `{"a":{"m":{"p":1}},"b":{"m":{"q":2}}}`},
		"merge of a map":     {"a: {<<: {p: 1}, q: 2}\n", `{"a":{"p":1,"q":2}}`},
		"an anchor set anew": {"a: &x 1\nb: *x\nc: &x 2\nd: *x\n", `{"a":1,"b":1,"c":2,"d":2}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := json.Marshal(parse(t, test.text, document.YAML).Value)
			if err != nil || string(got) != test.want {
				t.Errorf("%s, %v, want %s", got, err, test.want)
			}
		})
	}
}

// TestAliasBombs: a few lines cannot unfold into gigabytes, nor keep the parser
// busy until the tests are given up.
func TestAliasBombs(t *testing.T) {
	var lists, merges, wide strings.Builder
	lists.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	merges.WriteString("a0: &a0 {x: 1}\n")
	for i := range 30 {
		alias := fmt.Sprintf("*a%d", i)
		fmt.Fprintf(&lists, "a%d: &a%d [%s]\n", i+1, i+1, strings.Join([]string{alias, alias, alias, alias, alias}, ", "))
		fmt.Fprintf(&merges, "a%d: &a%d {<<: [%s]}\n", i+1, i+1, strings.Join([]string{alias, alias, alias, alias, alias}, ", "))
	}
	wide.WriteString("a: &a [" + strings.Repeat("x, ", 1000) + "x]\nb: [" + strings.Repeat("*a, ", 1000) + "*a]\n")
	for name, text := range map[string]string{"lists": lists.String(), "merges": merges.String(), "wide": wide.String()} {
		t.Run(name, func(t *testing.T) {
			_, err := document.Parse("f", []byte(text), document.YAML)
			if err == nil || !strings.Contains(err.Error(), "aliases unfold to more than") {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestAliasInsideItself(t *testing.T) {
	for text, line := range map[string]int{
		"a: &a\n  b: *a\n":                            2,
		"a: &a [*a]\n":                                1,
		"a: &a\n  <<: *a\n":                           2,
		"a: &a\n  b: &b\n    c: *a\nd: *b\n":          3,
		"a: &a\n  - x\n  - {k: &b [*a, y], l: *b }\n": 3,
	} {
		_, err := document.Parse("f", []byte(text), document.YAML)
		want := fmt.Sprintf("f:%d: invalid YAML: the alias *a stands inside its own anchor", line)
		if err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestManyRulesWithAnchors: a large file may share a pipeline between all of
// its rules.
func TestManyRulesWithAnchors(t *testing.T) {
	var b strings.Builder
	b.WriteString("- &first\n  authenticators: [{handler: a, config: {b: [c, d, e, f]}}]\n  mutators: [{handler: noop}]\n")
	for i := range 20_000 {
		fmt.Fprintf(&b, "- <<: *first\n  id: rule-%d\n", i)
	}
	parsed := parse(t, b.String(), document.Sniff)
	if list, _ := parsed.Value.([]any); len(list) != 20_001 {
		t.Errorf("there are %d", len(list))
	}
	for i := range 20_001 {
		path := document.Path{fmt.Sprint(i), "authenticators", "0", "config", "b", "3"}
		if line := parsed.Line(path); line != 2 {
			t.Fatalf("rule %d is at line %d", i, line)
		}
	}
}

package rules

import (
	"encoding/json"
	"strings"
	"testing"
)

// FuzzMatch: a set finds the rule that is found by trying the rules one by one,
// in whatever order they stand; and what Explain says is what Decide does.
func FuzzMatch(f *testing.F) {
	f.Add("http://<[^/]+>/public/<.*>", "http://a/<(?!admin).*>", int8(0), int8(1), "GET", "http://a/public/x", false)
	f.Add("http://*.a/<**>", "http://<*>.a/x", int8(0), int8(0), "get", "http://b.a/x", true)
	f.Add("<(a+)+$>", "<", int8(-1), int8(1), "POST", "aaaaaaaaaaaaaaaaaaaaaaaaaaaa!", false)
	f.Fuzz(func(t *testing.T, one, other string, priority, otherPriority int8, method, target string, globs bool) {
		if len(one)+len(other) > 120 || len(target) > 120 {
			return
		}
		strategy := Regexp
		if globs {
			strategy = Glob
		}
		rules := []plainRule{{id: "one", path: one, priority: int(priority)}, {id: "other", path: other, priority: int(otherPriority)}}
		document := func(order ...int) string {
			var all []string
			for _, i := range order {
				r := rules[i]
				text, err := json.Marshal(map[string]any{
					"id": r.id, "priority": r.priority, "match": map[string]any{"url": r.path, "methods": []string{"GET", "POST"}},
				})
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, string(text))
			}
			return list(all...)
		}
		for i := range rules {
			rules[i].methods = []string{"GET", "POST"}
			pattern, err := newTemplates(strategy).read(string([]rune(rules[i].path)))
			rules[i].matches = func(target string) bool {
				if err != nil || rules[i].path == "" {
					return false // such a rule is left out
				}
				matches, err := decided(t, pattern, target)
				if err != nil {
					t.Skip(err)
				}
				return matches
			}
		}
		want := scan(rules, method, target)
		set, turned := setOf(t, document(0, 1), strategy), setOf(t, document(1, 0), strategy)
		if set.failure != nil || turned.failure != nil {
			return // they are too large together
		}
		if got := verdict(set, method, target); got != want {
			t.Fatalf("%q and %q find %s for %s %q, want %s", one, other, got, method, target, want)
		}
		if got := verdict(turned, method, target); got != want {
			t.Fatalf("%q and %q in turn find %s for %s %q, want %s", one, other, got, method, target, want)
		}
		explained := set.explain(method, target, true)
		if (explained.Status == 0) != (want == "one" || want == "other") || explained.Status == 0 && (len(explained.Rules) != 1 || explained.Rules[0].ID != want) {
			t.Errorf("%q and %q: %s is explained as %+v", one, other, want, explained)
		}
		for _, miss := range explained.Near {
			if miss.Reach < 0 || miss.Reach > len(target) || miss.Reason == "" || strings.ContainsAny(miss.Reason, "\r\n") && !strings.ContainsAny(one+other+method, "\r\n") {
				t.Errorf("%+v", miss)
			}
		}
	})
}

// FuzzLintPattern: whatever a template says, what there is to say about it has
// one line, and a request that is named as an example is one that the rule
// matches.
func FuzzLintPattern(f *testing.F) {
	for _, template := range []string{"http://app.test/<.*>", "http://<.*>/public", "https?://<.*>/x", "<.*>", "http://a<b|c>.test/api", "http://x/<(a+)+>", "rpc://x"} {
		f.Add(template, false)
		f.Add(template, true)
	}
	f.Fuzz(func(t *testing.T, template string, globs bool) {
		if len(template) > 80 {
			return
		}
		strategy := Regexp
		if globs {
			strategy = Glob
		}
		text, err := json.Marshal([]any{map[string]any{"id": "rule", "match": map[string]any{"url": template, "methods": []string{"GET"}}}})
		if err != nil {
			t.Fatal(err)
		}
		set := setOf(t, string(text), strategy)
		inspection := newInspection(strategy)
		for _, rule := range set.rules {
			inspected := inspection.inspect(rule)
			if inspected == nil {
				continue
			}
			for _, finding := range checkPattern(inspected) {
				if finding.Message == "" || finding.Check == "" || strings.ContainsAny(finding.Message, "\r\n") && !strings.ContainsAny(template, "\r\n") {
					t.Errorf("%q: %+v", template, finding)
				}
				method, target, named := strings.Cut(finding.Witness, " ")
				if !named {
					continue
				}
				if matches, err := decided(t, rule.pattern, target); err == nil && (!matches || method != "GET") {
					t.Errorf("%q: %s names %q, which it does not match", template, finding.Check, finding.Witness)
				}
			}
		}
	})
}

package rules

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// told is an explanation in a few lines.
func told(x Explanation) string {
	var b strings.Builder
	for _, rule := range x.Rules {
		fmt.Fprintf(&b, "%s at %d %q\n", rule.ID, rule.Line, x.Captures)
	}
	if x.Refusal != "" {
		fmt.Fprintf(&b, "%d %s\n", x.Status, x.Refusal)
	}
	for _, miss := range x.Near {
		fmt.Fprintf(&b, "near %s %d %s\n", miss.ID, miss.Reach, miss.Reason)
	}
	return b.String()
}

func TestARequestIsExplained(t *testing.T) {
	engine, _ := loaded(t, list(
		at("reports", "http://a.test/reports/<[0-9]+>/<[a-z]*>", ""),
		at("low", "http://b.test/<.*>", `"priority": -1, `),
		at("left", "http://b.test/<[a-m]>/<.*>", ""),
		at("right", "http://b.test/<[k-z]>/<.*>", ""),
		at("twice", `http://c.test/<([a-z]+)-\\k<1>>`, ""),
		at("slow", `http://d.test/<((a+)+)(b)\\3>`, ""),
		strings.Replace(at("writes", "https://e.test/<.*>", ""), `"GET"`, `"PUT", "POST"`, 1),
		strings.Replace(at("none", "http://f.test/", ""), `"GET"`, "", 1),
		`{"id": "calls", "match": {"authority": "a.test", "full_method": "x"}, "authenticators": [{"handler": "noop"}], "authorizer": {"handler": "allow"}, "mutators": [{"handler": "noop"}]}`,
	), Regexp)
	for name, test := range map[string]struct{ request, want string }{
		"one rule":             {"GET http://a.test/reports/2026/q", "reports at 2 [\"2026\" \"q\"]\n"},
		"the highest":          {"GET http://b.test/l", "low at 3 [\"l\"]\n"},
		"two rules":            {"GET http://b.test/l/x", "left at 4 []\nright at 5 []\n500 rules \"left\" and \"right\" both match\n"},
		"another path":         {"GET http://a.test/reports/q3", "404 no rule matches\nnear reports 22 it goes on in another way here\n"},
		"too short":            {"GET http://a.test/reports/20", "404 no rule matches\nnear reports 24 the URL ends where it goes on\n"},
		"another method":       {"GET https://e.test/x", "404 no rule matches\nnear writes 16 the URL matches, the method GET does not: it is for POST, PUT\n"},
		"another scheme":       {"PUT http://e.test/x", "404 no rule matches\nnear writes 4 it is for https, and the request for http\n"},
		"no methods":           {"GET http://f.test/", "404 no rule matches\nnear none 14 it has no methods\n"},
		"only trying can tell": {"GET http://c.test/a-b", "404 no rule matches\nnear twice 17 the pattern has a back-reference in column 10, and does not match\n"},
		"and it takes long":    {"GET http://d.test/" + strings.Repeat("a", 36) + "bc", "500 rule \"slow\": the pattern took too long to match\nnear slow 52 the pattern took too long to match\n"},
	} {
		t.Run(name, func(t *testing.T) {
			method, target, _ := strings.Cut(test.request, " ")
			got := told(engine.Explain(method, target, strings.Contains(test.want, "near")))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestARuleIsOutlined(t *testing.T) {
	rule := `{"id": "a", "match": {"url": "http://a.test/", "methods": ["put", "GET"]}, "priority": 7,
  "authenticators": [{"handler": "noop"}, {"handler": "anonymous"}],
  "authorizers": {"all_of": [{"handler": "allow"}, {"any_of": [{"handler": "deny"}, {"handler": "allow"}]}]},
  "mutators": [{"handler": "nop"}]}`
	engine, _ := loaded(t, list(rule), Regexp)
	x := engine.Explain("PUT", "http://a.test/", true)
	x.Rules[0].File = ""
	want := []Outline{{
		ID: "a", Line: 2, Priority: 7, Methods: []string{"GET", "PUT"}, URL: "http://a.test/",
		Pipeline: "noop, anonymous → all_of(allow, any_of(deny, allow)) → nop", Broken: true,
	}}
	if diff := cmp.Diff(want, x.Rules); diff != "" || len(x.Near) > 0 {
		t.Errorf("near: %v (-want +got):\n%s", x.Near, diff)
	}
}

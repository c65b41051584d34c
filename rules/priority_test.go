package rules

import (
	"slices"
	"strings"
	"testing"

	"ostiary/pipeline"
)

func TestAPriorityIsAnInteger(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Priority{
		`[{}]`:                                    0,
		`[{"priority": null}]`:                    0,
		`[{"priority": -0}]`:                      0,
		`[{"priority": 10}]`:                      10,
		`[{"priority": 10.0}]`:                    10,
		`[{"priority": 1e1}]`:                     10,
		`[{"priority": -1000000}]`:                -1000000,
		`[{"priority": 1000000}]`:                 1000000,
		"- priority: 10\n":                        10,
		"- priority: -10\n":                       -10,
		"- priority: 0x10\n":                      16,
		"- {id: a, priority: +5} # one of five\n": 5,
	} {
		if got := read(t, text)[0].Priority; got != want {
			t.Errorf("%s: %d, want %d", text, got, want)
		}
	}
}

// ranked is a rule as JSON that matches a template with a priority.
func ranked(id, template, priority string) string {
	return `{"id": "` + id + `", "match": {"url": "` + template + `", "methods": ["GET"]}, "priority": ` + priority + `}`
}

func backwards(rules []string) []string {
	turned := slices.Clone(rules)
	slices.Reverse(turned)
	return turned
}

// TestTheHighestPriorityAnswers, so that a default can have exceptions, and
// these exceptions of their own.
func TestTheHighestPriorityAnswers(t *testing.T) {
	t.Parallel()
	rules := []string{
		ranked("default", "<.*>", "-10"),
		ranked("site", "http://a.com/<.*>", "0"),
		ranked("twin", "http://a.com/twin/<.*>", "0"),
		ranked("admin", "<https?>://a.com/admin/<.*>", "10"),
		ranked("help", "http://<a|b>.com/admin/help", "20"),
		ranked("other help", "<http|https>://a.com/<.*>/help", "20"),
		ranked("top", "http://a.com/twin/admin", "1000000"),
	}
	for target, want := range map[string]string{
		"http://c.com/":           "default",
		"http://a.com/":           "site",
		"http://a.com/twin/x":     "many", // neither is higher, and the default does not decide
		"http://a.com/twin/admin": "top",  // the twins do not matter
		"http://a.com/admin/x":    "admin",
		"https://a.com/admin/x":   "admin",
		"http://a.com/admin/help": "many",
		"http://b.com/admin/help": "help",
		"https://a.com/x/help":    "other help",
	} {
		for _, order := range [][]string{rules, backwards(rules)} {
			if got := verdict(setOf(t, list(order...), Regexp), "GET", target); got != want {
				t.Errorf("%s: %s, want %s, by\n%s", target, got, want, strings.Join(order, "\n"))
			}
		}
	}
}

// TestAPriorityIsWorthNothingForOtherRequests: a rule that does not match, by
// its method or its URL, does not stand in the way of one that does.
func TestAPriorityIsWorthNothingForOtherRequests(t *testing.T) {
	t.Parallel()
	set := setOf(t, list(
		ranked("low", "http://a.com/<.*>", "-1"),
		ranked("no such path", "http://a.com/x<y+>", "5"),
		strings.Replace(ranked("no such method", "http://a.com/<.*>", "9"), "GET", "POST", 1),
		`{"id": "calls", "match": {"full_method": "<.*>", "methods": ["GET"]}, "priority": 9}`,
		strings.Replace(ranked("left out", "http://a.com/<[>", "9"), "GET", "POST", 1),
	), Regexp)
	for target, want := range map[string]string{"http://a.com/x": "low", "http://a.com/xyy": "no such path", "http://b.com/": "none"} {
		if got := verdict(set, "GET", target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

// TestAnUndecidedRuleBelowTheWinnerDoesNotMatter, and one that could win or
// draw does: it might be the one that forbids the request.
func TestAnUndecidedRuleBelowTheWinnerDoesNotMatter(t *testing.T) {
	t.Parallel()
	const endless = `http://a.com/<(?<n>a+)+b?\\k<n>>!`
	undecided := pipeline.Internal.Error() + `: rule "slow": the pattern took too long to match`
	target := "http://a.com/" + strings.Repeat("a", 60) + "b!!"
	for name, test := range map[string]struct {
		rules []string
		want  string
	}{
		"below":               {[]string{ranked("slow", endless, "1"), ranked("fast", "http://a.com/<.*>", "2")}, "fast"},
		"equal":               {[]string{ranked("slow", endless, "2"), ranked("fast", "http://a.com/<.*>", "2")}, undecided},
		"above":               {[]string{ranked("slow", endless, "3"), ranked("fast", "http://a.com/<.*>", "2")}, undecided},
		"alone":               {[]string{ranked("slow", endless, "-3"), ranked("no", "http://b.com/", "2")}, undecided},
		"between":             {[]string{ranked("low", "<.*>", "0"), ranked("slow", endless, "1"), ranked("high", "http://<.*>", "2")}, "high"},
		"below a draw":        {[]string{ranked("slow", endless, "1"), ranked("a", "http://a.com/<.*>", "2"), ranked("b", "<.*>", "2")}, "many"},
		"above a draw":        {[]string{ranked("slow", endless, "3"), ranked("a", "http://a.com/<.*>", "2"), ranked("b", "<.*>", "2")}, undecided},
		"two of them":         {[]string{ranked("slow", endless, "3"), ranked("slower", "<(?!x)>"+endless, "1"), ranked("fast", "<.*>", "2")}, undecided},
		"one of two is below": {[]string{ranked("slow", endless, "1"), ranked("slower", "<(?!x)>"+endless, "0"), ranked("fast", "<.*>", "2")}, "fast"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, order := range [][]string{test.rules, backwards(test.rules)} {
				if got := verdict(setOf(t, list(order...), Regexp), "GET", target); got != test.want {
					t.Errorf("%s, want %s, by\n%s", got, test.want, strings.Join(order, "\n"))
				}
			}
		})
	}
}

// TestABrokenRuleKeepsItsPriority: it denies what it would have answered for.
func TestABrokenRuleKeepsItsPriority(t *testing.T) {
	t.Parallel()
	broken := strings.Replace(simple("broken", "a.com/admin"), "allow", "alow", 1)
	engine, report := loaded(t, list(simple("site", "a.com"), strings.Replace(broken, `"id"`, `"priority": 1, "id"`, 1)), Regexp)
	if report.Broken != 1 {
		t.Errorf("%d rules are broken", report.Broken)
	}
	if got := outcome(engine, "a.com", "/admin/x"); got != pipeline.Misconfigured.Error()+": a part of the rule could not be built when it was loaded" {
		t.Errorf("the exception: %s", got)
	}
	if got := outcome(engine, "a.com", "/x"); got != "site" {
		t.Errorf("the rest: %s", got)
	}
}

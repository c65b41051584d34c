package rules

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// setOf compiles the rules of a document, with nothing to run in them.
func setOf(t testing.TB, text string, strategy Strategy) *Set {
	t.Helper()
	definitions, _, problems := parse("rules", []byte(text), false, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	builder := pipeline.NewBuilder(pipeline.Handlers{}, pipeline.Settings{}, pipeline.Environment{}, nil)
	set, _ := compile(definitions, strategy, builder, newMasking(pipeline.Handlers{}))
	return set
}

// verdict is the id of the rule that a set finds, or the kind of its refusal.
func verdict(set *Set, method, target string) string {
	rule, err := set.match(method, target)
	switch {
	case err == nil:
		return rule.id
	case errors.Is(err, pipeline.NoRule):
		return "none"
	case errors.Is(err, pipeline.ManyRules):
		return "many"
	}
	return err.Error()
}

// plainRule is a rule as a plain scan over all rules sees it.
type plainRule struct {
	id, host, path string   // templates; what stands before the host is part of it
	methods        []string // as requests write them
	priority       int
	matches        func(target string) bool
}

// scan is the verdict of looking at every rule.
func scan(rules []plainRule, method, target string) string {
	var matching []plainRule
	for _, rule := range rules {
		if slices.Contains(rule.methods, method) && rule.matches(target) {
			matching = append(matching, rule)
		}
	}
	slices.SortFunc(matching, func(a, b plainRule) int { return b.priority - a.priority })
	switch {
	case len(matching) == 0:
		return "none"
	case len(matching) > 1 && matching[0].priority == matching[1].priority:
		return "many"
	}
	return matching[0].id
}

// language is what random rules of a strategy are made of.
type language struct {
	strategy     Strategy
	hosts, paths []string
	matcher      func(t testing.TB, template string) func(string) bool
}

var bracketed = regexp.MustCompile(`<[^>]*>`)

var regexps = language{
	strategy: Regexp,
	hosts: []string{
		"http://a.com", "http://b.com", "http://A.COM", "http://a.com:8080", "https://a.com", "<https|http>://a.com", "<https|http>://b.com",
		"<https?>://a.com", "<http>://<a|b>.com", "<http|https>://<[a-z]+>.com", "http://<[a-z.]+>", "http://<(?!a)[a-z]+>.com", "http://<.*>",
		"<.*>", "<http|https>://<a|b|c|d|e>.com", "http://<(a|b)(?=.)>.com", "http://<A|B>.com", "<[a-z]+>://<(?!b[.]).*>",
	},
	paths: []string{
		"", "/", "/x", "/X", "/x/", "/x/<.*>", "/<x|y>", "/<x|y>/<[0-9]+>", "/<(?!x).*>", "/<[^/]+>/z", "/<a||b>", "<(/.*)?>", "/<.*>", "/<x>y",
		"/x/<[0-9]{1,2}>", `/<(x|y)>/<\d+>`, "/<(?=x)[xyz]+>", "/x<(?!y)>", "/<[[:alpha:]]+>/<(?i)Z>", "/<[^/]*>",
	},
	matcher: func(t testing.TB, template string) func(string) bool {
		t.Helper()
		var source strings.Builder
		from := 0
		for _, at := range bracketed.FindAllStringIndex(template, -1) {
			source.WriteString(regexp.QuoteMeta(template[from:at[0]]) + "(?:" + template[at[0]+1:at[1]-1] + ")")
			from = at[1]
		}
		compiled, err := newBacktracking("^(?:" + source.String() + regexp.QuoteMeta(template[from:]) + `)\z`)
		if err != nil {
			t.Fatal(err)
		}
		return func(target string) bool {
			matches, err := compiled.matches(target)
			if err != nil {
				t.Fatal(err)
			}
			return matches
		}
	},
}

var globs = language{
	strategy: Glob,
	hosts: []string{
		"http://a.com", "http://B.com", "<{https,http}>://a.com", "http://<*>.com", "http://<**>", "http://<{a,b}>.com", "<**>", "<*>://<[!a]>.com",
		"<{http,https}>://<{a,b,c,d,e}>.com", "http://<?>.com",
	},
	paths: []string{"", "/", "/x", "/X", "/<*>", "/<**>", "/x/<*>", "/<{x,y}>/<[0-9]>", "/<[!x]*>", "/<?>", "/<*>/z", "/<x,,y>", "/<,,>", "/<x>y"},
	matcher: func(_ testing.TB, template string) func(string) bool {
		var glob strings.Builder
		from := 0
		literal := func(text string) {
			for _, c := range text {
				glob.WriteString(`\` + string(c))
			}
		}
		for _, at := range bracketed.FindAllStringIndex(template, -1) {
			literal(template[from:at[0]])
			glob.WriteString(template[at[0]+1 : at[1]-1])
			from = at[1]
		}
		literal(template[from:])
		return func(target string) bool { return globMatches(glob.String(), target) }
	},
}

var (
	anyHosts = []string{"http://a.com", "https://a.com", "http://b.com", "http://ab.com", "http://a.b.com", "http://a.com:8080", "http://x.org", "ftp://b.com"}
	anyPaths = []string{"", "/", "/x", "/X", "/x/", "/x/1", "/x/123", "/y/12", "/q/z", "/a", "/ab", "/xy", "/x\n", "/x,,y", "/,,", "/xx/Z", "/x/y/z"}
)

// TestASetFindsWhatLookingAtEveryRuleFinds: the index and the short cuts of
// patterns change nothing about which rule answers.
func TestASetFindsWhatLookingAtEveryRuleFinds(t *testing.T) {
	t.Parallel()
	for seed, words := range []language{regexps, globs} {
		random := rand.New(rand.NewPCG(2026, uint64(seed)))
		pick := func(from []string) string { return from[random.IntN(len(from))] }
		seen := map[string]int{}
		for range 150 {
			rules := make([]plainRule, random.IntN(12))
			priorities := 1 + 2*random.IntN(3) // so many are used
			texts := make([]string, len(rules))
			for i := range rules {
				rule := &rules[i]
				rule.priority = random.IntN(priorities) - priorities/2
				rule.id, rule.host, rule.path = fmt.Sprint("rule ", i), pick(words.hosts), pick(words.paths)
				written := [][]string{{"GET"}, {"get", "POST"}, {"Post"}, {}, {"GET", "GET"}}[random.IntN(5)]
				for _, method := range written {
					rule.methods = append(rule.methods, strings.ToUpper(method))
				}
				// The text of a host is compared in lower case; of what is no
				// text here, only words and ranges of letters have capitals.
				rule.matches = words.matcher(t, strings.ToLower(rule.host)+rule.path)
				text, err := json.Marshal(map[string]any{
					"id": rule.id, "priority": rule.priority, "match": map[string]any{"url": rule.host + rule.path, "methods": written},
				})
				if err != nil {
					t.Fatal(err)
				}
				texts[i] = string(text)
			}
			set := setOf(t, list(texts...), words.strategy)
			if len(set.rules) != len(rules) {
				t.Fatalf("%d of %d rules compile", len(set.rules), len(rules))
			}
			for range 60 {
				method, target := pick([]string{"GET", "POST", "get", "PUT"}), pick(anyHosts)+pick(anyPaths)
				got, want := verdict(set, method, target), scan(rules, method, target)
				if got != want {
					t.Fatalf("%s %q: %s, want %s, by\n%s", method, target, got, want, strings.Join(texts, "\n"))
				}
				seen[strings.Fields(want)[0]]++
			}
		}
		for _, kind := range []string{"rule", "none", "many"} {
			if seen[kind] < 40 {
				t.Errorf("%s: only %d verdicts are %q", words.strategy, seen[kind], kind)
			}
		}
	}
}

func TestARuleIsFoundByItsMethod(t *testing.T) {
	t.Parallel()
	set := setOf(t, `[
  {"id": "read", "match": {"url": "http://a/<.*>", "methods": ["get", "HEAD"]}},
  {"id": "write", "match": {"url": "http://a/<.*>", "methods": ["POST", "Purge", "post"]}},
  {"id": "never", "match": {"url": "http://a/<.*>", "methods": []}},
  {"id": "calls", "match": {"authority": "a", "full_method": "<.*>", "methods": ["GET"]}}
]`, Regexp)
	for method, want := range map[string]string{
		"GET": "read", "HEAD": "read", "POST": "write", "PURGE": "write", "get": "none", "Purge": "none", "PUT": "none", "": "none",
	} {
		if got := verdict(set, method, "http://a/b"); got != want {
			t.Errorf("%s: %s, want %s", method, got, want)
		}
	}
}

func TestARuleWithSeveralPrefixesMatchesOnce(t *testing.T) {
	t.Parallel()
	set := setOf(t, `[{"id": "a", "match": {"url": "<http|http|https>://<x|>x<.*>", "methods": ["GET", "get"]}}]`, Regexp)
	for _, target := range []string{"http://xx", "http://x", "https://xxx"} {
		if got := verdict(set, "GET", target); got != "a" {
			t.Errorf("%s: %s", target, got)
		}
	}
}

// TestAnUndecidedRuleStopsWhatItMightDecide, because it might be the one that
// forbids a request, and stops nothing else.
func TestAnUndecidedRuleStopsWhatItMightDecide(t *testing.T) {
	t.Parallel()
	set := setOf(t, `[
  {"id": "slow", "match": {"url": "http://a/<(?<n>a+)+b?\\k<n>>/for-ever-and-ever", "methods": ["GET"]}},
  {"id": "fast", "match": {"url": "http://a/<.*>", "methods": ["GET", "POST"]}},
  {"id": "other", "match": {"url": "http://b/<.*>", "methods": ["GET"]}}
]`, Regexp)
	forever := strings.Repeat("a", 60) + "b!/for-ever-and-ever"
	for _, test := range []struct{ method, target, want string }{
		{"GET", "http://a/" + forever, pipeline.Internal.Error() + `: rule "slow": the pattern took too long to match`},
		{"GET", "http://a/" + strings.TrimSuffix(forever, "r"), "fast"}, // a cheap test tells that it cannot match
		{"GET", "http://a/b", "fast"},
		{"GET", "http://a/aa/for-ever-and-ever", "many"},
		{"POST", "http://a/" + forever, "fast"},
		{"GET", "http://b/" + forever, "other"},
	} {
		if got := verdict(set, test.method, test.target); got != test.want {
			t.Errorf("%s %s: %s, want %s", test.method, test.target, got, test.want)
		}
	}
}

// TestFindingARuleTakesNoMemory once a URL like it has been asked about.
func TestFindingARuleTakesNoMemory(t *testing.T) {
	text, hits := mixed(1000)
	set := setOf(t, string(text), Regexp)
	for _, hit := range hits[:10] { // one of each kind
		target := hit.Target()
		if allocated := testing.AllocsPerRun(100, func() { _, _ = set.match("GET", target) }); allocated != 0 {
			t.Errorf("%s: %v allocations", target, allocated)
		}
	}
}

package rules

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"ostiary/rules/automaton"
)

// compiledPattern compiles a template that must compile.
func compiledPattern(t testing.TB, template string, strategy Strategy) *pattern {
	t.Helper()
	p, err := newTemplates(strategy).read(template)
	if err != nil {
		t.Fatalf("%s: %v", template, err)
	}
	return p
}

// accepts is whether a template matches a target, the way a Set asks it.
func accepts(t testing.TB, p *pattern, target string) bool {
	t.Helper()
	matches, err := decided(t, p, target)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	return matches
}

func decided(t testing.TB, p *pattern, target string) (bool, error) {
	t.Helper()
	alone, err := automaton.Compile([]*automaton.Expression{p.expression}, nil)
	if err != nil {
		t.Fatal(err)
	}
	found := alone.Match(target)
	if len(found) == 0 {
		return false, nil
	}
	return p.decides(found[0], target)
}

func TestTheRegexpDialect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template string
		match    []string
		refuse   []string
	}{
		{"http://a.b/c", []string{"http://a.b/c"}, []string{"http://a.b/c/", "http://axb/c", "http://a.b/", "http://a.b/cc", "https://a.b/c", ""}},
		{"http://a/<.*>", []string{"http://a/", "http://a/b", "http://a/b/c?d"}, []string{"http://a", "http://a/b\n", "xhttp://a/"}},
		{"<.*>", []string{"", "anything"}, []string{"two\nlines"}},
		{"<>", []string{""}, []string{"a"}},
		{"<https|http>://a/", []string{"http://a/", "https://a/"}, []string{"httpss://a/", "://a/", "https|http://a/"}},
		{"http://a/<b|c>/d", []string{"http://a/b/d", "http://a/c/d"}, []string{"http://a/b", "http://a/b|c/d", "c/d"}},
		{"http://a/<[0-9]{2,3}>", []string{"http://a/12", "http://a/123"}, []string{"http://a/1", "http://a/1234"}},
		{"http://a/(b)[c]+$^.<d>", []string{"http://a/(b)[c]+$^.d"}, []string{"http://a/bc.d"}},
		{"http://a/<[^/]+>/b", []string{"http://a/x.y/b"}, []string{"http://a/x/y/b", "http://a//b"}},
		{"http://a/<[[:digit:]]+[[:alpha:]]>", []string{"http://a/12x"}, []string{"http://a/x", "http://a/12"}},
		{`http://a/<\d\w\s>`, []string{"http://a/1_ "}, []string{"http://a/٣_ ", "http://a/1ä ", "http://a/1_\u00a0"}},
		{`http://a/<\p{Greek}+>`, []string{"http://a/αβ"}, []string{"http://a/ab"}},
		{`http://a/<\.\/\_\->`, []string{"http://a/./_-"}, []string{"http://a/x/_-"}},
		{"http://a/ä<.>", []string{"http://a/äö"}, []string{"http://a/ä", "http://a/äöü"}},
		{"http://a/<(?i)b>C", []string{"http://a/bC", "http://a/BC"}, []string{"http://a/Bc"}},
		{"http://a/<(?i:b)c>", []string{"http://a/Bc"}, []string{"http://a/BC"}},
		{"http://a/<(?s).>", []string{"http://a/\n"}, nil},
		{"http://a/<b$>", []string{"http://a/b"}, []string{"http://a/b\n"}},
		{"http://a/<^b>", nil, []string{"http://a/b"}},
		{`http://a/<b\z>`, []string{"http://a/b"}, []string{"http://a/b\n"}},
		{`http://a/<b\Z>`, []string{"http://a/b"}, []string{"http://a/b\n"}},
		{"http://a/<b+?>", []string{"http://a/bbb"}, nil},
		{"http://a/<b{0}>", []string{"http://a/"}, []string{"http://a/b"}},
		{"http://a/<b{1001}>", []string{"http://a/" + strings.Repeat("b", 1001)}, []string{"http://a/b"}},
		// What only a backtracking engine can do.
		{"http://a/<(?!b).*>", []string{"http://a/c", "http://a/", "http://a/ab"}, []string{"http://a/b", "http://a/bc"}},
		{"http://a/<(?!b$).*>", []string{"http://a/bc", "http://a/c"}, []string{"http://a/b"}},
		{"http://a/<(?=b).*>", []string{"http://a/bc"}, []string{"http://a/c", "http://a/"}},
		{"http://a/<.*(?<=b)>c>", []string{"http://a/b>c"}, []string{"http://a/a>c"}},
		{"http://<(?!b[.])[^/]+>/", []string{"http://c.com/"}, []string{"http://b.com/"}},
		{`http://a/<(b|c)\2>`, []string{"http://a/bb", "http://a/cc"}, []string{"http://a/bc"}},
		{`http://a/<(?<x>b|c)\k<x>>`, []string{"http://a/cc"}, []string{"http://a/bc"}},
		{`http://a/<[bc]>/<\1>`, []string{"http://a/b/b"}, []string{"http://a/b/c"}},
		{"http://a/<[a-z-[aeiou]]+>", []string{"http://a/xyz"}, []string{"http://a/xay", "http://a/x]"}},
		{`http://a/<b\b/c>`, []string{"http://a/b/c"}, []string{"http://a/bb/c"}},
		{`http://a/<ä\b/>`, []string{"http://a/ä/"}, nil}, // ä is part of a word
		{`http://a/<(?x) b c>`, []string{"http://a/bc"}, []string{"http://a/ b c"}},
	} {
		p := compiledPattern(t, test.template, Regexp)
		for _, target := range test.match {
			if !accepts(t, p, target) {
				t.Errorf("%s does not match %q", test.template, target)
			}
		}
		for _, target := range test.refuse {
			if accepts(t, p, target) {
				t.Errorf("%s matches %q", test.template, target)
			}
		}
	}
}

// TestHostsMatchWithoutRegardToCase: what a request names is in lower case
// before it is matched.
func TestHostsMatchWithoutRegardToCase(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template string
		strategy Strategy
	}{
		{"HTTP://Shop.Example.COM/Cart", Regexp},
		{"http://<SHOP|Cart>.example.com/Cart", Regexp},
		{"http://<[^/]+[.]EXAMPLE>.com/Cart", Regexp},
		{"http://<[A-Z]+>.example.com/Cart", Regexp},
		{"http://<[^A-Z]+>.example.com/Cart", Regexp},
		{"http://<(?!CART)[A-Z]+>.example.com/Cart", Regexp},
		{"http://<Shop|(?<Other>Cart)>.example.com/Cart", Regexp},
		{"<https?://SHOP>.Example.com/Cart", Regexp},
		{"http://<{SHOP,Cart}>.example.com/Cart", Glob},
		{"http://<SHOP.*>.com/Cart", Glob},
		{"http://<[!A-R]hop>.example.com/Cart", Glob},
	} {
		p := compiledPattern(t, test.template, test.strategy)
		if !accepts(t, p, "http://shop.example.com/Cart") {
			t.Errorf("%s does not match", test.template)
		}
		if accepts(t, p, "http://shop.example.com/cart") {
			t.Errorf("%s matches a path in another case", test.template)
		}
	}
}

// TestPatternsThatTakeForever: what is regular does not, look-ahead included.
// These would take an engine for backtracking longer than the universe has.
func TestPatternsThatTakeForever(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		"(a+)+", "(a|a)*", "(a|aa)+", "(.*a){20}", "((a*)*)*", "([a-z]+)*1", "(a?){50}a{50}", "(?!x)(a+)+b", "(?!x)(a|aa)+b", "(?=(a+)+c)a*", "(?:(?!b)(a|a))*",
	} {
		p := compiledPattern(t, "http://a/<"+pattern+">", Regexp)
		if len(p.expression.Doubts) > 0 || accepts(t, p, "http://a/"+strings.Repeat("a", 4000)+"!") {
			t.Errorf("%s matches, or another engine is asked", pattern)
		}
	}
}

// TestAPatternThatBacktracksTooLongIsUndecided, which is no answer that a
// request could get through with.
func TestAPatternThatBacktracksTooLongIsUndecided(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{`(?<n>a+)+b?\k<n>!`, `(?<n>a|aa)+\k<n>b?!`} {
		p := compiledPattern(t, "http://a/<"+pattern+">", Regexp)
		if matches, err := decided(t, p, "http://a/"+strings.Repeat("a", 60)+"b!!"); matches || !errors.Is(err, errUndecided) {
			t.Errorf("%s: %v, %v", pattern, matches, err)
		}
		if !accepts(t, p, "http://a/aa!") || accepts(t, p, "http://a/ab!") {
			t.Errorf("%s is wrong afterwards", pattern)
		}
	}
}

// TestWhatIsNotRegularIsTriedLast: a target without the text that every match
// has is decided without the engine for backtracking.
func TestWhatIsNotRegularIsTriedLast(t *testing.T) {
	t.Parallel()
	p := compiledPattern(t, `http://<(?<n>a+)+b?\k<n>!>.example.com/`, Regexp)
	if accepts(t, p, "http://"+strings.Repeat("a", 60)+"b!!.example.org/") {
		t.Error("it matches")
	}
}

// TestWhatIsNotCertainIsTried: the automaton gives up look-aheads of which too
// many are open at once, or that have too many states. What they exclude stays
// excluded.
func TestWhatIsNotCertainIsTried(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template      string
		match, refuse []string
	}{
		{
			"http://a.test/<(?!admin)(?!.*secret)(?!.*private)(?!.*intern)(?!.*password).*>",
			[]string{"http://a.test/x", "http://a.test/secre"},
			[]string{"http://a.test/admin", "http://a.test/x/secret", "http://a.test/x/private", "http://a.test/x/intern", "http://a.test/x/password"},
		},
		{
			"http://a.test/<(?!.*a[a-z]{12}x).*>",
			[]string{"http://a.test/abcdefghijklmy"},
			[]string{"http://a.test/abcdefghijklmx", "http://a.test/aaaaaaaaaaaaaaaaaaaaaaaaaax"},
		},
		{
			"http://a.test/x<(?:(?=.*aa)|(?=.*bb)|(?=.*cc)|(?=.*dd)|(?=.*ee)|(?=.*ff)|y)*>",
			[]string{"http://a.test/xyy", "http://a.test/x"},
			[]string{"http://a.test/xyya", "http://a.test/xaa"},
		},
	} {
		p := compiledPattern(t, test.template, Regexp)
		for _, target := range test.match {
			if !accepts(t, p, target) {
				t.Errorf("%s does not match %q", test.template, target)
			}
		}
		for _, target := range test.refuse {
			if accepts(t, p, target) {
				t.Errorf("%s matches %q", test.template, target)
			}
		}
	}
}

// TestALookAheadIsHeededWhateverOtherRulesHave: there is a bound to the states
// of all look-aheads together.
func TestALookAheadIsHeededWhateverOtherRulesHave(t *testing.T) {
	t.Parallel()
	var rules []string
	for i := range 14_000 {
		rules = append(rules, fmt.Sprintf(`{"id": "%d", "match": {"url": "http://h%d.test/<(?!private-area-%d/).*>", "methods": ["GET"]}}`, i, i, i))
	}
	set := setOf(t, list(append(rules, `{"id": "last", "match": {"url": "http://other.test/<(?!admin).*>", "methods": ["GET"]}}`)...), Regexp)
	for target, want := range map[string]string{"http://other.test/admin": "none", "http://other.test/x": "last", "http://h9.test/private-area-9/": "none", "http://h9.test/private-area-9": "9"} {
		if got := verdict(set, "GET", target); got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}

func TestPatternsThatAreTooLargeAreLeftOut(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"http://a.test/" + strings.Repeat("<(?:a?b?){400}>", 40): "the pattern is too large: with its repeats written out it takes",
		"http://a.test/" + strings.Repeat("<a{0,2000}>", 40):     "the pattern is too large: with its repeats written out it takes",
	} {
		if _, err := newTemplates(Regexp).read(template); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.30s…: %v", template, err)
		}
	}
	for _, template := range []string{"http://a.test/<(?:(?:^|$){2000}){1000}>", "http://a.test/<(?:(?:|$){4000}y)*>", "http://a.test/" + strings.Repeat("<.{0,2000}>", 15)} {
		p := compiledPattern(t, template, Regexp)
		if accepts(t, p, "http://a.test/\n") {
			t.Errorf("%s matches", template)
		}
	}
}

// TestGroupsOfOtherPatterns may be referred to: what they hold is in doubt for
// the automaton, and decided by the engine for backtracking.
func TestGroupsOfOtherPatterns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template string
		match    []string
		refuse   []string
	}{
		{`http://a/<[ab]>/<\1>`, []string{"http://a/a/a", "http://a/b/b"}, []string{"http://a/a/b", "http://a/a/", "http://a/c/c"}},
		{`http://a/<(?<n>[ab])>/<\k<n>c>`, []string{"http://a/a/ac"}, []string{"http://a/a/bc", "http://a/a/a"}},
		{`http://a/<(.)\2>`, []string{"http://a/xx"}, []string{"http://a/xy"}},
	} {
		p := compiledPattern(t, test.template, Regexp)
		for _, target := range test.match {
			if !accepts(t, p, target) {
				t.Errorf("%s does not match %q", test.template, target)
			}
		}
		for _, target := range test.refuse {
			if accepts(t, p, target) {
				t.Errorf("%s matches %q", test.template, target)
			}
		}
	}
}

// FuzzPattern: whatever a template says, it compiles or it does not, and it
// matches as its expression alone does in the engine that
// rules are written for.
func FuzzPattern(f *testing.F) {
	for _, seed := range [][2]string{
		{"http://a/<.*>", "http://a/b"},
		{"<https|http>://a/<[a-z]+>", "https://a/x"},
		{"<a|b|c><d|e|f><g>", "adg"},
		{"http://a/<(?!b).*>", "http://a/c"},
		{"http://A<[^/]+>/<(?<n>x)(y)?>", "http://ab/x"},
		{`<\w+\b>/<[a-z-[aeiou]]>`, "ab/x"},
		{"<a||b>c", "bc"},
		{"<(a)>", "b"},
		{"<^a$>", "a\n"},
		{"<[>", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, template, target string) {
		if len(template) > 200 || len(target) > 200 {
			return
		}
		segments, err := splitTemplate(template)
		if err != nil {
			return
		}
		p, err := newTemplates(Regexp).read(template)
		if err != nil {
			return
		}
		source := anchored(foldHost(segments, Regexp))
		reference, err := newBacktracking(source)
		if err != nil {
			t.Fatal(err)
		}
		want, err := reference.matches(target)
		if err != nil {
			return // undecided
		}
		if got := accepts(t, p, target); got != want {
			t.Fatalf("%s on %q: %v, want %v", template, target, got, want)
		}
		if !want || p.trying == nil {
			return
		}
		if got, err := p.captures(target); err != nil || len(got) != len(reference.expression.GetGroupNumbers())-1 {
			t.Fatalf("%s on %q: %d groups %q, %v", template, target, len(got), got, err)
		}
	})
}

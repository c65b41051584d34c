package rules

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// TestTheLinearEngineTakesWhatItReadsAlike: every pattern that a backtracking
// engine need not run is safe from patterns that backtrack without end.
func TestTheLinearEngineTakesWhatItReadsAlike(t *testing.T) {
	t.Parallel()
	for pattern, linear := range map[string]bool{
		".*": true, "[a-z]+": true, "(a|b)*": true, "(a+)+": true, "(?i)a": true, "(?P<n>a)": true, "(?<n>a)": true, "[[:alpha:]]": true,
		`\d`: true, `\p{L}`: true, "a{1000}": true, "a-[b]": false, "[a-z-[b]]": false, `\b`: false, `\B`: false, `\Qa\E`: false, `\1`: false,
		`\x41`: true, `\0`: false, "(?=a)": false, "(?!a)": false, "(?<1>a)": false, "(?P<1>a)": false, "(?U)a*": false,
		"(?x)a": false, "(?n)(a)": false, "a{1001}": false, `\e`: false, "(?#comment)a": false, "(?'n'a)": false,
	} {
		g := compiledPattern(t, "http://a/<"+pattern+">", Regexp).groups()
		if (g.linear != nil) != linear || (g.backtracking == nil) != linear {
			t.Errorf("%s: linear is %v, backtracking is %v", pattern, g.linear, g.backtracking)
		}
	}
	if g := compiledPattern(t, "http://a/b-[c]", Regexp).groups(); g != nil {
		t.Error("a template without patterns has an engine")
	}
}

func TestCaptureGroups(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template, target string
		want             []string
	}{
		{"http://a/b", "http://a/b", nil},
		{"http://<[^/]+>/hdr/<(a|b)>/<.*>", "http://h/hdr/a/zz", []string{"h", "a", "a", "zz"}},
		{"http://a/<b((c)d)>/<e>", "http://a/bcd/e", []string{"bcd", "cd", "c", "e"}},
		{"http://a/<b(c)?(d)?>", "http://a/bd", []string{"bd", "", "d"}},
		{"http://a/<(?:b)(c)>", "http://a/bc", []string{"bc", "c"}},
		{"http://a/<(?<x>b)(c)>/<(?P<y>d)>", "http://a/bc/d", []string{"bc", "c", "d", "b", "d"}},
		{"http://a/<(b+?)(.*)>", "http://a/bbb", []string{"bbb", "b", "bb"}},
		{"http://a/<>", "http://a/", []string{""}},
		{"http://a/<.*>", "http://a/äß", []string{"äß"}},
		{"http://API.com/<[A-Z]+>", "http://api.com/X", []string{"X"}},
		{"http://<API|(W+)>.com/", "http://www.com/", []string{"www", "www"}},
		// The same by the backtracking engine.
		{"http://<(?!x)[^/]+>/hdr/<(a|b)>/<.*>", "http://h/hdr/a/zz", []string{"h", "a", "a", "zz"}},
		{"http://a/<(?=b)b(c)?(d)?>", "http://a/bd", []string{"bd", "", "d"}},
		{"http://a/<(?!x)(?<x>b)(c)>/<(?P<y>d)>", "http://a/bc/d", []string{"bc", "c", "d", "b", "d"}},
		{"http://a/<(?!x)(b+?)(.*)>", "http://a/bbb", []string{"bbb", "b", "bb"}},
		{"http://a/<(?!x).*>", "http://a/äß", []string{"äß"}},
		{"http://a/<(?!x)(b)*>", "http://a/bbb", []string{"bbb", "b"}},
		{"http://a/<(?U)(b*)(.*)>", "http://a/bc", []string{"bc", "b", "c"}},
		{"http://a/<(?n)(b)(?<x>c)>", "http://a/bc", []string{"bc", "c"}},
	} {
		p := compiledPattern(t, test.template, Regexp)
		if !accepts(t, p, test.target) {
			t.Errorf("%s does not match %s", test.template, test.target)
		}
		got, err := p.captures(test.target)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s on %s: %q, %v, want %q", test.template, test.target, got, err, test.want)
		}
		if got, err := p.captures("other"); p.groups() != nil && !errors.Is(err, errNoGroups) || len(got) > 0 {
			t.Errorf("%s captures %q of what it does not match, %v", test.template, got, err)
		}
	}
}

func TestGroupsThatTakeTooLongRefuseTheRequest(t *testing.T) {
	t.Parallel()
	p := compiledPattern(t, "http://a/<(?=.*!)(a|aa)+(?=!).*>", Regexp)
	target := "http://a/" + strings.Repeat("a", 60) + "b!"
	if matches := accepts(t, p, target); matches {
		t.Fatal("it matches")
	}
	if groups, err := p.captures(target); !errors.Is(err, errUndecided) || groups != nil {
		t.Errorf("got %q, %v", groups, err)
	}
}

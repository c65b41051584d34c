package rules

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

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
		{"http://<(?!x)[^/]+>/hdr/<(a|b)>/<.*>", "http://h/hdr/a/zz", []string{"h", "a", "a", "zz"}},
		{"http://a/<(?=b)b(c)?(d)?>", "http://a/bd", []string{"bd", "", "d"}},
		{"http://a/<(?!x)(?<x>b)(c)>/<(?P<y>d)>", "http://a/bc/d", []string{"bc", "c", "d", "b", "d"}},
		{"http://a/<(?!x)(b+?)(.*)>", "http://a/bbb", []string{"bbb", "b", "bb"}},
		{"http://a/<(?!x).*>", "http://a/äß", []string{"äß"}},
		{"http://a/<(?!x)(b)*>", "http://a/bbb", []string{"bbb", "b"}},
		{"http://a/<(?U)(b*)(.*)>", "http://a/bc", []string{"bc", "b", "c"}},
		{"http://a/<(?n)(b)(?<x>c)>", "http://a/bc", []string{"bc", "c"}},
		// Not as other engines read them.
		{"http://a/<([[:digit:]]*)(.*)>", "http://a/1٣x", []string{"1٣x", "1٣", "x"}},
		{"http://a/<(a*)+(b*)>", "http://a/aab", []string{"aab", "", "b"}},
	} {
		p := compiledPattern(t, test.template, Regexp)
		if !accepts(t, p, test.target) {
			t.Errorf("%s does not match %s", test.template, test.target)
		}
		got, err := p.captures(test.target)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("%s on %s: %q, %v, want %q", test.template, test.target, got, err, test.want)
		}
		if got, err := p.captures("other"); p.trying != nil && !errors.Is(err, errNoGroups) || len(got) > 0 {
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

package rules

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestTheGlobDialect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		glob   string
		match  []string
		refuse []string
	}{
		{"", []string{""}, []string{"a"}},
		{"a", []string{"a"}, []string{"", "A", "aa"}},
		{"*", []string{"", "a", "ab-c", "ä", "a b", "\n"}, []string{"a/b", "a.b", "/", "."}},
		{"**", []string{"", "a", "a/b.c/d", "/", ".", "a\nb"}, nil},
		{"***", []string{"", "a/b.c"}, nil},
		{"a*c", []string{"ac", "abc", "abbc"}, []string{"a/c", "a.c", "abcd"}},
		{"a**c", []string{"ac", "a/c", "a.b/c"}, []string{"a/cd"}},
		{"*.*", []string{".", "a.b"}, []string{"a", "a.b.c"}},
		{"?", []string{"a", "ä", "-"}, []string{"", "ab", "/", "."}},
		{"a??", []string{"abc"}, []string{"ab", "a.c", "abcd"}},
		{"[abc]", []string{"a", "b", "c"}, []string{"", "d", "ab", "B"}},
		{"[a-c]x", []string{"ax", "cx"}, []string{"dx", "-x"}},
		{"[a-cx-z0]", []string{"b", "y", "0"}, []string{"d", "1"}},
		{"[!abc]", []string{"d", "ä", "/", "."}, []string{"a", "", "dd"}},
		{"[!a-c]", []string{"d"}, []string{"b"}},
		{"[a!]", []string{"a", "!"}, []string{"b"}},
		{"[^a]", []string{"^", "a"}, []string{"b"}},
		{"[a-]", []string{"a", "-"}, []string{"b"}},
		{"[ä-ü]", []string{"ö"}, []string{"a"}},
		{"[a&&b~~[]", []string{"a", "&", "b", "~", "["}, []string{"c"}},
		{"[A-[b]", []string{"[", "Z", "b"}, []string{"a", "-"}},
		{`[\]]`, []string{"]"}, []string{`\`, `\]`}},
		{`[a\-c]`, []string{"a", "-", "c"}, []string{"b"}},
		{`[\!a]`, []string{"!", "a"}, []string{"b"}},
		{`[\\]`, []string{`\`}, []string{"]"}},
		{`[\d]`, []string{"d"}, []string{"1", `\`}},
		{"{a,b}", []string{"a", "b"}, []string{"", "ab", "a,b", "c"}},
		{"{a,}", []string{"a", ""}, []string{","}},
		{"{}", []string{""}, []string{"{}"}},
		{"x{a,b*}y", []string{"xay", "xby", "xbccy"}, []string{"xy", "xb.y", "xacy"}},
		{"{a,b{c,d}}", []string{"a", "bc", "bd"}, []string{"b", "ac"}},
		{"{*,**}", []string{"a/b"}, nil},
		{"{[,],a}", []string{",", "a"}, []string{"["}},
		{`{a\,b,c}`, []string{"a,b", "c"}, []string{"a", "b"}},
		{"a,b", []string{"a,b"}, []string{"a", "b"}},
		{"a,,b", []string{"a,,b"}, []string{"a", "b"}},
		{"a}b]", []string{"a}b]"}, nil},
		{`\*`, []string{"*"}, []string{"a", `\*`}},
		{`\a\{\[\?`, []string{"a{[?"}, nil},
		{`\ä`, []string{"ä"}, nil},
		{"(a|b)+$^.", []string{"(a|b)+$^."}, []string{"a", "b"}},
		{"a-[b]", []string{"a-b"}, []string{"a-[b]"}},
		{"äöü", []string{"äöü"}, []string{"aou"}},
	} {
		p := compiledPattern(t, "x/<"+test.glob+">", Glob)
		for _, text := range test.match {
			if !accepts(t, p, "x/"+text) {
				t.Errorf("%q does not match %q", test.glob, text)
			}
			if !globMatches(test.glob, text) {
				t.Errorf("by the reference %q does not match %q", test.glob, text)
			}
		}
		for _, text := range test.refuse {
			if accepts(t, p, "x/"+text) {
				t.Errorf("%q matches %q", test.glob, text)
			}
			if globMatches(test.glob, text) {
				t.Errorf("by the reference %q matches %q", test.glob, text)
			}
		}
	}
}

func TestGlobsInATemplate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		template string
		match    []string
		refuse   []string
	}{
		{"<{http,https}>://a.com/<*>", []string{"http://a.com/x", "https://a.com/"}, []string{"ftp://a.com/x", "http://a.com/x/y", "http://a.com/x\n.y"}},
		{"http://<*>.com/<**>", []string{"http://a.com/", "http://a.com/b/c.d"}, []string{"http://a.b.com/", "http://a.org/"}},
		{"http://<**>.com/", []string{"http://a.b.com/", "http://a/b.com/"}, []string{"http://com/"}},
		{"http://a.*/[b]?", []string{"http://a.*/[b]?"}, []string{"http://a.c/b"}},
		{"http://a/<b>", []string{"http://a/b"}, []string{"http://a/b\n"}},
	} {
		p := compiledPattern(t, test.template, Glob)
		for _, target := range test.match {
			if !accepts(t, p, target) {
				t.Errorf("%s does not match %q", test.template, target)
			}
			if groups, err := p.captures(target); len(groups) > 0 || err != nil {
				t.Errorf("%s captures %q", test.template, groups)
			}
		}
		for _, target := range test.refuse {
			if accepts(t, p, target) {
				t.Errorf("%s matches %q", test.template, target)
			}
		}
	}
}

// globMatches is what a glob means, by trying everything. It is for globs that
// are well formed.
func globMatches(glob, text string) bool {
	rest := func(text []rune) bool { return len(text) == 0 }
	return globBegins([]rune(glob), []rune(text), rest)
}

// globBegins is whether text begins with a match of the glob behind which the
// rest holds.
func globBegins(glob, text []rune, rest func([]rune) bool) bool {
	if len(glob) == 0 {
		return rest(text)
	}
	behind := func(n int) func([]rune) bool {
		return func(text []rune) bool { return globBegins(glob[n:], text, rest) }
	}
	separator := len(text) > 0 && (text[0] == '/' || text[0] == '.')
	switch glob[0] {
	case '*':
		length, crosses := 1, false
		if len(glob) > 1 && glob[1] == '*' {
			length, crosses = 2, true
		}
		if behind(length)(text) {
			return true
		}
		return len(text) > 0 && (crosses || !separator) && globBegins(glob, text[1:], rest)
	case '?':
		return len(text) > 0 && !separator && behind(1)(text[1:])
	case '[':
		in, length := globClass(glob)
		return len(text) > 0 && in(text[0]) && behind(length)(text[1:])
	case '{':
		options, length := globOptions(glob)
		return slices.ContainsFunc(options, func(option []rune) bool { return globBegins(option, text, behind(length)) })
	case '\\':
		return len(text) > 0 && text[0] == glob[1] && behind(2)(text[1:])
	default:
		return len(text) > 0 && text[0] == glob[0] && behind(1)(text[1:])
	}
}

// globClass is the class that a glob begins with, and its length.
func globClass(glob []rune) (in func(rune) bool, length int) {
	at, negated := 1, false
	if glob[1] == '!' {
		at, negated = 2, true
	}
	next := func() rune {
		if glob[at] == '\\' {
			at++
		}
		at++
		return glob[at-1]
	}
	var ranges [][2]rune
	for glob[at] != ']' {
		low := next()
		high := low
		if glob[at] == '-' && glob[at+1] != ']' {
			at++
			high = next()
		}
		ranges = append(ranges, [2]rune{low, high})
	}
	return func(r rune) bool {
		return negated != slices.ContainsFunc(ranges, func(x [2]rune) bool { return x[0] <= r && r <= x[1] })
	}, at + 1
}

// globOptions are the alternatives that a glob begins with, and their length.
func globOptions(glob []rune) (options [][]rune, length int) {
	depth, from := 0, 1
	for at := 0; ; at++ {
		switch c := glob[at]; {
		case c == '\\':
			at++
		case c == '[':
			_, length := globClass(glob[at:])
			at += length - 1
		case c == '{':
			depth++
		case c == ',' && depth == 1:
			options = append(options, glob[from:at])
			from = at + 1
		case c == '}':
			if depth--; depth == 0 {
				return append(options, glob[from:at]), at + 1
			}
		}
	}
}

// FuzzGlob: a glob compiles to what it means, or not at all.
func FuzzGlob(f *testing.F) {
	for _, seed := range [][2]string{
		{"*", "a"},
		{"**", "a/b"},
		{"?", "."},
		{"[a-c]", "b"},
		{"[!a]", "b"},
		{"{a,b*}", "bc"},
		{`\*`, "*"},
		{"[", ""},
		{"{", ""},
		{`\`, ""},
		{"a,,b", "a,,b"},
		{"{a{b,c},}", "ab"},
		{`[\]-a]`, "^"},
		{"[a-]", "-"},
		{"[ä]", "ä"},
		{"[--/]", "."},
		{"[&&]", "&"},
		{"[]a]", "]"},
		{"{[}],b}", "}"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, glob, text string) {
		if len(glob) > 30 || len(text) > 30 || !utf8.ValidString(glob) || !utf8.ValidString(text) || strings.Count(glob, "*") > 6 {
			return // the reference would take too long
		}
		if strings.ContainsAny(glob, "<>") {
			return // the template has its own idea of these
		}
		p, err := newTemplates(Glob).read("x/<" + glob + ">/y")
		if err != nil {
			return
		}
		if got, want := accepts(t, p, "x/"+text+"/y"), globMatches(glob, text); got != want {
			t.Fatalf("%q on %q: %v, want %v", glob, text, got, want)
		}
	})
}

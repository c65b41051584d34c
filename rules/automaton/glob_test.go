package automaton

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

func TestTheGlobDialect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		glob   string
		match  []string
		refuse []string
	}{
		{"", []string{""}, []string{"a"}},
		{"user", []string{"user"}, []string{"", "User", "users"}},
		{"*", []string{"", "a", "ü-1", "\n", "\xff"}, []string{".", "a/b", "a.b"}},
		{"**", []string{"", "a.b/c", "\n"}, nil},
		{"***", []string{"", "a.b/c"}, nil},
		{"a*c", []string{"ac", "abbc"}, []string{"a.c", "abcd"}},
		{"*.*", []string{".", "a.b"}, []string{"ab", "a.b.c"}},
		{"?", []string{"a", "ü"}, []string{"", "ab", "/", "."}},
		{"[abc]", []string{"a", "c"}, []string{"", "d", "ab"}},
		{"[a-cx]", []string{"b", "x"}, []string{"d", "-"}},
		{"[!a-c]", []string{"d", "/", ".", "\n"}, []string{"", "a", "dd"}},
		{"[!!]", []string{"a"}, []string{"!"}},
		{"[a!]", []string{"!"}, []string{"b"}},
		{"[^a]", []string{"^", "a"}, []string{"b"}},
		{"[a-]", []string{"a", "-"}, []string{"b"}},
		{"[-a]", []string{"a", "-"}, []string{"b"}},
		{"[a-c-e]", []string{"b", "-", "e"}, []string{"d"}},
		{"[--/]", []string{"-", ".", "/"}, []string{","}},
		{"[ä-ü]", []string{"ö"}, []string{"a"}},
		{"[[:a]", []string{"[", ":", "a"}, []string{"b"}},
		{`[\]\-\\d]`, []string{"]", "-", `\`, "d"}, []string{"1"}},
		{`[+-\-z]`, []string{"+", ",", "-", "z"}, []string{"."}},
		{`[\--a]`, []string{"-", "A", "a"}, []string{"b"}},
		{"{a,b*}", []string{"a", "b", "bc"}, []string{"", "a,b", "b.c"}},
		{"{a,}", []string{"", "a"}, []string{","}},
		{"{}", []string{""}, []string{"{}"}},
		{"x{a,b{c,d}}y", []string{"xay", "xbcy", "xbdy"}, []string{"xby", "xacy"}},
		{"{[,}],a}", []string{",", "}", "a"}, []string{"["}},
		{`{a\,b,\}}`, []string{"a,b", "}"}, []string{"a"}},
		{"a,b}]", []string{"a,b}]"}, []string{"a"}},
		{`\*\?\a\ü`, []string{"*?aü"}, []string{"xxaü"}},
		{"(a|b)+$^.", []string{"(a|b)+$^."}, []string{"a"}},
		{"\xff", []string{"\xff", "\uFFFD"}, []string{"ÿ"}},
	} {
		e, err := ParseGlob(test.glob)
		if err != nil {
			t.Errorf("%q: %v", test.glob, err)
			continue
		}
		if len(e.Doubts) > 0 {
			t.Errorf("%q: doubts %q", test.glob, e.Doubts)
		}
		checkTexts(t, test.glob, e, test.match, test.refuse)
	}
}

func TestErrorsOfGlobs(t *testing.T) {
	t.Parallel()
	for glob, want := range map[string]string{
		"a[":    "the glob has a [ that is not closed",
		"[a":    "the glob has a [ that is not closed",
		"[a-":   "the glob has a [ that is not closed",
		`[a\]`:  "the glob has a [ that is not closed",
		`[\`:    "the glob has a [ that is not closed",
		"[!":    "the glob has a [ that is not closed",
		"[]":    "the glob has an empty [ ]",
		"[]a]":  "the glob has an empty [ ]",
		"[!]a]": "the glob has an empty [ ]",
		"[z-a]": "the glob has the range z-a in reverse order",
		"{a,b":  "the glob has a { that is not closed",
		"{a{b}": "the glob has a { that is not closed",
		`a\`:    `the glob ends in a \ that escapes nothing`,
		strings.Repeat("{", 201) + strings.Repeat("}", 201): "the pattern is nested more than 200 levels deep",
		strings.Repeat("a", 64<<10+1):                       "the pattern is longer than 64 KiB",
	} {
		if _, err := ParseGlob(glob); err == nil || err.Error() != want {
			t.Errorf("%.20q: %v, want %s", glob, err, want)
		}
	}
}

// globAsRegexp says in another language what a glob means, if it is well
// formed.
func globAsRegexp(glob string) string {
	text := []rune(glob)
	open := 0
	var b strings.Builder
	b.WriteString(`\A(?:`)
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '*' && i+1 < len(text) && text[i+1] == '*':
			b.WriteString(`[\x{0}-\x{10FFFF}]*`)
			i++
		case c == '*':
			b.WriteString(`[^./]*`)
		case c == '?':
			b.WriteString(`[^./]`)
		case c == '[':
			i = appendClass(&b, text, i+1)
		case c == '{':
			b.WriteString("(?:")
			open++
		case c == '}' && open > 0:
			b.WriteString(")")
			open--
		case c == ',' && open > 0:
			b.WriteString("|")
		case c == '\\':
			i++
			c = text[i]
			fallthrough
		default:
			fmt.Fprintf(&b, `\x{%x}`, c)
		}
	}
	b.WriteString(`)\z`)
	return b.String()
}

// appendClass goes up to the closing bracket, and tells where that is.
func appendClass(b *strings.Builder, text []rune, from int) int {
	b.WriteString("[")
	if text[from] == '!' {
		b.WriteString("^")
		from++
	}
	for i := from; ; i++ {
		switch {
		case text[i] == ']':
			b.WriteString("]")
			return i
		case text[i] == '-' && i > from && text[i+1] != ']':
			b.WriteString("-")
		default:
			if text[i] == '\\' {
				i++
			}
			fmt.Fprintf(b, `\x{%x}`, text[i])
		}
	}
}

// FuzzParseGlob: a glob means what its translation does.
func FuzzParseGlob(f *testing.F) {
	for _, seed := range [][2]string{
		{"*", "a"},
		{"a**b", "a/.b"},
		{"??", "./"},
		{"[a-c-e]", "-"},
		{`[!\]-a]`, "^"},
		{"[--/]", "."},
		{"{a{b,c},}", "ac"},
		{"{[,],}}", ",}"},
		{`\*\{ä`, "*{ä"},
		{"a,,b}", "a,,b}"},
		{"[", ""},
		{"{", ""},
		{"\xff[\xff]", "\xff\xff"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, glob, text string) {
		if len(glob) > 60 || len(text) > 60 {
			return // it would take too long
		}
		e, err := ParseGlob(glob)
		if err != nil {
			return
		}
		want := regexp.MustCompile(globAsRegexp(glob)).MatchString(text)
		if got := interpret(e, text); got != want {
			t.Fatalf("%q on %q: %v, want %v", glob, text, got, want)
		}
	})
}

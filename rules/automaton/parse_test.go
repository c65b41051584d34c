package automaton

import (
	"slices"
	"strings"
	"testing"
)

func TestTheRegexpDialect(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern string
		match   []string
		refuse  []string
	}{
		{"", []string{""}, []string{"a"}},
		{"abc", []string{"abc"}, []string{"", "ab", "abcd", "ABC"}},
		{"a|bc|", []string{"a", "bc", ""}, []string{"ac", "abc"}},
		{"a.c", []string{"abc", "aéc", "a\xffc", "a\rc"}, []string{"ac", "a\nc"}},
		{"(?s).", []string{"\n"}, []string{""}},
		{"é", []string{"é"}, []string{"e", "\xc3"}},
		{"]}-,:#", []string{"]}-,:#"}, nil},

		// escapes
		{`\d\D\w\W\s\S`, []string{"1aa- a"}, []string{"٣aa- a", "1aé- a", "1aa-\va"}},
		{`\W\S`, []string{"é\u00a0"}, []string{"a\u00a0"}},
		{`\p{L}\PN\p{Greek}\p{White_Space}`, []string{"ßaω\u2003"}, []string{"1aω ", "a1ω ", "aaw "}},
		{`\a\e\f\n\r\t\v`, []string{"\a\x1b\f\n\r\t\v"}, nil},
		{`\x41\x{1F600}\u00e9\101\01\cA\cz`, []string{"A😀éA\x01\x01\x1a"}, nil},
		{`\0\400\1012`, []string{"\x00\x00A2"}, nil},
		{`\q\_\/\\\.`, []string{`q_/\.`}, nil},
		{`\<\'a`, []string{"<'a"}, nil},
		{`\<1a>`, []string{"<1a>"}, nil},
		{`\k<1a>`, []string{"k<1a>"}, nil},
		{`\Q.\E`, []string{"QaE"}, []string{"."}},
		{`\h`, []string{"h"}, []string{" "}},

		// places
		{`^a$`, []string{"a"}, []string{"a\n", "\na"}},
		{`\Aa\Z`, []string{"a"}, []string{"a\n"}},
		{`\Ga\z`, []string{"a"}, []string{"a\n"}},
		{`a^b|a$b`, nil, []string{"ab"}},
		{`(?m)a$\n^b$`, []string{"a\nb"}, []string{"ab"}},
		{`(?m).?^b`, []string{"b"}, []string{"ab"}},
		{`.\b.`, []string{"a-", "-a", "é "}, []string{"aa", "--", "aé", "a\u200d", "a_", "a\u0301"}},
		{`.\B.`, []string{"aa", "--", "aé"}, []string{"a-"}},
		{`\b`, nil, []string{""}},
		{`\B`, []string{""}, nil},
		{`(?i)\b\w\b`, []string{"\u212a"}, nil},

		// groups and options
		{`(a)(?:b)(?<n>c)(?P<n>d)(?'m'e)(?<7>f)`, []string{"abcdef"}, nil},
		{`a(?i)b|c`, []string{"ab", "aB", "C"}, []string{"AB"}},
		{`(?:(?i)a)b`, []string{"Ab"}, []string{"AB"}},
		{`(a(?i)b)c`, []string{"aBc"}, []string{"aBC"}},
		{`(?i:a(?-i)b|c)d`, []string{"Abd", "cd"}, []string{"ABd", "Cd", "AbD"}},
		{`(?i-s+m:A$)(?ndu)(?-)`, []string{"a"}, nil},
		{`(?x) a b # c` + "\n[ ]\\ (?#d) *", []string{"ab ", "ab   "}, []string{"a b  "}},
		{`(?x: a) b`, []string{"a b"}, []string{"ab"}},
		{`(?x)(?-x: a) b`, []string{" ab"}, []string{"ab"}},
		{`(?x)a {2} ?`, []string{"aa"}, []string{"a", "aaa"}},
		{`a(?#comment)*`, []string{"", "aa"}, nil},
		{`#a `, []string{"#a "}, []string{""}},

		// repeats
		{`ab*`, []string{"a", "abb"}, []string{"abab"}},
		{`(ab)+?`, []string{"ab", "abab"}, []string{""}},
		{`a??b{2}c{1,}d{0,2}?`, []string{"abbc", "bbccdd"}, []string{"bc", "bbcddd"}},
		{`a{1,2147483647}b{01,02}`, []string{"ab", "aaabb"}, []string{"b", "abbb"}},
		{`a{0}b{1}`, []string{"b"}, []string{"ab"}},
		{`{a{,2}{}{x`, []string{"{a{,2}{}{x"}, nil},
		{`a{2`, []string{"a{2"}, []string{"aa"}},
		{`(a{2,3}){2}`, []string{"aaaa", "aaaaaa"}, []string{"aaa", "aaaaaaa"}},
		{`(a{3}){0,1}`, []string{"", "aaa"}, []string{"a"}},
		{`(a?){2,3}(b+){2}(c*)*(d?)+`, []string{"bb", "aaabbbccdd"}, []string{"b", "aaaabb"}},
		{`(a|b*)*c`, []string{"c", "abbac"}, nil},
		{`^*a(?=b)*b$+`, []string{"ab"}, nil},
		{`(?!a)*a(?!a)?`, []string{"a"}, nil},
		{`(?:){3}`, []string{""}, []string{"a"}},

		// look-ahead
		{`(?!admin)[a-z]+`, []string{"users", "admi"}, []string{"admin", "admins"}},
		{`(?=.*b)(?=.*c).*`, []string{"abc", "cb"}, []string{"ab", "ac"}},
		{`a(?!b)`, []string{"a"}, []string{"ab"}},
		{`a(?=b)`, nil, []string{"a", "ab"}},
		{`(?:(?!b)[a-c])*`, []string{"", "acca"}, []string{"ab"}},
		{`(?!(?=a).b)(?!c(?!d)).*`, []string{"aa", "cd", ""}, []string{"ab", "cc", "c"}},
	} {
		e, err := ParseRegexp(test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		if len(e.Doubts) > 0 {
			t.Errorf("%q: doubts %q", test.pattern, e.Doubts)
		}
		checkTexts(t, test.pattern, e, test.match, test.refuse)
		for _, text := range slices.Concat(test.match, test.refuse) {
			checkRegexp(t, test.pattern, text)
		}
	}
}

func checkTexts(t *testing.T, pattern string, e *Expression, match, refuse []string) {
	t.Helper()
	for _, text := range match {
		if !interpret(e, text) {
			t.Errorf("%q does not match %q", pattern, text)
		}
	}
	for _, text := range refuse {
		if interpret(e, text) {
			t.Errorf("%q matches %q", pattern, text)
		}
	}
}

func TestDoubts(t *testing.T) {
	t.Parallel()
	const all = "anything"
	for _, test := range []struct {
		pattern string
		doubts  string
		refuse  string // what is not matched all the same
	}{
		{`(a)\1b`, "a back-reference in column 4", "a"},
		{`(?<n>a)\k<n>\k'n'\<n>`, "a back-reference in column 8, a back-reference in column 13, a back-reference in column 18", "b"},
		{`(?<12>a)\12`, "a back-reference in column 9", "b"},
		{`a\9`, "a back-reference in column 2", "b"}, // invalid, says the other engine
		{`(?>a+)ab`, "an atomic group in column 1", "b"},
		{`(?<=a)b(?<!c)`, "a look-behind in column 1, a look-behind in column 8", "ab"},
		{`(a)?(?(1)b|c)`, "a condition in column 5", all},
		{`(a)?(?(?=b)b|c)`, "a condition in column 5", all},
		{`(?<n>a)(?<-n>b)(?<m-n>c)`, "a balancing group in column 8, a balancing group in column 16", "ab"},
		{`(a)(?<01>b)`, "a group with a number that begins with 0 in column 4", "a"},
		{`(?!(?>a))a(?!b)c`, "an atomic group in column 4", "b"},
		{`(?=(?!(?<=a))b)b`, "a look-behind in column 7", "a"},
		{`\P{L}|\p{Lu}`, "alternatives of categories and excluded categories", all},
		{`[[:^digit:]]|\pL`, "alternatives of categories and excluded categories", all},
		{`[a-[b]](?<n>c)`, "a class like [a-[b]] in a pattern with named groups", all},
		{`(?i)[à-ö]x`, "a range beyond ASCII that ignores case in column 5", "ä"},
		{`(?i)[äå]x`, "a range beyond ASCII that ignores case in column 5", "ä"},
		{`a{4097}b`, "a repeat that is too long in column 2", "a"},
		{`(?:){2147483647}`, "a repeat that is too long in column 5", all},
		{`(a{1,1000}){1,1000}`, "repeats that multiply to more than 4096 positions", all},
		{`((((a{1,100}){1,100}){1,100}){1,100})`, "repeats that multiply to more than 4096 positions", all},
		{strings.Repeat("a{4000}", 2), "repeats that multiply to more than 4096 positions", all},
		{`(?!(a{99}){99})b`, "repeats that multiply to more than 4096 positions", all},
	} {
		e, err := ParseRegexp(test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		if got := strings.Join(e.Doubts, ", "); got != test.doubts {
			t.Errorf("%q: doubts %q, want %q", test.pattern, got, test.doubts)
		}
		if test.refuse == all {
			checkTexts(t, test.pattern, e, []string{"", "a", "x\ny"}, nil)
		} else {
			checkTexts(t, test.pattern, e, nil, []string{test.refuse})
		}
		for _, text := range []string{"", "a", "aa", "aab", "b", "ab", "abc", "bc", "c", "X", "1"} {
			checkRegexp(t, test.pattern, text)
		}
	}
}

// TestSmallTrees: what means the same is one node where that is easy to see.
func TestSmallTrees(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]kind{
		"a|b|[c-f]|(g)":   matchOne,
		"(?:(?:))(?#a)()": matchEmpty,
		"(?=a)*|":         matchEmpty,
		`[^\w\W]`:         matchNothing,
		`[^\w\W]{2}`:      matchNothing,
		`[^\w\W]*`:        matchEmpty,
		`[^\w\W]|`:        matchEmpty,
		"(?:a)":           matchOne,
		"(((a)+)+)*":      matchRepeated,
	} {
		e, err := ParseRegexp(pattern)
		if err != nil {
			t.Errorf("%q: %v", pattern, err)
			continue
		}
		if e.root.kind != want {
			t.Errorf("%q: kind %d, want %d", pattern, e.root.kind, want)
		}
		if want == matchRepeated && e.root.parts[0].kind != matchOne {
			t.Errorf("%q: a repeat of kind %d", pattern, e.root.parts[0].kind)
		}
	}
}

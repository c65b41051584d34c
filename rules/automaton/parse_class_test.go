package automaton

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/dlclark/regexp2"
)

func TestClasses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern string
		match   []string
		refuse  []string
	}{
		{"[abc]", []string{"a", "c"}, []string{"", "d", "ab", "A"}},
		{"[^abc]", []string{"d", "\n", "é"}, []string{"a", "", "dd"}},
		{"[a-cx-z]", []string{"b", "y"}, []string{"d", "-"}},
		{"[]a]", []string{"]", "a"}, []string{"[]a]"}},
		{"[^]a]", []string{"b"}, []string{"]", "a"}},
		{"[a-]", []string{"a", "-"}, []string{"b"}},
		{"[-a]", []string{"a", "-"}, []string{"b"}},
		{"[a-c-e]", []string{"b", "-", "e"}, []string{"d"}},
		{"[--/]", []string{"-", ".", "/"}, []string{","}},
		{"[a^|.*(#]", []string{"^", "|", ".", "*", "(", "#"}, []string{"b"}},
		{"[[]", []string{"["}, nil},
		{`[\d\s\w]`, []string{"1", " ", "a", "_"}, []string{"-", "٣"}},
		{`[\D]`, []string{"a", "٣"}, []string{"1"}},
		{`[\b\B\1\z\k\]]`, []string{"\b", "B", "\x01", "z", "k", "]"}, []string{"b", "1"}},
		{`[\x41-\x{43}]`, []string{"B"}, []string{"D"}},
		{`[a\-c]`, []string{"a", "-", "c"}, []string{"b"}},
		{`[a-\-c]`, []string{"a", "-", "b", "c"}, []string{"d"}},
		{`[a-\-]`, []string{"-"}, []string{"a"}},
		{`[\--a]`, []string{"-", "a"}, []string{"A", "/"}},
		{`[\[-a]`, []string{"[", "_", "a"}, []string{"b", "-"}},

		// one class off another
		{"[a-z-[aeiou]]", []string{"b", "z"}, []string{"a", "-", "b]"}},
		{"[^a-z-[A-Z]]", []string{"1"}, []string{"a", "A"}},
		{"[a-z-[^aeiou]]", []string{"a"}, []string{"b"}},
		{"[a-f-[b-e-[c]]]", []string{"a", "c", "f"}, []string{"b", "d"}},
		{"[a-[b]]", []string{"a"}, []string{"b", "[", "-"}},
		{`[\w-[\d]]`, []string{"a", "_"}, []string{"1", "-"}},
		{"[-[a]]", []string{"-]", "[]", "a]"}, []string{"-", "a"}},
		{"[a-[]]]", []string{"a"}, []string{"]"}},

		// classes with names
		{"[[:alpha:]_]", []string{"a", "Z", "_"}, []string{"1", "é", ":"}},
		{"[[:^alpha:]]", []string{"1", "é"}, []string{"a"}},
		{"[[:digit:]]", []string{"1", "٣"}, []string{"a"}},
		{"[[:^digit:]]", []string{"a"}, []string{"1", "٣"}},
		{"[[:space:]]", []string{" ", "\v", "\u00a0", "\ufeff"}, []string{"a", "\u200b"}},
		{"[[:word:]-[[:upper:]]]", []string{"a", "1"}, []string{"A", "-"}},
		{"[[:xdigit:]-z]", []string{"f", "-", "z"}, []string{"g"}},
		{"[[:alpha]", []string{"a", "z", ":", "["}, []string{"1"}},
		{"[a:[:punct:]]", []string{"a", ":", "!"}, []string{"p"}},
		{"[[.a.]]", []string{"a]", ".]", "[]"}, nil},
	} {
		e, err := ParseRegexp(test.pattern)
		if err != nil {
			t.Errorf("%q: %v", test.pattern, err)
			continue
		}
		checkTexts(t, test.pattern, e, test.match, test.refuse)
		for _, text := range slices.Concat(test.match, test.refuse) {
			checkRegexp(t, test.pattern, text)
		}
	}
}

// TestClassesOfTheEngine compares classes with those of the engine for the
// characters that are worth it.
func TestClassesOfTheEngine(t *testing.T) {
	t.Parallel()
	patterns := []string{
		"k", "K", "\u212a", "s", "ſ", "i", "I", "İ", "ı", "ß", "ẞ", "Σ", "ς", "ǅ", "Ⴀ", "ა", "Ꭰ", "ꭰ", "/", ".", "Ⓐ", "ⓩ",
		"[k]", "[\u212a]", "[İ]", "[^k]", "[^I]", "[a-z]", "[^a-z]", "[A-Z]", "[Y-b]", "[!-~]", "[ -\u00bf]",
		"[\u2e80-\u9fff]", "[\u00c0-\uff5a]", "[a-\U0010ffff]", "[z-\U0010ffff]", "[\u00c0-\U0010ffff]", "[j-\uffff]",
		"[äéİK]", "[^äéİK]", "[a-z-[k]]", `[\w-[K-M]]`, `[^\W-[i]]`, `[\p{L}-[\p{Lu}]]`,
	}
	for _, letter := range "dDsSwW" {
		patterns = append(patterns, `\`+string(letter), `[\`+string(letter)+`]`, `[^\`+string(letter)+`]`)
	}
	for name := range namedClasses {
		patterns = append(patterns, "[[:"+name+":]]", "[[:^"+name+":]]", "[^[:^"+name+":]]")
	}
	for _, name := range []string{"L", "Lu", "Ll", "Lt", "N", "Nd", "Cased"} {
		if table(name) == nil {
			continue
		}
		patterns = append(patterns, `\p{`+name+`}`, `\P{`+name+`}`, `[\P{`+name+`}\pN\p{Lu}x]`, `[^\p{`+name+`}\PN\p{Lu}]`)
	}
	patterns = append(patterns, `[\pL\PL]`, `[^\pL\PL]`, `[\pL\PLa-c]`)
	for _, pattern := range patterns {
		for _, option := range []string{"", "(?i)"} {
			if option != "" && strings.Contains(pattern, "[:^space:]") {
				continue // its ranges are in doubt
			}
			compareClass(t, option+pattern)
		}
	}
}

func compareClass(t *testing.T, pattern string) {
	t.Helper()
	engine, err := compileReference(`\A(` + pattern + `)\z`)
	if err != nil {
		t.Fatalf("%q: %v", pattern, err)
	}
	engine.MatchTimeout = regexp2.DefaultMatchTimeout // none: it is a single character, and the machine may be busy
	e, err := ParseRegexp(pattern)
	if err != nil {
		t.Fatalf("%q: %v", pattern, err)
	}
	if len(e.Doubts) > 0 {
		t.Errorf("%q: doubts %q", pattern, e.Doubts)
	}
	for _, s := range []span{{0, 0x590}, {0x10A0, 0x1100}, {0x13A0, 0x1400}, {0x1C80, 0x1CC0}, {0x1E00, 0x2190}, {0x24B0, 0x24F0}, {0x2C00, 0x2C10}, {0xAB70, 0xAB80}, {0xFEFE, 0xFF60}, {0xFFFD, 0x10000}, {0x10400, 0x10450}, {unicode.MaxRune, unicode.MaxRune}} {
		for c := s.low; c <= s.high; c++ {
			want, err := engine.MatchRunes([]rune{c})
			if err != nil {
				t.Fatalf("%q: %v", pattern, err)
			}
			got := e.root.kind == matchOne && e.root.class.has(c)
			if got != want {
				t.Fatalf("%q on %U: %v, want %v", pattern, c, got, want)
			}
		}
	}
}

func TestCategories(t *testing.T) {
	t.Parallel()
	names := slices.Concat(
		slices.Collect(maps.Keys(unicode.Properties)),
		slices.Collect(maps.Keys(unicode.Categories)),
		slices.Collect(maps.Keys(unicode.Scripts)),
	)
	for _, name := range names {
		of := categoryClass(name)
		for _, s := range of {
			for _, c := range []rune{s.low - 1, s.low, s.high, s.high + 1} {
				if got, want := of.has(c), unicode.Is(table(name), c); got != want {
					t.Errorf("%U in %s: %v, want %v", c, name, got, want)
				}
			}
		}
		compiled, err := compileReference(`\p{` + name + `}`)
		if _, mine := ParseRegexp(`\p{` + name + `}`); (compiled == nil) != (mine != nil) {
			t.Errorf("%s: %v, want %v", name, mine, err)
		}
	}
}

package automaton

import (
	"slices"
	"testing"
	"unicode"
)

// TestSmallLettersAreSmall: lowering twice is lowering once, which all
// comparisons in lower case rely on.
func TestSmallLettersAreSmall(t *testing.T) {
	t.Parallel()
	f := foldings()
	known := map[rune]rune{}
	for i, c := range f.characters {
		known[c] = f.lower[i]
	}
	for c := rune(0); c <= unicode.MaxRune; c++ {
		lower := unicode.ToLower(c)
		if again := unicode.ToLower(lower); again != lower {
			t.Errorf("%U becomes %U, and that %U", c, lower, again)
		}
		if want, others := known[c]; others != (lower != c) || others && want != lower {
			t.Errorf("%U becomes %U, not %U", c, lower, want)
		}
	}
}

func TestSameLower(t *testing.T) {
	t.Parallel()
	for c, want := range map[rune]string{
		'k': "Kk\u212a",
		'K': "Kk\u212a",
		'i': "Iiİ",
		'ı': "ı",
		's': "Ss",
		'ſ': "ſ",
		'σ': "Σσ",
		'ς': "ς",
		'ß': "ßẞ",
		'ǅ': "Ǆǅǆ",
		'/': "/",
	} {
		same := sameLower(c)
		for _, other := range want {
			if !same.has(other) {
				t.Errorf("%q does not match %q", c, other)
			}
		}
		count := 0
		for _, s := range same {
			count += int(s.high-s.low) + 1
		}
		if count != len([]rune(want)) {
			t.Errorf("%q matches %d characters, not %q", c, count, want)
		}
		if got := withLowerIn(class{{unicode.ToLower(c), unicode.ToLower(c)}}); !slices.Equal(same, got) {
			t.Errorf("%q: %v or %v", c, same, got)
		}
	}
}

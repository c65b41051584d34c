package automaton

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// randomPattern is a valid pattern, all of it regular, whose groups are nested
// no deeper than that.
func randomPattern(r *rand.Rand, depth int) string {
	if depth <= 0 {
		return randomAtom(r)
	}
	switch r.IntN(12) {
	case 0, 1:
		return randomPattern(r, depth-1) + "|" + randomPattern(r, depth-1)
	case 2, 3, 4, 5:
		return randomPattern(r, depth-1) + randomPattern(r, depth-1)
	case 6:
		return pick(r, "(", "(?:", "(?i:", "(?s:", "(?m:", "(?-i:", "(?<name>", "(?P<other>") + randomPattern(r, depth-1) + ")"
	case 7:
		return "(" + randomPattern(r, depth-1) + ")" + randomRepeat(r)
	case 8:
		return pick(r, "(?=", "(?!") + randomPattern(r, depth-1) + ")" + pick(r, "", ".*", "[a-z]+")
	case 9:
		return randomPattern(r, depth-1) + pick(r, "^", "$", `\b`, `\B`, `\A`, `\z`, `\Z`, "(?m)", "(?i)", "(?s)", "(?#note)", "|") + randomPattern(r, depth-1)
	default:
		return randomAtom(r) + randomRepeat(r)
	}
}

func randomAtom(r *rand.Rand) string {
	switch r.IntN(6) {
	case 0, 1, 2:
		return pick(r, "a", "b", "c", "A", "B", "k", "-", "_", "/", "é", "ſ", `\.`, `\n`, `\x61`, `\*`)
	case 3:
		return pick(r, ".", `\d`, `\D`, `\w`, `\W`, `\s`, `\S`, `\p{L}`, `\pN`, `\p{Lu}`)
	default:
		return randomClass(r)
	}
}

func randomClass(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString(pick(r, "[", "[", "[^"))
	for range 1 + r.IntN(3) {
		b.WriteString(pick(r, "a", "b", "K", "/", "a-c", "b-k", "A-C", "0-9", `\d`, `\w`, `\s`, `\W`, "[:alpha:]", "[:^digit:]", `\n`, `\]`, "é", `\p{Ll}`))
	}
	if r.IntN(6) == 0 {
		b.WriteString(pick(r, "-[b]", `-[^a\d]`, "-[a-c-[b]]"))
	}
	b.WriteString("]")
	return b.String()
}

func randomRepeat(r *rand.Rand) string {
	repeat := pick(r, "*", "+", "?", "{2}", "{0,2}", "{1,3}", "{2,}", "{0}")
	return repeat + pick(r, "", "", "?")
}

func pick(r *rand.Rand, from ...string) string { return from[r.IntN(len(from))] }

// randomText is a text that a pattern may well match: one that does if nothing
// but characters mattered, or nearly that.
func randomText(r *rand.Rand, pattern string) string {
	e, err := ParseRegexp(pattern)
	if err != nil {
		return ""
	}
	text := appendMatch(r, nil, e.root)
	for range r.IntN(3) {
		at := r.IntN(len(text) + 1)
		switch r.IntN(4) {
		case 0:
			text = append(text[:at:at], append([]rune(pick(r, "a", "b", "K", "\n", "/", "1", "é", "\u212a", "\xff")), text[at:]...)...)
		case 1:
			text = append(text[:at:at], text[min(at+1, len(text)):]...)
		}
	}
	return string(text)
}

// appendMatch appends a match of the part without regard to where it stands.
func appendMatch(r *rand.Rand, text []rune, part *node) []rune {
	if len(text) > 20 {
		return text
	}
	switch part.kind {
	case matchOne:
		return append(text, randomMember(r, part.class))
	case matchEach:
		for _, inner := range part.parts {
			text = appendMatch(r, text, inner)
		}
	case matchEither:
		return appendMatch(r, text, part.parts[r.IntN(len(part.parts))])
	case matchRepeated:
		most := part.max
		if most < 0 {
			most = part.min + 3
		}
		for range part.min + r.IntN(min(most-part.min, 3)+1) {
			text = appendMatch(r, text, part.parts[0])
		}
	case lookAhead:
		if r.IntN(4) == 0 {
			return appendMatch(r, text, part.parts[0])
		}
	}
	return text
}

// randomMember is a character of a class, preferably one that is in many.
func randomMember(r *rand.Rand, c class) rune {
	for range 4 {
		common := []rune("aabbcABCkK-_/.09 \n*éÉſ\u212aıİ\uFFFD")
		if character := common[r.IntN(len(common))]; c.has(character) {
			return character
		}
	}
	s := c[r.IntN(len(c))]
	return s.low + r.Int32N(s.high-s.low+1)
}

// TestRandomPatterns holds the parser to the engine.
func TestRandomPatterns(t *testing.T) {
	t.Parallel()
	decided := 0
	for seed := range uint64(1200) {
		r := rand.New(rand.NewPCG(seed, 1))
		pattern := randomPattern(r, 1+r.IntN(5))
		if _, err := ParseRegexp(pattern); err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		for range 4 {
			if checkRegexp(t, pattern, randomText(r, pattern)) {
				decided++
			}
		}
	}
	if decided < 4500 {
		t.Errorf("only %d of 4800 were decided", decided)
	}
}

// tokens are what patterns are made of, valid or not.
var tokens = []string{
	"a", "b", "K", "1", "-", "-", "^", "$", ".", "|", "(", "(", ")", ")", ")", "[", "[", "]", "]", "{", "}", "*", "+", "?", ",", ":", "=", "!", "<", ">", "'",
	"#", " ", "\n", "\\", "\\", "&", "/", "P", "i", "x", "(?:", "(?=", "(?!", "(?>", "(?<=", "(?<!", "(?<n>", "(?P<n>", "(?'n'", "(?<1>", "(?<n-n>", "(?(1)", "(?(n)",
	"(?#", "(?i)", "(?x)", "(?-x)", "(?m)", "(?s-i:", "(?n)", "{2}", "{1,2}", "{,2}", "{2,}", "{2,1}", "*?", "\\d", "\\W", "\\S", "\\p{L}", "\\P{Lu}", "\\pN", "\\p{Greek}", "\\p{",
	"\\b", "\\B", "\\A", "\\z", "\\Z", "\\G", "\\1", "\\12", "\\01", "\\k<n>", "\\k", "\\<n>", "\\x41", "\\x{41}", "\\x", "\\u0041", "\\cA", "\\c", "\\e", "\\-", "\\q", "[^", "[a-",
	"-[", "[:alpha:]", "[:^digit:]", "[:word:]", "[:", ":]", "a-c", "\\-", "é", "É-Ý", "à-ö", "\\x80-\\xff", "\u212a", "\\]",
}

// TestRandomTokens holds the parser to the engine where most patterns are odd,
// and many invalid.
func TestRandomTokens(t *testing.T) {
	t.Parallel()
	decided := 0
	for seed := range uint64(5000) {
		r := rand.New(rand.NewPCG(seed, 3))
		var b strings.Builder
		for range 1 + r.IntN(9) {
			b.WriteString(pick(r, tokens...))
		}
		if checkRegexp(t, b.String(), randomText(r, b.String())) {
			decided++
		}
	}
	if decided < 1000 {
		t.Errorf("only %d of 5000 were decided", decided)
	}
}

// TestRandomTexts: the generator is worth something if many of its texts match.
func TestRandomTexts(t *testing.T) {
	t.Parallel()
	matches := 0
	for seed := range uint64(400) {
		r := rand.New(rand.NewPCG(seed, 2))
		pattern := randomPattern(r, 3)
		e, err := ParseRegexp(pattern)
		if err != nil {
			t.Fatalf("%q: %v", pattern, err)
		}
		if interpret(e, randomText(r, pattern)) {
			matches++
		}
	}
	if matches < 40 || matches > 360 {
		t.Errorf("%s of the texts match", fmt.Sprintf("%.1f%%", float64(matches)/4))
	}
}

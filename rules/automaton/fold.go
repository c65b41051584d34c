package automaton

import (
	"slices"
	"sync"
	"unicode"
)

// Where case does not matter, texts are compared in lower case, character by
// character, with patterns in lower case. So the Kelvin sign is the same as k,
// and the long s is not the same as s.

// folding is the characters that are others in lower case.
type folding struct {
	characters []rune // in ascending order
	lower      []rune // of each of them
	class      class  // all of them
	from       map[rune][]rune
}

var foldings = sync.OnceValue(func() folding {
	f := folding{from: map[rune][]rune{}}
	last := rune(-1)
	for _, r := range unicode.CaseRanges {
		for c := max(rune(r.Lo), last+1); c <= rune(r.Hi); c++ {
			last = c
			if lower := unicode.ToLower(c); lower != c {
				f.characters = append(f.characters, c)
				f.lower = append(f.lower, lower)
				f.from[lower] = append(f.from[lower], c)
			}
		}
	}
	f.class = classOf(f.characters...)
	return f
})

// sameLower is the characters that are the same as one in lower case.
func sameLower(c rune) class {
	lower := unicode.ToLower(c)
	return classOf(append([]rune{lower}, foldings().from[lower]...)...)
}

// withLowerIn is the characters that in lower case are in the class.
func withLowerIn(c class) class {
	f := foldings()
	members := []span(c.minus(f.class))
	for i, lower := range f.lower {
		if c.has(lower) {
			members = append(members, span{f.characters[i], f.characters[i]})
		}
	}
	return normal(members)
}

// oldLetters is the blocks beyond ASCII with letters in the table that the
// engine lowers ranges by: Latin to Armenian, Georgian, more of Latin and Greek,
// Roman numerals, and letters in circles and of full width. The table is an old
// one.
var oldLetters = class{{0xC0, 0x587}, {0x10A0, 0x10C5}, {0x1E00, 0x1FFC}, {0x2160, 0x216F}, {0x24B6, 0x24D0}, {0xFF21, 0xFF3A}}

// lowered is a class as the engine lowers it for texts in lower case: single
// characters become small letters, ranges are joined by the small letters of
// their ends. What becomes of ranges is certain if they have all of the old
// letters beyond ASCII, or none.
func lowered(c class) (members class, certain bool) {
	const lastSmall = 0xFF5A // the last small letter of an old one
	var spans []span
	for _, s := range c {
		if s.low == s.high {
			lower := unicode.ToLower(s.low)
			spans = append(spans, span{lower, lower})
			continue
		}
		spans = append(spans, s)
		if low, high := max(s.low, 'A'), min(s.high, 'Z'); low <= high {
			spans = append(spans, span{low + 'a' - 'A', high + 'a' - 'A'})
		}
		switch {
		case s.low <= oldLetters[0].low && s.high >= lastSmall:
			spans = append(spans, span{'i', 'i'}) // of the I with a dot, the only one with a letter of ASCII
		case slices.ContainsFunc(oldLetters, func(block span) bool { return s.low <= block.high && s.high >= block.low }):
			return nil, false
		}
	}
	return normal(spans), true
}

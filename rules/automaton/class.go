package automaton

import (
	"slices"
	"unicode"
)

// span is a range of characters, both ends included.
type span struct{ low, high rune }

// class is a set of characters: spans in ascending order that neither overlap
// nor touch. Invalid bytes of a text are the character unicode.ReplacementChar,
// each by itself.
type class []span

var (
	anything = class{{0, unicode.MaxRune}}
	noLine   = class{{'\n', '\n'}}.complement() // what a dot matches
)

// classOf is the class of some characters.
func classOf(characters ...rune) class {
	spans := make([]span, len(characters))
	for i, c := range characters {
		spans[i] = span{c, c}
	}
	return normal(spans)
}

// normal makes a class of spans in any order.
func normal(spans []span) class {
	slices.SortFunc(spans, func(a, b span) int { return int(a.low - b.low) })
	var c class
	for _, s := range spans {
		if s.low > s.high {
			continue
		}
		if last := len(c) - 1; last >= 0 && s.low <= c[last].high+1 {
			c[last].high = max(c[last].high, s.high)
			continue
		}
		c = append(c, s)
	}
	return c
}

// union is every character that is in one of the classes.
func (c class) union(others ...class) class {
	all := slices.Clone([]span(c))
	for _, other := range others {
		all = append(all, other...)
	}
	return normal(all)
}

// complement is every character that is not in the class.
func (c class) complement() class {
	var rest class
	next := rune(0)
	for _, s := range c {
		if s.low > next {
			rest = append(rest, span{next, s.low - 1})
		}
		next = s.high + 1
	}
	if next <= unicode.MaxRune {
		rest = append(rest, span{next, unicode.MaxRune})
	}
	return rest
}

// minus is every character of the class that is not in the other.
func (c class) minus(other class) class {
	return other.union(c.complement()).complement()
}

// has reports whether a character is in the class.
func (c class) has(character rune) bool {
	_, found := slices.BinarySearchFunc(c, character, func(s span, of rune) int {
		switch {
		case s.high < of:
			return -1
		case s.low > of:
			return 1
		default:
			return 0
		}
	})
	return found
}

package automaton

import (
	"fmt"
	"slices"
	"sort"
	"unicode"
	"unicode/utf8"
)

// symbols are the characters as an automaton tells them apart: two that are in
// the same classes of all its patterns are one symbol.
type symbols struct {
	ascii  [utf8.RuneSelf]uint16
	starts []rune   // of the ranges of the other characters, ascending
	ranges []uint16 // the symbol of each of them
	shown  []rune   // a character of each symbol, the most readable one
}

// symbolSet is a set of symbols, as bits.
type symbolSet []uint64

func (s symbolSet) has(symbol uint16) bool { return s[symbol/64]&(1<<(symbol%64)) != 0 }

func (s symbolSet) add(symbol uint16) { s[symbol/64] |= 1 << (symbol % 64) }

func (s *symbols) count() int { return len(s.shown) }

func (s *symbols) newSet() symbolSet { return make(symbolSet, (s.count()+63)/64) }

// maxSymbols bounds the kinds of characters: a state of an automaton has a
// place for each of them.
const maxSymbols = 1 << 13

// surrogates are halves of characters of UTF-16, which no text here has.
var surrogates = span{0xD800, 0xDFFF}

// newSymbols divides the characters by the classes, and gives the symbols of
// each class.
func newSymbols(classes []class) (*symbols, []symbolSet, error) {
	type edge struct {
		at     rune
		class  int
		leaves bool
	}
	var edges []edge
	for i, c := range classes {
		for _, s := range c {
			edges = append(edges, edge{s.low, i, false}, edge{s.high + 1, i, true})
		}
	}
	const none = -1
	edges = append(edges, edge{surrogates.low, none, false}, edge{surrogates.high + 1, none, true})
	slices.SortFunc(edges, func(a, b edge) int { return int(a.at - b.at) })

	s := &symbols{}
	known := map[string]uint16{}
	inside := make([]byte, (len(classes)+7)/8) // which classes the range belongs to, as bits
	members := [][]byte{}
	var from rune
	divide := func(to rune) { // the range from..to-1 is whole
		if from >= to {
			return
		}
		symbol, seen := known[string(inside)]
		if surrogates.low <= from && from <= surrogates.high {
			symbol, seen = 0, true
		}
		if !seen {
			symbol = uint16(len(s.shown)) //nolint:gosec // maxSymbols bounds it
			known[string(inside)] = symbol
			s.shown = append(s.shown, from)
			members = append(members, slices.Clone(inside))
		}
		s.starts, s.ranges = append(s.starts, from), append(s.ranges, symbol)
		s.shown[symbol] = moreReadable(s.shown[symbol], from, to-1)
		from = to
	}
	for _, e := range edges {
		divide(min(e.at, unicode.MaxRune+1))
		if len(s.shown) > maxSymbols {
			return nil, nil, fmt.Errorf("the patterns tell more than %d kinds of characters apart", maxSymbols)
		}
		switch {
		case e.class == none:
		case e.leaves:
			inside[e.class/8] &^= 1 << (e.class % 8)
		default:
			inside[e.class/8] |= 1 << (e.class % 8)
		}
	}
	divide(unicode.MaxRune + 1)

	for c := range s.ascii {
		s.ascii[c] = s.search(rune(c))
	}
	sets := make([]symbolSet, len(classes))
	for i := range sets {
		sets[i] = s.newSet()
		for symbol, in := range members {
			if in[i/8]&(1<<(i%8)) != 0 {
				sets[i].add(uint16(symbol))
			}
		}
	}
	return s, sets, nil
}

// of is the symbol of a character.
func (s *symbols) of(character rune) uint16 {
	if character >= 0 && character < utf8.RuneSelf {
		return s.ascii[character]
	}
	return s.search(character)
}

func (s *symbols) search(character rune) uint16 {
	return s.ranges[sort.Search(len(s.starts), func(i int) bool { return s.starts[i] > character })-1]
}

// readable are characters, the best ones for an example first.
var readable = [...]span{{'x', 'x'}, {'a', 'z'}, {'0', '9'}, {'A', 'Z'}, {'-', '-'}, {'_', '_'}, {'!', '~'}, {' ', ' '}}

// readability tells how well people read a character: the lower, the better.
func readability(character rune) int {
	for i, s := range readable {
		if s.low <= character && character <= s.high {
			return i
		}
	}
	return len(readable)
}

// moreReadable is the character that people would rather read: the best one so
// far, or one of a range.
func moreReadable(best, low, high rune) rune {
	for _, s := range readable[:readability(best)] {
		if from := max(low, s.low); from <= min(high, s.high) {
			return from
		}
	}
	return best
}

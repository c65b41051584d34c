package automaton

import (
	"math/bits"
	"slices"
	"strings"
)

// witness is a text that proves something.
type witness struct {
	text    string
	certain bool
}

// comparison looks for texts that lead to two items at once.
type comparison struct {
	*program
	front *front
	items []item
	ids   map[item]int32
	moves [][]move // of each item; nil as long as nobody asked

	pairs []pair
	known map[pairKey]struct{}
	rests map[pairKey]outcome
	left  int  // pairs that may still be looked at
	steps int  // from pairs to others that may still be taken
	spent bool // there were more
}

// move leads an item on, by any of some symbols.
type move struct {
	symbols symbolSet
	to      []int32
}

type pairKey struct{ x, y, within int32 }

// pair is two items that one text leads to.
type pair struct {
	pairKey
	from   int32 // the pair before, noPlace for the first
	symbol uint16
}

type outcome struct {
	witness
	found bool
}

// stepsPerPair is how many steps may lead to one pair, on an average: patterns
// that repeat what may be empty have so many that they take longer than the
// pairs.
const stepsPerPair = 16

func newComparison(p *program, maxPairs int) *comparison {
	return &comparison{
		program: p, front: newFront(p), ids: map[item]int32{},
		known: map[pairKey]struct{}{}, rests: map[pairKey]outcome{}, left: maxPairs, steps: stepsPerPair * maxPairs,
	}
}

// begin makes the first pairs: of what two places reach at the beginning of a
// text.
func (c *comparison) begin(x, y int32) {
	within := lookHolds
	if c.within >= 0 {
		within = c.looks.states[c.within][behindNothing]
	}
	if within == lookTooLarge {
		within = lookHolds
	}
	for _, one := range c.reached(x) {
		for _, other := range c.reached(y) {
			c.add(pair{pairKey: pairKey{one, other, within}, from: noPlace})
		}
	}
}

func (c *comparison) reached(from int32) []int32 {
	c.front.begin(from)
	return c.numbers()
}

// numbers are those of the items at the front.
func (c *comparison) numbers() []int32 {
	numbers := make([]int32, len(c.front.items))
	for n, i := range c.front.items {
		numbers[n] = c.number(i)
	}
	return numbers
}

func (c *comparison) number(i item) int32 {
	number, known := c.ids[i]
	if !known {
		number = int32(len(c.items)) //nolint:gosec // there are fewer items than pairs
		c.ids[i] = number
		c.items, c.moves = append(c.items, i), append(c.moves, nil)
	}
	return number
}

func (c *comparison) add(p pair) {
	if c.steps--; c.steps < 0 {
		c.spent = true
		return
	}
	if p.x > p.y {
		p.x, p.y = p.y, p.x
	}
	if _, been := c.known[p.pairKey]; been {
		return
	}
	if c.left == 0 {
		c.spent = true
		return
	}
	c.left--
	c.known[p.pairKey] = struct{}{}
	c.pairs = append(c.pairs, p)
}

// expand adds the pairs that a pair leads to.
func (c *comparison) expand(n int) {
	p := c.pairs[n]
	for _, one := range c.movesOf(p.x) {
		for _, other := range c.movesOf(p.y) {
			if c.spent {
				return
			}
			for _, way := range c.ways(one.symbols, other.symbols, p.within) {
				for _, x := range one.to {
					for _, y := range other.to {
						c.add(pair{pairKey: pairKey{x, y, way.within}, from: int32(n), symbol: way.symbol}) //nolint:gosec // left bounds it
					}
				}
			}
		}
	}
}

// way is a symbol, and what it makes of the texts that matter.
type way struct {
	symbol uint16
	within int32
}

// ways are the symbols that are in both sets, the most readable one of those
// that make no difference.
func (c *comparison) ways(one, other symbolSet, within int32) []way {
	var all []way
	for w := range one {
		for rest := one[w] & other[w]; rest != 0; rest &= rest - 1 {
			symbol := uint16(w*64 + bits.TrailingZeros64(rest)) //nolint:gosec // maxSymbols bounds it
			next := within
			if within != lookHolds {
				next = c.looks.next[int(within)*c.looks.count+int(symbol)]
			}
			if next == lookFails {
				continue
			}
			n := slices.IndexFunc(all, func(w way) bool { return w.within == next })
			switch {
			case n < 0:
				all = append(all, way{symbol, next})
			case readability(c.symbols.shown[symbol]) < readability(c.symbols.shown[all[n].symbol]):
				all[n].symbol = symbol
			}
		}
	}
	return all
}

// movesOf are the moves of an item.
func (c *comparison) movesOf(number int32) []move {
	if c.moves[number] == nil {
		c.moves[number] = c.findMoves(c.items[number])
	}
	return c.moves[number]
}

func (c *comparison) findMoves(i item) []move {
	moves := []move{} // not nil: they are known
	byTarget := map[string]int{}
	var from []item
	from = append(from, i)
	for symbol := range uint16(c.symbols.count()) { //nolint:gosec // maxSymbols bounds it
		if !c.takes(i, symbol) {
			continue
		}
		c.front.step(from, symbol)
		if len(c.front.items) == 0 {
			continue
		}
		c.front.sort()
		key := keyOf(c.front.items)
		n, known := byTarget[key]
		if !known {
			n = len(moves)
			byTarget[key] = n
			moves = append(moves, move{symbols: c.symbols.newSet(), to: c.numbers()})
		}
		moves[n].symbols.add(symbol)
	}
	return moves
}

// takes reports whether an item goes anywhere by a symbol, but for its guards.
func (c *comparison) takes(i item, symbol uint16) bool {
	switch p := c.places[i.place]; p.op {
	case opChar:
		return c.sets[p.class].has(symbol)
	case opBranch:
		return slices.ContainsFunc(c.edges[p.from:p.until], func(e edge) bool { return c.sets[e.class].has(symbol) })
	case opAny:
		return true
	default:
		return false
	}
}

// text is the text that leads to a pair.
func (c *comparison) text(n int) string {
	var characters []rune
	for p := c.pairs[n]; p.from != noPlace; p = c.pairs[p.from] {
		characters = append(characters, c.symbols.shown[p.symbol])
	}
	slices.Reverse(characters)
	var b strings.Builder
	for _, character := range characters {
		b.WriteRune(character)
	}
	return b.String()
}

// rest is a shortest text that leads from a pair to the end of both its
// patterns, and is in no doubt if there is one such. Which patterns they are
// makes no difference to it.
func (c *comparison) rest(p pair) (witness, bool) {
	x, y := c.items[p.x], c.items[p.y]
	x.group, y.group = shared, shared
	start := pairKey{c.number(x), c.number(y), p.within}
	if start.x > start.y {
		start.x, start.y = start.y, start.x
	}
	if known, seen := c.rests[start]; seen {
		return known.witness, known.found
	}
	inner := *c
	inner.pairs, inner.known = nil, map[pairKey]struct{}{}
	inner.add(pair{pairKey: start, from: noPlace})
	result, found := inner.search()
	c.items, c.moves, c.left, c.steps, c.spent = inner.items, inner.moves, inner.left, inner.steps, inner.spent
	c.rests[start] = outcome{result, found}
	return result, found
}

// search goes on from the pairs that there are, until one of them accepts.
func (c *comparison) search() (result witness, found bool) {
	for n := 0; n < len(c.pairs) && !c.spent; n++ {
		p := c.pairs[n]
		if accepts, certain := c.accepts(p); accepts && (certain || !found) {
			result, found = witness{c.text(n), certain}, true
			if certain {
				return result, true
			}
		}
		c.expand(n)
	}
	return result, found
}

func (c *comparison) accepts(p pair) (accepts, certain bool) {
	if !c.looks.ends[p.within] {
		return false, false
	}
	certain = true
	for _, number := range [...]int32{p.x, p.y} {
		i := c.items[number]
		if op := c.places[i.place].op; (op != opAccept && op != opAny) || !c.looks.hold(i.guards) {
			return false, false
		}
		certain = certain && !i.guards.haveDoubt()
	}
	return true, certain
}

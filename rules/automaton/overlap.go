package automaton

import (
	"maps"
	"slices"
)

// Overlap is a text that two patterns both match.
type Overlap struct {
	Patterns [2]int // ascending
	Text     string // a shortest one
	// Certain is false if only an engine for more than regular languages can
	// tell whether the two really overlap, in this text or another.
	Certain bool
}

// Overlaps finds the pairs of patterns that overlap, in the texts that the
// automaton was compiled for. Only pairs matter for which matters is true,
// whatever their order. Pairs that it does not name are disjoint, if costly is
// below 0. Otherwise it gave up when it had looked at maxPairs pairs of places,
// and costly is the pattern that most of them are of. It names no more pairs
// than most.
//
// It takes time and memory in proportion to the pairs of places that one text
// leads to. For patterns that begin with different literal text these are not
// many more than there are places.
func (a *Automaton) Overlaps(matters func(p, q int) bool, maxPairs, most int) (overlaps []Overlap, costly int) {
	c := newComparison(a.program, maxPairs)
	found := map[[2]int32]witness{} // by groups
	relevant := map[[2]int32]bool{}
	isRelevant := func(groups [2]int32) bool {
		known, seen := relevant[groups]
		if !seen {
			known = a.matterInGroups(groups, matters)
			relevant[groups] = known
		}
		return known
	}
	cost := make([]int, len(a.groups)) // of each group, in steps
	c.begin(a.start, a.start)
	for n := 0; n < len(c.pairs) && !c.spent; n++ {
		p, before := c.pairs[n], c.steps
		x, y := c.items[p.x].group, c.items[p.y].group
		if x <= noGroup || y <= noGroup {
			c.expand(n)
			cost[max(x, y, 0)] += before - c.steps
			continue
		}
		groups := [2]int32{min(x, y), max(x, y)}
		if !isRelevant(groups) {
			continue
		}
		rest, ok := c.rest(p)
		cost[x] += before - c.steps
		cost[y] += before - c.steps
		if !ok {
			continue
		}
		text := c.text(n) + rest.text
		if best, there := found[groups]; !there || (rest.certain && !best.certain) || (rest.certain == best.certain && len(text) < len(best.text)) {
			found[groups] = witness{text, rest.certain}
		}
	}
	for _, groups := range slices.SortedFunc(maps.Keys(found), func(a, b [2]int32) int { return slices.Compare(a[:], b[:]) }) {
		for _, p := range a.groups[groups[0]] {
			for _, q := range a.groups[groups[1]] {
				if len(overlaps) == most {
					break
				}
				if (groups[0] != groups[1] || p < q) && matters(p, q) {
					overlaps = append(overlaps, Overlap{[2]int{min(p, q), max(p, q)}, found[groups].text, found[groups].certain})
				}
			}
		}
	}
	slices.SortFunc(overlaps, func(a, b Overlap) int { return slices.Compare(a.Patterns[:], b.Patterns[:]) })
	if !c.spent {
		return overlaps, -1
	}
	cost[shared] = -1
	return overlaps, a.groups[slices.Index(cost, slices.Max(cost))][0]
}

func (a *Automaton) matterInGroups(groups [2]int32, matters func(p, q int) bool) bool {
	for _, p := range a.groups[groups[0]] {
		for _, q := range a.groups[groups[1]] {
			if p != q && matters(p, q) {
				return true
			}
		}
	}
	return false
}

package automaton

import "slices"

// before is what a place in a text is behind of, as far as it matters.
type before uint8

const (
	behindNothing before = iota // the beginning
	behindWord
	behindLine // a line feed
	behindOther
)

func (p *program) behind(symbol uint16) before {
	switch {
	case p.word != nil && p.word.has(symbol):
		return behindWord
	case p.line != nil && p.line.has(symbol):
		return behindLine
	default:
		return behindOther
	}
}

// maxVariants bounds the items that differ in their guards alone. Beyond it
// they become one, which is in doubt.
const maxVariants = 32

// front is a set of items that is being collected. It is used again and again.
type front struct {
	*program
	items   []item
	guarded bool // some item has guards
	behind  before
	atEnd   bool
	// Where it has been: of items without guards, the last group that came to a
	// place, as of this round; of the others, all of them.
	been    []passage
	round   uint32
	visited map[item]struct{}
	// How many items with guards came to a place for a group. They are bounded
	// as they come, because guards combine.
	variants map[variant]int
	ending   *front // for what follows the end of a text; nil until it is needed
	ended    uint32 // the round that it belongs to
}

// variant is what items have in common that differ in their guards alone.
type variant struct{ place, group int32 }

// passage is a round, and the group that came by in it.
type passage struct {
	round uint32
	group int32
}

func newFront(p *program) *front {
	return &front{program: p, been: make([]passage, len(p.places)), visited: map[item]struct{}{}, variants: map[variant]int{}}
}

func (f *front) reset(behind before) {
	f.items = f.items[:0]
	f.guarded = false
	f.behind = behind
	if len(f.visited) > 1<<12 { // clearing it would take as long each time
		f.visited, f.variants = map[item]struct{}{}, map[variant]int{}
	} else if len(f.visited) > 0 {
		clear(f.visited)
		clear(f.variants)
	}
	if f.round++; f.round == 0 { // after four thousand million rounds
		clear(f.been)
		f.round = 1
	}
}

// visit reports whether an item comes for the first time.
func (f *front) visit(i item) (first bool) {
	if i.guards == (guards{}) {
		switch at := &f.been[i.place]; {
		case at.round != f.round:
			*at = passage{f.round, i.group}
			return true
		case at.group == i.group:
			return false
		}
	}
	if _, been := f.visited[i]; been {
		return false
	}
	f.visited[i] = struct{}{}
	return true
}

// bounded is the item, in doubt if too many others came the same way.
func (f *front) bounded(i item) item {
	if i.guards == (guards{}) || i.guards == doubtful {
		return i
	}
	if _, been := f.visited[i]; been {
		return i
	}
	v := variant{i.place, i.group}
	if f.variants[v]++; f.variants[v] > maxVariants {
		i.guards = doubtful
	}
	return i
}

// begin collects what is reached from a place at the beginning of a text.
func (f *front) begin(place int32) {
	f.reset(behindNothing)
	f.reach(item{place: place, group: noGroup})
	f.settle()
}

// sort brings the items into the one order in which they are compared.
func (f *front) sort() { slices.SortFunc(f.items, compareItems) }

// reach adds the places that are reached from an item without a character.
func (f *front) reach(i item) {
	i = f.bounded(i)
	if !f.visit(i) {
		return
	}
	p := &f.places[i.place]
	switch p.op {
	case opFail:
		return
	case opChar, opAny, opAccept:
		f.keep(i)
		return
	}
	next := i
	next.place = p.next
	switch p.op {
	case opBranch:
		if p.from < p.until {
			f.keep(i)
		}
		if p.next != noPlace {
			f.reach(next)
		}
	case opSplit:
		for _, e := range f.edges[p.from:p.until] {
			next.place = e.to
			f.reach(next)
		}
	case opLook, opLookNot:
		f.look(next, p.class, p.op == opLookNot)
	case opBegin:
		if f.behind == behindNothing {
			f.reach(next)
		}
	case opLineBegin:
		if f.behind == behindNothing || f.behind == behindLine {
			f.reach(next)
		}
	case opEnd:
		f.end(next)
	case opBoundary, opNotBoundary:
		// Between two characters of the same sort there is none.
		f.look(next, f.looks.word, (f.behind == behindWord) == (p.op == opBoundary))
	case opDoubt:
		next.guards = next.guards.inDoubt()
		f.reach(next)
	case opLeaf:
		next.group = p.class
		f.reach(next)
	}
}

// look goes on under the condition that a look-ahead sets.
func (f *front) look(next item, number int32, not bool) {
	state := f.looks.states[number][f.behind]
	if f.atEnd {
		state = f.looks.atEnd(state)
	}
	switch state {
	case lookTooLarge:
		next.guards = next.guards.inDoubt()
	case lookHolds:
		if not {
			return
		}
	case lookFails:
		if !not {
			return
		}
	default:
		next.guards = next.guards.with(opinion(state, not))
	}
	f.reach(next)
}

// end goes on at a place that is only good at the end of the text.
func (f *front) end(next item) {
	if f.atEnd {
		f.reach(next)
		return
	}
	if f.ending == nil {
		f.ending = newFront(f.program)
		f.ending.atEnd = true
	}
	if f.ended != f.round { // where one item has been, others need not go
		f.ended = f.round
		f.ending.reset(f.behind)
	}
	before := len(f.ending.items)
	f.ending.reach(next)
	for _, i := range f.ending.items[before:] {
		if op := f.places[i.place].op; op == opAccept || op == opAny {
			i.place = acceptPlace
			f.keep(i)
		}
	}
}

func (f *front) keep(i item) {
	f.guarded = f.guarded || i.guards != guards{}
	f.items = append(f.items, i)
}

// settle takes items away that others are more general than. It ends every
// collection.
func (f *front) settle() {
	if !f.guarded { // then no two items are alike but for their guards
		return
	}
	f.sort()
	settled := f.items[:0]
	for from := 0; from < len(f.items); {
		until := from + 1
		for until < len(f.items) && f.items[until].place == f.items[from].place && f.items[until].group == f.items[from].group {
			until++
		}
		settled = append(settled, f.general(f.items[from:until])...)
		from = until
	}
	f.items = settled
}

// general are those of some variants that none of the others is more general
// than. Of too many variants it makes one. It moves them to the front of their
// slice.
func (f *front) general(variants []item) []item {
	if len(variants) == 1 {
		return variants
	}
	if len(variants) <= 4*maxVariants {
		hidden := make([]bool, len(variants))
		for n, one := range variants {
			for m, other := range variants {
				hidden[n] = hidden[n] || m != n && !hidden[m] && other.guards.within(one.guards)
			}
		}
		kept := variants[:0]
		for n, one := range variants {
			if !hidden[n] {
				kept = append(kept, one)
			}
		}
		variants = kept
	}
	if len(variants) > maxVariants {
		variants = variants[:1]
		variants[0].guards = doubtful
	}
	return variants
}

// step collects what items become by a character.
func (f *front) step(items []item, symbol uint16) {
	f.reset(f.program.behind(symbol))
	for _, i := range items {
		var holds bool
		if i.guards, holds = f.looks.step(i.guards, symbol); !holds {
			continue
		}
		switch p := &f.places[i.place]; p.op {
		case opChar:
			if f.sets[p.class].has(symbol) {
				i.place = p.next
				f.reach(i)
			}
		case opBranch:
			for _, e := range f.edges[p.from:p.until] {
				if f.sets[e.class].has(symbol) {
					i.place = e.to
					f.reach(i)
				}
			}
		case opAny:
			f.reach(i)
		}
	}
	f.settle()
}

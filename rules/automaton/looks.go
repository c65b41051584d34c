package automaton

import "slices"

// States of a look-ahead. Those above lookHolds are neither decided yet.
const (
	lookTooLarge int32 = -1 // it has no states: the match is in doubt
	lookFails    int32 = 0
	lookHolds    int32 = 1
)

// looks are the look-aheads of a program, each of them made deterministic: a
// table tells what a state becomes by a symbol.
type looks struct {
	states [][4]int32 // where each begins, by what it is behind of
	word   int32      // number of the look-ahead for a word's character, if there are boundaries of words
	next   []int32    // by state times count of symbols, plus symbol
	ends   []bool     // whether the state holds at the end of a text
	count  int        // of symbols
}

const (
	maxLookStates  = 1 << 10 // of one look-ahead
	maxLookItems   = 1 << 20 // that are looked at for one, a tenth of a microsecond each
	maxLookEntries = 1 << 23 // of the table, 4 bytes each
)

// newLooks makes the table. The bodies come in such an order that the
// look-aheads inside of them come first. One that has too many states is in
// doubt wherever it is used.
func newLooks(p *program, bodies []int32, word int32) *looks {
	l := &looks{word: word, count: p.symbols.count()}
	p.looks = l
	l.next = make([]int32, 2*l.count)
	for symbol := range l.count {
		l.next[int(lookHolds)*l.count+symbol] = lookHolds
	}
	l.ends = []bool{lookFails: false, lookHolds: true}
	l.states = make([][4]int32, len(bodies))
	var order []int32
	if word >= 0 { // it may be in any of the others
		order = append(order, word)
	}
	for number := range int32(len(bodies)) { //nolint:gosec // there are fewer than places
		if number != word {
			order = append(order, number)
		}
	}
	f := newFront(p)
	for _, number := range order {
		d := determining{looks: l, front: f, known: map[string]int32{}, first: len(l.ends), left: maxLookItems}
		begins := d.begin(bodies[number])
		if d.tooLarge {
			begins = [4]int32{lookTooLarge, lookTooLarge, lookTooLarge, lookTooLarge}
			l.ends = l.ends[:d.first]
			l.next = l.next[:d.first*l.count]
		}
		l.states[number] = begins
	}
	return l
}

// determining makes one look-ahead deterministic.
type determining struct {
	looks    *looks
	front    *front
	known    map[string]int32
	sets     [][]item
	first    int
	left     int // items that may still be looked at
	tooLarge bool
}

func (d *determining) begin(body int32) [4]int32 {
	var begins [4]int32
	for b := range begins {
		d.front.reset(before(b))
		d.front.reach(item{place: body, group: noGroup})
		d.front.settle()
		begins[b] = d.state()
	}
	for n := 0; n < len(d.sets) && !d.tooLarge; n++ {
		for symbol := range uint16(d.looks.count) { //nolint:gosec // maxSymbols bounds it
			if d.left -= len(d.sets[n]); d.left < 0 {
				d.tooLarge = true
				break
			}
			d.front.step(d.sets[n], symbol)
			state := d.state()
			d.looks.next[(d.first+n)*d.looks.count+int(symbol)] = state
		}
	}
	return begins
}

// state is the number of the state that the front is.
func (d *determining) state() int32 {
	ends := false
	for _, i := range d.front.items {
		switch op := d.front.places[i.place].op; {
		case i.guards.haveDoubt():
			d.tooLarge = true
			return lookFails
		case op == opAny && i.guards == guards{}:
			return lookHolds
		case op == opAny || op == opAccept:
			ends = ends || d.looks.hold(i.guards)
		}
	}
	if len(d.front.items) == 0 {
		return lookFails
	}
	d.front.sort()
	key := keyOf(d.front.items)
	if number, known := d.known[key]; known {
		return number
	}
	if len(d.sets) >= maxLookStates || len(d.looks.next) > maxLookEntries {
		d.tooLarge = true
		return lookFails
	}
	number := int32(d.first + len(d.sets)) //nolint:gosec // maxLookEntries bounds it
	d.known[key] = number
	d.sets = append(d.sets, slices.Clone(d.front.items))
	d.looks.ends = append(d.looks.ends, ends)
	d.looks.next = append(d.looks.next, make([]int32, d.looks.count)...)
	return number
}

// step is what guards become by a symbol. holds is false if one of them fails.
func (l *looks) step(g guards, symbol uint16) (after guards, holds bool) {
	if g == (guards{}) {
		return g, true
	}
	for _, guard := range g {
		switch guard {
		case 0:
			continue
		case doubt:
			after = after.inDoubt()
			continue
		}
		not := guard&1 != 0
		switch state := l.next[int(guard>>1)*l.count+int(symbol)]; state {
		case lookHolds, lookFails:
			if (state == lookHolds) == not {
				return after, false
			}
		default:
			after = after.with(opinion(state, not))
		}
	}
	return after, true
}

// hold reports whether guards hold at the end of a text. Doubt does no harm.
func (l *looks) hold(g guards) bool {
	for _, guard := range g {
		if guard > doubt && l.ends[guard>>1] == (guard&1 != 0) {
			return false
		}
	}
	return true
}

// atEnd is what a state comes to at the end of a text.
func (l *looks) atEnd(state int32) int32 {
	switch {
	case state == lookTooLarge:
		return state
	case l.ends[state]:
		return lookHolds
	default:
		return lookFails
	}
}

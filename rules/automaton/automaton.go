package automaton

import (
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Match is a pattern that matches a text.
type Match struct {
	Pattern int // its index among those that were compiled
	// Certain is false if only an engine for more than regular languages can
	// tell whether it really does.
	Certain bool
}

// Automaton matches texts with many patterns at once. It is safe for
// concurrent use.
//
// A text costs a few nanoseconds a character, whatever the number of patterns,
// and no memory, once texts like it have been seen: the states that they lead
// to are kept, up to 32 MiB of them. Beyond that a character costs time in
// proportion to the places that are reached at the same time, which are no
// more than the patterns have together, and the states are begun anew every
// once in a while.
type Automaton struct {
	*program
	certain  [][]Match // by group
	doubtful [][]Match
	tooLarge []int // patterns
	cache    atomic.Pointer[cache]
	fronts   sync.Pool

	maxStates int   // bytes of states that are kept
	maxMisses int64 // characters that may cost more before the states are begun anew
}

// state is a state of the deterministic automaton. What it becomes by a symbol
// is found when it is first needed.
type state struct {
	items   []item
	next    []atomic.Pointer[state] // by symbol
	matches []Match                 // at the end of a text; of a single group: in its pattern's place anyOfGroup

	// Ways that all belong to one group are the same for all groups with that
	// rest of a pattern: then same is the state that they share.
	same  *state
	group int32
}

const anyOfGroup = -1

// cache is the states that are known.
type cache struct {
	root    *state
	dead    *state
	misses  atomic.Int64 // characters that led nowhere, since there is no room
	renewed atomic.Bool

	adding sync.Mutex // guards what follows; nobody who finds a state needs it
	states map[string]*state
	bytes  int
	full   bool
}

// Bounds of an automaton. Once so many characters have found no room, what was
// asked for when the states were kept is not what is asked for now.
const (
	maxStates = 32 << 20
	maxMisses = 1 << 20
)

func newAutomaton(p *program) *Automaton {
	a := &Automaton{program: p, maxStates: maxStates, maxMisses: maxMisses}
	a.fronts.New = func() any { return newFront(p) }
	for _, group := range p.groups {
		var certain, doubtful []Match
		for _, pattern := range group {
			certain = append(certain, Match{pattern, true})
			doubtful = append(doubtful, Match{pattern, false})
		}
		a.certain, a.doubtful = append(a.certain, certain), append(a.doubtful, doubtful)
	}
	a.begin()
	return a
}

// TooLarge are the patterns with a look-ahead that has too many states. Where
// it counts, their matches are not certain.
func (a *Automaton) TooLarge() []int { return a.tooLarge }

// begin forgets all states.
func (a *Automaton) begin() {
	c := &cache{states: map[string]*state{}}
	c.dead = a.state(c, nil)
	f := newFront(a.program)
	f.begin(a.start)
	f.sort()
	c.root = a.state(c, f.items)
	a.cache.Store(c)
}

// Match gives the patterns that match all of a text, in no order. The caller
// must not change them.
func (a *Automaton) Match(text string) []Match {
	c := a.cache.Load()
	s, group := c.root, noGroup
	if s.same != nil { // there is but one pattern
		s, group = s.same, s.group
	}
	for i := 0; i < len(text); {
		at := i
		var symbol uint16
		if b := text[i]; b < utf8.RuneSelf {
			symbol = a.symbols.ascii[b]
			i++
		} else {
			character, size := utf8.DecodeRuneInString(text[i:])
			symbol = a.symbols.search(character)
			i += size
		}
		next := s.next[symbol].Load()
		if next == nil {
			if next = a.add(c, s, symbol); next == nil {
				return a.simulate(c, s, group, text[at:])
			}
		}
		if next.same != nil {
			group = next.group
			next = next.same
		}
		if next == c.dead {
			return nil
		}
		s = next
	}
	return a.matches(s.matches, group)
}

// matches resolves the matches of a state that is shared by groups.
func (a *Automaton) matches(found []Match, group int32) []Match {
	if len(found) != 1 || found[0].Pattern != anyOfGroup {
		return found
	}
	if found[0].Certain {
		return a.certain[group]
	}
	return a.doubtful[group]
}

// add finds what a state becomes by a symbol, and keeps it; nil if there is no
// room.
func (a *Automaton) add(c *cache, s *state, symbol uint16) *state {
	c.adding.Lock()
	defer c.adding.Unlock()
	if next := s.next[symbol].Load(); next != nil {
		return next
	}
	if c.full {
		return nil
	}
	f := a.front()
	defer a.fronts.Put(f)
	f.step(s.items, symbol)
	f.sort()
	next := a.state(c, f.items)
	s.next[symbol].Store(next)
	c.full = c.bytes > a.maxStates
	return next
}

func (a *Automaton) front() *front {
	f, _ := a.fronts.Get().(*front)
	return f
}

// shared is the group of items that all belong to it.
const shared int32 = 0

// state is the state of sorted items.
func (a *Automaton) state(c *cache, items []item) *state {
	key := keyOf(items)
	if s, known := c.states[key]; known {
		return s
	}
	s := &state{}
	c.states[key] = s
	c.bytes += len(key) + 200
	if len(items) > 0 && items[0].group > shared && !slices.ContainsFunc(items, func(i item) bool { return i.group != items[0].group }) {
		s.group = items[0].group
		own := slices.Clone(items)
		for n := range own {
			own[n].group = shared
		}
		s.same = a.state(c, own)
		return s
	}
	s.items = slices.Clone(items)
	s.next = make([]atomic.Pointer[state], a.symbols.count())
	s.matches = a.accepted(items)
	c.bytes += 24*len(items) + 8*len(s.next) + 16*len(s.matches)
	return s
}

// accepted are the patterns that items match at the end of a text.
func (a *Automaton) accepted(items []item) []Match {
	var found []Match
	for _, i := range items {
		if op := a.places[i.place].op; (op != opAccept && op != opAny) || !a.looks.hold(i.guards) {
			continue
		}
		patterns := []int{anyOfGroup}
		if i.group != shared {
			patterns = a.groups[i.group]
		}
		for _, pattern := range patterns {
			n := slices.IndexFunc(found, func(m Match) bool { return m.Pattern == pattern })
			if n < 0 {
				n = len(found)
				found = append(found, Match{Pattern: pattern})
			}
			found[n].Certain = found[n].Certain || !i.guards.haveDoubt()
		}
	}
	slices.SortFunc(found, func(a, b Match) int { return a.Pattern - b.Pattern })
	return found
}

// simulate does without states that are kept.
func (a *Automaton) simulate(c *cache, s *state, group int32, text string) []Match {
	if c.misses.Add(int64(len(text))) > a.maxMisses && c.renewed.CompareAndSwap(false, true) {
		a.begin()
	}
	now, next := a.front(), a.front()
	defer a.fronts.Put(now)
	defer a.fronts.Put(next)
	now.items = append(now.items[:0], s.items...)
	for _, character := range text {
		next.step(now.items, a.symbols.of(character))
		now, next = next, now
		if len(now.items) == 0 {
			return nil
		}
	}
	return a.matches(a.accepted(now.items), group)
}

// Reach tells how far a text agrees with the patterns: the number of bytes
// behind which no way to match is left. It is the length of the text if only
// its end comes too early or too late.
func (a *Automaton) Reach(text string) int {
	now, next := newFront(a.program), newFront(a.program)
	now.begin(a.start)
	for at, character := range text {
		next.step(now.items, a.symbols.of(character))
		now, next = next, now
		if len(now.items) == 0 {
			return at
		}
	}
	return len(text)
}

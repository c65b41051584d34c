package automaton

import "slices"

// guards are conditions on the rest of a text, in ascending order, zeros
// first: states of look-aheads, as opinion writes them.
type guards [4]int32

// doubt stands among guards for a condition that nobody can check here.
const doubt int32 = 1

// doubtful are the guards of an item about which nothing is certain.
var doubtful = guards{}.inDoubt()

// opinion is a guard: the rest has to match what a look-ahead in this state
// still needs, or must not.
func opinion(state int32, not bool) int32 {
	if not {
		return state<<1 | 1
	}
	return state << 1
}

// with adds a guard. If there is no room, the match is in doubt instead.
func (g guards) with(guard int32) guards {
	if slices.Contains(g[:], guard) {
		return g
	}
	if g[0] != 0 {
		return g.inDoubt()
	}
	g[0] = guard
	slices.Sort(g[:])
	return g
}

// inDoubt gives one of the conditions up, if there is no room for the doubt.
func (g guards) inDoubt() guards {
	if g.haveDoubt() {
		return g
	}
	g[0] = doubt
	slices.Sort(g[:])
	return g
}

func (g guards) haveDoubt() bool { return slices.Contains(g[:], doubt) }

// within reports whether all guards are among others: then whoever passes the
// others passes these.
func (g guards) within(others guards) bool {
	for _, guard := range g {
		if guard != 0 && !slices.Contains(others[:], guard) {
			return false
		}
	}
	return true
}

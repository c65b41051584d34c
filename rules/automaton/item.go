package automaton

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// item is one way in which a text may go on to match: a place, the group that
// the pattern belongs to, and the look-aheads that are still to be decided.
type item struct {
	place, group int32
	guards       guards
}

const noGroup int32 = -1 // the way does not belong to one pattern yet

func compareItems(a, b item) int {
	return cmp.Or(cmp.Compare(a.place, b.place), cmp.Compare(a.group, b.group), slices.Compare(a.guards[:], b.guards[:]))
}

// keyOf is a text that is another one for every other list of items.
func keyOf(items []item) string {
	key := make([]byte, 0, 24*len(items))
	for _, i := range items {
		for _, n := range [...]int32{i.place, i.group, i.guards[0], i.guards[1], i.guards[2], i.guards[3]} {
			key = binary.LittleEndian.AppendUint32(key, uint32(n)) //nolint:gosec // its bits are what counts
		}
	}
	return string(key)
}

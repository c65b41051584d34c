package document

import (
	"slices"
)

// place is where a value stands, and where the values in it stand.
type place struct {
	line  int // of its key, if it has one
	keys  map[string]*place
	items []*place
}

// Line tells at which line the value at path stands, which for a value in a
// map is the line of its key. Without such a value it is the line of the
// nearest parent that exists; 0 if even that cannot be told.
func (d *Document) Line(path Path) int {
	at := d.places()
	if at == nil {
		return 0
	}
	for _, step := range path {
		next := at.keys[step]
		if i, ok := index(step, len(at.items)); ok {
			next = at.items[i]
		}
		if next == nil {
			break
		}
		at = next
	}
	return at.line
}

// key is the place of a key, made if it is not there yet.
func (p *place) key(name string, line int) *place {
	if found := p.keys[name]; found != nil {
		return found
	}
	if p.keys == nil {
		p.keys = make(map[string]*place)
	}
	p.keys[name] = &place{line: line}
	return p.keys[name]
}

// lines turns offsets into line numbers.
type lines []int // the offsets of the line ends

func linesOf(source []byte) lines {
	var ends lines
	for i, c := range source {
		if c == '\n' {
			ends = append(ends, i)
		}
	}
	return ends
}

func (l lines) at(offset int64) int {
	before, _ := slices.BinarySearch(l, int(offset))
	return before + 1
}

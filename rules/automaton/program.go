package automaton

import (
	"fmt"
	"strings"
)

// operation is what a place of a program does.
type operation uint8

const (
	opFail        operation = iota
	opChar                  // takes a character of the class, and goes on at next
	opBranch                // takes a character by one of its edges; or goes on at next, which may be noPlace
	opSplit                 // goes on at each of its edges
	opLook                  // goes on at next, if what follows is as the look-ahead number class says
	opLookNot               // or is not so
	opBegin                 // goes on at next, at the places of texts that these stand for
	opEnd                   //
	opLineBegin             //
	opBoundary              //
	opNotBoundary           //
	opDoubt                 // goes on at next, not certain that it may
	opLeaf                  // goes on at next, and the rest belongs to the group number class
	opAny                   // takes any character, stays, and accepts
	opAccept                // accepts at the end of the text
)

// place is a state of the nondeterministic automaton. Places are shared between
// patterns that end alike; which pattern a run belongs to is told by the leaf
// that it came through.
type place struct {
	op          operation
	class       int32 // of opChar; the number of a look-ahead or a group
	next        int32
	from, until int32 // edges of opBranch and opSplit, in program.edges
}

const noPlace int32 = -1

// edge leads from a branch, with a character of the class, or from a split.
type edge struct{ class, to int32 }

// program is the nondeterministic automaton of many patterns. It is written
// once.
type program struct {
	places     []place
	edges      []edge
	start      int32
	groups     [][]int // the patterns that are one and the same, by group
	symbols    *symbols
	sets       []symbolSet // by class
	looks      *looks
	within     int32     // number of the look-ahead for the texts there are; below 0: all
	word, line symbolSet // a word's characters, and line feeds; nil unless it matters
}

// part is a node of an expression in its one form: equal parts have equal
// numbers.
type part struct {
	*node
	parts []int32
	class int32 // of matchOne
}

// writer writes a program.
type writer struct {
	*program
	parts   []part
	byForm  map[string]int32 // number of a part, by how it is written
	byNode  map[*node]int32  // and by the node that it was made of
	classes []class
	byText  map[string]int32 // number of a class, by how it is written
	bySpans map[*span]int32  // and by where its spans are
	letters map[rune]int32   // number of the part that is one character
	cells   []cell
	byCell  map[cell]int32
	lists   map[int32]int32 // place that a list of parts begins at
	placed  map[cell]int32  // place that a part before another place begins at
	looking map[int32]int32 // number of the look-ahead that a part is the body of
	bodies  []int32         // where the body of each look-ahead begins
}

// cell is a list of parts: the first one, and the list of the others. As a key
// of placed, tail is a place.
type cell struct{ part, tail int32 }

// Places and lists that every program has.
const (
	failPlace   int32 = 0
	acceptPlace int32 = 1
	anyPlace    int32 = 2

	endOfList int32 = 0
)

// maxPlaces bounds a program, in places of 20 bytes.
const maxPlaces = 1 << 24

func newWriter() *writer {
	return &writer{
		program: &program{places: []place{{op: opFail}, {op: opAccept}, {op: opAny}}, within: -1},
		byForm:  map[string]int32{},
		byNode:  map[*node]int32{},
		byText:  map[string]int32{},
		bySpans: map[*span]int32{},
		letters: map[rune]int32{},
		cells:   []cell{{}},
		byCell:  map[cell]int32{},
		lists:   map[int32]int32{endOfList: acceptPlace},
		placed:  map[cell]int32{},
		looking: map[int32]int32{},
	}
}

// part is the number of a node.
func (w *writer) part(n *node) int32 {
	if n.kind == matchOne && len(n.class) == 1 && n.class[0].low == n.class[0].high {
		return w.letter(n)
	}
	if number, known := w.byNode[n]; known {
		return number
	}
	p := part{node: n}
	var form strings.Builder
	fmt.Fprintf(&form, "%d", n.kind)
	switch n.kind {
	case matchOne:
		p.class = w.class(n.class)
		fmt.Fprintf(&form, " %d", p.class)
	case matchRepeated:
		fmt.Fprintf(&form, " %d %d", n.min, n.max)
	}
	for _, inner := range n.parts {
		number := w.part(inner)
		p.parts = append(p.parts, number)
		fmt.Fprintf(&form, " %d", number)
	}
	number, known := w.byForm[form.String()]
	if !known {
		number = int32(len(w.parts)) //nolint:gosec // there are fewer parts than places
		w.parts = append(w.parts, p)
		w.byForm[form.String()] = number
	}
	w.byNode[n] = number
	return number
}

func (w *writer) letter(n *node) int32 {
	c := n.class[0].low
	number, known := w.letters[c]
	if !known {
		number = int32(len(w.parts)) //nolint:gosec // there are fewer parts than places
		w.parts = append(w.parts, part{node: n, class: w.class(n.class)})
		w.letters[c] = number
	}
	return number
}

func (w *writer) class(c class) int32 {
	if len(c) > 0 {
		if number, known := w.bySpans[&c[0]]; known && len(w.classes[number]) == len(c) {
			return number
		}
	}
	var text strings.Builder
	for _, s := range c {
		fmt.Fprintf(&text, "%x-%x ", s.low, s.high)
	}
	number, known := w.byText[text.String()]
	if !known {
		number = int32(len(w.classes)) //nolint:gosec // there are fewer classes than places
		w.classes = append(w.classes, c)
		w.byText[text.String()] = number
	}
	if len(c) > 0 {
		w.bySpans[&c[0]] = number
	}
	return number
}

// list is the number of the list of an expression's parts.
func (w *writer) list(root *node) int32 {
	return w.prepend(root, endOfList)
}

func (w *writer) prepend(n *node, tail int32) int32 {
	switch n.kind {
	case matchEmpty:
		return tail
	case matchEach:
		for i := len(n.parts) - 1; i >= 0; i-- {
			tail = w.prepend(n.parts[i], tail)
		}
		return tail
	default:
		c := cell{w.part(n), tail}
		number, known := w.byCell[c]
		if !known {
			number = int32(len(w.cells)) //nolint:gosec // there are fewer lists than places
			w.cells = append(w.cells, c)
			w.byCell[c] = number
		}
		return number
	}
}

// placeOfList is where a list begins.
func (w *writer) placeOfList(list int32) int32 {
	// From the end, so that a long list needs no deep recursion.
	var open []int32
	for list != endOfList {
		if _, known := w.lists[list]; known {
			break
		}
		open = append(open, list)
		list = w.cells[list].tail
	}
	at := w.lists[list]
	for i := len(open) - 1; i >= 0; i-- {
		at = w.place(w.cells[open[i]].part, at)
		w.lists[open[i]] = at
	}
	return at
}

func (w *writer) add(p place) int32 {
	w.places = append(w.places, p)
	return int32(len(w.places) - 1) //nolint:gosec // maxPlaces bounds them
}

func (w *writer) split(to ...int32) int32 {
	from := int32(len(w.edges)) //nolint:gosec // there are fewer edges than places twice
	for _, t := range to {
		w.edges = append(w.edges, edge{to: t})
	}
	return w.add(place{op: opSplit, from: from, until: from + int32(len(to))}) //nolint:gosec // see above
}

// place is where a part begins that is followed by another place.
func (w *writer) place(number, next int32) int32 {
	key := cell{number, next}
	if at, known := w.placed[key]; known {
		return at
	}
	if len(w.places) > maxPlaces {
		return failPlace // compile reports it
	}
	at := w.write(number, next)
	w.placed[key] = at
	return at
}

func (w *writer) write(number, next int32) int32 {
	p := w.parts[number]
	simple := func(op operation) int32 { return w.add(place{op: op, next: next}) }
	switch p.kind {
	case matchNothing:
		return failPlace
	case matchEmpty:
		return next
	case matchOne:
		return w.add(place{op: opChar, class: p.class, next: next})
	case matchEach:
		for i := len(p.parts) - 1; i >= 0; i-- {
			next = w.place(p.parts[i], next)
		}
		return next
	case matchEither:
		to := make([]int32, len(p.parts))
		for i, inner := range p.parts {
			to[i] = w.place(inner, next)
		}
		return w.split(to...)
	case matchRepeated:
		return w.repeat(p, next)
	case lookAhead:
		return w.look(opLook, p.parts[0], next)
	case lookAheadNot:
		return w.look(opLookNot, p.parts[0], next)
	case atBegin:
		return simple(opBegin)
	case atEnd:
		return simple(opEnd)
	case atLineBegin:
		return simple(opLineBegin)
	case atBoundary:
		return simple(opBoundary)
	case notAtBoundary:
		return simple(opNotBoundary)
	case inDoubt:
		return simple(opDoubt)
	default:
		return failPlace
	}
}

func (w *writer) repeat(p part, next int32) int32 {
	if p.max < 0 {
		loop := w.split(failPlace, next)
		at := w.place(p.parts[0], loop)
		w.edges[w.places[loop].from].to = at
		next = loop
	} else {
		after := next
		for range p.max - p.min {
			next = w.split(w.place(p.parts[0], next), after)
		}
	}
	for range p.min {
		next = w.place(p.parts[0], next)
	}
	return next
}

func (w *writer) look(op operation, body, next int32) int32 {
	number, known := w.looking[body]
	if !known {
		at := w.place(body, anyPlace) // looks inside of it come first
		number = int32(len(w.bodies)) //nolint:gosec // there are fewer look-aheads than places
		w.bodies = append(w.bodies, at)
		w.looking[body] = number
	}
	return w.add(place{op: op, class: number, next: next})
}

package automaton

import (
	"errors"
	"slices"
	"unicode"
)

// Compile makes one automaton of many expressions, which are known by their
// index from there on. within says which texts there are, for comparing
// patterns; nil stands for all.
//
// It takes time and memory in proportion to the length of the expressions,
// counted repeats written out; what they have in common at their beginnings
// and ends counts once.
func Compile(expressions []*Expression, within *Expression) (*Automaton, error) {
	w := newWriter()
	if within != nil { // first, so that it is not what there is no room for
		body := w.part(whole(lookAhead, within).parts[0])
		w.look(opLook, body, failPlace)
		w.within = w.looking[body]
	}
	w.start = w.begin(w.entries(expressions))
	if len(w.places) > maxPlaces {
		return nil, errors.New("the patterns are too large together")
	}
	if err := w.finish(); err != nil {
		return nil, err
	}
	a := newAutomaton(w.program)
	for i, e := range expressions {
		if w.tooLarge(e.root) {
			a.tooLarge = append(a.tooLarge, i)
		}
	}
	return a, nil
}

// tooLarge reports whether a node has a look-ahead in it that is too large to
// be made deterministic.
func (w *writer) tooLarge(n *node) bool {
	if n.kind == lookAhead || n.kind == lookAheadNot {
		if number, used := w.looking[w.part(n.parts[0])]; used && w.looks.states[number][behindNothing] == lookTooLarge {
			return true
		}
	}
	return slices.ContainsFunc(n.parts, w.tooLarge)
}

// entry is a list of parts, and the group of the patterns that are this list.
type entry struct{ list, group int32 }

func (w *writer) entries(expressions []*Expression) []entry {
	var entries []entry
	byList := map[int32]int{}
	w.groups = append(w.groups, nil) // the number is that of shared
	for i, e := range expressions {
		list := w.list(e.root)
		group, known := byList[list]
		if !known {
			group = len(w.groups)
			byList[list] = group
			w.groups = append(w.groups, nil)
			entries = append(entries, entry{list, int32(group)}) //nolint:gosec // there are fewer groups than places
		}
		w.groups[group] = append(w.groups[group], i)
	}
	return entries
}

// begin is a place where all of the lists begin. Lists that begin with the
// same part go through the same places, up to where a single one is left.
func (w *writer) begin(entries []entry) int32 {
	switch len(entries) {
	case 0:
		return failPlace
	case 1:
		return w.add(place{op: opLeaf, class: entries[0].group, next: w.placeOfList(entries[0].list)})
	}
	var heads []int32 // in the order of the patterns
	tails := map[int32][]entry{}
	var aside []int32 // places that are gone to without taking a character
	for _, e := range entries {
		if e.list == endOfList {
			aside = append(aside, w.add(place{op: opLeaf, class: e.group, next: acceptPlace}))
			continue
		}
		c := w.cells[e.list]
		if _, known := tails[c.part]; !known {
			heads = append(heads, c.part)
		}
		tails[c.part] = append(tails[c.part], entry{c.tail, e.group})
	}
	var edges []edge
	for _, head := range heads {
		behind := tails[head]
		switch p := w.parts[head]; {
		case p.kind == matchOne:
			edges = append(edges, edge{p.class, w.begin(behind)})
		case len(behind) == 1: // no other list begins like this
			aside = append(aside, w.begin([]entry{{w.byCell[cell{head, behind[0].list}], behind[0].group}}))
		default:
			aside = append(aside, w.place(head, w.begin(behind)))
		}
	}
	next := noPlace
	if len(aside) == 1 {
		next = aside[0]
	} else if len(aside) > 1 {
		next = w.split(aside...)
	}
	from := int32(len(w.edges)) //nolint:gosec // there are fewer edges than places twice
	w.edges = append(w.edges, edges...)
	return w.add(place{op: opBranch, next: next, from: from, until: from + int32(len(edges))}) //nolint:gosec // see above
}

// wordCharacters are those that a boundary of words tells apart.
var wordCharacters = func() class {
	var spans []span
	for _, table := range []*unicode.RangeTable{unicode.L, unicode.Mn, unicode.Nd, unicode.Pc} {
		for _, r := range table.R16 {
			spans = appendRange(spans, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range table.R32 {
			spans = appendRange(spans, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return normal(append(spans, span{'\u200c', '\u200d'})) // the joiners
}()

func appendRange(spans []span, low, high, stride rune) []span {
	if stride == 1 {
		return append(spans, span{low, high})
	}
	for c := low; c <= high; c += stride {
		spans = append(spans, span{c, c})
	}
	return spans
}

// finish divides the characters and determines the look-aheads.
func (w *writer) finish() error {
	uses := func(ops ...operation) bool {
		return slices.ContainsFunc(w.places, func(p place) bool { return slices.Contains(ops, p.op) })
	}
	wordy, lined := uses(opBoundary, opNotBoundary), uses(opLineBegin)
	following, word, line := int32(-1), int32(-1), int32(-1) // a look-ahead for a word's character, and two classes
	if wordy {
		body := w.part(&node{kind: matchOne, class: wordCharacters})
		w.look(opLook, body, failPlace)
		following, word = w.looking[body], w.class(wordCharacters)
	}
	if lined {
		line = w.class(classOf('\n'))
	}
	var err error
	if w.symbols, w.sets, err = newSymbols(w.classes); err != nil {
		return err
	}
	if wordy {
		w.word = w.sets[word]
	}
	if lined {
		w.line = w.sets[line]
	}
	w.looks = newLooks(w.program, w.bodies, following)
	return nil
}

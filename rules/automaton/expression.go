package automaton

import "unicode/utf8"

// kind tells what a node of an expression matches.
type kind uint8

const (
	matchNothing  kind = iota // no text at all
	matchEmpty                // the empty text
	matchOne                  // one character of a class
	matchEach                 // all parts, one behind the other
	matchEither               // one of the parts
	matchRepeated             // the one part, min to max times
	lookAhead                 // the empty text, if the part matches what follows from here, up to anywhere
	lookAheadNot              // the empty text, if the part does not
	atBegin                   // the empty text, before the first character: \A, ^
	atEnd                     // the empty text, behind the last one: \z
	atLineBegin               // as atBegin, or behind a line feed: ^ with the option m
	atBoundary                // the empty text, between a word's character and another or an end: \b
	notAtBoundary             // the empty text, anywhere else: \B
	inDoubt                   // the empty text; whether it really matches here, only another engine can tell
)

// node is a part of an expression. Nodes never change once they are made, and
// are shared.
type node struct {
	kind     kind
	class    class   // of matchOne
	parts    []*node // of matchEach and matchEither any number, of matchRepeated and the look-aheads one
	min, max int     // of matchRepeated; a max below 0 is none
}

// Expression is a pattern that has been parsed. It matches whole texts.
type Expression struct {
	root *node
	// Doubts says what of the pattern is not regular, in the order in which it
	// stands there: "a back-reference". There the expression matches more than
	// the pattern does.
	Doubts []string
}

// Literal is the expression that matches one text.
func Literal(text string) *Expression {
	parts := make([]*node, 0, len(text))
	for _, c := range text {
		parts = append(parts, character(c))
	}
	return &Expression{root: &node{kind: matchEach, parts: parts}}
}

// characters are the nodes of those that most texts consist of.
var characters = func() (nodes [utf8.RuneSelf]*node) {
	for c := range nodes {
		nodes[c] = &node{kind: matchOne, class: classOf(rune(c))}
	}
	return nodes
}()

// character is the node that matches one character.
func character(c rune) *node {
	if c >= 0 && int(c) < len(characters) {
		return characters[c]
	}
	return &node{kind: matchOne, class: classOf(c)}
}

// Sequence is the expression that matches what its parts match, one behind the
// other.
func Sequence(parts ...*Expression) *Expression {
	whole := &Expression{root: &node{kind: matchEach}}
	for _, part := range parts {
		whole.root.parts = append(whole.root.parts, part.root)
		whole.Doubts = append(whole.Doubts, part.Doubts...)
	}
	return whole
}

// Doubtful is an expression for what this package cannot read at all: it
// matches everything, and nothing for certain.
func Doubtful(reason string) *Expression {
	everything := &node{kind: matchRepeated, max: -1, parts: []*node{{kind: matchOne, class: anything}}}
	return &Expression{
		root:   &node{kind: matchEach, parts: []*node{everything, {kind: inDoubt}}},
		Doubts: []string{reason},
	}
}

// Places is how much room the expression takes in an automaton, with repeats
// written out.
func (e *Expression) Places() int {
	_, all := size(e.root)
	return all
}

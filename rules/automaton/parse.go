package automaton

import (
	"errors"
	"fmt"
)

const (
	// maxPositions bounds by how many characters the repeats of a pattern may
	// lengthen it when they are written out.
	maxPositions = 4096
	maxNesting   = 200
	maxPattern   = 64 << 10 // bytes
)

// ParseRegexp parses a pattern in the dialect of the backtracking engine. The
// expression matches the texts that the pattern matches from the first
// character to the last, and if the engine knows more about the pattern than
// can be said of regular languages, more texts than that.
//
// An error means that the engine refuses the pattern too, or that it is too
// long or nested too deeply. Of a pattern with doubts that is not sure: it may
// still be one that the engine refuses.
func ParseRegexp(pattern string) (*Expression, error) {
	if len(pattern) > maxPattern {
		return nil, errTooLong
	}
	p := &parser{text: []rune(pattern), classes: map[string]class{}}
	root, err := p.whole()
	if errors.Is(err, errIrregular) {
		return p.anything(), nil
	}
	if err != nil {
		return nil, err
	}
	switch {
	case p.alternatives > 0 && p.excludedCategories > 0 && p.categories > 1:
		// The engine merges alternatives that are one character each, and of
		// merged categories it heeds none behind the first excluded one.
		p.doubts = append(p.doubts, "alternatives of categories and excluded categories")
		return p.anything(), nil
	case p.named && p.subtractsFromRange:
		// The engine looks for names in a first pass, where it misreads these.
		p.doubts = append(p.doubts, "a class like [a-[b]] in a pattern with named groups")
		return p.anything(), nil
	case growth(root) > maxPositions:
		p.doubts = append(p.doubts, fmt.Sprintf("repeats that multiply to more than %d positions", maxPositions))
		return p.anything(), nil
	}
	return &Expression{root: root, Doubts: p.doubts}, nil
}

var (
	errTooLong   = fmt.Errorf("the pattern is longer than %d KiB", maxPattern>>10)
	errTooNested = fmt.Errorf("the pattern is nested more than %d levels deep", maxNesting)
	errIrregular = errors.New("the pattern has no regular part to speak of")
)

// parser goes over a pattern once, from the left to the right.
type parser struct {
	text    []rune
	at      int // the next character
	depth   int
	options options
	doubts  []string
	classes map[string]class // of those with brackets, by how they are written

	groups int // at least as many as there are, or 0 if nobody has asked yet

	alternatives, categories, excludedCategories int // how many there are

	named, subtractsFromRange bool
}

// options are those a pattern can set that change what it means.
type options struct {
	ignoreCase, multiline, dotAll, ignoreBlanks bool
}

// anything is the expression for a pattern that is in doubt as a whole.
func (p *parser) anything() *Expression {
	return &Expression{root: inTurn(repeated(oneOf(anything), 0, unlimited), &node{kind: inDoubt}), Doubts: p.doubts}
}

func (p *parser) whole() (*node, error) {
	root, err := p.either()
	if err != nil {
		return nil, err
	}
	if !p.ended() {
		return nil, p.wrong(p.at, "a ) closes nothing")
	}
	return root, nil
}

// either parses alternatives up to the end of a group. Options that one of them
// sets hold in those that follow.
func (p *parser) either() (*node, error) {
	var alternatives []*node
	for {
		parts, err := p.parts()
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, inTurn(parts...))
		if !p.next('|') {
			return eitherOf(alternatives...), nil
		}
		p.alternatives++
	}
}

// parts parses what stands one behind the other, up to the end of an
// alternative.
func (p *parser) parts() ([]*node, error) {
	var parts []*node
	repeat := false // whether the last thing was a repeat
	for {
		if err := p.blanks(); err != nil {
			return nil, err
		}
		if p.ended() || p.peek(0) == '|' || p.peek(0) == ')' {
			return parts, nil
		}
		if p.atRepeat() {
			if repeat {
				return nil, p.wrong(p.at, "a repeat of a repeat")
			}
			return nil, p.wrong(p.at, "a repeat of nothing")
		}
		part, err := p.part()
		if err != nil {
			return nil, err
		}
		repeat = false
		if part == nil {
			continue
		}
		if err := p.blanks(); err != nil {
			return nil, err
		}
		if p.atRepeat() {
			if part, err = p.repeat(part); err != nil {
				return nil, err
			}
			repeat = true
		}
		parts = append(parts, part)
	}
}

// part parses one thing that may be repeated. It is nil if options were set.
func (p *parser) part() (*node, error) {
	from := p.at
	p.at++
	switch c := p.text[from]; c {
	case '(':
		return p.group()
	case '[':
		return p.brackets()
	case '\\':
		return p.escape()
	case '^':
		if p.options.multiline {
			return &node{kind: atLineBegin}, nil
		}
		return &node{kind: atBegin}, nil
	case '$':
		if p.options.multiline {
			lineEnd := eitherOf(oneOf(classOf('\n')), &node{kind: atEnd})
			return &node{kind: lookAhead, parts: []*node{lineEnd}}, nil
		}
		return &node{kind: atEnd}, nil
	case '.':
		if p.options.dotAll {
			return oneOf(anything), nil
		}
		return oneOf(noLine), nil
	default:
		return p.character(c), nil
	}
}

// character matches a character, or if case does not matter, those that are
// the same in lower case.
func (p *parser) character(c rune) *node {
	if p.options.ignoreCase {
		return oneOf(sameLower(c))
	}
	return oneOf(class{{c, c}})
}

// blanks goes past comments, and past blanks if they mean nothing.
func (p *parser) blanks() error {
	for !p.ended() {
		switch from, c := p.at, p.peek(0); {
		case p.options.ignoreBlanks && (c == ' ' || '\t' <= c && c <= '\r'):
			p.at++
		case p.options.ignoreBlanks && c == '#':
			for !p.ended() && p.peek(0) != '\n' {
				p.at++
			}
			if p.ended() {
				// The pattern is part of a longer one, which would be comment too.
				return p.wrong(from, "a comment has no end")
			}
		case c == '(' && p.peek(1) == '?' && p.peek(2) == '#':
			for !p.ended() && p.peek(0) != ')' {
				p.at++
			}
			if p.ended() {
				return p.wrong(from, "a comment is not closed")
			}
			p.at++
		default:
			return nil
		}
	}
	return nil
}

func (p *parser) ended() bool { return p.at == len(p.text) }

// peek is the character so far ahead, or a negative one behind the end.
func (p *parser) peek(ahead int) rune {
	if p.at+ahead < len(p.text) {
		return p.text[p.at+ahead]
	}
	return -1
}

// next goes past a character if it is the next one.
func (p *parser) next(c rune) bool {
	if p.peek(0) != c {
		return false
	}
	p.at++
	return true
}

// wrong is the error of something that begins at an index.
func (p *parser) wrong(index int, what string) error {
	return fmt.Errorf("%s, column %d", what, index+1)
}

// doubt notes something that is not regular and begins at an index.
func (p *parser) doubt(index int, what string) *node {
	p.doubts = append(p.doubts, fmt.Sprintf("%s in column %d", what, index+1))
	return &node{kind: inDoubt}
}

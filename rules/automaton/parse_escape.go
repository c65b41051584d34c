package automaton

import (
	"math"
	"unicode"
)

// escape parses what follows a backslash outside of brackets.
func (p *parser) escape() (*node, error) {
	backslash, c := p.at-1, p.peek(0)
	switch c {
	case -1:
		return nil, p.wrong(backslash, `a \ escapes nothing`)
	case 'A', 'G', 'Z', 'z', 'b', 'B':
		p.at++
		return &node{kind: anchors[c]}, nil
	case 'd', 'D', 's', 'S', 'w', 'W':
		p.at++
		return p.class(backslash, func() (class, bool) { return shorthand(c), true }), nil
	case 'p', 'P':
		p.at++
		s := &set{}
		if err := p.category(s, backslash, c == 'P'); err != nil {
			return nil, err
		}
		return p.class(backslash, p.membersOf(s)), nil
	case 'k', '<', '\'', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		reference, err := p.reference(backslash)
		if err != nil || reference != nil {
			return reference, err
		}
	}
	character, err := p.escapedCharacter()
	if err != nil {
		return nil, err
	}
	return p.character(character), nil
}

// anchors are what the letters behind a backslash mean that match no
// character. A search begins at the begin of the text, and the dialect knows
// no end before a last line feed.
var anchors = map[rune]kind{
	'A': atBegin,
	'G': atBegin,
	'Z': atEnd,
	'z': atEnd,
	'b': atBoundary,
	'B': notAtBoundary,
}

// reference parses a reference to a group. It is nil if there is none. Which
// groups there are is left to the other engine.
func (p *parser) reference(backslash int) (*node, error) {
	from := p.at
	if isDigit(p.peek(0)) {
		number, err := p.number()
		if err == nil && number > 9 && !p.mayHaveGroup(number) {
			p.at = from
			return nil, nil //nolint:nilnil // there is no reference
		}
		return p.anyReference(backslash), err
	}
	k := p.next('k')
	end := '>'
	switch {
	case p.next('<'):
	case p.next('\''):
		end = '\''
	default:
		return nil, p.wrong(backslash, `a \k does not name a group`)
	}
	if isDigit(p.peek(0)) {
		if _, err := p.number(); err != nil {
			return nil, err
		}
		if p.next(end) {
			return p.anyReference(backslash), nil
		}
		p.at = from
		return nil, nil //nolint:nilnil // there is no reference
	}
	if p.name() != "" && p.next(end) {
		return p.anyReference(backslash), nil
	}
	if k {
		return nil, p.wrong(backslash, `a \k does not name a group`)
	}
	p.at = from
	return nil, nil //nolint:nilnil // there is no reference
}

// mayHaveGroup reports whether there may be so many groups, or one that has the
// number for a name.
func (p *parser) mayHaveGroup(number int) bool {
	if p.groups == 0 {
		p.groups = 1 // the whole
		for i, c := range p.text {
			switch {
			case c != '(':
			case i+3 < len(p.text) && isDigit(p.text[i+3]):
				p.groups = math.MaxInt
				return true
			default:
				p.groups++
			}
		}
	}
	return number <= p.groups
}

func (p *parser) anyReference(backslash int) *node {
	doubt := p.doubt(backslash, "a back-reference")
	return inTurn(repeated(oneOf(anything), 0, unlimited), doubt)
}

// controls are the letters that stand for a control character.
var controls = map[rune]rune{
	'a': '\a',
	'b': '\b',
	'e': 0x1B,
	'f': '\f',
	'n': '\n',
	'r': '\r',
	't': '\t',
	'v': '\v',
}

// escapedCharacter parses what follows a backslash and means a character.
// There is something.
func (p *parser) escapedCharacter() (rune, error) {
	backslash, c := p.at-1, p.text[p.at]
	if '0' <= c && c <= '7' {
		return p.octal(), nil
	}
	p.at++
	switch c {
	case 'x':
		if p.next('{') {
			return p.bracedHex(backslash)
		}
		return p.hex(backslash, 2)
	case 'u':
		return p.hex(backslash, 4)
	case 'c':
		control := unicode.To(unicode.UpperCase, p.peek(0)) - '@'
		if p.peek(0) > unicode.MaxASCII || control < 0 || control >= ' ' {
			return 0, p.wrong(backslash, `a \c without a control character`)
		}
		p.at++
		return control, nil
	}
	if control, known := controls[c]; known {
		return control, nil
	}
	return c, nil
}

// octal parses up to three digits, of whose number the low byte counts.
func (p *parser) octal() rune {
	var number rune
	for from := p.at; p.at < from+3 && '0' <= p.peek(0) && p.peek(0) <= '7'; p.at++ {
		number = number*8 + p.peek(0) - '0'
	}
	return number & 0xFF
}

func (p *parser) hex(backslash, length int) (rune, error) {
	var number rune
	for range length {
		digit := hexDigit(p.peek(0))
		if digit < 0 {
			return 0, p.wrong(backslash, "a character's number has too few hexadecimal digits")
		}
		number = number*16 + digit
		p.at++
	}
	return number, nil
}

// bracedHex parses the number of a character and the brace behind it.
func (p *parser) bracedHex(backslash int) (rune, error) {
	var number rune
	for from := p.at; ; p.at++ {
		digit := hexDigit(p.peek(0))
		switch {
		case digit >= 0:
		case p.peek(0) == '}' && p.at > from:
			p.at++
			return number, nil
		case p.peek(0) == '}':
			return 0, p.wrong(backslash, "a character's number has no hexadecimal digits")
		default:
			return 0, p.wrong(backslash, "a character's number has a { that is not closed")
		}
		if number = number*16 + digit; number > unicode.MaxRune {
			return 0, p.wrong(backslash, "a character's number is too large")
		}
	}
}

// hexDigit is the value of a digit, or below 0.
func hexDigit(c rune) rune {
	switch {
	case isDigit(c):
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	default:
		return -1
	}
}

package automaton

import "math"

// atRepeat reports whether a repeat is next. A brace that does not hold one or
// two numbers is a character like any other.
func (p *parser) atRepeat() bool {
	switch p.peek(0) {
	case '*', '+', '?':
		return true
	case '{':
	default:
		return false
	}
	ahead := 1
	for isDigit(p.peek(ahead)) {
		ahead++
	}
	if ahead == 1 {
		return false
	}
	if p.peek(ahead) == ',' {
		ahead++
		for isDigit(p.peek(ahead)) {
			ahead++
		}
	}
	return p.peek(ahead) == '}'
}

// repeat parses the repeat that is next. Whether it prefers few or many makes
// no difference to what is matched.
func (p *parser) repeat(part *node) (*node, error) {
	from := p.at
	least, most, err := p.times()
	if err != nil {
		return nil, err
	}
	if err := p.blanks(); err != nil {
		return nil, err
	}
	p.next('?')
	if most != unlimited && least > most {
		return nil, p.wrong(from, "a repeat has a minimum above its maximum")
	}
	if least > maxPositions || most > maxPositions {
		// The engine gets the greatest of numbers wrong, even of what is empty.
		p.doubt(from, "a repeat that is too long")
		return inTurn(repeated(oneOf(anything), 0, unlimited), &node{kind: inDoubt}), nil
	}
	return repeated(part, least, most), nil
}

// unlimited is the maximum of a repeat without one.
const unlimited = -1

func (p *parser) times() (least, most int, err error) {
	p.at++
	switch p.text[p.at-1] {
	case '*':
		return 0, unlimited, nil
	case '+':
		return 1, unlimited, nil
	case '?':
		return 0, 1, nil
	}
	if least, err = p.number(); err != nil {
		return 0, 0, err
	}
	most = least
	if p.next(',') {
		most = unlimited
		if isDigit(p.peek(0)) {
			if most, err = p.number(); err != nil {
				return 0, 0, err
			}
		}
	}
	p.at++ // the brace, which atRepeat has seen
	if most == math.MaxInt32 {
		most = unlimited
	}
	return least, most, nil
}

// number parses digits.
func (p *parser) number() (int, error) {
	from, number := p.at, 0
	for isDigit(p.peek(0)) {
		number = number*10 + int(p.peek(0)-'0')
		p.at++
		if number > math.MaxInt32 {
			return 0, p.wrong(from, "a number is too large")
		}
	}
	return number, nil
}

func isDigit(c rune) bool { return '0' <= c && c <= '9' }

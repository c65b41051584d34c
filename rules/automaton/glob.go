package automaton

import "errors"

// ParseGlob parses a glob: * matches any characters but dots and slashes, and ?
// one of them, ** matches any characters, [a-z] and [!a-z] match one that is or
// is not in a class, {one,two} matches one of its alternatives, and a backslash
// takes the meaning off the character behind it.
func ParseGlob(pattern string) (*Expression, error) {
	if len(pattern) > maxPattern {
		return nil, errTooLong
	}
	p := &globParser{text: []rune(pattern)}
	root, err := p.parts(0)
	if err != nil {
		return nil, err
	}
	return &Expression{root: root}, nil
}

// notSeparator is the characters that stars and question marks match.
var notSeparator = classOf('.', '/').complement()

type globParser struct {
	text []rune
	at   int
}

// parts parses what stands one behind the other, inside of so many braces, up
// to the end of an alternative.
func (p *globParser) parts(depth int) (*node, error) {
	if depth > maxNesting {
		return nil, errTooNested
	}
	var parts []*node
	for p.at < len(p.text) {
		c := p.text[p.at]
		if depth > 0 && (c == ',' || c == '}') {
			break
		}
		p.at++
		switch c {
		case '*':
			crossed := notSeparator
			if p.next('*') {
				crossed = anything
			}
			parts = append(parts, repeated(oneOf(crossed), 0, unlimited))
		case '?':
			parts = append(parts, oneOf(notSeparator))
		case '[':
			class, err := p.class()
			if err != nil {
				return nil, err
			}
			parts = append(parts, oneOf(class))
		case '{':
			alternatives, err := p.alternatives(depth + 1)
			if err != nil {
				return nil, err
			}
			parts = append(parts, alternatives)
		case '\\':
			if p.at == len(p.text) {
				return nil, errors.New(`the glob ends in a \ that escapes nothing`)
			}
			c = p.text[p.at]
			p.at++
			fallthrough
		default:
			parts = append(parts, oneOf(class{{c, c}}))
		}
	}
	return inTurn(parts...), nil
}

func (p *globParser) alternatives(depth int) (*node, error) {
	var alternatives []*node
	for {
		alternative, err := p.parts(depth)
		if err != nil {
			return nil, err
		}
		alternatives = append(alternatives, alternative)
		switch {
		case p.next('}'):
			return eitherOf(alternatives...), nil
		case !p.next(','):
			return nil, errors.New("the glob has a { that is not closed")
		}
	}
}

// class parses a class, behind its bracket.
func (p *globParser) class() (class, error) {
	not := p.next('!')
	if p.next(']') {
		return nil, errors.New("the glob has an empty [ ]")
	}
	var members class
	for !p.next(']') {
		low, err := p.member()
		if err != nil {
			return nil, err
		}
		high := low
		if p.at+1 < len(p.text) && p.text[p.at] == '-' && p.text[p.at+1] != ']' {
			p.at++
			if high, err = p.member(); err != nil {
				return nil, err
			}
		}
		if low > high {
			return nil, errors.New("the glob has the range " + string(low) + "-" + string(high) + " in reverse order")
		}
		members = append(members, span{low, high})
	}
	members = normal(members)
	if not {
		return members.complement(), nil
	}
	return members, nil
}

// member parses a character in brackets.
func (p *globParser) member() (rune, error) {
	p.next('\\')
	if p.at == len(p.text) {
		return 0, errors.New("the glob has a [ that is not closed")
	}
	p.at++
	return p.text[p.at-1], nil
}

// next goes past a character if it is the next one.
func (p *globParser) next(c rune) bool {
	if p.at == len(p.text) || p.text[p.at] != c {
		return false
	}
	p.at++
	return true
}

package automaton

// group parses what follows a parenthesis. It is nil if options were set that
// hold up to the end of the group around.
func (p *parser) group() (*node, error) {
	open, outer := p.at-1, p.options
	if p.depth++; p.depth > maxNesting {
		return nil, errTooNested
	}
	defer func() { p.depth-- }()

	if p.peek(0) != '?' || p.peek(1) == ')' {
		return p.body(open, outer)
	}
	p.at++
	kind := p.peek(0)
	if kind != -1 {
		p.at++
	}
	switch kind {
	case ':':
		return p.body(open, outer)
	case '=', '!':
		return p.look(open, outer, kind == '!')
	case '>':
		// It matches only as its body would first, and no more.
		doubt := p.doubt(open, "an atomic group")
		body, err := p.body(open, outer)
		return inTurn(body, doubt), err
	case '<':
		if p.next('=') || p.next('!') {
			doubt := p.doubt(open, "a look-behind")
			_, err := p.body(open, outer)
			return doubt, err
		}
		return p.namedGroup(open, outer, '>')
	case '\'':
		return p.namedGroup(open, outer, '\'')
	case 'P':
		if !p.next('<') || !wordCharacters.has(p.peek(0)) {
			return nil, p.unknown(open)
		}
		p.named = true
		p.name()
		if !p.next('>') {
			return nil, p.wrong(open, "the name of a group is not closed")
		}
		return p.body(open, outer)
	case '(':
		p.doubt(open, "a condition")
		return nil, errIrregular
	default:
		if kind != -1 {
			p.at--
		}
		return p.setOptions(open, outer)
	}
}

func (p *parser) unknown(open int) error {
	return p.wrong(open, "a (? begins nothing that is known")
}

// body parses a group up to its end, and brings back the options from before
// it.
func (p *parser) body(open int, outer options) (*node, error) {
	body, err := p.either()
	if err != nil {
		return nil, err
	}
	if !p.next(')') {
		return nil, p.wrong(open, "a ( is not closed")
	}
	p.options = outer
	return body, nil
}

// look parses a look-ahead. What it is not to find must not be taken for more
// than it is.
func (p *parser) look(open int, outer options, not bool) (*node, error) {
	doubts := len(p.doubts)
	body, err := p.body(open, outer)
	switch {
	case err != nil:
		return nil, err
	case !not:
		return &node{kind: lookAhead, parts: []*node{body}}, nil
	case len(p.doubts) > doubts:
		return &node{kind: inDoubt}, nil
	default:
		return &node{kind: lookAheadNot, parts: []*node{body}}, nil
	}
}

// namedGroup parses a group with a name or a number, or one that balances
// another.
func (p *parser) namedGroup(open int, outer options, end rune) (*node, error) {
	var doubt *node
	p.named = true
	switch first := p.peek(0); {
	case isDigit(first):
		number, err := p.number()
		switch {
		case err != nil:
			return nil, err
		case number == 0:
			return nil, p.wrong(open, "a group has the number 0")
		case first == '0':
			// There has to be another group of that number.
			doubt = p.doubt(open, "a group with a number that begins with 0")
		}
	case wordCharacters.has(first):
		p.name()
	case first != '-':
		return nil, p.wrong(open, "the name of a group begins with no letter, digit or underscore")
	}
	if p.next('-') {
		doubt = p.doubt(open, "a balancing group")
		if !wordCharacters.has(p.peek(0)) {
			return nil, p.wrong(open, "a balancing group does not name the other group")
		}
		p.name()
	}
	if !p.next(end) {
		return nil, p.wrong(open, "the name of a group is not closed")
	}
	body, err := p.body(open, outer)
	if err != nil || doubt == nil {
		return body, err
	}
	return inTurn(body, doubt), nil
}

// name parses a name, which may be empty.
func (p *parser) name() string {
	from := p.at
	for wordCharacters.has(p.peek(0)) {
		p.at++
	}
	return string(p.text[from:p.at])
}

// setOptions parses the letters of options. They hold for the group that they
// begin, or, if there is none, up to the end of the group around.
func (p *parser) setOptions(open int, outer options) (*node, error) {
	for on := true; ; p.at++ {
		switch p.peek(0) {
		case '-':
			on = false
		case '+':
			on = true
		case 'i', 'I':
			p.options.ignoreCase = on
		case 'm', 'M':
			p.options.multiline = on
		case 's', 'S':
			p.options.dotAll = on
		case 'x', 'X':
			p.options.ignoreBlanks = on
		case 'n', 'N', 'd', 'D', 'u', 'U': // change nothing here
		case ')':
			p.at++
			return nil, nil //nolint:nilnil // options are no part of what is matched
		case ':':
			p.at++
			return p.body(open, outer)
		default:
			return nil, p.unknown(open)
		}
	}
}

package automaton

// brackets parses a class, behind its bracket.
func (p *parser) brackets() (*node, error) {
	from := p.at - 1
	s, err := p.bracketed()
	if err != nil {
		return nil, err
	}
	return p.class(from, p.membersOf(s)), nil
}

// bracketed parses a class up to its end. What looks odd here is what the
// engine does.
func (p *parser) bracketed() (*set, error) {
	open := p.at - 1
	if p.depth++; p.depth > maxNesting {
		return nil, errTooNested
	}
	defer func() { p.depth-- }()

	s := &set{not: p.next('^')}
	low, inRange := rune(0), false
	for first := true; ; first = false {
		at, c, escaped := p.at, p.peek(0), false
		p.at++
		switch {
		case c == -1:
			return nil, p.wrong(open, "a [ is not closed")
		case c == ']' && !first:
			return s, nil // a range that has no end is no member
		case c == '\\' && !p.ended():
			added, err := p.classEscape(s, inRange)
			if err != nil {
				return nil, err
			}
			if added {
				continue
			}
			if c, err = p.escapedCharacter(); err != nil {
				return nil, err
			}
			escaped = true
		case c == '[' && p.peek(0) == ':' && !inRange:
			added, err := p.namedClass(s)
			if err != nil {
				return nil, err
			}
			if added {
				continue
			}
		}
		switch {
		case inRange && c == '[' && !escaped:
			inRange = false
			p.subtractsFromRange = true
			s.add(low, low)
			if err := p.subtract(s); err != nil {
				return nil, err
			}
		case inRange:
			inRange = false
			if low > c {
				return nil, p.wrong(at, "the range "+string(low)+"-"+string(c)+" is in reverse order")
			}
			s.add(low, c)
		case p.peek(0) == '-' && p.peek(1) != ']' && p.peek(1) != -1:
			low, inRange = c, true
			p.at++
		case c == '-' && !escaped && !first && p.next('['):
			if err := p.subtract(s); err != nil {
				return nil, err
			}
		default:
			s.add(c, c)
		}
	}
}

// subtract parses a class that is taken off another, behind its bracket.
func (p *parser) subtract(s *set) error {
	open := p.at - 1
	without, err := p.bracketed()
	if err != nil {
		return err
	}
	s.without = without
	if !p.ended() && p.peek(0) != ']' {
		return p.wrong(open, "a class that is taken off is not the last thing in its brackets")
	}
	return nil
}

// classEscape parses what follows a backslash in brackets, unless it means one
// character, and reports whether it was there. A dash is here because it
// neither begins nor ends a range.
func (p *parser) classEscape(s *set, inRange bool) (bool, error) {
	backslash, c := p.at-1, p.peek(0)
	switch c {
	case 'd', 'D', 's', 'S', 'w', 'W', 'p', 'P':
		if inRange {
			return false, p.wrong(backslash, `a range ends in the class \`+string(c))
		}
		p.at++
		if c == 'p' || c == 'P' {
			return true, p.category(s, backslash, c == 'P')
		}
		s.addClass(shorthand(c))
		return true, nil
	case '-':
		p.at++
		s.add('-', '-')
		return true, nil
	default:
		return false, nil
	}
}

var (
	digits    = class{{'0', '9'}}
	blank     = classOf('\t', '\n', '\f', '\r', ' ')
	letters   = class{{'A', 'Z'}, {'a', 'z'}}
	wordASCII = letters.union(digits, classOf('_'))
)

// shorthand is the class of a letter behind a backslash.
func shorthand(letter rune) class {
	switch letter {
	case 'd':
		return digits
	case 'D':
		return digits.complement()
	case 's':
		return blank
	case 'S':
		return blank.complement()
	case 'w':
		return wordASCII
	default:
		return wordASCII.complement()
	}
}

// namedClasses are the classes with names of POSIX, but for the digits, which
// are a category.
var namedClasses = map[string]class{
	"alnum": letters.union(digits),
	"alpha": letters,
	"ascii": {{0, 0x7F}},
	"blank": classOf('\t', ' '),
	"cntrl": {{0, 0x1F}, {0x7F, 0x7F}},
	"graph": {{'!', '~'}},
	"lower": {{'a', 'z'}},
	"print": {{' ', '~'}},
	"punct": {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}},
	"space": {
		{'\t', '\r'},
		{' ', ' '},
		{0xA0, 0xA0},
		{0x1680, 0x1680},
		{0x2000, 0x200A},
		{0x2028, 0x2029},
		{0x202F, 0x202F},
		{0x205F, 0x205F},
		{0x3000, 0x3000},
		{0xFEFF, 0xFEFF},
	},
	"upper":  {{'A', 'Z'}},
	"word":   wordASCII,
	"xdigit": {{'0', '9'}, {'A', 'F'}, {'a', 'f'}},
}

// namedClass parses [:name:] or [:^name:] in brackets, from the colon on, and
// reports whether it was all of that. If only the end is missing, the class is
// a member nevertheless, and the characters of its name are too.
func (p *parser) namedClass(s *set) (bool, error) {
	from := p.at
	p.at++
	not := p.peek(1) != -1 && p.next('^')
	name := p.name()
	c, known := namedClasses[name]
	switch {
	case name == "digit":
		p.addCategory(s, category{"Nd", not})
	case !known:
		return false, p.wrong(from-1, "there is no class [:"+name+":]")
	case not:
		s.addClass(c.complement())
	default:
		s.addClass(c)
	}
	if p.peek(0) == ':' && p.peek(1) == ']' {
		p.at += 2
		return true, nil
	}
	p.at = from
	return false, nil
}

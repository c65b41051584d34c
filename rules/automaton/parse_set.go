package automaton

import (
	"slices"
	"unicode"
)

// set is a class as a pattern describes it.
type set struct {
	spans      []span
	categories []category
	everything bool // a category and what is not in it were added
	not        bool
	without    *set // what is taken off, if not nil
}

// category is one of Unicode's, or a script or property, or what is not in it.
type category struct {
	name string
	not  bool
}

func (s *set) add(low, high rune) { s.spans = append(s.spans, span{low, high}) }

func (s *set) addClass(c class) { s.spans = append(s.spans, c...) }

func (s *set) addCategory(added category) {
	for _, c := range s.categories {
		if c.name == added.name {
			s.everything = s.everything || c.not != added.not
			return
		}
	}
	s.categories = append(s.categories, added)
}

// class is the characters of the set, in lower case if case does not matter:
// it is then for texts in lower case. It reports whether they are certainly
// those that the engine takes.
func (s *set) class(ignoreCase bool) (members class, certain bool) {
	members, certain = normal(slices.Clone(s.spans)), true
	if ignoreCase && !s.everything {
		members, certain = lowered(members)
	}
	if s.everything {
		members = anything
	} else {
		for _, c := range s.categories {
			of := categoryClass(c.name)
			if c.not {
				// The engine looks at no category behind one that is excluded.
				members = members.union(of.complement())
				break
			}
			members = members.union(of)
		}
	}
	if s.not {
		members = members.complement()
	}
	if s.without != nil {
		taken, sure := s.without.class(ignoreCase)
		members, certain = members.minus(taken), certain && sure
	}
	return members, certain
}

// class is the node for a class that was parsed from an index up to here. What
// is written alike is made only once.
func (p *parser) class(from int, members func() (c class, certain bool)) *node {
	written := string(p.text[from:p.at])
	if p.options.ignoreCase {
		written += "i"
	}
	if c, known := p.classes[written]; known {
		return oneOf(c)
	}
	c, certain := members()
	if !certain {
		return inTurn(oneOf(anything), p.doubt(from, "a range beyond ASCII that ignores case"))
	}
	if p.options.ignoreCase {
		c = withLowerIn(c)
	}
	p.classes[written] = c
	return oneOf(c)
}

func (p *parser) membersOf(s *set) func() (class, bool) {
	return func() (class, bool) { return s.class(p.options.ignoreCase) }
}

// category parses what follows \p and adds it to the set.
func (p *parser) category(s *set, backslash int, not bool) error {
	var name string
	switch {
	case p.ended():
		return p.wrong(backslash, `a \p without a category`)
	case p.next('{'):
		from := p.at
		for wordCharacters.has(p.peek(0)) || p.peek(0) == '-' {
			p.at++
		}
		name = string(p.text[from:p.at])
		if !p.next('}') {
			return p.wrong(backslash, `the category of a \p is not closed`)
		}
	default:
		name = string(p.text[p.at])
		p.at++
	}
	if table(name) == nil {
		return p.wrong(backslash, "there is no category, script or property "+name)
	}
	p.addCategory(s, category{name, not})
	return nil
}

func (p *parser) addCategory(s *set, added category) {
	p.categories++
	if added.not {
		p.excludedCategories++
	}
	if p.options.ignoreCase && (added.name == "Ll" || added.name == "Lu" || added.name == "Lt") {
		for _, name := range []string{"Ll", "Lu", "Lt"} {
			s.addCategory(category{name, added.not})
		}
		return
	}
	s.addCategory(added)
}

// table is the table of a property, a category or a script, in this order, or
// nil.
func table(name string) *unicode.RangeTable {
	for _, tables := range []map[string]*unicode.RangeTable{unicode.Properties, unicode.Categories, unicode.Scripts} {
		if table := tables[name]; table != nil {
			return table
		}
	}
	return nil
}

func categoryClass(name string) class {
	var spans []span
	found := table(name)
	for _, r := range found.R16 {
		spans = appendRange(spans, rune(r.Lo), rune(r.Hi), rune(r.Stride))
	}
	for _, r := range found.R32 {
		spans = appendRange(spans, rune(r.Lo), rune(r.Hi), rune(r.Stride)) //nolint:gosec // characters fit
	}
	return normal(spans)
}

package automaton

import "testing"

// interpret tells by plain trying whether an expression matches a text, with
// nothing that is in doubt taken for a reason not to. It is what the engine is
// held to.
func interpret(e *Expression, text string) bool {
	i := interpreter{text: []rune(text), known: map[visit][]bool{}}
	return i.ends(e.root, 0)[len(i.text)]
}

type interpreter struct {
	text  []rune
	known map[visit][]bool
}

type visit struct {
	part *node
	from int
}

// ends tells for each index of the text whether a match of the part that begins
// at one of them ends there.
func (i *interpreter) ends(part *node, from int) []bool {
	at := visit{part, from}
	ends, known := i.known[at]
	if !known {
		ends = i.match(part, from)
		i.known[at] = ends
	}
	return ends
}

func (i *interpreter) match(part *node, from int) []bool {
	ends := make([]bool, len(i.text)+1)
	switch part.kind {
	case matchNothing:
	case matchEmpty, inDoubt:
		ends[from] = true
	case matchOne:
		if from < len(i.text) {
			ends[from+1] = part.class.has(i.text[from])
		}
	case matchEach:
		ends[from] = true
		for _, inner := range part.parts {
			ends = i.step(inner, ends)
		}
	case matchEither:
		for _, inner := range part.parts {
			join(ends, i.ends(inner, from))
		}
	case matchRepeated:
		ends[from] = true
		return i.repeat(part, ends)
	case lookAhead:
		ends[from] = anyOf(i.ends(part.parts[0], from))
	case lookAheadNot:
		ends[from] = !anyOf(i.ends(part.parts[0], from))
	case atBegin:
		ends[from] = from == 0
	case atEnd:
		ends[from] = from == len(i.text)
	case atLineBegin:
		ends[from] = from == 0 || i.text[from-1] == '\n'
	case atBoundary:
		ends[from] = i.word(from-1) != i.word(from)
	case notAtBoundary:
		ends[from] = i.word(from-1) == i.word(from)
	}
	return ends
}

// step is where matches end that begin at one of many indexes.
func (i *interpreter) step(part *node, begins []bool) []bool {
	ends := make([]bool, len(begins))
	for from, begin := range begins {
		if begin {
			join(ends, i.ends(part, from))
		}
	}
	return ends
}

func (i *interpreter) repeat(part *node, begins []bool) []bool {
	ends := begins
	for range part.min {
		ends = i.step(part.parts[0], ends)
	}
	for times := part.min; part.max < 0 || times < part.max; times++ {
		if !join(ends, i.step(part.parts[0], ends)) {
			break
		}
	}
	return ends
}

func (i *interpreter) word(at int) bool {
	return at >= 0 && at < len(i.text) && wordCharacters.has(i.text[at])
}

// join adds what holds of the others, and reports whether that was anything
// new.
func join(some, others []bool) (added bool) {
	for i, other := range others {
		added = added || other && !some[i]
		some[i] = some[i] || other
	}
	return added
}

func anyOf(some []bool) bool {
	for _, one := range some {
		if one {
			return true
		}
	}
	return false
}

func TestInterpret(t *testing.T) {
	t.Parallel()
	a := oneOf(classOf('a'))
	for name, test := range map[string]struct {
		root   *node
		match  []string
		refuse []string
	}{
		"nothing":           {&node{kind: matchNothing}, nil, []string{"", "a"}},
		"empty":             {&node{kind: matchEmpty}, []string{""}, []string{"a"}},
		"doubt":             {&node{kind: inDoubt}, []string{""}, []string{"a"}},
		"one":               {a, []string{"a"}, []string{"", "b", "aa"}},
		"invalid":           {oneOf(classOf('\uFFFD')), []string{"\xff", "\uFFFD"}, []string{"\xff\xff"}},
		"each":              {&node{kind: matchEach, parts: []*node{a, a}}, []string{"aa"}, []string{"a", "aaa"}},
		"each of none":      {&node{kind: matchEach}, []string{""}, []string{"a"}},
		"either":            {eitherOf(a, inTurn(a, a)), []string{"a", "aa"}, []string{"", "aaa"}},
		"either of none":    {&node{kind: matchEither}, nil, []string{"", "a"}},
		"repeated":          {repeated(a, 2, 3), []string{"aa", "aaa"}, []string{"a", "aaaa"}},
		"repeated and more": {repeated(inTurn(a, a), 1, -1), []string{"aa", "aaaa"}, []string{"", "aaa"}},
		"repeated empty": {
			&node{kind: matchRepeated, parts: []*node{eitherOf(a, &node{kind: matchEmpty})}, min: 3, max: -1},
			[]string{"", "aa", "aaaa"},
			[]string{"b"},
		},
		"look-ahead": {
			inTurn(&node{kind: lookAhead, parts: []*node{inTurn(oneOf(anything), a)}}, repeated(oneOf(anything), 0, -1)),
			[]string{"ba", "bab"},
			[]string{"", "b", "bb"},
		},
		"no look-ahead": {
			inTurn(&node{kind: lookAheadNot, parts: []*node{a}}, repeated(oneOf(anything), 0, -1)),
			[]string{"", "b", "ba"},
			[]string{"a", "ab"},
		},
		"begin":       {inTurn(a, &node{kind: atBegin}), nil, []string{"", "a"}},
		"end":         {inTurn(a, &node{kind: atEnd}), []string{"a"}, []string{"aa"}},
		"line begin":  {inTurn(oneOf(anything), &node{kind: atLineBegin}, a), []string{"\na"}, []string{"aa"}},
		"boundary":    {inTurn(oneOf(anything), &node{kind: atBoundary}, a), []string{".a"}, []string{"aa", "éa"}},
		"no boundary": {inTurn(oneOf(anything), &node{kind: notAtBoundary}, a), []string{"aa", "éa"}, []string{".a"}},
	} {
		e := &Expression{root: test.root}
		for _, text := range test.match {
			if !interpret(e, text) {
				t.Errorf("%s does not match %q", name, text)
			}
		}
		for _, text := range test.refuse {
			if interpret(e, text) {
				t.Errorf("%s matches %q", name, text)
			}
		}
	}
}

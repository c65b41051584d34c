package automaton

// Both is the expression that matches what both expressions match.
func Both(one, other *Expression) *Expression {
	return Sequence(&Expression{root: whole(lookAhead, one), Doubts: one.Doubts}, other)
}

// Without is the expression that matches what the first one matches and the
// other one does not.
func Without(one, other *Expression) *Expression {
	condition := whole(lookAheadNot, other)
	if len(other.Doubts) > 0 { // it may match less, and then this more
		condition = &node{kind: inDoubt}
	}
	return Sequence(&Expression{root: condition, Doubts: other.Doubts}, one)
}

// whole is a look-ahead for all of the rest of a text.
func whole(k kind, e *Expression) *node {
	body := &node{kind: matchEach, parts: []*node{e.root, {kind: atEnd}}}
	return &node{kind: k, parts: []*node{body}}
}

// Witness is a shortest text that an expression matches, of those that within
// matches as well if it is not nil. found is false if there is none; unless
// certain is false, that is proved, and so is the text. It gives up after
// maxPairs steps.
func Witness(e, within *Expression, maxPairs int) (text string, found, certain bool) {
	a, err := Compile([]*Expression{e}, within)
	if err != nil {
		return "", false, false
	}
	c := newComparison(a.program, maxPairs)
	c.begin(a.start, anyPlace)
	result, found := c.search()
	return result.text, found, !c.spent && (!found || result.certain) || found && result.certain
}

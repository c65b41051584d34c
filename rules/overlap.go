package rules

import (
	"fmt"
	"slices"
	"strconv"

	"ostiary/config/document"
	"ostiary/rules/automaton"
)

// Overlap are two rules that both match some request, or may do so.
type Overlap struct {
	Rules   [2]string // as messages name them, in the order of sources and documents
	Method  string
	Witness string // the URL of a shortest request that both match, or may match
	// Doubt says why it cannot be told whether both do. It is empty if they do.
	Doubt string
	// Never names the one of the rules that can never answer, because the other
	// one matches whatever it matches. It is empty if each answers something.
	Never string
	// Ranked is true if their priorities differ: then one of them answers.
	Ranked bool

	between [2]*definition
}

// Conflict reports whether neither of the rules can answer the request, so that
// it is refused (contract 3.4).
func (o Overlap) Conflict() bool { return o.Doubt == "" && !o.Ranked }

const (
	// maxPairs bounds the search for overlaps, in pairs of places in patterns.
	// Each costs about a microsecond and a hundred bytes, for as long as the
	// search takes.
	maxPairs = 1 << 20
	// maxListed bounds how many overlaps are looked at, and maxInside of how
	// many of them it is found out, at load, whether one rule leaves nothing to
	// the other, in at most insidePairs each.
	maxListed   = 10_000
	maxInside   = 100
	insidePairs = 1 << 14
)

// compare finds the rules that get in each other's way: the pairs of equal
// priority that overlap, or may, and the rules that can never answer. If there
// may be more, costly is the rule that most of the time was spent on. Of the
// first maxInside overlaps it is found out whether one rule can never answer.
func (s *Set) compare(maxInside int) (found []Overlap, costly *compiled) {
	matters := func(p, q int) bool { return commonMethod(s.rules[p], s.rules[q]) != "" }
	pairs, gaveUp := s.matcher.Overlaps(matters, maxPairs, maxListed)
	if gaveUp >= 0 {
		costly = s.rules[gaveUp]
	}
	inside := 0
	for _, pair := range pairs {
		first, second := s.rules[pair.Patterns[0]], s.rules[pair.Patterns[1]]
		o := newOverlap(first, second, pair.Text)
		if !pair.Certain && !bothConfirm(first, second, pair.Text) {
			o.Doubt = doubtOf(first, second)
		}
		if o.Doubt == "" && inside < maxInside {
			inside++
			o.Never = o.never(first, second)
		}
		if !o.Ranked || o.Never != "" {
			found = append(found, o)
		}
	}
	return found, costly
}

// commonMethod is a method that two rules share, GET before any other; empty if
// they share none.
func commonMethod(first, second *compiled) string {
	common := ""
	for _, method := range first.methods {
		if slices.Contains(second.methods, method) && (common == "" || method == "GET") {
			common = method
		}
	}
	return common
}

func bothConfirm(first, second *compiled, target string) bool {
	for _, rule := range [...]*compiled{first, second} {
		if matches, err := rule.pattern.confirms(target); !matches || err != nil {
			return false
		}
	}
	return true
}

// doubtOf says what is in the way of knowing whether two rules overlap.
func doubtOf(rules ...*compiled) string {
	for _, rule := range rules {
		if doubts := rule.pattern.expression.Doubts; len(doubts) > 0 {
			return fmt.Sprintf("rule %q has %s", rule.id, doubts[0])
		}
	}
	return "they have too many look-aheads"
}

// never names the rule of the two that the other one leaves nothing to.
func (o Overlap) never(first, second *compiled) string {
	firstHides := first.priority >= second.priority && hides(first, second)
	secondHides := second.priority >= first.priority && hides(second, first)
	switch {
	case firstHides == secondHides: // neither, or they are equal
		return ""
	case firstHides:
		return o.Rules[1]
	default:
		return o.Rules[0]
	}
}

// hides reports whether every request that the inner rule matches is one that
// the outer rule matches too.
func hides(outer, inner *compiled) bool {
	for _, method := range inner.methods {
		if !slices.Contains(outer.methods, method) {
			return false
		}
	}
	rest := automaton.Without(inner.pattern.expression, outer.pattern.expression)
	_, found, certain := automaton.Witness(rest, addresses(), insidePairs)
	return !found && certain
}

// newOverlap is that of two rules which both match the witness.
func newOverlap(first, second *compiled, witness string) Overlap {
	a, b := first.definition, second.definition
	o := Overlap{
		Method: commonMethod(first, second), Witness: witness, Ranked: first.priority != second.priority,
		between: [2]*definition{a, b},
	}
	for i, d := range o.between {
		switch {
		case d.ID == "":
			o.Rules[i] = fmt.Sprintf("[%d] (%s)", d.index, d.place())
		case a.ID == b.ID:
			o.Rules[i] = fmt.Sprintf("%q (%s)", d.ID, d.place())
		default:
			o.Rules[i] = strconv.Quote(d.ID)
		}
	}
	return o
}

// String tells which rules overlap, where, and what to do about it.
func (o Overlap) String() string {
	request := o.Method + " " + o.Witness
	other := o.Rules[0]
	if o.Never == other {
		other = o.Rules[1]
	}
	switch {
	case o.Doubt != "":
		return fmt.Sprintf("rules %s and %s may both match %s; it cannot be told, because %s", o.Rules[0], o.Rules[1], request, o.Doubt)
	case o.Ranked:
		return fmt.Sprintf("rule %s can never answer: rule %s has a higher priority and matches whatever it matches, such as %s", o.Never, other, request)
	case o.Never != "":
		return fmt.Sprintf("rules %s and %s both match %s, and rule %s can never answer, because rule %s matches whatever it matches; give it a higher priority",
			o.Rules[0], o.Rules[1], request, o.Never, other)
	default:
		return fmt.Sprintf("rules %s and %s both match %s; give one of them a higher priority", o.Rules[0], o.Rules[1], request)
	}
}

// problem is the overlap as one of the rule that comes later, which is likely
// to be the newer one.
func (o Overlap) problem() document.Problem {
	problem := o.between[1].problem(document.Path{"match", "url"}, o.String())
	problem.Subject, problem.Path = "", nil
	return problem
}

// maxTold bounds how many overlaps are told one by one.
const maxTold = 100

// tell notes overlaps with the rules that they concern, and returns them as
// problems: those that leave a request without an answer, and the others.
func (s *Set) tell(found []Overlap, costly *compiled) (conflicts, others document.Problems) {
	at := make(map[*definition]int, len(s.listing))
	for i, rule := range s.listing {
		at[rule.definition] = i
	}
	for n, overlap := range found {
		if overlap.Conflict() {
			s.overlaps++
		}
		if n >= maxTold {
			continue
		}
		problem := overlap.problem()
		if overlap.Conflict() {
			conflicts = append(conflicts, problem)
		} else {
			others = append(others, problem)
		}
		for _, d := range overlap.between {
			rule := &s.listing[at[d]]
			rule.overlaps = append(rule.overlaps, problem)
		}
	}
	if more := len(found) - maxTold; more > 0 {
		others = append(others, document.Problem{Message: fmt.Sprintf("%d more pairs of rules overlap; `ostiary rules lint` names them all", more)})
	}
	if costly != nil {
		others = append(others, costly.definition.problem(document.Path{"match", "url"},
			"takes so long to compare with other rules that not all could be compared; there may be more that overlap"))
	}
	return conflicts, others
}

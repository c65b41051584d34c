package rules

import (
	"fmt"
	"strconv"

	"ostiary/config/document"
)

// Overlap are two rules of equal priority that both match some request. Neither
// of them can answer it, so it is refused (contract 3.4).
type Overlap struct {
	Rules   [2]string // as messages name them, in the order of sources and documents
	Method  string
	Witness string // the URL of a request that both match

	between [2]*definition
}

// overlaps finds the rules that get in each other's way. Rules of different
// priority do not.
func overlaps(_ []*compiled) []Overlap { return nil }

// newOverlap is that of two rules which both match the witness.
func newOverlap(first, second *compiled, method, witness string) Overlap {
	a, b := first.definition, second.definition
	o := Overlap{Method: method, Witness: witness, between: [2]*definition{a, b}}
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
	return fmt.Sprintf("rules %s and %s both match %s %s; give one of them a higher priority", o.Rules[0], o.Rules[1], o.Method, o.Witness)
}

// problem is the overlap as one of the rule that comes later, which is likely
// to be the newer one.
func (o Overlap) problem() document.Problem {
	problem := o.between[1].problem(document.Path{"match", "url"}, o.String())
	problem.Subject, problem.Path = "", nil
	return problem
}

// tell notes the overlaps with the rules that they concern, and returns them as
// problems.
func (s *Set) tell(found []Overlap) document.Problems {
	s.overlaps = len(found)
	var problems document.Problems
	at := make(map[*definition]int, len(s.listing))
	for i, rule := range s.listing {
		at[rule.definition] = i
	}
	for _, overlap := range found {
		problem := overlap.problem()
		problems = append(problems, problem)
		for _, d := range overlap.between {
			rule := &s.listing[at[d]]
			rule.overlaps = append(rule.overlaps, problem)
		}
	}
	return problems
}

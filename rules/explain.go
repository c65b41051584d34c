package rules

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"

	"ostiary/pipeline"
	"ostiary/rules/automaton"
)

// Explanation tells which rule answers for a request, or why none does.
type Explanation struct {
	Rules    []Outline `json:"rules"`             // the one that answers, or those that are too many
	Captures []string  `json:"captures"`          // by the patterns of the one that answers
	Status   int       `json:"status,omitempty"`  // of the refusal, if not exactly one rule answers
	Refusal  string    `json:"refusal,omitempty"` // why, then; or why there are no captures
	Near     []Miss    `json:"near,omitempty"`    // rules that nearly match, the nearest first
}

// Miss is a rule that does not answer for a request.
type Miss struct {
	Outline
	Reach  int    `json:"reach"` // how many bytes of the URL it goes along with
	Reason string `json:"reason"`

	rank int // the lower, the nearer
	rule *compiled
}

// maxNear bounds how many rules are named that nearly match.
const maxNear = 5

// Explain tells which rule of the Set in force answers for a method and a
// target, and if near is true, why those that nearly do not.
func (e *Engine) Explain(method, target string, near bool) Explanation {
	return e.set.Load().explain(method, target, near)
}

func (s *Set) explain(method, target string, near bool) Explanation {
	x := Explanation{Rules: []Outline{}, Captures: []string{}}
	rule, err := s.answering(method, target, "")
	if err == nil {
		captures, failure := rule.pattern.captures(target)
		x.Rules, x.Captures = append(x.Rules, rule.outline()), append(x.Captures, captures...)
		if failure != nil {
			x.Refusal = failure.Error()
		}
	} else {
		kind := pipeline.KindOf(err)
		x.Status, x.Refusal = kind.Status(), reasonOf(err)
		if kind == pipeline.ManyRules {
			x.Rules = s.highest(method, target)
		}
	}
	if near {
		x.Near = s.near(method, target, rule)
	}
	for _, rule := range s.rules {
		rule.definition.origin.forget()
	}
	return x
}

// reasonOf is what an operator is told of a refusal.
func reasonOf(err error) string {
	var cause *pipeline.Error
	switch {
	case errors.Is(err, pipeline.NoRule):
		return "no rule matches"
	case errors.As(err, &cause) && cause.Cause != nil:
		return cause.Cause.Error()
	default:
		return err.Error()
	}
}

// highest are the rules that match and have the highest priority of those.
func (s *Set) highest(method, target string) []Outline {
	var found []*compiled
	for _, m := range s.matcher.Match(target) {
		rule := s.rules[m.Pattern]
		if matches, err := rule.pattern.decides(m, target); err == nil && matches && slices.Contains(rule.methods, method) {
			found = append(found, rule)
		}
	}
	slices.SortStableFunc(found, func(a, b *compiled) int { return b.priority - a.priority })
	var outlines []Outline
	for _, rule := range found {
		if rule.priority == found[0].priority {
			outlines = append(outlines, rule.outline())
		}
	}
	return outlines
}

// near are the rules that nearly match, other than the one that answers.
func (s *Set) near(method, target string, answering *compiled) []Miss {
	var misses []Miss
	for _, rule := range s.rules {
		if rule == answering || rule.definition.Match.RPC {
			continue
		}
		if miss, isNear := rule.miss(method, target); isNear {
			miss.rule = rule
			misses = append(misses, miss)
		}
	}
	slices.SortStableFunc(misses, func(a, b Miss) int { return cmp.Or(a.rank-b.rank, b.Reach-a.Reach) })
	misses = misses[:min(len(misses), maxNear)]
	for i := range misses {
		misses[i].Outline = misses[i].rule.outline()
	}
	return misses
}

// miss says why a rule does not answer. isNear is false if it is for
// another host altogether.
func (c *compiled) miss(method, target string) (miss Miss, isNear bool) {
	matcher, err := automaton.Compile([]*automaton.Expression{c.pattern.expression}, nil)
	if err != nil {
		return Miss{}, false // cannot be: it was compiled with others
	}
	if len(matcher.Match(target)) > 0 {
		return Miss{Reach: len(target), Reason: c.differs(method, target)}, true
	}
	scheme, rest, _ := strings.Cut(target, "://")
	for _, other := range []string{"http", "https"} {
		if len(matcher.Match(other+"://"+rest)) > 0 {
			return Miss{Reason: fmt.Sprintf("it is for %s, and the request for %s", other, scheme), Reach: matcher.Reach(target), rank: 1}, true
		}
	}
	reach := matcher.Reach(target)
	reason := "it goes on in another way here"
	if reach == len(target) {
		reason = "the URL ends where it goes on"
	}
	return Miss{Reach: reach, Reason: reason, rank: 2}, reach > len(scheme)+len("://")
}

// differs says why a rule does not answer although its pattern matches.
func (c *compiled) differs(method, target string) string {
	matches, err := c.pattern.confirms(target)
	switch {
	case err != nil:
		return err.Error()
	case !matches && len(c.pattern.expression.Doubts) > 0:
		return "the pattern has " + c.pattern.expression.Doubts[0] + ", and does not match"
	case !matches:
		return "it matches as far as can be told in one pass, and does not when it is tried"
	case len(c.methods) == 0:
		return "it has no methods"
	case !slices.Contains(c.methods, method):
		return fmt.Sprintf("the URL matches, the method %s does not: it is for %s", method, strings.Join(c.methods, ", "))
	default:
		return fmt.Sprintf("it matches as well; its priority is %d", c.priority)
	}
}

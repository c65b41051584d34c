package rules

import (
	"slices"
	"strings"
	"sync"

	"ostiary/rules/automaton"
)

// inspection is what the rules that are looked at have in common.
type inspection struct {
	read    *templates
	slashes map[string]bool // whether a pattern may match a slash
}

func newInspection(strategy Strategy) *inspection {
	return &inspection{read: newTemplates(strategy), slashes: map[string]bool{}}
}

// inspected is a rule for HTTP requests with its URL template taken apart.
type inspected struct {
	*compiled
	*inspection
	written []segment // as its author wrote them; those of the pattern are folded
	parts   []*automaton.Expression
	matcher *automaton.Automaton

	usual string // a shortest target that the rule matches; empty if none is known
	dead  bool   // there is none

	// Where the host is (see hostRange), and the segment in which it begins.
	hasHost               bool
	begin, end, endOffset int
}

// inspect takes a rule apart. It is nil for a rule that HTTP never comes to.
func (in *inspection) inspect(rule *compiled) *inspected {
	if rule.definition.Match.RPC {
		return nil
	}
	written, err := splitTemplate(rule.definition.Match.URL)
	if err != nil {
		return nil // cannot be: it was compiled
	}
	r := &inspected{compiled: rule, inspection: in, written: written}
	for i, s := range rule.pattern.segments {
		part := automaton.Literal(s.text)
		if s.pattern {
			if part, err = in.read.parse(s.text, written[i].text); err != nil {
				return nil // nor this
			}
		}
		r.parts = append(r.parts, part)
	}
	r.end, r.endOffset, r.hasHost = hostRange(rule.pattern.segments, in.read.strategy)
	for i, s := range rule.pattern.segments {
		if at := strings.Index(s.text, "://"); at >= 0 {
			r.begin = i
			break
		}
	}
	return r.prepared()
}

// prepared is the rule with what depends on its pattern. It is nil if that
// cannot be compiled by itself.
func (r *inspected) prepared() *inspected {
	var err error
	if r.matcher, err = automaton.Compile([]*automaton.Expression{r.pattern.expression}, nil); err != nil {
		return nil
	}
	r.usual, r.dead = r.findUsual()
	return r
}

// findUsual is a shortest target that the rule matches, or that it may match,
// by HTTP if it can be. The shortest of all texts will mostly do, and is found
// much faster. dead is true if it is proved that there is none.
func (r *inspected) findUsual() (target string, dead bool) {
	target, found, certain := automaton.Witness(r.pattern.expression, nil, maxPairs)
	switch {
	case !found && certain:
		return "", true
	case found && strings.HasPrefix(target, "http") && isCanonical(target):
		return target, false
	}
	for _, scheme := range []string{"http://", "https://"} {
		if target, found := r.witness(automaton.Literal(scheme), like(`.*`)); found {
			return target, false
		}
	}
	target, found, certain = automaton.Witness(r.pattern.expression, addresses(), maxPairs)
	return target, !found && certain
}

// canonicals matches the targets of canonical requests.
var canonicals = sync.OnceValue(func() *automaton.Automaton {
	matcher, err := automaton.Compile([]*automaton.Expression{addresses()}, nil)
	if err != nil {
		panic(err) // a constant
	}
	return matcher
})

func isCanonical(target string) bool { return len(canonicals().Match(target)) > 0 }

// proves reports whether a target is that of a canonical request, and the rule
// matches it.
func (r *inspected) proves(target string) bool { return isCanonical(target) && r.matches(target) }

// mayCross reports whether a pattern in the host may match a slash.
func (r *inspected) mayCross() bool {
	if !r.hasHost {
		return true
	}
	for i := r.begin; i <= r.end && i < len(r.parts); i++ {
		s := r.pattern.segments[i]
		if !s.pattern {
			continue
		}
		may, known := r.slashes[s.text]
		if !known {
			_, found, certain := automaton.Witness(automaton.Both(like(`[^/]*/.*`), r.parts[i]), nil, maxPairs)
			// A look-ahead may see what follows the pattern.
			may = found || !certain || strings.Contains(s.text, "(?")
			r.slashes[s.text] = may
		}
		if may {
			return true
		}
	}
	return false
}

// patternInHost reports whether the host, or what comes before it, is not
// merely literal text.
func (r *inspected) patternInHost() bool {
	segments := r.pattern.segments
	return !r.hasHost || slices.ContainsFunc(segments[:min(r.end+1, len(segments))], func(s segment) bool { return s.pattern })
}

// witness is a shortest target of a canonical request that the rule matches,
// of those that are made of these parts. found is only true if that is proved.
func (r *inspected) witness(parts ...*automaton.Expression) (target string, found bool) {
	expression := r.pattern.expression
	if len(parts) > 0 {
		expression = automaton.Both(automaton.Sequence(parts...), expression)
	}
	target, found, certain := automaton.Witness(expression, addresses(), maxPairs)
	return target, found && (certain || r.matches(target))
}

// matches reports whether the rule's pattern matches a target for certain.
func (r *inspected) matches(target string) bool {
	found := r.matcher.Match(target)
	if len(found) == 0 {
		return false
	}
	matches, err := r.pattern.decides(found[0], target)
	return err == nil && matches
}

// finding is one about the rule's URL template. target is a request's that
// proves it, if there is one.
func (r *inspected) finding(check *Check, message, target string) Finding {
	found := check.at(r.definition, urlPath, message)
	if target != "" {
		found.Witness = strings.TrimPrefix(commonMethod(r.compiled, r.compiled)+" "+target, " ")
	}
	return found
}

// like is the expression of a pattern that is written here.
func like(pattern string) *automaton.Expression {
	expression, err := automaton.ParseRegexp(pattern)
	if err != nil {
		panic(err) // a constant
	}
	return expression
}

// replaced are the parts with another one in place of one of them.
func (r *inspected) replaced(i int, by *automaton.Expression) []*automaton.Expression {
	parts := slices.Clone(r.parts)
	parts[i] = by
	return parts
}

// with is the rule with another one in place of one of its parts; nil if that
// cannot be.
func (r *inspected) with(i int, part *automaton.Expression) *inspected {
	other, rule, p := *r, *r.compiled, *r.pattern
	other.parts = r.replaced(i, part)
	p.expression = automaton.Sequence(other.parts...)
	rule.pattern, other.compiled = &p, &rule
	return other.prepared()
}

package rules

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/rules/automaton"
)

// compile makes a Set of rules. Nothing that is wrong with one rule concerns
// another: a rule whose pipeline cannot be built still matches and denies; one
// whose match cannot be compiled is left out. Both are reported.
func compile(definitions []*definition, strategy Strategy, builder *pipeline.Builder, mask *masking) (*Set, document.Problems) {
	set := &Set{refusals: builder.Refusals(), noMatch: pipeline.NoRule, mask: mask}
	var problems document.Problems
	var expressions []*automaton.Expression
	read := newTemplates(strategy)
	for _, d := range definitions {
		rule, flaws := compileRule(d, read, builder)
		if rule != nil {
			set.rules = append(set.rules, rule)
			expressions = append(expressions, rule.pattern.expression)
		}
		problems = append(problems, flaws...)
		set.listing = append(set.listing, listed{definition: d, problems: flaws})
	}
	for _, rule := range set.rules {
		set.identity = append(set.identity, rule.pipeline.Identity()...)
	}
	slices.Sort(set.identity)
	set.identity = slices.Compact(set.identity)
	set.publishers = builder.KeyPublishers()
	if set.matcher, set.failure = automaton.Compile(expressions, addresses()); set.failure != nil {
		largest := slices.MaxFunc(set.rules, func(a, b *compiled) int { return a.pattern.expression.Places() - b.pattern.expression.Places() })
		set.failure = fmt.Errorf("%w; the largest pattern is that of rule %q", set.failure, largest.id)
		set.rules, set.matcher = nil, nothing()
	}
	return set, problems
}

// claim keeps clients from setting these headers at any rule.
func (s *Set) claim(names pipeline.Names) {
	for _, rule := range s.rules {
		rule.pipeline.Claim(names)
	}
}

// nothing is a matcher without patterns.
func nothing() *automaton.Automaton {
	matcher, err := automaton.Compile(nil, nil)
	if err != nil {
		panic(err) // there is nothing to fail for
	}
	return matcher
}

// addresses are the targets that canonical requests have (contract 3.1): hosts
// in lower case, paths without empty and dot segments.
var addresses = sync.OnceValue(func() *automaton.Expression {
	const (
		scheme  = `(?:https?|wss?)`
		host    = `(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?`
		segment = `(?!\.\.?(?:/|\z))[^/\x00-\x1f\x7f\\]+`
		path    = `(?:/` + segment + `)*/?`
	)
	expression, err := automaton.ParseRegexp(scheme + `://` + host + path)
	if err != nil {
		panic(err) // a constant
	}
	return expression
})

// compileRule compiles one rule. It is nil if its match is of no use. A rule
// for remote procedure calls has no methods, so that HTTP never comes to it.
func compileRule(d *definition, read *templates, builder *pipeline.Builder) (*compiled, document.Problems) {
	var problems document.Problems
	p, flaws := builder.Build(pipeline.Plan{
		Rule: d.ID, Authenticators: d.Authenticators, Authorizer: d.Authorizer, Authorizers: d.Authorizers,
		Mutators: d.Mutators, Errors: d.Errors, Upstream: d.Upstream,
	})
	for _, flaw := range flaws {
		problems = append(problems, d.flaw(flaw))
	}
	leftOut := func(path document.Path, message string) (*compiled, document.Problems) {
		return nil, append(problems, d.problem(path, message+"; the rule is left out"))
	}
	if d.Match == nil {
		return leftOut(document.Path{"match"}, "is required")
	}
	template, at := d.Match.URL, document.Path{"match", "url"}
	if d.Match.RPC {
		template, at = "rpc://"+d.Match.Authority+"/"+d.Match.FullMethod, document.Path{"match"}
	} else if template == "" {
		return leftOut(at, "is required")
	}
	compiledPattern, err := read.read(template)
	if err != nil {
		return leftOut(at, err.Error())
	}
	methods := map[string]bool{}
	for _, method := range d.Match.Methods {
		methods[upper(method)] = true
	}
	return &compiled{
		definition: d,
		id:         d.ID,
		priority:   int(d.Priority),
		methods:    slices.Sorted(maps.Keys(methods)),
		pattern:    compiledPattern,
		pipeline:   p,
	}, problems
}

// flaw is a flaw of the pipeline as a problem of the rule:
// rule "billing": authenticators[1] (jwt): jwks_urls: ….
func (d *definition) flaw(flaw pipeline.Flaw) document.Problem {
	inConfig := flaw.Step
	if len(flaw.Path) > 0 {
		inConfig = flaw.Step.With("config").With(flaw.Path...)
	}
	problem := d.problem(inConfig, flaw.Message)
	problem.Path = flaw.Step
	if flaw.Handler != "" {
		problem.Subject = fmt.Sprintf("%s: %s (%s)", problem.Subject, flaw.Step, flaw.Handler)
		problem.Path = flaw.Path
	}
	return problem
}

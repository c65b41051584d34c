package pipeline

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"ostiary/config/document"
)

// Step names a handler in a rule, and what the rule adds to its configuration.
type Step struct {
	Handler string          `json:"handler"`
	Config  json.RawMessage `json:"config"`
}

// Plan is what an access rule says about its pipeline.
type Plan struct {
	Rule           string // the rule's id
	Authenticators []Step
	Authorizer     *Step
	Authorizers    *Condition // in place of Authorizer
	Mutators       []Step
	Errors         []Step
	Upstream       UpstreamConfig
}

// Flaw is a mistake in a rule's plan.
type Flaw struct {
	Step    document.Path // leads from the rule to the step: authenticators[1]
	Handler string        // the step's handler; empty if the flaw is in no step
	Path    document.Path // leads from there into the configuration
	Message string
}

// Builder makes the pipelines of one set of rules. It is not for concurrent
// use; the pipelines it makes are.
type Builder struct {
	authenticators *catalog[Authenticator]
	authorizers    *catalog[Authorizer]
	mutators       *catalog[Mutator]
	errorHandlers  *catalog[ErrorHandler]
	fallback       answering
	shared         *Shared
	environment    Environment
}

// NewBuilder prepares a builder. Handlers that the previous builder made and
// that are configured the same are used again; previous may be nil.
func NewBuilder(handlers Handlers, settings Settings, environment Environment, previous *Builder) *Builder {
	if previous == nil {
		previous = &Builder{}
	}
	environment.Shared = newShared(previous.shared)
	b := &Builder{
		shared:         environment.Shared,
		environment:    environment,
		authenticators: newCatalog(handlers.Authenticators, settings.Authenticators, environment, previous.authenticators),
		authorizers:    newCatalog(handlers.Authorizers, settings.Authorizers, environment, previous.authorizers),
		mutators:       newCatalog(handlers.Mutators, settings.Mutators, environment, previous.mutators),
		errorHandlers:  newCatalog(handlers.ErrorHandlers, settings.ErrorHandlers, environment, previous.errorHandlers),
	}
	for _, id := range settings.Fallback {
		handler, violations := b.errorHandlers.find(id, nil)
		b.fallback = append(b.fallback, answerer{id: id, handler: handler, usable: len(violations) == 0})
	}
	return b
}

// Faults finds what is wrong with the settings themselves. It is to be asked
// when the rules are built, because a rule may complete what the settings
// leave open.
func (b *Builder) Faults() []Fault {
	var faults []Fault
	faults = append(faults, b.authenticators.check("authenticators")...)
	faults = append(faults, b.authorizers.check("authorizers")...)
	faults = append(faults, b.mutators.check("mutators")...)
	return append(faults, b.errorHandlers.check("errors.handlers")...)
}

// Refusals answers errors that belong to no rule (contract 3.4).
func (b *Builder) Refusals() *Pipeline { return &Pipeline{fallback: b.fallback} }

// KeyPublishers are the mutators whose keys are to be published: those of the
// rules, and the one that the settings describe, enabled or not (contract
// 11.5).
func (b *Builder) KeyPublishers() []KeyPublisher {
	var publishers []KeyPublisher
	for _, mutator := range b.mutators.all() {
		if publisher, ok := mutator.(KeyPublisher); ok {
			publishers = append(publishers, publisher)
		}
	}
	return publishers
}

// Build makes a rule's pipeline. With flaws the pipeline is still of use: it
// denies every request, in the way the rule's error handlers say.
func (b *Builder) Build(plan Plan) (*Pipeline, []Flaw) {
	p := &Pipeline{rule: plan.Rule, fallback: b.fallback}
	var flaws []Flaw
	flaw := func(format string, args ...any) { flaws = append(flaws, Flaw{Message: fmt.Sprintf(format, args...)}) }

	var bad []Flaw
	p.authenticators, bad = steps(b.authenticators, "authenticators", plan.Authenticators)
	flaws = append(flaws, bad...)
	if len(plan.Authenticators) == 0 {
		flaw("needs at least one authenticator")
	}

	p.authorizer, bad = b.authorizing(plan)
	flaws = append(flaws, bad...)

	p.mutators, bad = steps(b.mutators, "mutators", plan.Mutators)
	flaws = append(flaws, bad...)
	if len(plan.Mutators) == 0 {
		flaw("needs at least one mutator")
	}

	for i, s := range plan.Errors {
		handler, violations := b.errorHandlers.find(s.Handler, s.Config)
		p.errors = append(p.errors, answerer{id: s.Handler, handler: handler, usable: len(violations) == 0})
		flaws = append(flaws, flawsOf(document.Path{"errors", strconv.Itoa(i)}, s.Handler, violations)...)
	}

	var err error
	if p.upstream, err = NewUpstream(plan.Upstream, b.environment); err != nil {
		mistake := &Mistake{Message: err.Error()}
		errors.As(err, &mistake)
		flaws = append(flaws, Flaw{Step: append(document.Path{"upstream"}, mistake.Path...), Message: mistake.Message})
	}
	p.broken = len(flaws) > 0
	p.identity = identity(p) // of a broken rule too: others may rely on it
	return p, flaws
}

func steps[T any](c *catalog[T], stage string, planned []Step) ([]step[T], []Flaw) {
	made := make([]step[T], 0, len(planned))
	var flaws []Flaw
	for i, s := range planned {
		handler, violations := c.find(s.Handler, s.Config)
		made = append(made, step[T]{s.Handler, handler})
		flaws = append(flaws, flawsOf(document.Path{stage, strconv.Itoa(i)}, s.Handler, violations)...)
	}
	return made, flaws
}

func flawsOf(at document.Path, handler string, violations []document.Violation) []Flaw {
	flaws := make([]Flaw, len(violations))
	for i, v := range violations {
		flaws[i] = Flaw{Step: at, Handler: handler, Path: v.Path, Message: v.Message}
	}
	return flaws
}

// identity collects the headers that only this rule may set, of a broken one as
// far as it could be built.
func identity(p *Pipeline) Names {
	var names Names
	for _, a := range p.authenticators {
		names = append(names, setsHeaders(a.handler)...)
	}
	names = append(names, headersOf([]authorizing{p.authorizer})...)
	for _, m := range p.mutators {
		names = append(names, setsHeaders(m.handler)...)
	}
	return names.canonical()
}

func setsHeaders(handler any) Names {
	if setter, ok := handler.(HeaderSetter); ok {
		return setter.SetsHeaders()
	}
	return nil
}

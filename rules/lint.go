package rules

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// Finding is something in the rules that is wrong, or that is likely to mean
// something else than it was meant to.
type Finding struct {
	Check   string `json:"check"` // the id of a Check
	Level   Level  `json:"level"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Rule    string `json:"rule,omitempty"` // its id
	Message string `json:"message"`        // what is the matter, and what to do about it
	Witness string `json:"witness,omitempty"`

	// Setting leads to the place in the configuration, of what is not in a
	// rule. Whoever knows the configuration knows file and line.
	Setting document.Path `json:"-"`

	subject string // how messages name the rule
}

// String writes the finding on one line: file:line: rule "id": message [check].
func (f Finding) String() string {
	return document.Problem{File: f.File, Line: f.Line, Subject: f.subject, Path: f.Setting, Message: f.Message + " [" + f.Check + "]"}.String()
}

// Text is the finding without its place.
func (f Finding) Text() string {
	return document.Problem{Subject: f.subject, Path: f.Setting, Message: f.Message}.String()
}

// Scope says what is known besides the rules.
type Scope int

// The scopes.
const (
	Deployment Scope = iota // the configuration, and all of its rules
	SomeRules               // the configuration, and other rules than its own
	RulesAlone              // no configuration: what handlers are told is not looked at
)

// Lint reads the rules that the settings name and looks for what is wrong with
// them, or likely to be. Findings are in the order of sources and lines. An
// error means that the settings cannot be used.
func Lint(ctx context.Context, settings Settings, scope Scope) ([]Finding, error) {
	if scope == RulesAlone {
		settings.Pipeline = pipeline.Settings{}
	}
	sources, problems := readSources(ctx, settings, nil, true)
	if len(problems) > 0 {
		return nil, problems
	}
	l := &linting{settings: settings, scope: scope, definitions: definitionsOf(sources)}
	for _, s := range sources {
		for _, problem := range s.problems() {
			l.add(brokenRule.of(problem))
		}
	}
	builder := pipeline.NewBuilder(settings.Handlers, settings.Pipeline, settings.Environment, nil)
	if err := l.compile(builder); err != nil {
		return nil, err
	}
	for _, d := range l.definitions {
		l.add(checkMethods(d)...)
	}
	l.add(checkNames(l.definitions)...)
	l.add(checkOverlaps(l.set)...)
	inspection := newInspection(settings.Strategy)
	for _, rule := range l.set.rules {
		if inspected := inspection.inspect(rule); inspected != nil {
			l.add(checkPattern(inspected)...)
		}
	}
	if scope != RulesAlone {
		l.add(checkRedirects(l.definitions, settings.Pipeline)...)
	}
	if scope == Deployment {
		l.add(checkUse(l.definitions, settings.Pipeline)...)
	}
	for _, d := range l.definitions {
		d.origin.forget()
	}
	l.sort(sources)
	return l.findings, nil
}

// checkPattern looks at the URL template of one rule.
func checkPattern(r *inspected) []Finding {
	if dead := checkAlive(r); dead != nil {
		return dead
	}
	dots, meant := checkDots(r)
	return slices.Concat(dots, checkHost(meant), checkPath(r), checkTime(r))
}

// linting is what Lint has found so far.
type linting struct {
	settings    Settings
	scope       Scope
	definitions []*definition
	set         *Set
	findings    []Finding
}

func (l *linting) add(found ...Finding) { l.findings = append(l.findings, found...) }

// compile makes a set of the rules and notes which of them do not compile.
// Without a configuration it is no flaw that it does not complete the rules.
func (l *linting) compile(builder *pipeline.Builder) error {
	l.set, _ = compile(l.definitions, l.settings.Strategy, builder, newMasking(l.settings.Handlers))
	if faults := builder.Faults(); len(faults) > 0 && l.scope != RulesAlone {
		return faultProblems(faults)
	}
	if l.set.failure != nil {
		l.add(brokenRule.of(document.Problem{Message: l.set.failure.Error()}))
	}
	for _, rule := range l.set.listing {
		for _, flaw := range rule.problems {
			switch {
			case flaw.Message == pipeline.NotEnabled && l.scope == RulesAlone:
			case flaw.Message == pipeline.NotEnabled:
				flaw.Message += "; enable it, or take another one"
				l.add(disabledHandler.ofRule(rule.definition, flaw))
			default:
				l.add(brokenRule.ofRule(rule.definition, flaw))
			}
		}
	}
	return nil
}

// sort brings the findings in the order of sources and lines. What is not in a
// source comes last.
func (l *linting) sort(sources []*source) {
	position := func(f Finding) int {
		at := slices.IndexFunc(sources, func(s *source) bool {
			return s.Name == f.File || slices.ContainsFunc(s.holdings, func(h *holding) bool { return h.name == f.File })
		})
		if at < 0 {
			return len(sources)
		}
		return at
	}
	slices.SortStableFunc(l.findings, func(a, b Finding) int {
		return cmp.Or(cmp.Compare(position(a), position(b)), cmp.Compare(a.Line, b.Line))
	})
}

// of is a finding that is about no rule in particular.
func (c *Check) of(problem document.Problem) Finding {
	found := Finding{Check: c.ID, Level: c.Level, File: problem.File, Line: problem.Line, subject: problem.Subject}
	problem.File, problem.Subject = "", ""
	found.Message = problem.String()
	return found
}

// ofRule is a finding about a rule, as a problem of it.
func (c *Check) ofRule(d *definition, problem document.Problem) Finding {
	found := Finding{Check: c.ID, Level: c.Level, File: problem.File, Line: problem.Line, Rule: d.ID, subject: d.subject()}
	problem.File, problem.Subject = "", strings.TrimPrefix(strings.TrimPrefix(problem.Subject, d.subject()), ": ")
	found.Message = problem.String()
	return found
}

// at is a finding about the value in a rule to which path leads.
func (c *Check) at(d *definition, path document.Path, message string) Finding {
	problem := d.problem(path, message)
	problem.Path = nil
	return c.ofRule(d, problem)
}

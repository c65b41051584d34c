package rules

import (
	"strings"

	"ostiary/pipeline"
)

// Outline is a rule in a few words.
type Outline struct {
	ID       string   `json:"id"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Priority int      `json:"priority"`
	Methods  []string `json:"methods"`
	URL      string   `json:"url"`      // the template
	Pipeline string   `json:"pipeline"` // the handlers: authenticators → authorizer → mutators
	Broken   bool     `json:"broken"`   // it denies everything
}

// outline is the rule in a few words.
func (c *compiled) outline() Outline {
	d := c.definition
	problem := d.problem(nil, "")
	return Outline{
		ID: d.ID, File: problem.File, Line: problem.Line, Priority: c.priority, Methods: c.methods, URL: d.Match.URL,
		Pipeline: d.pipelineText(), Broken: c.pipeline.Broken(),
	}
}

// pipelineText names the handlers: cookie_session, anonymous → allow → header.
func (d *definition) pipelineText() string {
	var authorizer string
	switch {
	case d.Authorizer != nil:
		authorizer = d.Authorizer.Handler
	case d.Authorizers != nil:
		authorizer = conditionText(*d.Authorizers)
	}
	return strings.Join([]string{stepsText(d.Authenticators), authorizer, stepsText(d.Mutators)}, " → ")
}

func stepsText(steps []pipeline.Step) string {
	names := make([]string, len(steps))
	for i, step := range steps {
		names[i] = step.Handler
	}
	return strings.Join(names, ", ")
}

// conditionText writes authorizers that decide together: all_of(cel, keto).
func conditionText(c pipeline.Condition) string {
	text := c.Handler
	for _, group := range []struct {
		name    string
		members []pipeline.Condition
	}{{"all_of", c.AllOf}, {"any_of", c.AnyOf}, {"none_of", c.NoneOf}} {
		if len(group.members) == 0 {
			continue
		}
		names := make([]string, len(group.members))
		for i, member := range group.members {
			names[i] = conditionText(member)
		}
		text += group.name + "(" + strings.Join(names, ", ") + ")"
	}
	return text
}

package pipeline

import (
	"encoding/json"
	"strconv"

	"ostiary/config/document"
)

// Condition says who has to allow a request: one authorizer, or several.
// Exactly one of Handler, AllOf, AnyOf and NoneOf is set.
type Condition struct {
	Handler string          `json:"handler,omitempty"`
	Config  json.RawMessage `json:"config,omitempty"`
	AllOf   []Condition     `json:"all_of,omitzero"`
	AnyOf   []Condition     `json:"any_of,omitzero"`
	NoneOf  []Condition     `json:"none_of,omitzero"`
}

// authorizing makes what a rule says about authorizers: one by itself, or a
// condition.
func (b *Builder) authorizing(plan Plan) (authorizing, []Flaw) {
	at := document.Path{"authorizers"}
	switch {
	case plan.Authorizer != nil && plan.Authorizers != nil:
		return nil, []Flaw{{Step: at, Message: "stands beside authorizer; a rule has one or the other"}}
	case plan.Authorizers != nil:
		return b.condition(*plan.Authorizers, at)
	case plan.Authorizer != nil:
		return b.sole(*plan.Authorizer, document.Path{"authorizer"})
	default:
		return nil, []Flaw{{Message: "needs an authorizer"}}
	}
}

func (b *Builder) sole(planned Step, at document.Path) (authorizing, []Flaw) {
	handler, violations := b.authorizers.find(planned.Handler, planned.Config)
	return sole{planned.Handler, handler}, flawsOf(at, planned.Handler, violations)
}

func (b *Builder) condition(c Condition, at document.Path) (authorizing, []Flaw) {
	var set []string
	var planned []Condition
	for _, group := range []struct {
		name    string
		members []Condition
	}{{"all_of", c.AllOf}, {"any_of", c.AnyOf}, {"none_of", c.NoneOf}} {
		if group.members != nil {
			set, planned = append(set, group.name), group.members
		}
	}
	switch {
	case len(set) == 0 && c.Handler != "":
		return b.sole(Step{c.Handler, c.Config}, at)
	case len(set) != 1 || c.Handler != "" || len(c.Config) > 0:
		return nil, []Flaw{{Step: at, Message: "needs either a handler, with or without config, or exactly one of all_of, any_of and none_of"}}
	case len(planned) == 0:
		return nil, []Flaw{{Step: at.With(set[0]), Message: "needs at least one authorizer"}}
	}
	members := make([]authorizing, len(planned))
	var flaws []Flaw
	for i, one := range planned {
		var bad []Flaw
		members[i], bad = b.condition(one, at.With(set[0], strconv.Itoa(i)))
		flaws = append(flaws, bad...)
	}
	switch set[0] {
	case "all_of":
		return allOf(members), flaws
	case "any_of":
		return anyOf(members), flaws
	default:
		return noneOf(members), flaws
	}
}

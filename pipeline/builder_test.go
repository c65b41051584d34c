package pipeline_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
	"ostiary/pipeline"
)

func TestBuildFindsEveryFlawOfARule(t *testing.T) {
	t.Parallel()
	good := func() pipeline.Plan { return plan(pipeline.Step{Handler: "anybody"}) }
	tests := map[string]struct {
		spoil func(*pipeline.Plan)
		want  []pipeline.Flaw
	}{
		"none in a good one": {func(*pipeline.Plan) {}, nil},
		"no authenticator":   {func(p *pipeline.Plan) { p.Authenticators = nil }, []pipeline.Flaw{{Message: "needs at least one authenticator"}}},
		"no authorizer":      {func(p *pipeline.Plan) { p.Authorizer = nil }, []pipeline.Flaw{{Message: "needs an authorizer"}}},
		"no mutator":         {func(p *pipeline.Plan) { p.Mutators = []pipeline.Step{} }, []pipeline.Flaw{{Message: "needs at least one mutator"}}},
		"no error handler":   {func(p *pipeline.Plan) { p.Errors = []pipeline.Step{} }, nil},
		"an unknown authorizer": {func(p *pipeline.Plan) { p.Authorizer = &pipeline.Step{Handler: "alow"} }, []pipeline.Flaw{
			{Step: document.Path{"authorizer"}, Handler: "alow", Message: `there is no handler of that name; did you mean "allow"?`},
		}},
		"an unknown mutator behind a good one": {func(p *pipeline.Plan) { p.Mutators = append(p.Mutators, pipeline.Step{}) }, []pipeline.Flaw{
			{Step: document.Path{"mutators", "1"}, Message: "there is no handler of that name"},
		}},
		"an unknown error handler": {func(p *pipeline.Plan) { p.Errors = []pipeline.Step{{Handler: "teapot"}, {Handler: "kettle"}} }, []pipeline.Flaw{
			{Step: document.Path{"errors", "1"}, Handler: "kettle", Message: "there is no handler of that name"},
		}},
		"an upstream that is none": {func(p *pipeline.Plan) { p.Upstream.URL = "up.test" }, []pipeline.Flaw{
			{Step: document.Path{"upstream", "url"}, Message: `"up.test" is not a URL of the form http://host:port/path`},
		}},
		"all of them": {func(p *pipeline.Plan) { *p = pipeline.Plan{Errors: []pipeline.Step{{Handler: "x"}}} }, []pipeline.Flaw{
			{Message: "needs at least one authenticator"},
			{Message: "needs an authorizer"},
			{Message: "needs at least one mutator"},
			{Step: document.Path{"errors", "0"}, Handler: "x", Message: "there is no handler of that name"},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := good()
			test.spoil(&p)
			made, flaws := pipeline.NewBuilder(kit(), allEnabled(kit(), nil), pipeline.Environment{}, nil).Build(p)
			if diff := cmp.Diff(test.want, flaws); diff != "" {
				t.Error(diff)
			}
			if made.Broken() != (len(test.want) > 0) {
				t.Errorf("broken: %t", made.Broken())
			}
			if decision := run(t, made); decision.Allowed == made.Broken() {
				t.Errorf("allowed: %t", decision.Allowed)
			}
		})
	}
}

func TestAFlawInOneRuleIsNoneInAnother(t *testing.T) {
	t.Parallel()
	builder := pipeline.NewBuilder(kit(), allEnabled(kit(), nil), pipeline.Environment{}, nil)
	if _, flaws := builder.Build(plan(pipeline.Step{Handler: "gauge"})); len(flaws) != 1 {
		t.Errorf("flaws: %+v", flaws)
	}
	p := built(t, builder, plan(pipeline.Step{Handler: "gauge", Config: json.RawMessage(`{"name": "n"}`)}))
	if decision := run(t, p); !decision.Allowed || decision.Session.Subject != "n" {
		t.Errorf("%+v", decision)
	}
}

// announcing is a handler that tells which headers it sets.
type announcing struct {
	mutator
	authorizer
	names []string
}

func (a announcing) SetsHeaders() []string { return a.names }

func TestBuildCollectsTheHeadersThatOnlyTheRuleMaySet(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }
	made := func(names ...string) announcing { return announcing{nothing, nothing, names} }
	handlers := kit()
	handlers.Authorizers = append(handlers.Authorizers, pipeline.DefinePlain[pipeline.Authorizer]("granting", made("X-Granted")))
	handlers.Mutators = append(handlers.Mutators,
		pipeline.DefinePlain[pipeline.Mutator]("user", made("X-User")),
		pipeline.DefinePlain[pipeline.Mutator]("role", made("X-Role", "x-team", "x-user")))
	builder := pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, nil)
	p := plan(pipeline.Step{Handler: "anybody"})
	p.Authorizer.Handler = "granting"
	p.Mutators = []pipeline.Step{{Handler: "user"}, {Handler: "noop"}, {Handler: "role"}}
	want := pipeline.Names{"X-Granted", "X-Role", "X-Team", "X-User"}
	if diff := cmp.Diff(want, run(t, built(t, builder, p)).Identity); diff != "" {
		t.Error(diff)
	}
}

func TestABuilderOutlivesTheOneBefore(t *testing.T) {
	t.Parallel()
	handlers := kit()
	first := pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, nil)
	old := built(t, first, plan(pipeline.Step{Handler: "anybody"}))
	settings := allEnabled(handlers, nil)
	settings.Authenticators["anybody"] = pipeline.Setting{}
	second := pipeline.NewBuilder(handlers, settings, pipeline.Environment{}, first)
	if p, _ := second.Build(plan(pipeline.Step{Handler: "anybody"})); run(t, p).Allowed {
		t.Error("a handler that is switched off still runs")
	}
	if !run(t, old).Allowed {
		t.Error("a pipeline changes after it was built")
	}
}

package pipeline_test

import (
	"context"
	"net/http"
	"testing"

	"ostiary/pipeline"
)

// The handlers of these tests are functions.
type (
	authenticator func(context.Context, *pipeline.Request, *pipeline.Session) error
	authorizer    func(context.Context, *pipeline.Request, *pipeline.Session) error
	mutator       func(context.Context, *pipeline.Request, *pipeline.Session) error
)

func (f authenticator) Authenticate(ctx context.Context, r *pipeline.Request, s *pipeline.Session) error {
	return f(ctx, r, s)
}

func (f authorizer) Authorize(ctx context.Context, r *pipeline.Request, s *pipeline.Session) error {
	return f(ctx, r, s)
}

func (f mutator) Mutate(ctx context.Context, r *pipeline.Request, s *pipeline.Session) error {
	return f(ctx, r, s)
}

// answerer answers errors of one kind, or of all kinds if it has none.
type answerer struct {
	kind   pipeline.Kind
	status int
}

func (a answerer) Responsible(_ *pipeline.Request, refusal error) bool {
	return a.kind == pipeline.Internal || pipeline.KindOf(refusal) == a.kind
}

func (a answerer) Respond(*pipeline.Request, error) pipeline.Response {
	return pipeline.Response{Status: a.status, Header: http.Header{}}
}

// gaugeConfig is a configuration with something of everything that merging
// has to get right.
type gaugeConfig struct {
	Name   string   `json:"name"`
	Size   int      `json:"size"`
	List   []string `json:"list"`
	Nested struct {
		A string `json:"a"`
		B string `json:"b"`
	} `json:"nested"`
	TokenFrom *struct {
		Header string `json:"header"`
		Cookie string `json:"cookie"`
	} `json:"token_from"`
}

const gaugeSchema = `{
	"type": "object", "additionalProperties": false, "required": ["name"],
	"properties": {
		"name": {"type": "string"},
		"size": {"type": "integer", "default": 5, "maximum": 99},
		"list": {"type": "array", "items": {"type": "string"}, "default": ["x", "y"]},
		"nested": {"type": "object", "additionalProperties": false, "properties": {
			"a": {"type": "string", "default": "a0"}, "b": {"type": "string", "default": "b0"}}},
		"token_from": {"type": ["object", "null"], "replace": true, "maxProperties": 1,
			"properties": {"header": {"type": "string"}, "cookie": {"type": "string"}}}
	}
}`

// gauge is an authenticator that tells how it is configured, in the session's
// Extra. What no schema can express: its name is not "forbidden", and not
// "broken" either.
type gauge struct{ config gaugeConfig }

func (g *gauge) Authenticate(_ context.Context, _ *pipeline.Request, session *pipeline.Session) error {
	session.Subject = g.config.Name
	session.SetExtra(map[string]any{"config": g.config, "instance": g})
	return nil
}

func newGauge(c gaugeConfig, _ pipeline.Environment) (pipeline.Authenticator, error) {
	switch c.Name {
	case "forbidden":
		return nil, &pipeline.Mistake{Path: []string{"name"}, Message: "is a name that nobody may have"}
	case "broken":
		return nil, context.DeadlineExceeded
	}
	return &gauge{c}, nil
}

var gaugeDefinition = pipeline.Define("gauge", []byte(gaugeSchema), newGauge)

// kit are handlers for every stage.
func kit() pipeline.Handlers {
	nothing := func(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }
	return pipeline.Handlers{
		Authenticators: []pipeline.Definition[pipeline.Authenticator]{
			gaugeDefinition,
			pipeline.DefinePlain[pipeline.Authenticator]("anybody", authenticator(nothing)),
		},
		Authorizers:   []pipeline.Definition[pipeline.Authorizer]{pipeline.DefinePlain[pipeline.Authorizer]("allow", authorizer(nothing))},
		Mutators:      []pipeline.Definition[pipeline.Mutator]{pipeline.DefinePlain[pipeline.Mutator]("noop", mutator(nothing))},
		ErrorHandlers: []pipeline.Definition[pipeline.ErrorHandler]{pipeline.DefinePlain[pipeline.ErrorHandler]("teapot", answerer{status: 418})},
	}
}

// allEnabled are the settings with which every handler may be used, and with
// the gauge configured like this.
func allEnabled(handlers pipeline.Handlers, gauge map[string]any) pipeline.Settings {
	settings := pipeline.Settings{
		Authenticators: enabled(handlers.Authenticators),
		Authorizers:    enabled(handlers.Authorizers),
		Mutators:       enabled(handlers.Mutators),
		ErrorHandlers:  enabled(handlers.ErrorHandlers),
	}
	settings.Authenticators["gauge"] = pipeline.Setting{Enabled: true, Config: gauge}
	return settings
}

func enabled[T any](definitions []pipeline.Definition[T]) map[string]pipeline.Setting {
	all := make(map[string]pipeline.Setting, len(definitions))
	for _, d := range definitions {
		all[d.ID] = pipeline.Setting{Enabled: true}
	}
	return all
}

// plan is one with these authenticators, that otherwise allows everything.
func plan(authenticators ...pipeline.Step) pipeline.Plan {
	return pipeline.Plan{
		Rule:           "r1",
		Authenticators: authenticators,
		Authorizer:     &pipeline.Step{Handler: "allow"},
		Mutators:       []pipeline.Step{{Handler: "noop"}},
	}
}

// built is a pipeline without flaws.
func built(t testing.TB, builder *pipeline.Builder, plan pipeline.Plan) *pipeline.Pipeline {
	t.Helper()
	p, flaws := builder.Build(plan)
	if len(flaws) > 0 || p.Broken() {
		t.Fatalf("flaws: %+v", flaws)
	}
	return p
}

// run sends a request through a pipeline.
func run(t testing.TB, p *pipeline.Pipeline) pipeline.Decision {
	t.Helper()
	return p.Run(t.Context(), &pipeline.Request{Method: "GET", Header: http.Header{}}, nil)
}

// extra is what else the session knows.
func extra(t *testing.T, session *pipeline.Session) map[string]any {
	t.Helper()
	known, err := session.Extra()
	if err != nil {
		t.Fatal(err)
	}
	return known
}

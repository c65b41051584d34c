package pipelinetest

import (
	"context"
	"testing"

	"ostiary/pipeline"
)

// Sharing is the environment as the handlers of one set of rules have it: what
// they share, they share.
func Sharing(t testing.TB, environment pipeline.Environment) pipeline.Environment {
	t.Helper()
	const id = "grab"
	var grabbed pipeline.Environment
	handlers := pipeline.Handlers{Authenticators: []pipeline.Definition[pipeline.Authenticator]{
		pipeline.Define(id, []byte(`{"type": "object", "additionalProperties": false, "properties": {}}`),
			func(_ struct{}, e pipeline.Environment) (pipeline.Authenticator, error) {
				grabbed = e
				return nobody{}, nil
			}),
	}}
	settings := pipeline.Settings{Authenticators: map[string]pipeline.Setting{id: {Enabled: true}}}
	pipeline.NewBuilder(handlers, settings, environment, nil).Build(pipeline.Plan{Authenticators: []pipeline.Step{{Handler: id}}})
	if grabbed.Shared == nil {
		t.Fatal("the builder provides nothing to share")
	}
	return grabbed
}

type nobody struct{}

func (nobody) Authenticate(context.Context, *pipeline.Request, *pipeline.Session) error {
	return pipeline.ErrNotResponsible
}

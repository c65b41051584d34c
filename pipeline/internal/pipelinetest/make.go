package pipelinetest

import (
	"encoding/json"
	"testing"
	"time"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// New makes a handler with the configuration that a rule would write, as JSON,
// over the defaults of the handler's schema.
func New[T any](t testing.TB, definition pipeline.Definition[T], config string, environment pipeline.Environment) T {
	t.Helper()
	handler, violations := TryNew(t, definition, config, environment)
	for _, v := range violations {
		t.Errorf("%s: %s: %s", definition.ID, v.Path, v.Message)
	}
	if len(violations) > 0 {
		t.FailNow()
	}
	return handler
}

// TryNew is New for a configuration that may be wrong.
func TryNew[T any](t testing.TB, definition pipeline.Definition[T], config string, environment pipeline.Environment) (T, []document.Violation) {
	t.Helper()
	if environment.Now == nil {
		environment.Now = time.Now
	}
	if definition.Schema == nil {
		return definition.New(nil, environment)
	}
	var own map[string]any
	if err := json.Unmarshal([]byte(config), &own); err != nil {
		t.Fatalf("the configuration of the test is no JSON object: %v", err)
	}
	whole, _ := document.Merge(definition.Schema.Defaults(), own, definition.Schema.Replaces).(map[string]any)
	return definition.New(whole, environment)
}

// Mistakes are what is wrong with a configuration, as an operator reads it.
func Mistakes[T any](t testing.TB, definition pipeline.Definition[T], config string) []string {
	t.Helper()
	_, violations := TryNew(t, definition, config, pipeline.Environment{})
	var all []string
	for _, v := range violations {
		all = append(all, document.Problem{Path: v.Path, Message: v.Message}.String())
	}
	return all
}

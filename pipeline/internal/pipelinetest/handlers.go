package pipelinetest

import (
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// Handlers holds a stage's handlers to what the engine, the reference
// documentation and the next reader rely on. It is to be called in the
// directory where the handlers live. What it finds wrong about a handler, it
// finds without knowing that handler: a new one is covered by being in the
// list.
func Handlers[T any](t *testing.T, definitions []pipeline.Definition[T]) {
	t.Helper()
	if len(definitions) == 0 {
		t.Fatal("the list of handlers is empty")
	}
	seen := map[string]bool{}
	for _, definition := range definitions {
		if seen[definition.ID] {
			t.Errorf("%s is in the list twice", definition.ID)
		}
		seen[definition.ID] = true
	}
	schemaFiles(t, seen)
	for _, definition := range definitions {
		t.Run(definition.ID, func(t *testing.T) {
			t.Parallel()
			files(t, definition.ID, definition.Schema != nil)
			if definition.Schema == nil {
				if definition.Config() != nil {
					t.Error("it has a configuration without a schema")
				}
			} else {
				report(t, "the schema", schemaProblems(definition.Schema))
				report(t, "schema and Go", disagreements(definition.Schema, definition.Config()))
			}
			service := Serve(t, Answer(http.StatusOK, everybodysAnswer))
			example(t, definition, service)
			traffic{t.Context(), t.Errorf}.through(fromSample(t, definition, service))
		})
	}
}

func report(t *testing.T, what string, problems []string) {
	t.Helper()
	for _, problem := range problems {
		t.Errorf("%s: %s", what, problem)
	}
}

var validID = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// files are named after the handler's id.
func files(t *testing.T, id string, configurable bool) {
	t.Helper()
	if !validID.MatchString(id) {
		t.Errorf("%q is no id: small letters, digits and underscores", id)
	}
	for name, wanted := range map[string]bool{id + ".go": true, id + "_test.go": true, id + ".schema.json": configurable} {
		if _, err := os.Stat(name); (err == nil) != wanted {
			t.Errorf("file %s: there is one: %t, there should be one: %t", name, err == nil, wanted)
		}
	}
}

// schemaFiles belong to a handler, or to a Go file that several of them share.
func schemaFiles(t *testing.T, ids map[string]bool) {
	t.Helper()
	found, err := filepath.Glob("*.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range found {
		base := strings.TrimSuffix(name, ".schema.json")
		if _, err := os.Stat(base + ".go"); !ids[base] && err != nil {
			t.Errorf("%s belongs to no handler: there are %v", name, slices.Sorted(maps.Keys(ids)))
		}
	}
}

// fromSample makes a handler for which every address leads to the service.
func fromSample[T any](t *testing.T, definition pipeline.Definition[T], service *Service) T {
	t.Helper()
	var config map[string]any
	if definition.Schema != nil {
		config = sample(definition.Schema)
	}
	handler, violations := definition.New(config, service.Only(t))
	for _, v := range violations {
		t.Errorf(`a configuration that it has to take: %s: %s; give the property "examples"`, v.Path, v.Message)
	}
	if len(violations) > 0 {
		t.FailNow()
	}
	return handler
}

// example makes a handler as the reference documentation shows it.
func example[T any](t *testing.T, definition pipeline.Definition[T], service *Service) {
	t.Helper()
	if definition.Description == "" {
		t.Error("nobody says what it does")
	}
	if definition.Schema == nil {
		return
	}
	examples, _ := definition.Schema.At(nil)["examples"].([]any)
	if len(examples) == 0 {
		t.Error("the schema has no examples of a whole configuration")
	}
	for _, shown := range examples {
		whole, _ := document.Merge(definition.Schema.Defaults(), shown, definition.Schema.Replaces).(map[string]any)
		_, violations := definition.New(whole, service.Only(t))
		for _, v := range violations {
			t.Errorf("the example: %s: %s", v.Path, v.Message)
		}
	}
}

// everybodysAnswer says yes to whatever a handler may ask about.
const everybodysAnswer = `{
	"subject": "ada", "sub": "ada", "extra": {"role": "editor"}, "header": {"X-Role": ["editor"]},
	"active": true, "allowed": true, "keys": [],
	"access_token": "token", "token_type": "bearer", "expires_in": 60
}`

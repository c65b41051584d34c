package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
	"ostiary/pipeline"
)

func TestDefineGivesTheConstructorTheTypedConfiguration(t *testing.T) {
	t.Parallel()
	config := gaugeDefinition.Schema.Defaults()
	config["name"] = "n"
	config["token_from"] = map[string]any{"cookie": "c"}
	handler, violations := gaugeDefinition.New(config, pipeline.Environment{})
	if len(violations) > 0 {
		t.Fatal(violations)
	}
	var want gaugeConfig
	want.Name, want.Size, want.List, want.Nested.A, want.Nested.B = "n", 5, []string{"x", "y"}, "a0", "b0"
	want.TokenFrom = &struct {
		Header string `json:"header"`
		Cookie string `json:"cookie"`
	}{Cookie: "c"}
	if diff := cmp.Diff(want, handler.(*gauge).config); diff != "" {
		t.Error(diff)
	}
}

func TestDefinitionFindsEveryMistakeInOneGo(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config map[string]any
		want   []document.Violation
	}{
		"what the schema forbids": {map[string]any{"size": 100, "unheard": 1, "nested": map[string]any{"a": 1}}, []document.Violation{
			{Path: document.Path{"name"}, Message: "is required", Missing: true},
			{Path: document.Path{"nested", "a"}, Message: "expected string, got integer"},
			{Path: document.Path{"size"}, Message: "100 is more than 99"},
			{Path: document.Path{"unheard"}, Message: "unknown key; known are list, name, nested, size, token_from"},
		}},
		"what the constructor forbids": {map[string]any{"name": "forbidden"}, []document.Violation{
			{Path: document.Path{"name"}, Message: "is a name that nobody may have"},
		}},
		"what the constructor cannot do": {map[string]any{"name": "broken"}, []document.Violation{
			{Message: "context deadline exceeded"},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler, violations := gaugeDefinition.New(test.config, pipeline.Environment{})
			if handler != nil {
				t.Errorf("it makes %v all the same", handler)
			}
			if diff := cmp.Diff(test.want, violations); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDefineRefusesToLoseAPropertyOfTheSchema(t *testing.T) {
	t.Parallel()
	schema := `{"type": "object", "properties": {"known": {"type": "string"}, "lost": {"type": "string"}}}`
	definition := pipeline.Define("made", []byte(schema), func(struct {
		Known string `json:"known"`
	}, pipeline.Environment,
	) (pipeline.Authorizer, error) {
		return authorizer(nil), nil
	})
	_, violations := definition.New(map[string]any{"lost": "x"}, pipeline.Environment{})
	want := []document.Violation{{Message: `json: unknown field "lost"`}}
	if diff := cmp.Diff(want, violations); diff != "" {
		t.Error(diff)
	}
}

func TestDefinitionHandsOutANewConfigurationEachTime(t *testing.T) {
	t.Parallel()
	first, _ := gaugeDefinition.Config().(*gaugeConfig)
	second, _ := gaugeDefinition.Config().(*gaugeConfig)
	if first == nil || first == second {
		t.Fatalf("got %p and %p", first, second)
	}
	if diff := cmp.Diff(&gaugeConfig{}, first); diff != "" {
		t.Error(diff)
	}
	if plain := kit().Authorizers[0].Config(); plain != nil {
		t.Errorf("a handler without configuration has %v", plain)
	}
}

func TestMistakeNamesThePlace(t *testing.T) {
	t.Parallel()
	for want, mistake := range map[string]*pipeline.Mistake{
		"when[0].cidr: is no network": {Path: document.Path{"when", "0", "cidr"}, Message: "is no network"},
		"cannot be":                   {Message: "cannot be"},
	} {
		if got := mistake.Error(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

package pipeline_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// effective is the configuration that the gauge gets, of what the settings and
// a rule say.
func effective(t *testing.T, settings map[string]any, rule string) gaugeConfig {
	t.Helper()
	builder := pipeline.NewBuilder(kit(), allEnabled(kit(), settings), pipeline.Environment{}, nil)
	p := built(t, builder, plan(pipeline.Step{Handler: "gauge", Config: json.RawMessage(rule)}))
	config, _ := extra(t, run(t, p).Session)["config"].(gaugeConfig)
	return config
}

// decoded reads a whole configuration.
func decoded(t *testing.T, text string) gaugeConfig {
	t.Helper()
	var config gaugeConfig
	if err := json.Unmarshal([]byte(text), &config); err != nil {
		t.Fatal(err)
	}
	return config
}

func TestARuleIsLaidOverTheSettingsAndThoseOverTheDefaults(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		settings map[string]any
		rule     string
		want     string
	}{
		"defaults alone": {
			nil, `{"name": "n"}`,
			`{"name": "n", "size": 5, "list": ["x", "y"], "nested": {"a": "a0", "b": "b0"}}`,
		},
		"settings alone": {
			map[string]any{"name": "s", "size": 7},
			``,
			`{"name": "s", "size": 7, "list": ["x", "y"], "nested": {"a": "a0", "b": "b0"}}`,
		},
		"a rule that says nothing": {
			map[string]any{"name": "s"},
			`{}`,
			`{"name": "s", "size": 5, "list": ["x", "y"], "nested": {"a": "a0", "b": "b0"}}`,
		},
		"a rule that says null": {
			map[string]any{"name": "s"},
			`null`,
			`{"name": "s", "size": 5, "list": ["x", "y"], "nested": {"a": "a0", "b": "b0"}}`,
		},
		"single values": {
			map[string]any{"name": "s", "size": 7},
			`{"size": 9}`,
			`{"name": "s", "size": 9, "list": ["x", "y"], "nested": {"a": "a0", "b": "b0"}}`,
		},
		"objects key by key": {
			map[string]any{"name": "s", "nested": map[string]any{"a": "a1"}},
			`{"nested": {"b": "b2"}}`,
			`{"name": "s", "size": 5, "list": ["x", "y"], "nested": {"a": "a1", "b": "b2"}}`,
		},
		"lists as a whole": {
			map[string]any{"name": "s", "list": []any{"a", "b", "c"}},
			`{"list": ["z"]}`,
			`{"name": "s", "size": 5, "list": ["z"], "nested": {"a": "a0", "b": "b0"}}`,
		},
		"an empty list as well": {
			map[string]any{"name": "s"},
			`{"list": []}`,
			`{"name": "s", "size": 5, "list": [], "nested": {"a": "a0", "b": "b0"}}`,
		},
		"token_from as a whole": {
			map[string]any{"name": "s", "token_from": map[string]any{"header": "X-Token"}},
			`{"token_from": {"cookie": "token"}}`,
			`{"name": "s", "size": 5, "list": ["x", "y"], "nested": {"a": "a0", "b": "b0"}, "token_from": {"cookie": "token"}}`,
		},
		"token_from by nothing": {
			map[string]any{"name": "s", "token_from": map[string]any{"header": "X-Token"}},
			`{"token_from": null}`,
			`{"name": "s", "size": 5, "list": ["x", "y"], "nested": {"a": "a0", "b": "b0"}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(decoded(t, test.want), effective(t, test.settings, test.rule)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestARuleChangesNothingForOtherRules(t *testing.T) {
	t.Parallel()
	settings := map[string]any{"name": "s", "nested": map[string]any{"a": "a1"}, "list": []any{"a"}}
	builder := pipeline.NewBuilder(kit(), allEnabled(kit(), settings), pipeline.Environment{}, nil)
	other := plan(pipeline.Step{Handler: "gauge", Config: json.RawMessage(`{"name": "r", "nested": {"a": "a2"}, "list": ["b", "c"]}`)})
	built(t, builder, other)
	config, _ := extra(t, run(t, built(t, builder, plan(pipeline.Step{Handler: "gauge"}))).Session)["config"].(gaugeConfig)
	want := decoded(t, `{"name": "s", "size": 5, "list": ["a"], "nested": {"a": "a1", "b": "b0"}}`)
	if diff := cmp.Diff(want, config); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]any{"name": "s", "nested": map[string]any{"a": "a1"}, "list": []any{"a"}}, settings); diff != "" {
		t.Errorf("the settings have changed: %s", diff)
	}
}

// instanceOf is the handler that serves a rule with this configuration.
func instanceOf(t *testing.T, builder *pipeline.Builder, rule string) *gauge {
	t.Helper()
	p := built(t, builder, plan(pipeline.Step{Handler: "gauge", Config: json.RawMessage(rule)}))
	instance, _ := extra(t, run(t, p).Session)["instance"].(*gauge)
	if instance == nil {
		t.Fatal("the gauge did not run")
	}
	return instance
}

func TestEqualConfigurationsAreOneHandler(t *testing.T) {
	t.Parallel()
	builder := pipeline.NewBuilder(kit(), allEnabled(kit(), map[string]any{"name": "s"}), pipeline.Environment{}, nil)
	first := instanceOf(t, builder, ``)
	for _, same := range []string{``, `null`, `{}`, `{"name": "s"}`, `{"size": 5, "name": "s"}`, ` { "nested" : {"b": "b0"} } `, `{"size": 5.0}`} {
		if instanceOf(t, builder, same) != first {
			t.Errorf("%s makes another handler", same)
		}
	}
	if instanceOf(t, builder, `{"size": 6}`) == first {
		t.Error("another configuration makes the same handler")
	}
}

func TestHandlersAreCarriedOverFromTheBuilderBefore(t *testing.T) {
	t.Parallel()
	handlers := kit()
	next := func(settings map[string]any, previous *pipeline.Builder) *pipeline.Builder {
		return pipeline.NewBuilder(handlers, allEnabled(handlers, settings), pipeline.Environment{}, previous)
	}
	first := next(map[string]any{"name": "s"}, nil)
	kept, dropped := instanceOf(t, first, `{"size": 1}`), instanceOf(t, first, `{"size": 2}`)

	// The same configuration, whoever says it.
	second := next(map[string]any{"name": "s", "size": 1}, first)
	if instanceOf(t, second, ``) != kept {
		t.Error("a handler with the same configuration is made anew")
	}
	if instanceOf(t, second, `{"size": 3}`) == kept {
		t.Error("a handler with another configuration is carried over")
	}

	third := next(map[string]any{"name": "s"}, second)
	if instanceOf(t, third, `{"size": 1}`) != kept {
		t.Error("a handler is not carried over twice")
	}
	if instanceOf(t, third, `{"size": 2}`) == dropped {
		t.Error("a handler that nobody used in between comes back")
	}

	changed := next(map[string]any{"name": "other"}, third)
	if instanceOf(t, changed, `{"size": 1}`) == kept {
		t.Error("a handler outlives its configuration")
	}
}

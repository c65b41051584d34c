package pipeline_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
	"ostiary/pipeline"
)

func TestFaultsOfTheSettings(t *testing.T) {
	t.Parallel()
	fault := func(message string, path ...string) []pipeline.Fault {
		return []pipeline.Fault{{Stage: "authenticators", Handler: "gauge", Path: path, Message: message}}
	}
	const completes, does = `{"name": "r"}`, `{}`
	tests := map[string]struct {
		setting pipeline.Setting
		rules   []string // configurations of the gauge in rules
		want    []pipeline.Fault
	}{
		"none if they are complete":                         {pipeline.Setting{Enabled: true, Config: map[string]any{"name": "s"}}, nil, nil},
		"none if the handler is not enabled":                {pipeline.Setting{Config: map[string]any{"size": "big"}}, nil, nil},
		"none if every rule has to complete it":             {pipeline.Setting{Enabled: true}, nil, nil},
		"none if a rule says all of it":                     {pipeline.Setting{Enabled: true}, []string{completes}, nil},
		"none if a rule completes them":                     {pipeline.Setting{Enabled: true, Config: map[string]any{"size": 7}}, []string{completes}, nil},
		"none if one of the rules does":                     {pipeline.Setting{Enabled: true, Config: map[string]any{"size": 7}}, []string{does, completes}, nil},
		"they are incomplete and nobody asks":               {pipeline.Setting{Enabled: true, Config: map[string]any{"size": 7}}, nil, fault("is required", "name")},
		"they are incomplete and stay so":                   {pipeline.Setting{Enabled: true, Config: map[string]any{"size": 7}}, []string{does}, fault("is required", "name")},
		"they are wrong":                                    {pipeline.Setting{Enabled: true, Config: map[string]any{"name": "s", "size": 100}}, nil, fault("100 is more than 99", "size")},
		"they are wrong whatever a rule says":               {pipeline.Setting{Enabled: true, Config: map[string]any{"name": "s", "size": 100}}, []string{`{"size": 1}`}, fault("100 is more than 99", "size")},
		"they are wrong and incomplete, which a rule mends": {pipeline.Setting{Enabled: true, Config: map[string]any{"size": 100}}, []string{`{"name": "r", "size": 1}`}, fault("100 is more than 99", "size")},
		"the constructor does not take them":                {pipeline.Setting{Enabled: true, Config: map[string]any{"name": "forbidden"}}, nil, fault("is a name that nobody may have", "name")},
		"the constructor fails":                             {pipeline.Setting{Enabled: true, Config: map[string]any{"name": "broken"}}, nil, fault("context deadline exceeded")},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := allEnabled(kit(), nil)
			settings.Authenticators["gauge"] = test.setting
			settings.Authenticators["anybody"] = pipeline.Setting{Enabled: true, Config: map[string]any{"not": "looked at"}}
			settings.Authenticators["stranger"] = pipeline.Setting{Enabled: true} // the configuration's own schema finds these
			builder := pipeline.NewBuilder(kit(), settings, pipeline.Environment{}, nil)
			for _, config := range test.rules {
				builder.Build(plan(pipeline.Step{Handler: "gauge", Config: json.RawMessage(config)}))
			}
			if diff := cmp.Diff(test.want, builder.Faults()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFaultsNameTheirStage(t *testing.T) {
	t.Parallel()
	const strict = `{"type": "object", "additionalProperties": false}`
	type none struct{}
	handlers := kit()
	handlers.Authorizers = append(handlers.Authorizers, pipeline.Define("made", []byte(strict), func(none, pipeline.Environment) (pipeline.Authorizer, error) { return nil, nil }))
	handlers.Mutators = append(handlers.Mutators, pipeline.Define("made", []byte(strict), func(none, pipeline.Environment) (pipeline.Mutator, error) { return nil, nil }))
	handlers.ErrorHandlers = append(handlers.ErrorHandlers, pipeline.Define("made", []byte(strict), func(none, pipeline.Environment) (pipeline.ErrorHandler, error) { return nil, nil }))
	settings := allEnabled(handlers, map[string]any{"name": "s", "more": 1})
	wrong := pipeline.Setting{Enabled: true, Config: map[string]any{"more": 1}}
	settings.Authorizers["made"], settings.Mutators["made"], settings.ErrorHandlers["made"] = wrong, wrong, wrong
	var got []string
	for _, fault := range pipeline.NewBuilder(handlers, settings, pipeline.Environment{}, nil).Faults() {
		got = append(got, fault.Error())
	}
	want := []string{
		"authenticators.gauge: more: unknown key; known are list, name, nested, size, token_from",
		"authorizers.made: more: unknown key",
		"mutators.made: more: unknown key",
		"errors.handlers.made: more: unknown key",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestFlawsOfAStep(t *testing.T) {
	t.Parallel()
	at := document.Path{"authenticators", "1"}
	tests := map[string]struct {
		handler, config string
		want            []pipeline.Flaw
	}{
		"a handler that is misspelt":           {"guage", ``, []pipeline.Flaw{{Step: at, Handler: "guage", Message: `there is no handler of that name; did you mean "gauge"?`}}},
		"a handler that nobody knows":          {"kerberos", ``, []pipeline.Flaw{{Step: at, Handler: "kerberos", Message: "there is no handler of that name"}}},
		"a handler of another stage":           {"allow", ``, []pipeline.Flaw{{Step: at, Handler: "allow", Message: "there is no handler of that name"}}},
		"a handler that is not enabled":        {"anybody", ``, []pipeline.Flaw{{Step: at, Handler: "anybody", Message: "the handler is not enabled in the configuration"}}},
		"no configuration where one is needed": {"gauge", ``, []pipeline.Flaw{{Step: at, Handler: "gauge", Path: document.Path{"name"}, Message: "is required"}}},
		"a configuration that is a list":       {"gauge", `[]`, []pipeline.Flaw{{Step: at, Handler: "gauge", Message: "expected object, got array"}}},
		"a configuration that is a text":       {"gauge", `"x"`, []pipeline.Flaw{{Step: at, Handler: "gauge", Message: "expected object, got string"}}},
		"a configuration that is no JSON":      {"gauge", `{`, []pipeline.Flaw{{Step: at, Handler: "gauge", Message: "unexpected end of JSON input"}}},
		"several mistakes": {"gauge", `{"nested": {"c": "x"}, "list": [1]}`, []pipeline.Flaw{
			{Step: at, Handler: "gauge", Path: document.Path{"list", "0"}, Message: "expected string, got integer"},
			{Step: at, Handler: "gauge", Path: document.Path{"name"}, Message: "is required"},
			{Step: at, Handler: "gauge", Path: document.Path{"nested", "c"}, Message: "unknown key; known are a, b"},
		}},
		"null for a value that cannot be": {"gauge", `{"name": null}`, []pipeline.Flaw{{Step: at, Handler: "gauge", Path: document.Path{"name"}, Message: "expected string, got null; leave the key out or give it a value"}}},
		"what only the constructor knows": {"gauge", `{"name": "forbidden"}`, []pipeline.Flaw{{Step: at, Handler: "gauge", Path: document.Path{"name"}, Message: "is a name that nobody may have"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := allEnabled(kit(), nil)
			settings.Authenticators["anybody"] = pipeline.Setting{}
			builder := pipeline.NewBuilder(kit(), settings, pipeline.Environment{}, nil)
			good := pipeline.Step{Handler: "gauge", Config: json.RawMessage(`{"name": "good"}`)}
			bad := pipeline.Step{Handler: test.handler, Config: json.RawMessage(test.config)}
			for range 2 { // a mistake that two rules make is found in both
				p, flaws := builder.Build(plan(good, bad))
				if diff := cmp.Diff(test.want, flaws); diff != "" {
					t.Error(diff)
				}
				if !p.Broken() {
					t.Error("the pipeline is not broken")
				}
			}
		})
	}
}

package pipeline_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// signer is a mutator that publishes its name for a key.
type signer struct{ name string }

func (signer) Mutate(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }

func (s signer) PublicKeys(context.Context) ([]json.RawMessage, error) {
	return []json.RawMessage{json.RawMessage(s.name)}, nil
}

// published are the names of the keys, after rules were built that configure
// the signer like this.
func published(t *testing.T, setting pipeline.Setting, rules ...string) []string {
	t.Helper()
	handlers := kit()
	handlers.Mutators = append(handlers.Mutators, pipeline.Define("signer", []byte(gaugeSchema),
		func(c gaugeConfig, _ pipeline.Environment) (pipeline.Mutator, error) { return signer{c.Name}, nil }))
	settings := allEnabled(handlers, nil)
	settings.Mutators["signer"] = setting
	builder := pipeline.NewBuilder(handlers, settings, pipeline.Environment{}, nil)
	for _, config := range rules {
		planned := plan(pipeline.Step{Handler: "anybody"})
		planned.Mutators = append(planned.Mutators, pipeline.Step{Handler: "signer", Config: json.RawMessage(config)})
		builder.Build(planned)
	}
	var names []string
	for _, publisher := range builder.KeyPublishers() {
		keys, err := publisher.PublicKeys(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range keys {
			names = append(names, string(key))
		}
	}
	return names
}

func TestKeyPublishers(t *testing.T) {
	t.Parallel()
	named := map[string]any{"name": "own"}
	tests := map[string]struct {
		setting pipeline.Setting
		rules   []string
		want    []string
	}{
		"nobody":                               {pipeline.Setting{}, nil, nil},
		"nobody, as there is no name":          {pipeline.Setting{Enabled: true}, nil, nil},
		"the one of the settings":              {pipeline.Setting{Enabled: true, Config: named}, nil, []string{"own"}},
		"the one of the settings, even if off": {pipeline.Setting{Config: named}, nil, []string{"own"}},
		"those of rules, each once": {
			pipeline.Setting{Enabled: true, Config: named}, []string{`{"name": "z"}`, `{"name": "a"}`, `{"name": "z"}`, `{}`}, []string{"a", "own", "z"},
		},
		"not those of rules that are broken": {pipeline.Setting{Enabled: true, Config: named}, []string{`{"name": 1}`}, []string{"own"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, published(t, test.setting, test.rules...)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

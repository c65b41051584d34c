package config_test

import (
	"bytes"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"ostiary/config"
	"ostiary/config/document"
)

// TestSchemaIsClosedAndDescribed: a description on every property, because
// they are the reference; no unknown key anywhere but beside enabled and
// config of a handler, where Oathkeeper allows it (contract 1.2).
func TestSchemaIsClosedAndDescribed(t *testing.T) {
	for name, schema := range map[string]*document.Schema{"without handlers": composed(t, nil), "with handlers": composed(t, handlers)} {
		if schema.At(nil)["additionalProperties"] != false {
			t.Errorf("%s: the root is open", name)
		}
		for _, path := range schema.Paths() {
			part := schema.At(path)
			isSwitch := inHandler(path) && schema.At(path.With("enabled")) != nil
			inSettings := inHandler(path) && slices.Contains(path, "config") && path[len(path)-1] != "config"
			if text, _ := part["description"].(string); !inSettings && !strings.HasSuffix(text, ".") {
				t.Errorf("%s: %s has no description", name, path)
			}
			if part["properties"] != nil && part["additionalProperties"] != false && !isSwitch {
				t.Errorf("%s: %s is open", name, path)
			}
			if part["type"] == nil && path[len(path)-1] != "config" {
				t.Errorf("%s: %s has no type", name, path)
			}
		}
	}
}

// TestSchemaDefaults: every default fits its own schema.
func TestSchemaDefaults(t *testing.T) {
	schema := composed(t, handlers)
	for _, violation := range schema.Check(schema.Defaults()) {
		t.Errorf("%s: %s", violation.Path, violation.Message)
	}
}

// TestSchemaKnowsOathkeepersHandlers, those among them that no caller brings.
func TestSchemaKnowsOathkeepersHandlers(t *testing.T) {
	schema := composed(t, nil)
	for _, path := range []string{
		"authenticators anonymous noop unauthorized cookie_session bearer_token jwt oauth2_client_credentials oauth2_introspection",
		"authorizers allow deny keto_engine_acp_ory remote remote_json",
		"mutators noop cookie header hydrator id_token",
		"errors.handlers json redirect www_authenticate",
	} {
		words := strings.Fields(path)
		for _, id := range words[1:] {
			if schema.At(append(strings.Split(words[0], "."), id)) == nil {
				t.Errorf("%s.%s is not known", words[0], id)
			}
		}
	}
}

// TestComposedSchema checks documents against the composed schema itself, as
// an editor would.
func TestComposedSchema(t *testing.T) {
	schema := composed(t, handlers)
	t.Run("of good files", func(t *testing.T) {
		text, err := os.ReadFile("../testdata/config/good/every-key.json")
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := document.Parse("every-key.json", text, document.JSON)
		if err != nil {
			t.Fatal(err)
		}
		for _, violation := range schema.Check(parsed.Value) {
			if !violation.Missing {
				t.Errorf("%s: %s", violation.Path, violation.Message)
			}
		}
	})
	t.Run("keeps what a handler requires", func(t *testing.T) {
		violations := schema.Check(map[string]any{"mutators": map[string]any{"header": map[string]any{"enabled": true, "config": map[string]any{}}}})
		if len(violations) != 1 || !violations[0].Missing || violations[0].Path.String() != "mutators.header.config.headers" {
			t.Errorf("violations: %v", violations)
		}
	})
	t.Run("follows a handler's own references", func(t *testing.T) {
		at := schema.At(document.Path{"authenticators", "cookie_session", "config", "timeout"})
		if at["pattern"] == nil || at["default"] != "5s" {
			t.Errorf("timeout is %v", at)
		}
	})
	t.Run("is JSON with sorted keys", func(t *testing.T) {
		first, _ := config.Schema(handlers)
		second, _ := config.Schema(handlers)
		if !json.Valid(first) || !bytes.Equal(first, second) {
			t.Error("two compositions differ")
		}
	})
}

func TestSchemaRefusesHandlers(t *testing.T) {
	for name, test := range map[string]struct {
		handlers []config.Handler
		fail     string
	}{
		"twice":    {[]config.Handler{{Stage: config.Mutators, ID: "noop"}, {Stage: config.Mutators, ID: "noop"}}, "there are two handlers with the name mutators.noop"},
		"no stage": {[]config.Handler{{Stage: "mutator", ID: "noop"}}, `there is no stage "mutator"`},
		"same variable": {[]config.Handler{
			made(config.Mutators, "a_config", `{"type": "object"}`), made(config.Mutators, "a", `{"type": "object", "properties": {"config": {"type": "string"}}}`),
		}, "have the same environment variable"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := config.Load(config.Source{Handlers: test.handlers})
			wantError(t, err, test.fail)
		})
	}
}

// TestNewHandler: a caller may bring handlers that Oathkeeper does not have.
func TestNewHandler(t *testing.T) {
	api := made(config.Authenticators, "api_key", `{"type": "object", "additionalProperties": false, "properties": {"header": {"type": "string"}}}`)
	environ := []string{"AUTHENTICATORS_API_KEY_ENABLED=true", "AUTHENTICATORS_API_KEY_CONFIG_HEADER=X-Key"}
	loaded, err := config.Load(config.Source{Environ: environ, Handlers: []config.Handler{api}})
	if err != nil {
		t.Fatal(err)
	}
	if got := loaded.Authenticators["api_key"]; !got.Enabled || got.Config["header"] != "X-Key" {
		t.Errorf("api_key is %v", got)
	}
}

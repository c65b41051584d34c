package rules

import (
	"encoding/json"
	"fmt"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// Schema is the JSON Schema of a document of access rules, with what each
// handler may be told by a rule: for editors and for checks before a rule is
// delivered. What a handler requires is not required of a rule, because the
// configuration file may have it.
func Schema(handlers pipeline.Handlers) ([]byte, error) {
	var rule map[string]any
	if err := json.Unmarshal(ruleSchemaText, &rule); err != nil {
		return nil, fmt.Errorf("rule schema: %w", err)
	}
	properties, _ := rule["properties"].(map[string]any)
	definitions, _ := rule["$defs"].(map[string]any)
	authorizers := stepSchema(handlers.Authorizers)
	definitions["authenticator"] = stepSchema(handlers.Authenticators)
	definitions["authorizer"] = authorizers
	definitions["mutator"] = stepSchema(handlers.Mutators)
	definitions["error"] = stepSchema(handlers.ErrorHandlers)
	for property, definition := range map[string]string{"authenticators": "authenticator", "mutators": "mutator", "errors": "error"} {
		described, _ := properties[property].(map[string]any)
		described["type"] = []any{"array", "null"}
		described["items"] = reference(definition)
		delete(described, "$ref")
	}
	authorizer, _ := properties["authorizer"].(map[string]any)
	authorizer["$ref"] = "#/$defs/authorizer"
	if step, ok := definitions["step"].(map[string]any); ok {
		// Where steps are combined they are authorizers.
		for key := range step {
			delete(step, key)
		}
		step["$ref"] = "#/$defs/authorizer"
	}
	delete(rule, "$schema")
	delete(rule, "$defs")
	text, err := json.MarshalIndent(map[string]any{
		"$schema":     "https://json-schema.org/draft/2020-12/schema",
		"title":       "access rules",
		"description": "A document of access rules.",
		"type":        []any{"array", "null"},
		"items":       rule,
		"$defs":       definitions,
	}, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("rule schema: %w", err)
	}
	return text, nil
}

func reference(definition string) map[string]any {
	return map[string]any{"$ref": "#/$defs/" + definition}
}

// stepSchema describes a step of one stage: one of the handlers, and for each
// of them its own configuration.
func stepSchema[T any](definitions []pipeline.Definition[T]) map[string]any {
	var names, conditions []any
	for _, d := range definitions {
		names = append(names, d.ID)
		if d.Schema == nil {
			continue
		}
		conditions = append(conditions, map[string]any{
			"if":   map[string]any{"properties": map[string]any{"handler": map[string]any{"const": d.ID}}},
			"then": map[string]any{"properties": map[string]any{"config": optional(d.Schema)}},
		})
	}
	return map[string]any{
		"type":     "object",
		"required": []any{"handler"},
		"properties": map[string]any{
			"handler": map[string]any{"description": "The handler's id.", "enum": names},
			"config":  map[string]any{"description": "What the rule adds to the handler's configuration."},
		},
		"allOf": conditions,
	}
}

// optional is a handler's schema without what it requires, or null.
func optional(schema *document.Schema) map[string]any {
	var described map[string]any
	_ = json.Unmarshal(schema.Text, &described) // it was compiled, so it is JSON
	delete(described, "$schema")
	withoutRequired(described)
	described["type"] = []any{"object", "null"}
	return described
}

func withoutRequired(schema map[string]any) {
	delete(schema, "required")
	properties, _ := schema["properties"].(map[string]any)
	for _, property := range properties {
		if nested, ok := property.(map[string]any); ok {
			withoutRequired(nested)
		}
	}
}

package pipelinetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

const closedHead = `"title": "made", "description": "Made.", "type": "object", "additionalProperties": false`

func TestSchemaProblems(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		schema string
		want   []string
	}{
		"a good schema has none": {
			`{` + closedHead + `, "required": ["a"], "properties": {
				"a": {"description": "A.", "type": "string"},
				"map": {"description": "M.", "type": "object", "additionalProperties": {"type": "string"}},
				"nested": {"description": "N.", "type": "object", "additionalProperties": false, "properties": {
					"b": {"description": "B.", "type": "boolean", "default": true}}},
				"token": {"description": "T.", "type": ["object", "null"], "oneOf": [{"type": "null"},
					{"type": "object", "additionalProperties": false, "properties": {"c": {"description": "C.", "type": "string"}}}]},
				"list": {"description": "L.", "type": "array", "items": {"type": "string"}}}}`, nil,
		},
		"an open root": {
			`{"title": "made", "description": "Made.", "type": "object", "additionalProperties": true}`,
			[]string{"it is not an object with additionalProperties: false", `"" takes any key`},
		},
		"a root that does not say": {
			`{"title": "made", "description": "Made.", "type": "object"}`,
			[]string{"it is not an object with additionalProperties: false", `"" takes any key`},
		},
		"no title and no description": {
			`{"type": "object", "additionalProperties": false}`,
			[]string{"it has no title", "it has no description"},
		},
		"a nested object that is open": {
			`{` + closedHead + `, "properties": {"a": {"description": "A.", "type": "object"}}}`,
			[]string{`"a" takes any key`},
		},
		"a nested object with names that is open": {
			`{` + closedHead + `, "properties": {"a": {"description": "A.", "type": "object", "additionalProperties": {"type": "string"},
				"properties": {"b": {"description": "B.", "type": "string"}}}}}`,
			[]string{`"a" takes any key`},
		},
		"one open branch of two": {
			`{` + closedHead + `, "properties": {"a": {"description": "A.", "oneOf": [
				{"type": "object", "additionalProperties": false, "properties": {"b": {"description": "B.", "type": "string"}}},
				{"type": "object", "properties": {"c": {"description": "C.", "type": "string"}}}]}}}`,
			[]string{`"a" takes any key`},
		},
		"an open object in a list and one in a map": {
			`{` + closedHead + `, "properties": {
				"a": {"description": "A.", "type": "array", "items": {"type": "object"}},
				"b": {"description": "B.", "type": "object", "additionalProperties": {"type": "object"}}}}`,
			[]string{`"a[0]" takes any key`, `"b.*" takes any key`},
		},
		"nested properties without a description or a type": {
			`{` + closedHead + `, "properties": {"a": {"type": "object", "additionalProperties": false, "properties": {"b": {}}}}}`,
			[]string{`"a" has no description`, `"a.b" has no description`, `"a.b" may be of any type`},
		},
		"a default that does not fit": {
			`{` + closedHead + `, "properties": {"a": {"description": "A.", "type": "integer", "default": "five"}}}`,
			[]string{"the default of a: expected integer, got string"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, schemaProblems(compiled(t, test.schema))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

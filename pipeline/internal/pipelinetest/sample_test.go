package pipelinetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSampleIsTheExampleOfTheSchema(t *testing.T) {
	t.Parallel()
	schema := compiled(t, `{`+closedHead+`, "examples": [{"a": "x"}, {"a": "y"}], "properties": {
		"a": {"type": "string"}, "b": {"type": "string", "default": "d"}}}`)
	if diff := cmp.Diff(map[string]any{"a": "x", "b": "d"}, sample(schema)); diff != "" {
		t.Error(diff)
	}
}

func TestSampleIsTheSmallestConfiguration(t *testing.T) {
	t.Parallel()
	schema := compiled(t, `{`+closedHead+`, "required": ["url", "text", "list", "inner", "choice", "fixed", "kept", "size", "on", "ttl"], "properties": {
		"url": {"type": "string", "format": "uri"}, "text": {"type": "string", "minLength": 1},
		"list": {"type": "array", "minItems": 1, "items": {"type": "string"}},
		"inner": {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}, "b": {"type": "string"}}},
		"choice": {"enum": ["one", "two"]}, "fixed": {"const": true}, "kept": {"type": "string", "default": "kept"},
		"size": {"type": "integer", "minimum": 4}, "on": {"type": "boolean"},
		"ttl": {"type": "string", "pattern": "^[0-9]+s$", "examples": ["7s"]},
		"optional": {"type": "string"}, "defaulted": {"type": "string", "default": "d"}}}`)
	got := sample(schema)
	want := map[string]any{
		"url": "http://service.test/path", "text": "text", "list": []any{"text"}, "inner": map[string]any{"a": "text"},
		"choice": "one", "fixed": true, "kept": "kept", "size": 4.0, "on": false, "ttl": "7s", "defaulted": "d",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if violations := schema.Check(got); len(violations) > 0 {
		t.Error(violations)
	}
}

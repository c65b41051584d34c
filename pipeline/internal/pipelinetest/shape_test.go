package pipelinetest

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
)

func compiled(t *testing.T, text string) *document.Schema {
	t.Helper()
	schema, err := document.CompileSchema("made.schema.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

func TestShapeSeesEveryBranchOfASchema(t *testing.T) {
	t.Parallel()
	s := shapeOf(compiled(t, `{
		"type": "object",
		"properties": {"plain": {"type": "string"}, "token": {"$ref": "#/$defs/token", "default": null}},
		"oneOf": [{"properties": {"first": {"type": "boolean"}}}, {"allOf": [{"properties": {"second": {"enum": [1, "x"]}}}]}],
		"$defs": {"token": {"type": ["object", "null"], "anyOf": [{"properties": {"header": {"const": "X"}}}]}}
	}`))
	if diff := cmp.Diff([]string{"first", "plain", "second", "token"}, s.names()); diff != "" {
		t.Error(diff)
	}
	token := s.property("token")
	if diff := cmp.Diff([]string{"header"}, token.names()); diff != "" {
		t.Error(diff)
	}
	second, header := s.property("second"), token.property("header")
	for name, types := range map[string][2][]string{
		"a list of types": {{"null", "object"}, token.types()},
		"an enum":         {{"integer", "string"}, second.types()},
		"a const":         {{"string"}, header.types()},
	} {
		if diff := cmp.Diff(types[0], types[1]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

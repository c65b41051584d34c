package pipelinetest

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"ostiary/config/document"
)

// shape is all that a schema says about one value. It reads the schema's text,
// so that it shares no mistake with the code that compiles it.
type shape struct {
	root  map[string]any
	parts []part
}

// part is a schema, or a branch in one, such as those of a oneOf.
type part struct {
	schema map[string]any
	branch bool
}

func shapeOf(schema *document.Schema) shape {
	var root map[string]any
	if err := json.Unmarshal(schema.Text, &root); err != nil {
		panic(err) // it has been compiled before
	}
	s := shape{root: root}
	s.add(root, false)
	return s
}

var branching = []string{"allOf", "anyOf", "oneOf", "then", "else"}

// add takes in a schema and the branches that describe the same value.
func (s *shape) add(schema map[string]any, branch bool) {
	schema = s.resolve(schema)
	s.parts = append(s.parts, part{schema, branch})
	for _, keyword := range branching {
		for _, inner := range schemas(schema[keyword]) {
			s.add(inner, true)
		}
	}
}

// schemas are those that a keyword has: one, or a list.
func schemas(value any) []map[string]any {
	switch v := value.(type) {
	case map[string]any:
		return []map[string]any{v}
	case []any:
		var all []map[string]any
		for _, item := range v {
			if schema, ok := item.(map[string]any); ok {
				all = append(all, schema)
			}
		}
		return all
	}
	return nil
}

// resolve follows a local reference, beside which other keywords may stand.
func (s *shape) resolve(schema map[string]any) map[string]any {
	reference, ok := schema["$ref"].(string)
	if !ok {
		return schema
	}
	path := strings.Split(strings.TrimPrefix(reference, "#/"), "/")
	found, _ := document.Lookup(s.root, path)
	target, _ := found.(map[string]any)
	merged := maps.Clone(s.resolve(target))
	if merged == nil {
		merged = map[string]any{}
	}
	for key, value := range schema {
		if key != "$ref" {
			merged[key] = value
		}
	}
	return merged
}

// below is the shape of a part of the value.
func (s *shape) below(found []map[string]any) shape {
	inner := shape{root: s.root}
	for _, schema := range found {
		inner.add(schema, false)
	}
	return inner
}

// names are the properties that the schema knows, sorted.
func (s *shape) names() []string {
	known := map[string]bool{}
	for _, p := range s.parts {
		properties, _ := p.schema["properties"].(map[string]any)
		for name := range properties {
			known[name] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

func (s *shape) property(name string) shape {
	var found []map[string]any
	for _, p := range s.parts {
		properties, _ := p.schema["properties"].(map[string]any)
		found = append(found, schemas(properties[name])...)
	}
	return s.below(found)
}

// keyword gathers the schemas under a keyword, such as items.
func (s *shape) keyword(name string) (shape, bool) {
	var found []map[string]any
	for _, p := range s.parts {
		found = append(found, schemas(p.schema[name])...)
	}
	return s.below(found), len(found) > 0
}

// first is the first value that a keyword has.
func (s *shape) first(keyword string) any {
	for _, p := range s.parts {
		if value, ok := p.schema[keyword]; ok {
			return value
		}
	}
	return nil
}

// types are the types that a value may have; nothing if the schema does not
// say.
func (s *shape) types() []string {
	known := map[string]bool{}
	for _, p := range s.parts {
		switch t := p.schema["type"].(type) {
		case string:
			known[t] = true
		case []any:
			for _, name := range t {
				text, _ := name.(string)
				known[text] = true
			}
		}
		values, _ := p.schema["enum"].([]any)
		if value, ok := p.schema["const"]; ok {
			values = append(values, value)
		}
		for _, value := range values {
			known[document.TypeName(value)] = true
		}
	}
	return slices.Sorted(maps.Keys(known))
}

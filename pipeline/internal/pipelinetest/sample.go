package pipelinetest

import (
	"slices"

	"ostiary/config/document"
)

// sample is a configuration that a handler has to take: the first of the
// schema's "examples" or, without any, the smallest that the schema allows.
// Where a schema asks for more than types can tell, such as a pattern, the
// first of the property's own "examples" is taken.
func sample(schema *document.Schema) map[string]any {
	whole, _ := document.Merge(schema.Defaults(), shapeOf(schema).sample(), nil).(map[string]any)
	return whole
}

func (s shape) sample() any {
	for _, keyword := range []string{"examples", "enum"} {
		if values, ok := s.first(keyword).([]any); ok && len(values) > 0 {
			return values[0]
		}
	}
	for _, keyword := range []string{"const", "default"} {
		if value := s.first(keyword); value != nil {
			return value
		}
	}
	types := s.types()
	switch {
	case slices.Contains(types, "object"):
		return s.sampleObject()
	case slices.Contains(types, "array"):
		if inner, ok := s.keyword("items"); ok {
			return []any{inner.sample()}
		}
		return []any{}
	case slices.Contains(types, "string"):
		if s.first("format") == "uri" {
			return "http://service.test/path"
		}
		return "text"
	case slices.Contains(types, "boolean"):
		return false
	case slices.Contains(types, "integer"), slices.Contains(types, "number"):
		if least := s.first("minimum"); least != nil {
			return least
		}
		return 1
	}
	return nil
}

// sampleObject has the keys that the schema itself requires, or else those
// that the first of its branches does.
func (s shape) sampleObject() map[string]any {
	object := map[string]any{}
	required, _ := s.first("required").([]any)
	for _, one := range required {
		name, _ := one.(string)
		property := s.property(name)
		object[name] = property.sample()
	}
	return object
}

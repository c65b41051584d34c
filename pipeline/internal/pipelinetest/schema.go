package pipelinetest

import (
	"fmt"
	"slices"

	"ostiary/config/document"
)

// schemaProblems are what keeps a schema from being the reference for a
// handler's configuration: it takes keys that it does not know, it does not
// say what a key is for, or its defaults do not fit it.
func schemaProblems(schema *document.Schema) []string {
	root := shapeOf(schema)
	var problems []string
	if closed, _ := root.root["additionalProperties"].(bool); root.root["type"] != "object" || root.root["additionalProperties"] == nil || closed {
		problems = append(problems, "it is not an object with additionalProperties: false")
	}
	for _, keyword := range []string{"title", "description"} {
		if text, _ := root.root[keyword].(string); text == "" {
			problems = append(problems, "it has no "+keyword)
		}
	}
	problems = append(problems, shapeProblems(root, nil)...)
	for _, v := range schema.Check(schema.Defaults()) {
		if !v.Missing {
			problems = append(problems, fmt.Sprintf("the default of %s: %s", v.Path, v.Message))
		}
	}
	return problems
}

func shapeProblems(s shape, at document.Path) []string {
	var problems []string
	names := s.names()
	isObject := len(names) > 0 || slices.Contains(s.types(), "object")
	if isObject && !s.closed(len(names) > 0) {
		problems = append(problems, fmt.Sprintf("%q takes any key", at.String()))
	}
	for _, name := range names {
		property := s.property(name)
		if text, _ := property.first("description").(string); text == "" {
			problems = append(problems, fmt.Sprintf("%q has no description", at.With(name).String()))
		}
		if len(property.types()) == 0 {
			problems = append(problems, fmt.Sprintf("%q may be of any type", at.With(name).String()))
		}
		problems = append(problems, shapeProblems(property, at.With(name))...)
	}
	for keyword, step := range map[string]string{"items": "0", "additionalProperties": "*"} {
		if inner, ok := s.keyword(keyword); ok {
			problems = append(problems, shapeProblems(inner, at.With(step))...)
		}
	}
	slices.Sort(problems)
	return problems
}

// closed reports whether a value with a key that the schema does not know is
// refused. A value whose keys have no names, such as a map of headers, has to
// say what their values are.
func (s *shape) closed(named bool) bool {
	objects := 0
	for _, p := range s.parts {
		_, isObject := p.schema["properties"]
		isObject = isObject || p.schema["type"] == "object"
		switch closed := p.closed(named); {
		case closed && !p.branch:
			return true
		case isObject && p.branch && !closed:
			return false
		case isObject && p.branch:
			objects++
		}
	}
	return objects > 0
}

func (p part) closed(named bool) bool {
	for _, keyword := range []string{"additionalProperties", "unevaluatedProperties"} {
		switch rest := p.schema[keyword].(type) {
		case bool:
			if !rest {
				return true
			}
		case map[string]any:
			if !named {
				return true
			}
		}
	}
	return false
}

package document

import (
	"fmt"
	"maps"
	"slices"
)

// branches are the keywords whose schemas describe the same value as the
// schema they stand in.
var branches = []string{"then", "else", "allOf", "anyOf", "oneOf"}

// At is the part of the schema that describes the value at path, as plain
// values with local references followed, or nil if the schema does not say.
func (s *Schema) At(path Path) map[string]any {
	at := s.resolve(s.plain)
	for _, step := range path {
		next := s.property(at, step, 0)
		if next == nil {
			if next, _ = at["items"].(map[string]any); next == nil {
				next, _ = at["additionalProperties"].(map[string]any)
			}
		}
		if next == nil {
			return nil
		}
		at = s.resolve(next)
	}
	return at
}

// maxBranches bounds how deep branches stand in branches.
const maxBranches = 4

// property finds a property in a schema or in one of its branches. A branch is
// asked if the schema itself does not say what kind of value the property has.
func (s *Schema) property(schema map[string]any, name string, depth int) map[string]any {
	properties, _ := schema["properties"].(map[string]any)
	found, _ := properties[name].(map[string]any)
	if describes(s.resolve(found)) || depth == maxBranches {
		return found
	}
	for _, branch := range branchesOf(schema) {
		inner := s.resolve(s.property(s.resolve(branch), name, depth+1))
		if describes(inner) {
			both := make(map[string]any, len(found)+len(inner))
			maps.Copy(both, found)
			maps.Copy(both, inner)
			return both
		}
	}
	return found
}

// describes tells whether a schema says what kind of value it is for.
func describes(schema map[string]any) bool {
	for _, keyword := range []string{"type", "enum", "const", "properties", "items", "oneOf", "anyOf", "allOf"} {
		if _, ok := schema[keyword]; ok {
			return true
		}
	}
	return false
}

// branchesOf are the schemas of a schema's branches, references and all.
func branchesOf(schema map[string]any) []map[string]any {
	var found []map[string]any
	for _, keyword := range branches {
		listed, ok := schema[keyword].([]any)
		if !ok {
			listed = []any{schema[keyword]}
		}
		for _, one := range listed {
			if branch, ok := one.(map[string]any); ok {
				found = append(found, branch)
			}
		}
	}
	return found
}

// Types are the types that a value at path may have, or nothing if the schema
// does not say.
func (s *Schema) Types(path Path) []string { return s.types(s.At(path), 0) }

func (s *Schema) types(schema map[string]any, depth int) []string {
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var all []string
		for _, name := range t {
			all = append(all, fmt.Sprint(name))
		}
		return all
	}
	if listed, ok := schema["enum"].([]any); ok {
		var all []string
		for _, value := range listed {
			all = append(all, TypeName(value))
		}
		return all
	}
	var all []string
	for _, branch := range branchesOf(schema) {
		if depth < maxBranches {
			all = append(all, s.types(s.resolve(branch), depth+1)...)
		}
	}
	return all
}

// Replaces reports whether the value at path replaces the one below it as a
// whole; see Merge.
func (s *Schema) Replaces(path Path) bool {
	replaces, _ := s.At(path)["replace"].(bool)
	return replaces
}

// Paths are the paths of all values that the schema names, parents first.
// Items of lists and keys of open maps have no names.
func (s *Schema) Paths() []Path {
	var all []Path
	s.walk(nil, s.plain, nil, &all)
	slices.SortFunc(all, ComparePaths)
	return slices.CompactFunc(all, slices.Equal)
}

func (s *Schema) walk(at Path, schema map[string]any, following []string, all *[]Path) {
	schema, following, ok := s.enter(schema, following)
	if !ok {
		return
	}
	properties, _ := schema["properties"].(map[string]any)
	for key, property := range properties {
		*all = append(*all, at.With(key))
		if nested, ok := property.(map[string]any); ok {
			s.walk(at.With(key), nested, following, all)
		}
	}
	for _, branch := range branchesOf(schema) {
		s.walk(at, branch, following, all)
	}
}

package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// Schema is a compiled JSON Schema (draft 2020-12) that also carries what is
// laid under the values it checks. Beyond the standard it gives a meaning to
// four keywords:
//
//   - "default" is really applied, by Defaults;
//   - "replace": true on a property says that a value laid over another one
//     replaces it as a whole instead of being merged key by key;
//   - "errorMessage" says in words what "pattern", "format", "oneOf" or "anyOf"
//     beside it ask for;
//   - "writeOnly": true keeps a value out of messages.
type Schema struct {
	Text     []byte
	plain    map[string]any
	compiled *jsonschema.Schema
	defaults map[string]any
}

// CompileSchema reads a schema. The name appears in errors only.
func CompileSchema(name string, text []byte) (*Schema, error) {
	s := &Schema{Text: text}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	if err := decoder.Decode(&s.plain); err != nil {
		return nil, fmt.Errorf("schema %s: %w", name, err)
	}
	compiler := jsonschema.NewCompiler()
	compiler.Draft = jsonschema.Draft2020
	compiler.AssertFormat = true
	compiler.Formats = map[string]func(any) bool{"uri": isURI, "uri-reference": isURIReference}
	location := "schema:///" + url.PathEscape(name)
	if err := compiler.AddResource(location, bytes.NewReader(text)); err != nil {
		return nil, fmt.Errorf("schema %s: %w", name, err)
	}
	var err error
	if s.compiled, err = compiler.Compile(location); err != nil {
		return nil, fmt.Errorf("schema %s: %w", name, err)
	}
	s.defaults, _ = s.defaultOf(s.plain, nil).(map[string]any)
	return s, nil
}

// MustCompileSchema is CompileSchema for schemas that are part of the program.
func MustCompileSchema(name string, text []byte) *Schema {
	s, err := CompileSchema(name, text)
	if err != nil {
		panic(err)
	}
	return s
}

// isURI accepts what parses and has a scheme (contract section 1.2). A
// backslash is refused everywhere, not only in rules.
func isURI(value any) bool {
	text, ok := value.(string)
	if !ok {
		return true
	}
	parsed, err := url.Parse(text)
	return err == nil && parsed.Scheme != "" && clean(text)
}

func isURIReference(value any) bool {
	text, ok := value.(string)
	if !ok {
		return true
	}
	_, err := url.Parse(text)
	return err == nil && clean(text)
}

func clean(text string) bool {
	return !strings.Contains(text, `\`) && strings.TrimSpace(text) == text
}

// Defaults are the values that the schema gives to keys that are not set. The
// caller may change them.
func (s *Schema) Defaults() map[string]any {
	defaults, _ := clone(s.defaults).(map[string]any)
	return defaults
}

func clone(value any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = clone(item)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = clone(item)
		}
		return out
	}
	return value
}

// defaultOf collects the default of a schema and of its properties, or nil.
// The references that are being followed keep it out of circles.
func (s *Schema) defaultOf(schema map[string]any, following []string) any {
	schema, following, ok := s.enter(schema, following)
	if !ok {
		return nil
	}
	if value, ok := schema["default"]; ok {
		return value
	}
	properties, _ := schema["properties"].(map[string]any)
	collected := map[string]any{}
	for key, property := range properties {
		nested, _ := property.(map[string]any)
		if value := s.defaultOf(nested, following); value != nil {
			collected[key] = value
		}
	}
	if len(collected) == 0 {
		return nil
	}
	return collected
}

// enter is resolve for a walk through the whole schema; not ok means that the
// walk has come back to a reference it is already following.
func (s *Schema) enter(schema map[string]any, following []string) (map[string]any, []string, bool) {
	ref, ok := schema["$ref"].(string)
	if !ok {
		return schema, following, true
	}
	if slices.Contains(following, ref) {
		return nil, nil, false
	}
	return s.resolve(schema), append(slices.Clone(following), ref), true
}

// maxReferences bounds a chain of references.
const maxReferences = 16

// resolve follows local references (#/…); what stands beside a reference
// counts more than what it leads to.
func (s *Schema) resolve(schema map[string]any) map[string]any {
	for range maxReferences {
		ref, ok := schema["$ref"].(string)
		if !ok || !strings.HasPrefix(ref, "#/") {
			break
		}
		found, _ := Lookup(s.plain, pointer(ref[1:]))
		target, _ := found.(map[string]any)
		if len(schema) == 1 {
			schema = target
			continue
		}
		merged := make(map[string]any, len(target)+len(schema))
		maps.Copy(merged, target)
		for key, value := range schema {
			if key != "$ref" {
				merged[key] = value
			}
		}
		schema = merged
	}
	return schema
}

// pointer reads a JSON Pointer in the form it has in a URL.
func pointer(location string) Path {
	if location == "" {
		return nil
	}
	steps := strings.Split(location[1:], "/")
	for i, step := range steps {
		if decoded, err := url.PathUnescape(step); err == nil {
			step = decoded
		}
		steps[i] = pointerEscapes.Replace(step)
	}
	return steps
}

// pointerEscapes are those of RFC 6901 section 3.
var pointerEscapes = strings.NewReplacer("~1", "/", "~0", "~")

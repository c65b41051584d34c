package config

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"

	"ostiary/config/document"
)

//go:embed config.schema.json
var schemaText []byte

// object is a JSON object of a schema.
type object = map[string]any

// Schema is the JSON Schema of a configuration with these handlers. It
// describes the settings of a handler that is enabled as the handler itself
// does. What the handler requires is required there, although a configuration
// loads without it if every rule that uses the handler adds it.
func Schema(handlers []Handler) ([]byte, error) {
	var schema object
	decoder := json.NewDecoder(bytes.NewReader(schemaText))
	decoder.UseNumber()
	if err := decoder.Decode(&schema); err != nil {
		return nil, fmt.Errorf("config.schema.json: %w", err)
	}
	seen := make(map[string]bool, len(handlers))
	for _, h := range handlers {
		name := string(h.Stage) + "." + h.ID
		if seen[name] {
			return nil, fmt.Errorf("there are two handlers with the name %s", name)
		}
		seen[name] = true
		if err := describe(schema, name, h); err != nil {
			return nil, err
		}
	}
	return json.MarshalIndent(schema, "", "  ")
}

// compiled is the schema that was compiled last: a program loads its
// configuration again and again with the same handlers, and compiling takes
// longer than all the rest.
var compiled struct {
	sync.Mutex
	schema *document.Schema
}

// compile makes the schema that a configuration with these handlers must fit.
func compile(handlers []Handler) (*document.Schema, error) {
	text, err := Schema(handlers)
	if err != nil {
		return nil, err
	}
	compiled.Lock()
	defer compiled.Unlock()
	if compiled.schema == nil || !bytes.Equal(compiled.schema.Text, text) {
		schema, err := document.CompileSchema("config.schema.json", text)
		if err != nil {
			return nil, err
		}
		compiled.schema = schema
	}
	return compiled.schema, nil
}

// describe adds a handler to the schema.
func describe(schema object, name string, h Handler) error {
	var steps document.Path
	for _, step := range h.Stage.path() {
		steps = append(steps, "properties", step)
	}
	found, _ := document.Lookup(schema, steps.With("properties"))
	known, ok := found.(object)
	if !ok {
		return fmt.Errorf("handler %s: there is no stage %q", h.ID, h.Stage)
	}
	defs, _ := schema["$defs"].(object)
	open, _ := defs["switch"].(object)
	entry := maps.Clone(open)
	if listed, ok := known[h.ID].(object); ok {
		maps.Copy(entry, listed)
		delete(entry, "$ref")
	}
	known[h.ID] = entry

	settings := object{"description": "Not looked at: the handler has no settings."}
	if h.Schema == nil {
		delete(entry, "if")
		delete(entry, "then")
	} else {
		own, err := embedded(h.Schema, "#/$defs/"+name)
		if err != nil {
			return fmt.Errorf("handler %s: %w", name, err)
		}
		defs[name] = own
		settings["description"] = "The settings of the handler; a rule may add to them. Not looked at unless the handler is enabled."
		entry["then"] = object{"properties": object{"config": object{"type": "object", "$ref": "#/$defs/" + name}}}
	}
	properties, _ := entry["properties"].(object)
	properties = maps.Clone(properties)
	properties["config"] = settings
	entry["properties"] = properties
	return nil
}

// embedded is a handler's schema as a part of another one, where its own
// references begin with prefix.
func embedded(schema *document.Schema, prefix string) (object, error) {
	var own object
	decoder := json.NewDecoder(bytes.NewReader(schema.Text))
	decoder.UseNumber()
	if err := decoder.Decode(&own); err != nil {
		return nil, err
	}
	delete(own, "$schema")
	delete(own, "$id")
	redirect(own, prefix)
	return own, nil
}

// redirect moves the local references of a schema.
func redirect(schema any, prefix string) {
	switch s := schema.(type) {
	case object:
		for key, value := range s {
			switch ref, ok := value.(string); {
			case ok && key == "$ref" && strings.HasPrefix(ref, "#"):
				s[key] = prefix + ref[1:]
			case key != "default" && key != "const" && key != "enum" && key != "examples":
				redirect(value, prefix)
			}
		}
	case []any:
		for _, item := range s {
			redirect(item, prefix)
		}
	}
}

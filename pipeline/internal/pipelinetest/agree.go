package pipelinetest

import (
	"bytes"
	"encoding"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"ostiary/config/document"
)

// disagreements are the differences between a schema and the Go type that its
// values are decoded into, in both directions. config is a pointer to such a
// value.
func disagreements(schema *document.Schema, config any) []string {
	problems := compare(shapeOf(schema), reflect.TypeOf(config).Elem(), nil)
	problems = append(problems, undecoded(schema, config)...)
	slices.Sort(problems)
	return problems
}

var (
	unmarshaler     = reflect.TypeFor[json.Unmarshaler]()
	textUnmarshaler = reflect.TypeFor[encoding.TextUnmarshaler]()
)

// readsItself reports whether a type decides for itself what JSON it takes.
func readsItself(t reflect.Type) bool {
	pointer := reflect.PointerTo(t)
	return t.Kind() == reflect.Interface || pointer.Implements(unmarshaler) || pointer.Implements(textUnmarshaler)
}

func compare(s shape, t reflect.Type, at document.Path) []string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if readsItself(t) {
		return nil
	}
	if types := notNull(s.types()); !slices.Equal(types, typesOf(t)) {
		return []string{fmt.Sprintf("%q is %s in Go and %s in the schema", at.String(), t, strings.Join(types, " or "))}
	}
	switch t.Kind() {
	case reflect.Struct:
		return compareStruct(s, t, at)
	case reflect.Map:
		if names := s.names(); len(names) > 0 {
			return compareKeys(s, names, t, at)
		}
		if inner, ok := s.keyword("additionalProperties"); ok {
			return compare(inner, t.Elem(), at.With("*"))
		}
	case reflect.Slice:
		if inner, ok := s.keyword("items"); ok {
			return compare(inner, t.Elem(), at.With("0"))
		}
	default:
		return nil
	}
	return []string{fmt.Sprintf("%q has values of which the schema says nothing", at.String())}
}

// compareKeys is for a map of which the schema names the keys. It names all of
// them, or the map would have others that nobody looks at.
func compareKeys(s shape, names []string, t reflect.Type, at document.Path) []string {
	if s.first("additionalProperties") != false {
		return []string{fmt.Sprintf("%q is a map in Go and may have other keys in the schema than those it names", at.String())}
	}
	var problems []string
	for _, name := range names {
		problems = append(problems, compare(s.property(name), t.Elem(), at.With(name))...)
	}
	return problems
}

func compareStruct(s shape, t reflect.Type, at document.Path) []string {
	var problems []string
	fields := fieldsOf(t)
	for _, name := range s.names() {
		field, ok := fields[name]
		if !ok {
			problems = append(problems, fmt.Sprintf("%q is in the schema and not in Go", at.With(name).String()))
			continue
		}
		problems = append(problems, compare(s.property(name), field.Type, at.With(name))...)
		delete(fields, name)
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		problems = append(problems, fmt.Sprintf("%q is in Go and not in the schema", at.With(name).String()))
	}
	return problems
}

// fieldsOf are the fields that encoding/json fills in, by their names in JSON.
func fieldsOf(t reflect.Type) map[string]reflect.StructField {
	fields := make(map[string]reflect.StructField)
	for _, field := range reflect.VisibleFields(t) {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous && name == "", !field.IsExported(), name == "-":
			continue // its own fields are visible themselves, or nothing is read
		case name == "":
			name = field.Name
		}
		fields[name] = field
	}
	return fields
}

// typesOf are the names in JSON Schema of what a Go type can hold.
func typesOf(t reflect.Type) []string {
	switch t.Kind() {
	case reflect.Bool:
		return []string{"boolean"}
	case reflect.String:
		return []string{"string"}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return []string{"integer"}
	case reflect.Float32, reflect.Float64:
		return []string{"number"}
	case reflect.Slice:
		return []string{"array"}
	case reflect.Struct, reflect.Map:
		return []string{"object"}
	default:
		return nil
	}
}

func notNull(types []string) []string {
	return slices.DeleteFunc(types, func(name string) bool { return name == "null" })
}

// undecoded are the defaults of the schema that do not arrive in the Go value.
func undecoded(schema *document.Schema, config any) []string {
	defaults := schema.Defaults()
	text, err := json.Marshal(defaults)
	if err != nil {
		return []string{err.Error()}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(config); err != nil {
		return []string{"the defaults cannot be decoded: " + err.Error()}
	}
	return differences(defaults, reflect.ValueOf(config).Elem(), nil)
}

func differences(want any, got reflect.Value, at document.Path) []string {
	for got.Kind() == reflect.Pointer && !got.IsNil() {
		got = got.Elem()
	}
	object, isObject := want.(map[string]any)
	if isObject && got.Kind() == reflect.Struct && !readsItself(got.Type()) {
		var problems []string
		fields := fieldsOf(got.Type())
		for _, name := range slices.Sorted(maps.Keys(object)) {
			if field, ok := fields[name]; ok {
				problems = append(problems, differences(object[name], got.FieldByIndex(field.Index), at.With(name))...)
			}
		}
		return problems
	}
	wanted, _ := json.Marshal(want)
	found, _ := json.Marshal(got.Interface())
	// What a type that reads itself makes of a text is its own business, as
	// long as it makes something of it.
	arrived := bytes.Equal(wanted, found) || (readsItself(got.Type()) && !got.IsZero())
	if arrived {
		return nil
	}
	return []string{fmt.Sprintf("the default of %q is %s in the schema and %s in Go", at.String(), wanted, found)}
}

package document

import (
	"cmp"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// Violation is one way in which a value does not fit its schema.
type Violation struct {
	Path    Path
	Message string
	Missing bool // something required is not there, which a later layer may still add
}

// Check finds every violation, in the order of their paths.
func (s *Schema) Check(value any) []Violation { return s.CheckShowing(value, value) }

// CheckShowing is Check for a value parts of which are not to be shown.
// Messages show the parts of shown in their place.
func (s *Schema) CheckShowing(value, shown any) []Violation {
	err := s.compiled.Validate(value)
	if err == nil {
		return nil
	}
	invalid, ok := err.(*jsonschema.ValidationError) //nolint:errorlint // the library returns it unwrapped
	if !ok {
		return []Violation{{Message: err.Error()}}
	}
	var found []Violation
	for _, failure := range s.failures(both{value, shown}, invalid) {
		found = append(found, failure.explain()...)
	}
	slices.SortFunc(found, func(a, b Violation) int {
		return cmp.Or(ComparePaths(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(found, func(a, b Violation) bool {
		return slices.Equal(a.Path, b.Path) && a.Message == b.Message
	})
}

// both are a whole value and what is shown of it.
type both struct{ value, shown any }

// failure is a keyword that a value does not satisfy.
type failure struct {
	path    Path
	value   any
	visible any // what is shown in place of the value
	keyword string
	schema  map[string]any // that the keyword stands in
	text    string         // what the library says
	branch  []failure      // of the one branch that was meant, if that can be told
	lacks   bool           // nothing is wrong, but something is not there
	missing []string       // keys of which one may be what is not there
}

// failures are those that say what is wrong, rather than where in the schema
// it was noticed.
func (s *Schema) failures(root both, e *jsonschema.ValidationError) []failure {
	at := failure{path: pointer(e.InstanceLocation), text: e.Message}
	at.value, _ = Lookup(root.value, at.path)
	at.visible, _ = Lookup(root.shown, at.path)
	if _, location, ok := strings.Cut(e.AbsoluteKeywordLocation, "#"); ok && location != "" {
		steps := pointer(location)
		at.keyword = steps[len(steps)-1]
		parent, _ := Lookup(s.plain, steps[:len(steps)-1])
		at.schema, _ = parent.(map[string]any)
	}
	switch at.keyword {
	case "oneOf", "anyOf":
		s.choose(root, e, &at)
		return []failure{at}
	case "not":
		return []failure{at}
	}
	if len(e.Causes) == 0 {
		return []failure{at}
	}
	var all []failure
	for _, cause := range e.Causes {
		all = append(all, s.failures(root, cause)...)
	}
	return withoutConsequences(all)
}

// withoutConsequences drops what failed only because the type is wrong.
func withoutConsequences(all []failure) []failure {
	wrong := make(map[string]bool)
	for _, f := range all {
		if f.keyword == "type" {
			wrong[f.path.String()] = true
		}
	}
	return slices.DeleteFunc(all, func(f failure) bool { return f.keyword != "type" && wrong[f.path.String()] })
}

// choose looks which of the alternatives was meant: the only one that the
// value has the right type for.
func (s *Schema) choose(root both, e *jsonschema.ValidationError, at *failure) {
	var meant [][]failure
	for _, cause := range e.Causes {
		failed := s.failures(root, cause)
		wrongType := slices.ContainsFunc(failed, func(f failure) bool {
			return f.keyword == "type" && slices.Equal(f.path, at.path)
		})
		if !wrongType {
			meant = append(meant, failed)
		}
	}
	if len(meant) == 1 {
		at.branch = meant[0]
	}
	at.lacks = len(meant) > 0
	for _, failed := range meant {
		missing, only := lacking(failed, at.path)
		at.lacks = at.lacks && only
		at.missing = append(at.missing, missing...)
	}
}

// lacking are the keys that alone would mend the failures of a value.
func lacking(failed []failure, path Path) ([]string, bool) {
	var keys []string
	for _, f := range failed {
		if !slices.Equal(f.path, path) || (f.keyword != "required" && f.keyword != "minProperties") {
			return nil, false
		}
		keys = append(keys, f.required()...)
	}
	return keys, true
}

// required are the keys that the schema requires and the value does not have.
func (f failure) required() []string {
	listed, _ := f.schema["required"].([]any)
	object, _ := f.value.(map[string]any)
	var keys []string
	for _, one := range listed {
		key, _ := one.(string)
		if _, there := object[key]; !there {
			keys = append(keys, key)
		}
	}
	return keys
}

package config

import (
	"slices"
	"strconv"
	"strings"

	"ostiary/config/document"
)

// unread is a value that refers to what stands elsewhere. It stands in the
// place of the value until all layers have been laid over each other, so that
// nobody needs what a later layer replaces.
type unread struct {
	text      string // as it is written
	directory string // where relative paths begin
}

// marked is a value with an unread in the place of each text that refers.
func marked(value any, directory string) any {
	return replaceLeaves(nil, value, func(_ document.Path, leaf any) any {
		if text, ok := leaf.(string); ok && refers(text) {
			return unread{text, directory}
		}
		return leaf
	})
}

// replaceLeaves is a copy of a value with others in the place of all that are
// neither maps nor lists.
func replaceLeaves(at document.Path, value any, replace func(document.Path, any) any) any {
	switch v := value.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, item := range v {
			out[key] = replaceLeaves(at.With(key), item, replace)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, item := range v {
			out[i] = replaceLeaves(at.With(strconv.Itoa(i)), item, replace)
		}
		return out
	}
	return replace(at, value)
}

// references are what the values of a configuration have come from, as far as
// that is not the configuration itself.
type references struct {
	written    any // the layers over each other, with references as texts
	unresolved []document.Path
	confided   []confided
}

// resolve follows all references of the layers, and tells of those that lead
// nowhere.
func (l *loading) resolve() any {
	l.referred.written = replaceLeaves(nil, l.merged, func(_ document.Path, leaf any) any {
		if u, ok := leaf.(unread); ok {
			return u.text
		}
		return leaf
	})
	var unresolved []document.Path
	resolved := replaceLeaves(nil, l.merged, func(at document.Path, leaf any) any {
		u, ok := leaf.(unread)
		if !ok {
			return leaf
		}
		value, err := l.follow(at, u)
		if err != nil {
			l.problem(at, err.Error())
			unresolved = append(unresolved, at)
			return u.text
		}
		return value
	})
	l.referred.unresolved = unresolved
	return resolved
}

// follow makes a value of a text with references. Where no text may be, it is
// read like an environment variable.
func (l *loading) follow(at document.Path, u unread) (any, error) {
	parts, err := pieces(u.text)
	if err != nil {
		return nil, err
	}
	var text strings.Builder
	var found []confided
	for _, part := range parts {
		if part.reference == nil {
			text.WriteString(part.literal)
			continue
		}
		value, err := l.sources.follow(part.reference, u.directory)
		if err != nil {
			return nil, err
		}
		text.WriteString(value)
		found = append(found, confided{value, part.reference.String()})
	}
	types := l.schema.Types(at)
	if isSingle(types) && !slices.Contains(types, "string") {
		return single(types, text.String(), document.Show(u.text))
	}
	if l.schema.At(at)["enum"] == nil { // those words are in the documentation
		l.referred.confide(found)
	}
	return text.String(), nil
}

// isUnresolved tells whether a value, or one that it is a part of, is not known.
func (r *references) isUnresolved(path document.Path) bool {
	return slices.ContainsFunc(r.unresolved, func(at document.Path) bool {
		return len(path) >= len(at) && slices.Equal(path[:len(at)], at)
	})
}

package config

import (
	"slices"

	"ostiary/config/document"
)

// layer is one source of values: a file or an environment variable.
type layer struct {
	name     string
	at       document.Path // of the value, in the configuration as a whole
	value    any
	document *document.Document // nil for an environment variable
}

// layers are the sources in the order of their precedence, the last of which
// counts most.
type layers []layer

// where finds the last layer that holds the value at path. Without one it is
// a layer that holds a part of the value or else, if it is a file, the nearest
// parent.
func (all layers) where(path document.Path) (name string, line int) {
	for length := len(path); length >= 0; length-- {
		for _, l := range slices.Backward(all) {
			rest, ok := l.has(path[:length])
			if !ok {
				continue
			}
			if l.document != nil {
				line = l.document.Line(rest)
			}
			return l.name, line
		}
		for _, l := range slices.Backward(all) {
			if length == len(path) && length > 0 && len(l.at) > length && slices.Equal(l.at[:length], path) {
				return l.name, 0
			}
		}
	}
	return "", 0
}

// has leads from the layer to the value at path.
func (l layer) has(path document.Path) (document.Path, bool) {
	if len(path) < len(l.at) || !slices.Equal(path[:len(l.at)], l.at) {
		return nil, false
	}
	rest := path[len(l.at):]
	_, ok := document.Lookup(l.value, rest)
	return rest, ok
}

// nest is a configuration with nothing but value, at path.
func nest(path document.Path, value any) any {
	for _, step := range slices.Backward(path) {
		value = map[string]any{step: value}
	}
	return value
}

package config

import (
	"maps"
	"slices"
	"strings"

	"ostiary/config/document"
)

// ours are the beginnings of names that hardly any other program uses.
var ours = []string{
	"access_rules_", "authenticators_", "authorizers_", "mutators_", "errors_handlers_", "errors_fallback_",
	"serve_proxy_", "serve_api_", "serve_prometheus_",
}

// unmatched says what to do about a variable that sets nothing although its
// name looks as if it should. Such a variable is ignored (contract 1.3), but a
// misspelt one must not go unnoticed.
func unmatched(schema *document.Schema, key string, paths map[string]document.Path) string {
	if !slices.ContainsFunc(ours, func(prefix string) bool { return strings.HasPrefix(key, prefix) }) {
		return ""
	}
	names := slices.Sorted(maps.Keys(paths))
	for _, name := range slices.Backward(names) {
		if strings.HasPrefix(key, name+"_") && isOpen(schema, paths[name]) {
			return "ignored: a part of " + paths[name].String() + " has no variable of its own; set all of it as JSON in " + strings.ToUpper(name)
		}
	}
	for i, name := range names {
		names[i] = strings.ToUpper(name)
	}
	return "ignored: there is no setting of that name" + document.Suggest(strings.ToUpper(key), names)
}

// isOpen tells whether the schema leaves the keys of an object to the
// operator.
func isOpen(schema *document.Schema, path document.Path) bool {
	part := schema.At(path)
	types := schema.Types(path)
	return part["properties"] == nil && (len(types) == 0 || slices.Contains(types, "object"))
}

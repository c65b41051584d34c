// Package document reads YAML, JSON and TOML into plain values, remembers at
// which line each of them stands, merges them, and checks them against JSON
// Schemas with messages meant for an operator.
//
// It is the ground that configuration, handler configuration and access rules
// stand on, and it knows nothing of any of them: a value is a map[string]any,
// a []any, a string, a bool, a json.Number or nil.
package document

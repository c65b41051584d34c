package plainjson

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// FuzzCheck looks for a text that passes and that a reader may
// understand in two ways.
func FuzzCheck(f *testing.F) {
	for _, seed := range []string{``, `{}`, `{"a": 1, "a": 2}`, `{"a": 1, "\u0061": 2}`, `[{"a": {"b": []}}]`, `"\ud800"`, `{"k": 1, "\u212a": 2}`, `{"admin": false, "AdmIn": true}`, `1e400`, strings.Repeat("[", 300)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if Check([]byte(text)) != nil {
			return
		}
		var value any
		if err := json.Unmarshal([]byte(text), &value); err != nil {
			t.Fatalf("%q passes and is no JSON: %v", text, err)
		}
		if twice := namesakes(value); twice {
			t.Fatalf("%q passes with two members whose names differ in case alone", text)
		}
		if named, members := names(json.NewDecoder(strings.NewReader(text))), size(value); named != members {
			t.Fatalf("%q passes with %d names for %d members", text, named, members)
		}
	})
}

// names is the number of names of members in a value that is read.
func names(decoder *json.Decoder) int {
	token, err := decoder.Token()
	if err != nil {
		return 0
	}
	found := 0
	switch token {
	case json.Delim('{'):
		for decoder.More() {
			_, _ = decoder.Token() // the name
			found += 1 + names(decoder)
		}
	case json.Delim('['):
		for decoder.More() {
			found += names(decoder)
		}
	default:
		return 0
	}
	_, _ = decoder.Token() // the end of it
	return found
}

// size is the number of members that are left of it.
func size(value any) int {
	members := 0
	switch value := value.(type) {
	case map[string]any:
		members = len(value)
		for _, inner := range value {
			members += size(inner)
		}
	case []any:
		for _, inner := range value {
			members += size(inner)
		}
	}
	return members
}

// namesakes compares all names of members with each other.
func namesakes(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for name, inner := range value {
			for other := range value {
				if name != other && strings.EqualFold(name, other) {
					return true
				}
			}
			if namesakes(inner) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(value, namesakes)
	}
	return false
}

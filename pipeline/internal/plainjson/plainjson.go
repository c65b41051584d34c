// Package plainjson tells JSON that every reader understands alike from JSON in
// which a value that was put there has begun to speak for another. It does not
// know where the text comes from or who reads it.
package plainjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"

	strict "github.com/go-jose/go-jose/v4/json"
)

// Check refuses what is no JSON, and an object with two members of one name:
// that is what a value looks like which was put between quotes, ends them
// itself, and goes on to say what stands elsewhere already. Names are of one
// name if they differ in case alone, as not all readers tell these apart.
func Check(text []byte) error {
	// The standard library's check, unlike the other one, bounds how deep
	// values nest.
	if !json.Valid(text) {
		return errors.New("it is not JSON")
	}
	var value any
	if err := strict.Unmarshal(text, &value); err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	return check(value)
}

func check(value any) error {
	switch value := value.(type) {
	case map[string]any:
		names := make(map[string]bool, len(value))
		for name, inner := range value {
			same := folded(name)
			if names[same] {
				return fmt.Errorf("it has two members of the name %q, but for case", name)
			}
			names[same] = true
			if err := check(inner); err != nil {
				return err
			}
		}
	case []any:
		for _, inner := range value {
			if err := check(inner); err != nil {
				return err
			}
		}
	}
	return nil
}

// folded is the same for names that differ in case alone, in any alphabet: with
// the least of the letters that are one letter in different cases.
func folded(name string) string {
	return strings.Map(func(letter rune) rune {
		for {
			next := unicode.SimpleFold(letter)
			if next <= letter {
				return next
			}
			letter = next
		}
	}, name)
}

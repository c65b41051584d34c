package document

import (
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"strings"
	"unicode/utf8"
)

// TypeName is the name that JSON Schema gives to the type of a plain value.
func TypeName(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case int, int64:
		return "integer"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	case json.Number:
		if strings.ContainsAny(v.String(), ".eE") {
			return "number"
		}
		return "integer"
	default:
		return fmt.Sprintf("%T", value)
	}
}

func typeNames(types any) string {
	switch t := types.(type) {
	case string:
		return t
	case []any:
		all := make([]string, len(t))
		for i, name := range t {
			all[i] = fmt.Sprint(name)
		}
		return strings.Join(all, " or ")
	}
	return "another type"
}

func options(listed any) string {
	values, _ := listed.([]any)
	all := make([]string, len(values))
	for i, option := range values {
		all[i] = Show(option)
	}
	return strings.Join(all, ", ")
}

// shown is the value for a message, unless it is secret.
func (f failure) shown() string {
	if secret, _ := f.schema["writeOnly"].(bool); secret {
		return "the value"
	}
	return Show(f.visible)
}

// maxShown bounds a value in a message, in bytes.
const maxShown = 80

// credentials are what a URL may hold between its scheme and its host.
var credentials = regexp.MustCompile(`//[^/@\s"]*@`)

// Show writes a value for a message: shortened, and without the credentials
// that a URL may hold. It may be anything an operator wrote.
func Show(value any) string {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		return fmt.Sprint(value)
	}
	return shortened(credentials.ReplaceAllString(strings.TrimSuffix(b.String(), "\n"), "//***@"))
}

func shortened(text string) string {
	if len(text) <= maxShown {
		return text
	}
	cut := maxShown - len("...")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "..."
}

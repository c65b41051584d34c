package document

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// explain says in an operator's words what a failed keyword means for the
// value it failed on.
func (f failure) explain() []Violation {
	switch f.keyword {
	case "required":
		var all []Violation
		for _, key := range f.required() {
			all = append(all, Violation{Path: f.path.With(key), Message: "is required", Missing: true})
		}
		return all
	case "additionalProperties":
		var all []Violation
		for _, key := range f.unknown() {
			all = append(all, Violation{Path: f.path.With(key), Message: "unknown key" + SuggestOrList(key, f.known())})
		}
		return all
	case "unevaluatedProperties":
		return f.one("unknown key")
	case "minProperties":
		return []Violation{{Path: f.path, Message: f.tooShort(), Missing: true}}
	case "oneOf", "anyOf":
		return f.alternatives()
	}
	return f.one(f.say())
}

func (f failure) one(message string) []Violation {
	return []Violation{{Path: f.path, Message: message}}
}

// say is explain for the keywords that ask something of a single value.
func (f failure) say() string {
	meaning, _ := f.schema["errorMessage"].(string)
	limit := f.schema[f.keyword]
	switch f.keyword {
	case "type":
		if _, plain := f.schema["pattern"]; plain && meaning != "" && f.value != nil {
			return f.shown() + " " + meaning
		}
		message := "expected " + typeNames(f.schema["type"]) + ", got " + TypeName(f.value)
		if f.value == nil {
			message += "; leave the key out or give it a value"
		}
		return message
	case "enum":
		return f.shown() + " is not one of " + options(limit)
	case "const":
		return f.shown() + " is not " + Show(limit)
	case "pattern":
		if meaning == "" {
			meaning = fmt.Sprintf("does not match %v", limit)
		}
		return f.shown() + " " + meaning
	case "format":
		if meaning == "" {
			meaning = formatMeaning(fmt.Sprint(limit))
		}
		return f.shown() + " " + meaning
	case "minimum":
		return f.shown() + " is less than " + Show(limit)
	case "maximum":
		return f.shown() + " is more than " + Show(limit)
	case "exclusiveMinimum":
		return f.shown() + " is not more than " + Show(limit)
	case "exclusiveMaximum":
		return f.shown() + " is not less than " + Show(limit)
	case "minItems", "minLength":
		return f.tooShort()
	case "maxItems", "maxLength", "maxProperties":
		return "is too long: at most " + Show(limit) + " will do"
	case "uniqueItems":
		return "has the same item twice"
	}
	if f.keyword == "not" || f.text == "not allowed" {
		return "is not allowed"
	}
	if !reflect.DeepEqual(f.value, f.visible) {
		return "does not fit the schema" // the text may quote the value
	}
	return f.text
}

func (f failure) tooShort() string {
	if least := Show(f.schema[f.keyword]); least != "1" {
		return "is too short: it needs at least " + least
	}
	return "must not be empty"
}

func formatMeaning(format string) string {
	switch format {
	case "uri":
		return "is not a URL with a scheme, such as https://host/path"
	case "uri-reference":
		return "is not a URL"
	}
	return "is not a valid " + format
}

// alternatives explains why none of several forms fits, or more than one.
func (f failure) alternatives() []Violation {
	deeper := func(b failure) bool { return len(b.path) > len(f.path) || b.keyword == "additionalProperties" }
	meaning, _ := f.schema["errorMessage"].(string)
	if len(f.branch) > 0 && (meaning == "" || !slices.ContainsFunc(f.branch, func(b failure) bool { return !deeper(b) })) {
		var all []Violation
		for _, b := range f.branch {
			all = append(all, b.explain()...)
		}
		return all
	}
	switch {
	case meaning != "":
	case len(f.missing) > 0 && f.lacks:
		meaning = "needs one of " + strings.Join(f.missing, ", ")
	case strings.HasPrefix(f.text, "valid against"):
		meaning = "fits more than one of the allowed forms"
	default:
		meaning = "is none of the allowed forms"
		if types := f.types(); types != "" {
			meaning = "expected " + types + ", got " + TypeName(f.value)
		}
	}
	return []Violation{{Path: f.path, Message: meaning, Missing: f.lacks}}
}

// types are those of the alternatives, if they differ in nothing else.
func (f failure) types() string {
	listed, _ := f.schema[f.keyword].([]any)
	var all []any
	for _, one := range listed {
		branch, _ := one.(map[string]any)
		name, ok := branch["type"].(string)
		if !ok || name == TypeName(f.value) {
			return ""
		}
		all = append(all, name)
	}
	return typeNames(all)
}

// known are the keys that the schema has a place for.
func (f failure) known() []string {
	properties, _ := f.schema["properties"].(map[string]any)
	return slices.Sorted(maps.Keys(properties))
}

// unknown are the keys of the value that the schema has no place for.
func (f failure) unknown() []string {
	object, _ := f.value.(map[string]any)
	properties, _ := f.schema["properties"].(map[string]any)
	patterns, _ := f.schema["patternProperties"].(map[string]any)
	var keys []string
	for _, key := range slices.Sorted(maps.Keys(object)) {
		_, known := properties[key]
		for pattern := range patterns {
			matched, _ := regexp.MatchString(pattern, key)
			known = known || matched
		}
		if !known {
			keys = append(keys, key)
		}
	}
	return keys
}

package config

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"ostiary/config/document"
)

// valueOf reads a text as the schema asks for at path (contract 1.3 and 14):
//
//   - a string is taken as it is;
//   - an integer is decimal, a boolean is one of 1, t, T, TRUE, true, True and
//     0, f, F, FALSE, false, False; anything else is a mistake;
//   - a list is a JSON array or a line of comma-separated values;
//   - an object is JSON.
func valueOf(schema *document.Schema, path document.Path, text string) (any, error) {
	types := schema.Types(path)
	may := func(name string) bool { return len(types) == 0 || slices.Contains(types, name) }
	var asJSON error
	if may("object") || may("array") {
		value, err := structured(text)
		switch {
		case value != nil && may(document.TypeName(value)):
			return value, nil
		case value != nil && !may("string"):
			return nil, fmt.Errorf("expected %s, got %s", strings.Join(types, " or "), document.TypeName(value))
		}
		asJSON = err
	}
	switch {
	case may("string"):
		return text, nil
	case may("null") && text == "null":
		return nil, nil
	case may("array") && !strings.HasPrefix(strings.TrimSpace(text), "["):
		return list(schema, path, text)
	case isSingle(types) && refers(text):
		return text, nil // what it leads to is read later
	case isSingle(types):
		return single(types, text, shown(schema, path, text))
	case may("array"):
		return nil, fmt.Errorf("is no JSON array, and a list of comma-separated values does not begin with [: %w", asJSON)
	case asJSON != nil:
		return nil, fmt.Errorf("expected a JSON object: %w", asJSON)
	}
	return nil, errors.New("expected a JSON object")
}

// isSingle tells whether a value may be a number or a boolean.
func isSingle(types []string) bool {
	return slices.ContainsFunc(types, func(name string) bool { return name == "integer" || name == "number" || name == "boolean" })
}

// single reads a number or a boolean.
func single(types []string, text, shown string) (any, error) {
	switch {
	case slices.Contains(types, "integer"):
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return nil, errors.New(shown + " is not a whole number")
		}
		return json.Number(strconv.FormatInt(n, 10)), nil
	case slices.Contains(types, "number"):
		n, err := strconv.ParseFloat(text, 64)
		value, finite := document.Float(n)
		if err != nil || !finite {
			return nil, errors.New(shown + " is not a number")
		}
		return value, nil
	default:
		value, err := strconv.ParseBool(text)
		if err != nil {
			return nil, errors.New(shown + " is not a boolean; write true or false")
		}
		return value, nil
	}
}

// structured reads a JSON array or object. Of anything else it makes nothing.
func structured(text string) (any, error) {
	switch trimmed := strings.TrimSpace(text); {
	case trimmed == "":
		return nil, errors.New("the variable is empty")
	case trimmed[0] != '{' && trimmed[0] != '[':
		return nil, nil
	}
	parsed, err := document.Parse("", []byte(text), document.JSON)
	if problem := (document.Problem{}); errors.As(err, &problem) {
		return nil, errors.New(problem.Message)
	}
	if err != nil {
		return nil, err
	}
	return parsed.Value, nil
}

// list reads one line of comma-separated values.
func list(schema *document.Schema, path document.Path, text string) (any, error) {
	if strings.TrimSpace(text) == "" {
		return nil, errors.New(`the variable is empty; a list is written a,b or ["a","b"], and one without items []`)
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.TrimLeadingSpace = true
	fields, err := reader.Read()
	if err != nil {
		return nil, errors.New("is no list of comma-separated values: check its quotes")
	}
	if _, err := reader.Read(); !errors.Is(err, io.EOF) {
		return nil, errors.New("a list of comma-separated values stands on one line")
	}
	values := make([]any, len(fields))
	for i, field := range fields {
		at := path.With(strconv.Itoa(i))
		if values[i], err = valueOf(schema, at, strings.TrimSpace(field)); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return values, nil
}

// shown is a text for a message, unless it is secret.
func shown(schema *document.Schema, path document.Path, text string) string {
	if secret, _ := schema.At(path)["writeOnly"].(bool); secret {
		return "the value"
	}
	return document.Show(text)
}

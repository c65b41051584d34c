package document_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	strict "github.com/go-jose/go-jose/v4/json"

	"ostiary/config/document"
)

// FuzzJSON: a JSON document is what the standard library reads, and of a key
// that is there twice there is a warning.
func FuzzJSON(f *testing.F) {
	for _, text := range []string{`{"a": [1, 2.50, 1e3, true, null, "\u00e9\ud83d\ude00"]}`, `{"a": 1, "a": 2}`, `{"a": {"b": 1, "\u0062": 2}}`, `[] []`, "\ufeff{}", `"\ud800"`, `{"a": 1,}`, `01`, "// x\n{}"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := document.Parse("f", text, document.JSON)
		if err != nil {
			return
		}
		decoder := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff"))))
		decoder.UseNumber()
		var want any
		if err := decoder.Decode(&want); err != nil {
			t.Fatalf("%q is taken for JSON: %v", text, err)
		}
		if decoder.More() {
			t.Fatalf("%q goes on behind its end", text)
		}
		if !reflect.DeepEqual(withoutNumbers(parsed.Value), withoutNumbers(want)) {
			t.Errorf("%q is %v, want %v", text, parsed.Value, want)
		}
		var read any
		err = strict.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), &read)
		if twice := err != nil && strings.Contains(err.Error(), "duplicate key"); twice && len(parsed.Warnings) == 0 || err == nil && len(parsed.Warnings) > 0 {
			t.Errorf("%q: warnings %v, %v", text, parsed.Warnings, err)
		}
	})
}

// withoutNumbers is the value with every number as the one that it stands for:
// there are several ways to write one.
func withoutNumbers(value any) any {
	switch v := value.(type) {
	case map[string]any:
		same := make(map[string]any, len(v))
		for key, item := range v {
			same[key] = withoutNumbers(item)
		}
		return same
	case []any:
		same := make([]any, len(v))
		for i, item := range v {
			same[i] = withoutNumbers(item)
		}
		return same
	case json.Number:
		if number, err := v.Float64(); err == nil {
			return number
		}
		return v.String()
	default:
		return v
	}
}

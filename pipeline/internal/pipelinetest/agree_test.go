package pipelinetest

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

type shared struct {
	Timeout span `json:"timeout"`
}

// span reads itself, as handlers' own types may.
type span time.Duration

func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	*s = span(d)
	return err
}

type made struct {
	shared
	Name  string            `json:"name"`
	Size  int               `json:"size"`
	Ratio float64           `json:"ratio"`
	On    bool              `json:"on"`
	List  []string          `json:"list"`
	Map   map[string]string `json:"map"`
	Any   any               `json:"any"`
	Raw   json.RawMessage   `json:"raw"`
	Inner *struct {
		Deep string `json:"deep"`
	} `json:"inner"`
	ignored int
	Unread  chan int `json:"-"`
}

func schemaOf(properties string) string {
	return `{` + closedHead + `, "properties": {` + properties + `}}`
}

const whole = `"timeout": {"type": "string", "default": "5s"}, "name": {"type": "string", "default": "x"},
	"size": {"type": "integer", "default": 3}, "ratio": {"type": "number"}, "on": {"type": "boolean", "default": true},
	"list": {"type": "array", "items": {"type": "string"}, "default": ["a"]},
	"map": {"type": "object", "additionalProperties": {"type": "string"}},
	"any": {"type": ["string", "array"]}, "raw": {"type": "object"},
	"inner": {"type": ["object", "null"], "properties": {"deep": {"type": "string", "default": "y"}}}`

func TestDisagreements(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		schema string
		config any
		want   []string
	}{
		"none": {schemaOf(whole), &made{ignored: 1}, nil},
		"a property that Go does not know": {
			schemaOf(`"more": {"type": "string"}, ` + whole), new(made),
			[]string{`"more" is in the schema and not in Go`},
		},
		"a default that Go does not know": {
			schemaOf(`"more": {"type": "string", "default": "z"}`), new(struct{}),
			[]string{`"more" is in the schema and not in Go`, `the defaults cannot be decoded: json: unknown field "more"`},
		},
		"fields that the schema does not know": {
			schemaOf(`"name": {"type": "string"}`), new(struct {
				Name string `json:"name"`
				More string
				shared
			}),
			[]string{`"More" is in Go and not in the schema`, `"timeout" is in Go and not in the schema`},
		},
		"a nested difference": {
			schemaOf(`"a": {"type": "array", "items": {"type": "object", "properties": {"b": {"type": "string"}}}}`),
			new(struct {
				A []struct {
					C string `json:"c"`
				} `json:"a"`
			}),
			[]string{`"a[0].b" is in the schema and not in Go`, `"a[0].c" is in Go and not in the schema`},
		},
		"other types": {
			schemaOf(`"a": {"type": "integer"}, "b": {"type": ["string", "array"]}, "c": {"type": "object", "additionalProperties": {"type": "boolean"}}`),
			new(struct {
				A string            `json:"a"`
				B string            `json:"b"`
				C map[string]string `json:"c"`
			}),
			[]string{
				`"a" is string in Go and integer in the schema`,
				`"b" is string in Go and array or string in the schema`,
				`"c.*" is string in Go and boolean in the schema`,
			},
		},
		"a map for named keys, and values of which nothing is said": {
			schemaOf(`"a": {"type": "object", "properties": {"b": {"type": "string"}}}, "c": {"type": "array"}`),
			new(struct {
				A map[string]string `json:"a"`
				C []string          `json:"c"`
			}),
			[]string{
				`"a" is a map in Go and may have other keys in the schema than those it names`,
				`"c" has values of which the schema says nothing`,
			},
		},
		"a map for all the keys that there are": {
			schemaOf(`"a": {"type": "object", "additionalProperties": false, "properties": {"b": {"type": "string"}, "c": {"type": "integer"}}}`),
			new(struct {
				A map[string]string `json:"a"`
			}),
			[]string{`"a.c" is string in Go and integer in the schema`},
		},
		"a default that does not arrive": {
			schemaOf(`"a": {"type": "string", "default": "x"}`), &struct {
				A forgetful `json:"a"`
			}{},
			[]string{`the default of "a" is "x" in the schema and {} in Go`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, disagreements(compiled(t, test.schema), test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

type forgetful struct{}

func (forgetful) UnmarshalJSON([]byte) error { return nil }

package document_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
)

func split(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(path, "/")
}

func parse(t *testing.T, text string, format document.Format) *document.Document {
	t.Helper()
	parsed, err := document.Parse("f", []byte(text), format)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

// TestValues: every format gives the same plain values, here compared as JSON.
func TestValues(t *testing.T) {
	for _, test := range []struct {
		name   string
		format document.Format
		text   string
		want   string
	}{
		{"yaml", document.YAML, "a: 1\nb: [x, true, null, 1.5]\nc: {d: ''}\n", `{"a":1,"b":["x",true,null,1.5],"c":{"d":""}}`},
		{"yaml integers", document.YAML, "[0x10, 0o17, 1_000, -7, +7, 0b11, 0, 00012]", `[16,15,1000,-7,7,3,0,10]`},
		{"yaml floats", document.YAML, "[1e3, 5.0, .5, -0.25, .inf, -.inf, .nan]", `[1000,5,0.5,-0.25,".inf","-.inf",".nan"]`},
		{"yaml texts", document.YAML, `[yes, no, on, off, y, n, "true", 2026-01-02, 1:30, 12:30:45, ~x]`, `["yes","no","on","off","y","n","true","2026-01-02","1:30","12:30:45","~x"]`},
		{"yaml booleans", document.YAML, `[true, True, TRUE, false]`, `[true,true,true,false]`},
		{"yaml nulls", document.YAML, "[null, ~, Null]\n", `[null,null,null]`},
		{"yaml tags", document.YAML, `[!!str 5, !!int "5", !custom x, !!binary aGk=]`, `["5",5,"x","aGk="]`},
		{"yaml keys", document.YAML, "1: a\ntrue: b\n~: c\n'**': d\n", `{"**":"d","1":"a","true":"b","~":"c"}`},
		{"yaml block", document.YAML, "a: |\n  x\n  y\nb: >-\n  x\n  y\n", `{"a":"x\ny\n","b":"x y"}`},
		{"yaml with a mark", document.YAML, "\ufeffa: 1", `{"a":1}`},
		{"yaml scalar", document.YAML, "x", `"x"`},
		{"yaml null", document.YAML, "null", `null`},
		{"yaml is JSON too", document.YAML, `{"a": [1, 2]}`, `{"a":[1,2]}`},
		{"json", document.JSON, ` {"a": [1, 1.50, -0, 1e2, "x", null, true], "b": {}, "c": []} `, `{"a":[1,1.50,-0,1e2,"x",null,true],"b":{},"c":[]}`},
		{"json with a mark", document.JSON, "\ufeff{}", `{}`},
		{"toml", document.TOML, "a = 1\nb = ['x', true]\nc.d = ''\n[e.f]\ng = 0x10\n[[h]]\ni = 1\n[[h]]\ni = 2\n", `{"a":1,"b":["x",true],"c":{"d":""},"e":{"f":{"g":16}},"h":[{"i":1},{"i":2}]}`},
		{"toml numbers", document.TOML, "a = [1.5, 5.0, 1e3, inf, -inf, nan]\n", `{"a":[1.5,5,1000,"+Inf","-Inf","NaN"]}`},
		{"toml times", document.TOML, "a = 2026-01-02\nb = 07:32:00\nc = 2026-01-02T07:32:00Z\n", `{"a":"2026-01-02","b":"07:32:00","c":"2026-01-02T07:32:00Z"}`},
		{"toml with a mark", document.TOML, "\ufeffa = 1", `{"a":1}`},
		{"sniffed json", document.Sniff, `{"on": "yes"}`, `{"on":"yes"}`},
		{"sniffed yaml", document.Sniff, "- a: yes\n  b: 'yes'\n  c: Off\n  d: !!str no\n  e: y\n  on: |\n    on\n", `[{"a":true,"b":"yes","c":false,"d":"no","e":true,"on":"on\n"}]`},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := json.Marshal(parse(t, test.text, test.format).Value)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestValuesArePlain: nothing but the types that the package promises.
func TestValuesArePlain(t *testing.T) {
	files, err := filepath.Glob("../../testdata/config/good/every-key.*")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		format, known := formats[filepath.Ext(name)]
		if !known {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		mustBePlain(t, parse(t, string(text), format).Value)
	}
}

var formats = map[string]document.Format{".yaml": document.YAML, ".yml": document.YAML, ".json": document.JSON, ".toml": document.TOML}

func mustBePlain(t *testing.T, value any) {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		for _, item := range v {
			mustBePlain(t, item)
		}
	case []any:
		for _, item := range v {
			mustBePlain(t, item)
		}
	case nil, string, bool, json.Number:
	default:
		t.Errorf("%v is a %T", v, v)
	}
}

func TestParseErrors(t *testing.T) {
	deep := strings.Repeat("[", 1001) + strings.Repeat("]", 1001)
	for _, test := range []struct {
		name   string
		format document.Format
		text   string
		want   string
	}{
		{"nothing", document.YAML, "", "f: the file is empty"},
		{"spaces", document.JSON, " \n\t", "f: the file is empty"},
		{"a mark", document.Sniff, "\ufeff", "f: the file is empty"},
		{"comments", document.YAML, "# x\n", "f: the file is empty"},
		{"dashes", document.Sniff, "---\n", ""},
		{"toml comments", document.TOML, "# x\n", "f: the file is empty"},
		{"json comma", document.JSON, "{\n\"a\": 1,\n}", "f:3: invalid JSON: invalid character '}' looking for beginning of object key string"},
		{"json end", document.JSON, "{\n\"a\":\n", "f:2: invalid JSON: the file ends in the middle of a value"},
		{"json end of text", document.JSON, "[\"a", "f:1: invalid JSON: the file ends in the middle of a value"},
		{"json wrong bracket", document.JSON, "[1}", "f:1: invalid JSON: invalid character '}' after array element"},
		{"json rest", document.JSON, "{}\n\n{}", "f:3: invalid JSON: more text behind the value"},
		{"json word", document.JSON, "nil", "f:1: invalid JSON: invalid character 'i' in literal null (expecting 'u')"},
		{"json number", document.JSON, "[\n1e400]", "f:2: invalid JSON: a number is too long or out of range"},
		{"json small number", document.JSON, "[1e-99999999]", "f:1: invalid JSON: a number is too long or out of range"},
		{"json long number", document.JSON, strings.Repeat("1", 301), "f:1: invalid JSON: a number is too long or out of range"},
		{"json depth", document.JSON, deep, "f:1: invalid JSON: values stand more than 1000 deep in each other"},
		{"yaml depth", document.YAML, deep, "f:1: invalid YAML: values stand more than 1000 deep in each other"},
		{"yaml long number", document.YAML, "!!int " + strings.Repeat("1", 301), "f:1: invalid YAML: a number is too long or out of range"},
		{"yaml key twice", document.YAML, "a: 1\nb: 2\na: 3\n", `f:3: invalid YAML: the key "a" is there twice`},
		{"yaml key twice, written in two ways", document.YAML, "a: 1\n'a': 3\n", `f:2: invalid YAML: the key "a" is there twice`},
		{"yaml key that is a list", document.YAML, "[a]: 1\n", "f:1: invalid YAML: a key must be a plain text"},
		{"yaml merges a text", document.YAML, "a:\n  <<: x\n", "f:2: invalid YAML: only a map can be merged with <<"},
		{"yaml merges a list of texts", document.YAML, "a:\n  <<: [x]\n", "f:2: invalid YAML: only a map can be merged with <<"},
		{"yaml boolean", document.YAML, "a: !!bool maybe\n", "f:1: invalid YAML: cannot decode !!str `maybe` as a !!bool"},
		{"yaml no anchor", document.YAML, "a: 1\nb: *c\n", "f:2: invalid YAML: there is no anchor &c before the alias *c"},
		{"yaml indentation", document.YAML, "a:\n  b:\n    c: 1\n   d: 2\n", "f:4: invalid YAML: did not find expected key in what begins at line 2"},
		{"yaml in the last line", document.YAML, "a: 1\nb: 2\nc: d: 3", "f:3: invalid YAML: mapping values are not allowed in this context"},
		{"toml", document.TOML, "a = 1\nb = x\n", "f:2: invalid TOML: unexpected character U+0078 'x' at start of value"},
		{"toml twice", document.TOML, "a = 1\na = 2\n", "f:2: invalid TOML: key a is already defined"},
		{"sniffed broken JSON", document.Sniff, "[\n{\"a\": 1,}\n", "f:2: invalid JSON: invalid character '}' looking for beginning of object key string"},
		{"sniffed flow YAML", document.Sniff, "[a, b]", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := document.Parse("f", []byte(test.text), test.format)
			if err == nil && test.want == "" {
				return
			}
			if err == nil || err.Error() != test.want {
				t.Fatalf("the error is %v, want %s", err, test.want)
			}
			var empty *document.Empty
			var problem document.Problem
			if errors.As(err, &empty) == errors.As(err, &problem) {
				t.Errorf("the error is a %T", err)
			}
		})
	}
}

func TestParseBoundsTheSize(t *testing.T) {
	_, err := document.Parse("f", make([]byte, document.MaxSize+1), document.JSON)
	if want := fmt.Sprintf("f: the file is longer than the %d bytes that are read", document.MaxSize); err == nil || err.Error() != want {
		t.Errorf("the error is %v", err)
	}
}

func TestParseWarnings(t *testing.T) {
	for text, want := range map[string]string{
		"{\"a\": 1,\n\"b\": {},\n\"a\": {\"c\": 1, \"c\": 2}}": "f:3: the key \"c\" is there twice; the last one counts\nf:3: the key \"a\" is there twice; the last one counts",
		"a: 1\n---\nb: 2\n": "f:2: only the first YAML document of a file is read",
		"a: 1\n---\n":       "f:2: only the first YAML document of a file is read",
		"a: 1\n...\n":       "",
		"{}":                "",
	} {
		parsed := parse(t, text, document.Sniff)
		if got := document.Problems(parsed.Warnings).Error(); got != want {
			t.Errorf("%q: %s", text, got)
		}
	}
}

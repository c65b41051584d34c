package document_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
)

const everything = `{
	"$schema": "https://json-schema.org/draft/2020-12/schema",
	"type": "object",
	"additionalProperties": false,
	"required": ["name"],
	"properties": {
		"name": {"type": "string", "minLength": 1},
		"port": {"type": "integer", "minimum": 0, "maximum": 65535, "default": 80},
		"ratio": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
		"level": {"type": "string", "enum": ["debug", "info"], "default": "info"},
		"always": {"const": true},
		"timeout": {"$ref": "#/$defs/duration", "default": "5s"},
		"code": {"type": "string", "pattern": "^[A-Z]+$"},
		"secret": {"type": "string", "writeOnly": true, "pattern": "^[a-z]+$", "errorMessage": "is not in small letters"},
		"url": {"type": "string", "format": "uri"},
		"link": {"type": "string", "format": "uri-reference"},
		"place": {"type": "string", "format": "uri", "errorMessage": "is no place"},
		"day": {"type": "string", "format": "date"},
		"list": {"type": "array", "minItems": 1, "maxItems": 3, "uniqueItems": true, "items": {"type": ["string", "integer"]}, "default": ["a"]},
		"pair": {"type": "array", "minItems": 2},
		"short": {"type": "string", "maxLength": 3},
		"open": {"type": "object", "additionalProperties": {"type": "string"}, "minProperties": 1},
		"two": {"type": "object", "minProperties": 2},
		"patterns": {"type": "object", "additionalProperties": false, "patternProperties": {"^x-": {"type": "integer"}}},
		"a/b c": {"type": "object", "additionalProperties": false, "properties": {"d~e": {"type": "string"}}},
		"nested": {
			"type": "object", "additionalProperties": false,
			"properties": {"flag": {"type": "boolean", "default": false}, "deep": {"type": "object", "properties": {"x": {"default": {"y": 1}}}}}
		},
		"token": {
			"type": ["object", "null"], "replace": true, "errorMessage": "must name exactly one place",
			"oneOf": [
				{"type": "null"},
				{"type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1, "properties": {
					"header": {"type": "string", "minLength": 1}, "cookie": {"type": "string"}
				}}
			]
		},
		"either": {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]},
		"both": {"oneOf": [{"minimum": 1}, {"minimum": 2}]},
		"one_of_two": {"type": "object", "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
		"forms": {"anyOf": [{"const": "a"}, {"const": "b"}]},
		"no": {"not": {"const": 1}},
		"never": false,
		"switch": {
			"type": "object",
			"properties": {"on": {"type": "boolean", "default": false}, "config": {"description": "Open."}},
			"if": {"properties": {"on": {"const": true}}, "required": ["on"]},
			"then": {"properties": {"config": {"$ref": "#/$defs/settings"}}},
			"else": {"properties": {"reason": {"type": "string"}}}
		},
		"all": {"allOf": [{"$ref": "#/$defs/settings"}, {"properties": {"more": {"type": "string"}}}]},
		"closed": {"type": "object", "properties": {"a": {}}, "unevaluatedProperties": false},
		"depends": {"type": "object", "dependentRequired": {"a": ["b"]}},
		"tree": {"$ref": "#/$defs/tree"}
	},
	"$defs": {
		"duration": {"$ref": "#/$defs/text", "pattern": "^[0-9]+s$", "errorMessage": "is not a duration such as 5s"},
		"text": {"type": "string"},
		"settings": {"type": "object", "additionalProperties": false, "required": ["to"], "properties": {"to": {"type": "string"}, "list": {"type": "array", "items": {"$ref": "#/$defs/duration"}}}},
		"tree": {"type": "object", "properties": {"leaf": {"type": "integer", "default": 1}, "left": {"$ref": "#/$defs/tree"}, "right": {"$ref": "#/$defs/tree"}}}
	}
}`

var schema = document.MustCompileSchema("everything and more", []byte(everything))

// TestCheck gives the exact message for each way not to fit. The value is laid
// over {"name": "x"}; violations stand one on a line, (-) before those that a
// later layer may mend.
func TestCheck(t *testing.T) {
	for _, test := range []struct{ value, want string }{
		{`{}`, ""},
		{`{"name": null}`, "name: expected string, got null; leave the key out or give it a value"},
		{`{"name": ""}`, "name: must not be empty"},
		{`{"port": "80"}`, "port: expected integer, got string"},
		{`{"port": 80.5}`, "port: expected integer, got number"},
		{`{"port": 80.0}`, ""},
		{`{"port": 8e1}`, ""},
		{`{"port": -1}`, "port: -1 is less than 0"},
		{`{"port": 65536}`, "port: 65536 is more than 65535"},
		{`{"port": []}`, "port: expected integer, got array"},
		{`{"port": true}`, "port: expected integer, got boolean"},
		{`{"ratio": 0}`, "ratio: 0 is not more than 0"},
		{`{"ratio": 1.0}`, "ratio: 1.0 is not less than 1"},
		{`{"level": "loud"}`, `level: "loud" is not one of "debug", "info"`},
		{`{"level": 1}`, `level: expected string, got integer`},
		{`{"always": false}`, `always: false is not true`},
		{`{"timeout": "soon"}`, `timeout: "soon" is not a duration such as 5s`},
		{`{"timeout": 5}`, `timeout: expected string, got integer`}, // the type stands elsewhere
		{`{"code": "abc"}`, `code: "abc" does not match ^[A-Z]+$`},
		{`{"secret": "ABC"}`, `secret: the value is not in small letters`},
		{`{"secret": 7}`, `secret: the value is not in small letters`},
		{`{"url": "/x"}`, `url: "/x" is not a URL with a scheme, such as https://host/path`},
		{`{"url": "http://a b/"}`, `url: "http://a b/" is not a URL with a scheme, such as https://host/path`},
		{`{"url": "http://a/\\b"}`, `url: "http://a/\\b" is not a URL with a scheme, such as https://host/path`},
		{`{"url": "http://user:pass@a b/"}`, `url: "http://***@a b/" is not a URL with a scheme, such as https://host/path`},
		{`{"url": "http://a/b c"}`, ""},
		{`{"url": "http://a/ "}`, `url: "http://a/ " is not a URL with a scheme, such as https://host/path`},
		{`{"link": "/x?y=1"}`, ""},
		{`{"link": "http://%zz"}`, `link: "http://%zz" is not a URL`},
		{`{"place": "x"}`, `place: "x" is no place`},
		{`{"day": "today"}`, `day: "today" is not a valid date`},
		{`{"list": []}`, "list: must not be empty"},
		{`{"list": ["a", "a"]}`, "list: has the same item twice"},
		{`{"list": ["a", "b", "c", "d"]}`, "list: is too long: at most 3 will do"},
		{`{"list": [1.5, null, 1]}`, "list[0]: expected string or integer, got number\nlist[1]: expected string or integer, got null; leave the key out or give it a value"},
		{`{"pair": [1]}`, "pair: is too short: it needs at least 2"},
		{`{"short": "long"}`, "short: is too long: at most 3 will do"},
		{`{"open": {}}`, "(-) open: must not be empty"},
		{`{"open": {"X": 1, "a.b": 2}}`, "open.X: expected string, got integer\nopen[\"a.b\"]: expected string, got integer"},
		{`{"two": {"a": 1}}`, "(-) two: is too short: it needs at least 2"},
		{`{"patterns": {"x-a": 1, "y": 2}}`, "patterns.y: unknown key"},
		{`{"a/b c": {"d~e": 1, "d e": 2}}`, "[\"a/b c\"][\"d e\"]: unknown key; did you mean \"d~e\"?\n[\"a/b c\"].d~e: expected string, got integer"},
		{`{"a/b c": {"it's \"quoted\", 'so'": 1}}`, "[\"a/b c\"][\"it's \\\"quoted\\\", 'so'\"]: unknown key; known are d~e"},
		{`{"nested": {"flagg": true}}`, `nested.flagg: unknown key; did you mean "flag"?`},
		{`{"nested": {"other": true}}`, `nested.other: unknown key; known are deep, flag`},
		{`{"nested": 1, "nmae": 2}`, "nested: expected object, got integer\nnmae: unknown key; did you mean \"name\"?"},
		{`{"token": {"header": "X"}}`, ""},
		{`{"token": null}`, ""},
		{`{"token": {}}`, "(-) token: must name exactly one place"},
		{`{"token": {"header": "X", "cookie": "y"}}`, "token: must name exactly one place"},
		{`{"token": {"header": 5}}`, "token.header: expected string, got integer"},
		{`{"token": {"haeder": "X"}}`, `token.haeder: unknown key; did you mean "header"?`},
		{`{"token": "X"}`, "token: expected object or null, got string"},
		{`{"either": {}}`, "either: expected string or array, got object"},
		{`{"either": ["x", 1]}`, "either[0]: expected integer, got string"},
		{`{"both": 3}`, "both: fits more than one of the allowed forms"},
		{`{"one_of_two": {}}`, "(-) one_of_two: needs one of a, b"},
		{`{"one_of_two": {"b": 1}}`, ""},
		{`{"forms": "c"}`, "forms: is none of the allowed forms"},
		{`{"no": 1}`, "no: is not allowed"},
		{`{"never": 1}`, "never: is not allowed"},
		{`{"switch": {"on": true, "config": {"to": 1}}}`, "switch.config.to: expected string, got integer"},
		{`{"switch": {"on": true, "config": {"x": 1}}}`, "(-) switch.config.to: is required\nswitch.config.x: unknown key; known are list, to"},
		{`{"switch": {"on": true, "config": {"to": "", "list": ["x", "1s"]}}}`, `switch.config.list[0]: "x" is not a duration such as 5s`},
		{`{"switch": {"on": false, "config": {"x": 1}}}`, ""},
		{`{"all": {"to": "", "more": 1}}`, "all.more: expected string, got integer\nall.more: unknown key; known are list, to"},
		{`{"closed": {"a": 1, "b": 2}}`, "closed.b: unknown key"},
		{`{"depends": {"a": 1}}`, "depends: property 'b' is required, if 'a' property exists"},
		{`{"tree": {"left": {"right": {"leaf": "x"}}}}`, "tree.left.right.leaf: expected integer, got string"},
		{`{"level": "` + strings.Repeat("é", 100) + `"}`, `level: "` + strings.Repeat("é", 38) + `... is not one of "debug", "info"`},
	} {
		value := document.Merge(map[string]any{"name": "x"}, parse(t, test.value, document.JSON).Value, nil)
		if diff := cmp.Diff(test.want, listed(schema.Check(value))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.value, diff)
		}
	}
}

func listed(violations []document.Violation) string {
	lines := make([]string, len(violations))
	for i, v := range violations {
		lines[i] = document.Problem{Path: v.Path, Message: v.Message}.String()
		if v.Missing {
			lines[i] = "(-) " + lines[i]
		}
	}
	return strings.Join(lines, "\n")
}

func TestCheckOrder(t *testing.T) {
	list := document.MustCompileSchema("list", []byte(`{"items": {"type": "string"}}`))
	got := listed(list.Check([]any{"", json.Number("1"), "", "", "", "", "", "", "", "", json.Number("10"), json.Number("11")}))
	if want := "[1]: expected string, got integer\n[10]: expected string, got integer\n[11]: expected string, got integer"; got != want {
		t.Error(got)
	}
	if got := listed(list.Check([]any{struct{}{}})); got == "" {
		t.Error("a value that is no plain value fits")
	}
}

func TestRequired(t *testing.T) {
	if got := listed(schema.Check(map[string]any{})); got != "(-) name: is required" {
		t.Error(got)
	}
}

func TestDefaults(t *testing.T) {
	want := `{"level":"info","list":["a"],"nested":{"deep":{"x":{"y":1}},"flag":false},"port":80,"switch":{"on":false},"timeout":"5s","tree":{"leaf":1}}`
	for range 2 {
		defaults := schema.Defaults()
		got, _ := json.Marshal(defaults)
		if diff := cmp.Diff(want, string(got)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		mustBePlain(t, defaults)
		// The caller may change them.
		defaults["list"].([]any)[0] = "changed"
		defaults["nested"].(map[string]any)["flag"] = true
	}
	if got := document.MustCompileSchema("none", []byte(`{}`)).Defaults(); got == nil || len(got) != 0 {
		t.Errorf("without defaults: %v", got)
	}
}

func TestAt(t *testing.T) {
	for path, want := range map[string]any{
		"port":                 "integer",
		"timeout":              "string",
		"list/0":               nil, // two types
		"open/anything":        "string",
		"token/header":         "string",
		"switch/config":        "object",
		"switch/config/to":     "string",
		"switch/config/list/7": "string",
		"switch/reason":        "string",
		"all/to":               "string",
		"all/more":             "string",
		"tree/left/right/left": "object",
	} {
		got := schema.At(split(path))["type"]
		if text, _ := got.(string); got == nil || (want != nil && text != want) {
			t.Errorf("%s is of type %v", path, got)
		}
	}
	for _, path := range []string{"absent", "port/x", "name/0", "never/x"} {
		if got := schema.At(split(path)); got != nil {
			t.Errorf("%s is %v", path, got)
		}
	}
	if got := schema.At(split("timeout"))["default"]; got != "5s" {
		t.Errorf("what stands beside a reference is lost: %v", got)
	}
	if got := schema.At(split("switch/config"))["description"]; got != "Open." {
		t.Errorf("what stands beside a branch is lost: %v", got)
	}
}

func TestReplaces(t *testing.T) {
	if !schema.Replaces(split("token")) || schema.Replaces(split("open")) || schema.Replaces(split("absent")) {
		t.Error("only token replaces")
	}
}

func TestTypes(t *testing.T) {
	for path, want := range map[string]string{
		"port": "integer", "list/0": "string integer", "level": "string", "either": "string array", "token": "object null",
		"always": "", "absent": "", "both": "", "switch/config": "object",
	} {
		if got := strings.Join(schema.Types(split(path)), " "); got != want {
			t.Errorf("%s: %s", path, got)
		}
	}
}

func TestPaths(t *testing.T) {
	var got []string
	for _, path := range schema.Paths() {
		if strings.HasPrefix(path[0], "s") || path[0] == "t" || path[0] == "tree" || path[0] == "token" {
			got = append(got, path.String())
		}
	}
	want := []string{
		"secret", "short", "switch", "switch.config", "switch.config.list", "switch.config.to", "switch.on", "switch.reason",
		"token", "token.cookie", "token.header", "tree", "tree.leaf", "tree.left", "tree.right",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestCompileErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                          "schema s: unexpected EOF",
		`[]`:                         "schema s: json: cannot unmarshal",
		`{"type": "text"}`:           "schema s: ",
		`{"$ref": "#/$defs/absent"}`: "schema s: ",
	} {
		_, err := document.CompileSchema("s", []byte(text))
		if err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("MustCompileSchema returns")
		}
	}()
	document.MustCompileSchema("s", []byte(`{`))
}

func TestTypeName(t *testing.T) {
	for want, values := range map[string][]any{
		"null": {nil}, "boolean": {true}, "string": {""}, "array": {[]any{}}, "object": {map[string]any{}},
		"integer": {json.Number("1"), json.Number("-7"), 1.0, 1, int64(1)}, "number": {json.Number("1.5"), json.Number("1e3"), 1.5},
		"struct {}": {struct{}{}},
	} {
		for _, value := range values {
			if got := document.TypeName(value); got != want {
				t.Errorf("%v is %s, want %s", value, got, want)
			}
		}
	}
}

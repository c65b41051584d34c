package document_test

import (
	"testing"

	"ostiary/config/document"
)

func TestLine(t *testing.T) {
	yaml := `# a comment
serve:
  proxy:
    port: 1

    host: >
      a
      b
  api: {port: 2, cors:
    {debug: true}}
list:
  - a
  -
    b: 1
    c: 2
  - [x,
     y]
base: &base
  p: 1
  q: {r: 2}
other:
  <<: *base
  p: 3
alias: *base
"quoted key": 1
`
	json := `

{
  "serve": {
    "proxy": {"port": 1, "host":
      "a"},
    "api": {}
  }, "list": [
    "a", {
      "b": 1,
      "c": 2}
    ,
    ["x",
    "y"]
  ],
  "twice": 1,
  "twice": {
    "a": 1
  }
}
`
	toml := `# a comment
top.level = 1
text = """
serve.port = 7
[list]
"""

[serve.proxy]
port = 1 # port = 2
"host" = "a"
cors = { enabled = true, max_age = 5 }

[serve]
api.port = 2

[[rules]]
id = "a"
methods = [
  "GET",
  # "PUT"
  "POST",
  [
    "x"],
]
[rules.match]
url = "x"

[[rules]]
id = "b"
[[rules.authenticators]]
handler = "noop"
[[rules.authenticators]]
handler = "anonymous"

["quoted key".'a.b']
x = 1
`
	for _, test := range []struct {
		name   string
		format document.Format
		text   string
		lines  map[string]int
	}{
		{"yaml", document.YAML, yaml, map[string]int{
			"": 2, "serve": 2, "serve/proxy": 3, "serve/proxy/port": 4, "serve/proxy/host": 6, "serve/proxy/absent": 3, "absent/too": 2,
			"serve/api": 9, "serve/api/port": 9, "serve/api/cors": 9, "serve/api/cors/debug": 10,
			"list": 11, "list/0": 12, "list/1": 14, "list/1/b": 14, "list/1/c": 15, "list/2": 16, "list/2/0": 16, "list/2/1": 17, "list/3": 11, "list/x": 11,
			"base/q/r": 20, "other": 21, "other/p": 23, "other/q": 20, "other/q/r": 20, "alias": 24, "alias/p": 19, "quoted key": 25,
		}},
		{"json", document.JSON, json, map[string]int{
			"": 3, "serve": 4, "serve/proxy": 5, "serve/proxy/port": 5, "serve/proxy/host": 5, "serve/api": 7, "list": 8, "list/0": 9, "list/1": 9,
			"list/1/b": 10, "list/1/c": 11, "list/2": 13, "list/2/0": 13, "list/2/1": 14, "list/2/1/x": 14, "twice": 17, "twice/a": 18, "absent": 3,
		}},
		{"toml", document.TOML, toml, map[string]int{
			"": 1, "top": 2, "top/level": 2, "text": 3, "serve": 8, "serve/proxy": 8, "serve/proxy/port": 9, "serve/proxy/host": 10,
			"serve/proxy/cors": 11, "serve/proxy/cors/max_age": 11, "serve/api": 14, "serve/api/port": 14, "rules": 16, "rules/0": 16, "rules/0/id": 17,
			"rules/0/methods": 18, "rules/0/methods/0": 19, "rules/0/methods/1": 21, "rules/0/methods/2": 23, "rules/0/methods/2/0": 23,
			"rules/0/match": 25, "rules/0/match/url": 26, "rules/1": 28, "rules/1/id": 29, "rules/1/authenticators": 30, "rules/1/authenticators/1": 32,
			"rules/1/authenticators/1/handler": 33, "quoted key": 35, "quoted key/a.b": 35, "quoted key/a.b/x": 36, "absent": 1,
		}},
	} {
		parsed := parse(t, test.text, test.format)
		for path, want := range test.lines {
			if got := parsed.Line(split(path)); got != want {
				t.Errorf("%s: %q is at line %d, want %d", test.name, path, got, want)
			}
		}
	}
}

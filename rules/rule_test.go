package rules

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// read decodes a document that must be good.
func read(t *testing.T, text string) []*definition {
	t.Helper()
	definitions, _, problems := parse("rules", []byte(text), false, nil)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return definitions
}

func TestEveryFieldOfARuleIsRead(t *testing.T) {
	t.Parallel()
	const text = `[{
  "id": "shop", "version": "v0.40.1", "description": "words",
  "match": {"url": "http://shop/<.*>", "methods": ["GET", "post"]}, "priority": 7,
  "authenticators": [{"handler": "anonymous", "config": {"subject": "visitor"}}, {"handler": "noop"}],
  "authorizer": {"handler": "allow", "config": null},
  "mutators": [{"handler": "header", "config": {"headers": {"X-A": "<&>"}}}],
  "errors": [{"handler": "json"}],
  "upstream": {"url": "http://up/base", "preserve_host": true, "strip_path": "/shop"}
}]`
	want := Rule{
		ID: "shop", Version: FormatVersion, Description: "words",
		Match:          &Match{URL: "http://shop/<.*>", Methods: []string{"GET", "post"}},
		Priority:       7,
		Authenticators: []pipeline.Step{{Handler: "anonymous", Config: json.RawMessage(`{"subject":"visitor"}`)}, {Handler: "noop"}},
		Authorizer:     &pipeline.Step{Handler: "allow", Config: json.RawMessage(`null`)},
		Mutators:       []pipeline.Step{{Handler: "header", Config: json.RawMessage(`{"headers":{"X-A":"\u003c\u0026\u003e"}}`)}},
		Errors:         []pipeline.Step{{Handler: "json"}},
		Upstream:       pipeline.UpstreamConfig{URL: "http://up/base", PreserveHost: true, StripPath: "/shop"},
	}
	if diff := cmp.Diff(want, read(t, text)[0].Rule); diff != "" {
		t.Errorf("rule (-want +got):\n%s", diff)
	}
}

func TestNothingIsADefault(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`[{}]`, `[{"id": "", "match": null, "priority": null, "authenticators": null, "authorizer": null, "mutators": null, "errors": null,
  "upstream": null, "version": null, "description": null}]`} {
		if diff := cmp.Diff(Rule{}, read(t, text)[0].Rule); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestTheFormOfAMatchIsToldByItsFullMethod(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, text string
		want       Match
		shown      string
	}{
		{"http", `{"url": "http://a/"}`, Match{URL: "http://a/"}, `{"url":"http://a/","methods":null}`},
		{"methods", `{"url": "http://a/", "methods": []}`, Match{URL: "http://a/", Methods: []string{}}, `{"url":"http://a/","methods":[]}`},
		{
			"calls", `{"authority": "a", "full_method": "b/C", "allow_http_get": true}`,
			Match{RPC: true, Authority: "a", FullMethod: "b/C", AllowHTTPGet: true},
			`{"authority":"a","full_method":"b/C","allow_http_get":true}`,
		},
		{"an empty one is there", `{"full_method": ""}`, Match{RPC: true}, `{"authority":"","full_method":"","allow_http_get":false}`},
		{"a null is not", `{"url": "http://a/", "full_method": null}`, Match{URL: "http://a/"}, `{"url":"http://a/","methods":null}`},
		{"an authority alone", `{"authority": "a"}`, Match{Authority: "a"}, `{"url":"","methods":null}`},
		{
			"both", `{"url": "http://a/", "full_method": "b/C"}`,
			Match{URL: "http://a/", RPC: true, FullMethod: "b/C"},
			`{"authority":"","full_method":"b/C","allow_http_get":false}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			match := read(t, `[{"match": `+test.text+`}]`)[0].Match
			if diff := cmp.Diff(&test.want, match); diff != "" {
				t.Errorf("match (-want +got):\n%s", diff)
			}
			if shown, err := json.Marshal(match); err != nil || string(shown) != test.shown {
				t.Errorf("shown as %s, %v", shown, err)
			}
		})
	}
}

// TestYesAndNoAreBooleansInYAML: rules are read by the rules of YAML 1.1
// (contract 1.1), in which quotes make a text of them, and JSON knows no such
// thing.
func TestYesAndNoAreBooleansInYAML(t *testing.T) {
	t.Parallel()
	truth := map[string]bool{
		"yes": true, "Yes": true, "YES": true, "y": true, "on": true, "On": true, "ON": true, "true": true, "True": true,
		"no": false, "No": false, "NO": false, "n": false, "off": false, "Off": false, "OFF": false, "false": false,
	}
	for word, want := range truth {
		rule := read(t, "- upstream: {preserve_host: "+word+"}\n  match: {full_method: a/B, allow_http_get: "+word+"}\n")[0]
		if rule.Upstream.PreserveHost != want || rule.Match.AllowHTTPGet != want {
			t.Errorf("%s: preserve_host is %t, allow_http_get is %t", word, rule.Upstream.PreserveHost, rule.Match.AllowHTTPGet)
		}
		for _, text := range []string{
			"- upstream: {preserve_host: '" + word + "'}\n",
			"- upstream:\n    preserve_host: \"" + word + "\"\n",
			`[{"upstream": {"preserve_host": "` + word + `"}}]`,
			`[{"match": {"full_method": "a/B", "allow_http_get": "` + word + `"}}]`,
		} {
			if definitions, _, problems := parse("rules", []byte(text), false, nil); len(problems) == 0 {
				t.Errorf("%s is a boolean: %+v", text, definitions[0].Rule)
			}
		}
	}
}

// TestADigestIsOfEverythingThatARuleSays, and of nothing about how it is
// written: it tells which rules an edit has changed.
func TestADigestIsOfEverythingThatARuleSays(t *testing.T) {
	t.Parallel()
	const text = `[{"id": "a", "match": {"url": "http://a/", "methods": ["GET"]}, "note": 1}]`
	digest := read(t, text)[0].digest
	for _, same := range []string{
		`[{"match": {"methods": ["GET"], "url": "http://a/"}, "note": 1, "id": "a"}]`,
		"- id: a # as ever\n  match: {url: 'http://a/', methods: [GET]}\n  note: 1\n",
		`[{"id": "other"}, ` + text[1:],
	} {
		definitions := read(t, same)
		if definitions[len(definitions)-1].digest != digest {
			t.Errorf("%s has another digest", same)
		}
	}
	for _, other := range []string{
		`[{"id": "b", "match": {"url": "http://a/", "methods": ["GET"]}, "note": 1}]`,
		`[{"id": "a", "match": {"url": "http://a/", "methods": ["GET", "GET"]}, "note": 1}]`,
		`[{"id": "a", "match": {"url": "http://a/", "methods": ["GET"]}, "note": "1"}]`,
		`[{"id": "a", "match": {"url": "http://a/", "methods": ["GET"]}, "note": 1, "priority": 1}]`,
		`[{"id": "a", "match": {"url": "http://a/", "methods": ["GET"]}}]`,
	} {
		if read(t, other)[0].digest == digest {
			t.Errorf("%s has the same digest", other)
		}
	}
}

func TestAProblemNamesTheRule(t *testing.T) {
	t.Parallel()
	definitions := read(t, "- id: a\n  match:\n    url: x\n-\n  upstream: {}\n- id: \"quote \\\" and\\nline\"\n")
	for i, want := range []string{
		`rules:3: rule "a": match.url: is odd`,
		`rules:5: rule [1]: match.url: is odd`,
		`rules:6: rule "quote \" and\nline": match.url: is odd`,
	} {
		if got := definitions[i].problem([]string{"match", "url"}, "is odd").String(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

// FuzzDecodeRules: whatever stands in a file, there are either rules or
// problems, and what is accepted can be shown, compiled and read again.
func FuzzDecodeRules(f *testing.F) {
	for _, seed := range []string{
		"", " ", "null", "[]", "{}", "[null]", `[{"id": "a"}]`, list(simple("a", "a.example.com")), "- id: a\n  match: {url: <.*>, methods: [GET]}\n",
		"- &a\n  id: a\n- <<: *a\n  version: 0.1.0\n", "- match: {full_method: a/B, allow_http_get: yes}\n", "[]\n---\n[]\n", "[{},]", "\ufeff[]",
		`[{"version": "v0.32.0-beta.1", "mutators": [{"handler": "hydrator", "config": {"retry": {"number_of_retries": 3}}}]}]`,
		`[{"version": "v0.37.0", "authorizer": {"handler": "keto_engine_acp_ory", "config": {"required_action": "$1"}}}]`,
		`[{"match": {"url": "http://<a", "methods": ["\u0000"]}}]`, "- a: &a [*a]\n", `[{"ID": "a", "Match": []}]`, "- {id: a, id: b}\n", "[{\"id\": 1e999}]",
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, content []byte, strict bool) {
		definitions, _, problems := parse("rules", content, strict, nil)
		if len(problems) > 0 {
			if definitions != nil {
				t.Fatalf("rules in spite of %v", problems)
			}
			return
		}
		builder := pipeline.NewBuilder(everyHandler, enabled, pipeline.Environment{}, nil)
		set, _ := compile(definitions, Regexp, builder, newMasking(everyHandler))
		shown := []json.RawMessage{}
		for _, rule := range set.Rules() {
			shown = append(shown, rule)
		}
		if len(shown) != len(definitions) {
			t.Fatalf("%d of %d rules are shown", len(shown), len(definitions))
		}
		text, err := json.Marshal(shown)
		if err != nil {
			t.Fatal(err)
		}
		if again, _, problems := parse("shown", text, false, nil); len(problems) > 0 || len(again) != len(definitions) {
			t.Fatalf("%s does not come back: %v", text, problems)
		}
	})
}

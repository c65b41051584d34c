package rules

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// vault is an authenticator's schema that says itself which of its values are
// secret.
var vault = document.MustCompileSchema("vault", []byte(`{
  "type": "object",
  "properties": {
    "pin": {"type": "string", "writeOnly": true},
    "name": {"type": "string"},
    "doors": {"type": "array", "items": {"type": "object", "properties": {"code": {"type": "string", "writeOnly": true}, "floor": {"type": "integer"}}}},
    "guards": {"type": "object", "additionalProperties": {"type": "string", "writeOnly": true}},
    "spare": {"$ref": "#/$defs/key"}
  },
  "$defs": {"key": {"type": "object", "properties": {"teeth": {"type": "array", "writeOnly": true}}}}
}`))

func TestSecretsAreMaskedAndNothingElse(t *testing.T) {
	t.Parallel()
	mask := newMasking(pipeline.Handlers{Authenticators: []pipeline.Definition[pipeline.Authenticator]{{ID: "vault", Schema: vault}}})
	for _, test := range []struct{ name, config, want string }{
		{"none", ``, ``},
		{"null", `null`, `null`},
		{"nothing secret", `{"name":"n","list":[1,2.5,true,null,"x"],"map":{}}`, `{"list":[1,2.5,true,null,"x"],"map":{},"name":"n"}`},
		{"long numbers", `{"n":12345678901234567890,"e":1e400,"z":1.0}`, `{"e":1e400,"n":12345678901234567890,"z":1.0}`},
		{
			"by their keys",
			`{"client_secret":"s","Secret":"s","password":"s","basic_PassWord":"s","passphrase":"s","private_key":"s","Authorization":"Bearer s","authorization":"s"}`,
			`{"Authorization":"********","Secret":"********","authorization":"********","basic_PassWord":"********","client_secret":"********",` +
				`"passphrase":"********","password":"********","private_key":"********"}`,
		},
		{"keys that are not", `{"authorization_url":"a","pass":"b","key":"c","token_from":{"header":"d"}}`, `{"authorization_url":"a","key":"c","pass":"b","token_from":{"header":"d"}}`},
		{"at any depth", `{"api":{"auth":{"basic":{"username":"u","password":"s"}}},"list":[{"secret":"s"},{"name":"n"}]}`, `{"api":{"auth":{"basic":{"password":"********","username":"u"}}},"list":[{"secret":"********"},{"name":"n"}]}`},
		{"whatever they are", `{"secret":{"a":["s"]},"password":7,"passphrase":["s"]}`, `{"passphrase":"********","password":"********","secret":"********"}`},
		{"no value is no secret", `{"secret":null,"pin":null}`, `{"pin":null,"secret":null}`},
		{"by the schema", `{"pin":"s","name":"n"}`, `{"name":"n","pin":"********"}`},
		{"by the schema of items", `{"doors":[{"code":"s","floor":1},{"code":"s"}]}`, `{"doors":[{"code":"********","floor":1},{"code":"********"}]}`},
		{"by the schema of any key", `{"guards":{"anna":"s"}}`, `{"guards":{"anna":"********"}}`},
		{"by a reference of the schema", `{"spare":{"teeth":[1,2],"length":3}}`, `{"spare":{"length":3,"teeth":"********"}}`},
		{"no configuration", `"s"`, `"s"`},
		{"the password of a url", `{"url":"https://user:s@host:8080/p?q=1#f"}`, `{"url":"https://user:xxxxx@host:8080/p?q=1#f"}`},
		{"the password of what is no url", `{"url":"https://user:s%zz@host:p/x@y"}`, `{"url":"https://user:xxxxx@host:p/x@y"}`},
		{"of urls in a list", `{"urls":["redis://:s@host","https://host"]}`, `{"urls":["redis://:xxxxx@host","https://host"]}`},
		{"a url without one", `{"url":"https://user@host/%7Ea//b?x=%20&y"}`, `{"url":"https://user@host/%7Ea//b?x=%20\u0026y"}`},
		{"what only looks like one", `{"text":"a:b@c {{ print .Subject }} %zz"}`, `{"text":"a:b@c {{ print .Subject }} %zz"}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			step := pipeline.Step{Handler: "vault", Config: json.RawMessage(test.config)}
			if got := string(mask.step("authenticators", step).Config); got != test.want {
				t.Errorf("%s\nbecame %s\nwant   %s", test.config, got, test.want)
			}
			if string(step.Config) != test.config {
				t.Error("the rule itself was changed")
			}
		})
	}
}

// TestTheSchemaIsThatOfTheStage: handlers of two stages may have the same id.
func TestTheSchemaIsThatOfTheStage(t *testing.T) {
	t.Parallel()
	mask := newMasking(pipeline.Handlers{
		Authenticators: []pipeline.Definition[pipeline.Authenticator]{{ID: "a", Schema: vault}},
		Authorizers:    []pipeline.Definition[pipeline.Authorizer]{{ID: "b", Schema: vault}},
		Mutators:       []pipeline.Definition[pipeline.Mutator]{{ID: "c", Schema: vault}},
		ErrorHandlers:  []pipeline.Definition[pipeline.ErrorHandler]{{ID: "d", Schema: vault}},
	})
	steps := func(ids ...string) []pipeline.Step {
		var all []pipeline.Step
		for _, id := range ids {
			all = append(all, pipeline.Step{Handler: id, Config: json.RawMessage(`{"pin":"s"}`)})
		}
		return all
	}
	secret, shown := json.RawMessage(`{"pin":"********"}`), json.RawMessage(`{"pin":"s"}`)
	rule := Rule{
		ID: "r", Authenticators: steps("a", "b"), Authorizer: &steps("b")[0], Mutators: steps("c", "a"), Errors: steps("d", "c"),
		Upstream: pipeline.UpstreamConfig{URL: "http://u:s@up/base", StripPath: "/x"},
	}
	want := Rule{
		ID:             "r",
		Authenticators: []pipeline.Step{{Handler: "a", Config: secret}, {Handler: "b", Config: shown}},
		Authorizer:     &pipeline.Step{Handler: "b", Config: secret},
		Mutators:       []pipeline.Step{{Handler: "c", Config: secret}, {Handler: "a", Config: shown}},
		Errors:         []pipeline.Step{{Handler: "d", Config: secret}, {Handler: "c", Config: shown}},
		Upstream:       pipeline.UpstreamConfig{URL: "http://u:xxxxx@up/base", StripPath: "/x"},
	}
	if diff := cmp.Diff(&want, mask.rule(&rule)); diff != "" {
		t.Errorf("rule (-want +got):\n%s", diff)
	}
	if rule.Authenticators[0].Config[2] != 'p' || rule.Upstream.URL != "http://u:s@up/base" {
		t.Error("the rule itself was changed")
	}
	if diff := cmp.Diff(&Rule{}, mask.rule(&Rule{})); diff != "" {
		t.Errorf("an empty rule (-want +got):\n%s", diff)
	}
}

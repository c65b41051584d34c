package pipeline_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestConditionsThatCannotWorkAreFlaws(t *testing.T) {
	t.Parallel()
	const (
		either = "needs either a handler, with or without config, or exactly one of all_of, any_of and none_of"
		empty  = "needs at least one authorizer"
	)
	config := json.RawMessage(`{"a": 1}`)
	tests := map[string]struct {
		condition pipeline.Condition
		want      []pipeline.Flaw
	}{
		"nothing":                {pipeline.Condition{}, []pipeline.Flaw{{Step: []string{"authorizers"}, Message: either}}},
		"a config of nobody":     {pipeline.Condition{Config: config}, []pipeline.Flaw{{Step: []string{"authorizers"}, Message: either}}},
		"a config of a group":    {pipeline.Condition{Config: config, AnyOf: []pipeline.Condition{one("allow")}}, []pipeline.Flaw{{Step: []string{"authorizers"}, Message: either}}},
		"a handler and a group":  {pipeline.Condition{Handler: "allow", AllOf: []pipeline.Condition{one("allow")}}, []pipeline.Flaw{{Step: []string{"authorizers"}, Message: either}}},
		"two groups":             {pipeline.Condition{AllOf: []pipeline.Condition{one("allow")}, NoneOf: []pipeline.Condition{}}, []pipeline.Flaw{{Step: []string{"authorizers"}, Message: either}}},
		"all of nobody":          {pipeline.Condition{AllOf: []pipeline.Condition{}}, []pipeline.Flaw{{Step: []string{"authorizers", "all_of"}, Message: empty}}},
		"any of nobody":          {pipeline.Condition{AnyOf: []pipeline.Condition{}}, []pipeline.Flaw{{Step: []string{"authorizers", "any_of"}, Message: empty}}},
		"none of nobody":         {pipeline.Condition{NoneOf: []pipeline.Condition{}}, []pipeline.Flaw{{Step: []string{"authorizers", "none_of"}, Message: empty}}},
		"nobody, further inside": {allOf(one("allow"), anyOf(pipeline.Condition{NoneOf: []pipeline.Condition{}})), []pipeline.Flaw{{Step: []string{"authorizers", "all_of", "1", "any_of", "0", "none_of"}, Message: empty}}},
		"several that nobody knows": {anyOf(one("alow"), one("allow"), one("deni")), []pipeline.Flaw{
			{Step: []string{"authorizers", "any_of", "0"}, Handler: "alow", Message: `there is no handler of that name; did you mean "allow"?`},
			{Step: []string{"authorizers", "any_of", "2"}, Handler: "deni", Message: `there is no handler of that name`},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handlers := kit()
			builder := pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, nil)
			p, flaws := builder.Build(under(test.condition))
			if diff := cmp.Diff(test.want, flaws); diff != "" {
				t.Error(diff)
			}
			if decision := run(t, p); !p.Broken() || decision.Allowed || pipeline.KindOf(decision.Err) != pipeline.Misconfigured {
				t.Errorf("broken: %t, decision: %+v", p.Broken(), decision)
			}
		})
	}
}

func TestAuthorizerAndAuthorizersAreOneTooMany(t *testing.T) {
	t.Parallel()
	handlers := kit()
	builder := pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, nil)
	both := under(one("allow"))
	both.Authorizer = &pipeline.Step{Handler: "allow"}
	neither := under(one("allow"))
	neither.Authorizers = nil
	for name, test := range map[string]struct {
		plan pipeline.Plan
		want []pipeline.Flaw
	}{
		"both":    {both, []pipeline.Flaw{{Step: []string{"authorizers"}, Message: "stands beside authorizer; a rule has one or the other"}}},
		"neither": {neither, []pipeline.Flaw{{Message: "needs an authorizer"}}},
	} {
		p, flaws := builder.Build(test.plan)
		if diff := cmp.Diff(test.want, flaws); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if decision := run(t, p); decision.Allowed {
			t.Errorf("%s: it is allowed", name)
		}
	}
}

func TestConditionsAreShownAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"handler":"allow"}`,
		`{"handler":"cel","config":{"expression":"true"}}`,
		`{"all_of":[{"handler":"allow"},{"any_of":[{"handler":"deny"}]}]}`,
		`{"none_of":[]}`,
		`{}`,
	} {
		var condition pipeline.Condition
		if err := json.Unmarshal([]byte(text), &condition); err != nil {
			t.Fatal(err)
		}
		shown, err := json.Marshal(condition)
		if err != nil || string(shown) != text {
			t.Errorf("got %s, %v, want %s", shown, err, text)
		}
	}
}

package rules

import (
	"encoding/json"
	"testing"

	"ostiary/pipeline"
)

const (
	oldHydrator = `{"api":{"url":"http://h/"},"retry":{"delay_in_milliseconds":50,"number_of_retries":4}}`
	newHydrator = `{"api":{"retry":{"give_up_after":"200ms","max_delay":"50ms"},"url":"http://h/"}}`
	oldKeto     = `{"required_action":"get","required_resource":"shop:$1"}`
	newKeto     = `{"required_action":"get","required_resource":"shop:{{ printIndex .MatchContext.RegexpCaptureGroups (sub 1 1 | int)}}"}`
)

// TestWhatIsMigratedDependsOnTheVersion holds the versions on both sides of
// each change of format (contract 2.3).
func TestWhatIsMigratedDependsOnTheVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		version, shown string
		hydrator, keto string
	}{
		{"", "", oldHydrator, oldKeto},
		{"master", "master", oldHydrator, oldKeto},
		{"vmaster", "vmaster", oldHydrator, oldKeto},
		{"0.1.0", FormatVersion, newHydrator, newKeto},
		{"v0.19.0-beta.1+oryOS.14", FormatVersion, newHydrator, newKeto},
		{"0.32.0-alpha.9", FormatVersion, newHydrator, newKeto},
		{"v0.32.0-beta.1", FormatVersion, newHydrator, newKeto},
		{"0.32.0-beta.1+oryOS.15", FormatVersion, newHydrator, newKeto},
		{"0.32.0-beta.2", FormatVersion, oldHydrator, newKeto},
		{"0.32.0", FormatVersion, oldHydrator, newKeto},
		{"v0.37.0-beta.1", FormatVersion, oldHydrator, newKeto},
		{"v0.37.0", FormatVersion, oldHydrator, newKeto},
		{"0.37.0+oryOS.18", FormatVersion, oldHydrator, newKeto},
		{"0.37.1-alpha.1", FormatVersion, oldHydrator, oldKeto},
		{"0.37.1", FormatVersion, oldHydrator, oldKeto},
		{"v0.40.1", FormatVersion, oldHydrator, oldKeto},
		{"v26.2.0", FormatVersion, oldHydrator, oldKeto},
		{"v99.1.0", FormatVersion, oldHydrator, oldKeto},
	} {
		rule := Rule{
			Version:    test.version,
			Authorizer: &pipeline.Step{Handler: "keto_engine_acp_ory", Config: json.RawMessage(oldKeto)},
			Mutators: []pipeline.Step{
				{Handler: "header", Config: json.RawMessage(oldHydrator)},
				{Handler: "hydrator", Config: json.RawMessage(oldHydrator)},
			},
		}
		if err := migrate(&rule); err != nil {
			t.Errorf("%s: %v", test.version, err)
			continue
		}
		if rule.Version != test.shown {
			t.Errorf("%s: the version is now %q", test.version, rule.Version)
		}
		if got := string(rule.Mutators[1].Config); got != test.hydrator {
			t.Errorf("%s: the hydrator is %s, want %s", test.version, got, test.hydrator)
		}
		if got := string(rule.Authorizer.Config); got != test.keto {
			t.Errorf("%s: keto is %s, want %s", test.version, got, test.keto)
		}
		if got := string(rule.Mutators[0].Config); got != oldHydrator {
			t.Errorf("%s: the configuration of another handler is %s", test.version, got)
		}
	}
}

func TestAVersionIsASemanticOne(t *testing.T) {
	t.Parallel()
	for _, version := range []string{"1", "one", "v1.2", "1.2.3.4", "vv1.2.3", "01.2.3", "1.2.3-", "V1.2.3", " 1.2.3", "v", "Master", "latest"} {
		rule := Rule{Version: version}
		err := migrate(&rule)
		if want := `"` + version + `" is not a version such as v0.40.1`; err == nil || err.Error() != want {
			t.Errorf("%s: %v", version, err)
		}
		if rule.Version != version {
			t.Errorf("%s: the version is now %q", version, rule.Version)
		}
	}
}

func TestNumbersOfRetriesBecomeDurations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, before, after string }{
		{"no configuration", ``, ``},
		{"null", `null`, `null`},
		{"no object", `"text"`, `"text"`},
		{"no retry", `{"api":{"url":"u"}}`, `{"api":{"url":"u"}}`},
		{"retry is no object", `{"retry":3}`, `{"retry":3}`},
		{"both", `{"retry":{"number_of_retries":3,"delay_in_milliseconds":20}}`, `{"api":{"retry":{"give_up_after":"60ms","max_delay":"20ms"}}}`},
		{"the delay is 100 if it is not said", `{"retry":{"number_of_retries":3}}`, `{"api":{"retry":{"give_up_after":"300ms"}}}`},
		{"a delay alone", `{"retry":{"delay_in_milliseconds":20}}`, `{"api":{"retry":{"max_delay":"20ms"}}}`},
		{"none of them", `{"retry":{}}`, `{"api":{"retry":{}}}`},
		{"no retries", `{"retry":{"number_of_retries":0,"delay_in_milliseconds":20}}`, `{"api":{"retry":{"give_up_after":"0ms","max_delay":"20ms"}}}`},
		{"large", `{"retry":{"number_of_retries":1000000,"delay_in_milliseconds":60000}}`, `{"api":{"retry":{"give_up_after":"60000000000ms","max_delay":"60000ms"}}}`},
		{"the rest of api stays", `{"api":{"url":"u","auth":{}},"cache":{},"retry":{"number_of_retries":1}}`, `{"api":{"auth":{},"retry":{"give_up_after":"100ms"},"url":"u"},"cache":{}}`},
		{"the rest of retry stays", `{"retry":{"max_delay":"1s","number_of_retries":2}}`, `{"api":{"retry":{"give_up_after":"200ms","max_delay":"1s"}}}`},
		{"texts are not numbers", `{"retry":{"number_of_retries":"3"}}`, `{"api":{"retry":{"number_of_retries":"3"}}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			step := pipeline.Step{Handler: "hydrator", Config: json.RawMessage(test.before)}
			migrateHydrator(&step)
			if string(step.Config) != test.after {
				t.Errorf("%s, want %s", step.Config, test.after)
			}
		})
	}
}

func TestDollarsBecomeCaptureGroups(t *testing.T) {
	t.Parallel()
	group := func(n string) string {
		return "{{ printIndex .MatchContext.RegexpCaptureGroups (sub " + n + " 1 | int)}}"
	}
	for _, test := range []struct{ before, after string }{
		{``, ``},
		{`null`, `null`},
		{`[1]`, `[1]`},
		{`{}`, `{}`},
		{`{"required_action":"$1","required_resource":"$2"}`, `{"required_action":"` + group("1") + `","required_resource":"` + group("2") + `"}`},
		{`{"required_action":"a$1$2b$13"}`, `{"required_action":"a` + group("1") + group("2") + "b" + group("13") + `"}`},
		{`{"required_action":"$ $a $$"}`, `{"required_action":"$ $a $$"}`},
		{`{"required_action":["$1"],"subject":"$1"}`, `{"required_action":["$1"],"subject":"$1"}`},
	} {
		step := pipeline.Step{Handler: "keto_engine_acp_ory", Config: json.RawMessage(test.before)}
		migrateKeto(&step)
		if string(step.Config) != test.after {
			t.Errorf("%s: %s, want %s", test.before, step.Config, test.after)
		}
	}
}

func TestARuleWithoutStepsIsMigrated(t *testing.T) {
	t.Parallel()
	rule := Rule{Version: "0.1.0"}
	if err := migrate(&rule); err != nil || rule.Version != FormatVersion {
		t.Errorf("%+v, %v", rule, err)
	}
}

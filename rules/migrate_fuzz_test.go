package rules

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// FuzzMigrate: a rule of any version becomes one of the present form, which is
// then left as it is, or is refused; and only the handlers that were written in
// another way are touched.
func FuzzMigrate(f *testing.F) {
	f.Add("v0.32.0-beta.1", `{"retry": {"number_of_retries": 3, "delay_in_milliseconds": 1e300}}`, `{"required_action": "$1:$0$99999999999999999999"}`)
	f.Add("0.37.0", `{"api": [], "retry": {}}`, `null`)
	f.Add("v1", `{`, ``)
	f.Fuzz(func(t *testing.T, version, hydrator, keto string) {
		if !json.Valid([]byte(hydrator)) || !json.Valid([]byte(keto)) {
			return // it has been refused already
		}
		rule := Rule{
			Version:    version,
			Mutators:   []pipeline.Step{{Handler: "hydrator", Config: []byte(hydrator)}, {Handler: "header", Config: []byte(hydrator)}},
			Authorizer: &pipeline.Step{Handler: "keto_engine_acp_ory", Config: []byte(keto)},
		}
		err := migrate(&rule)
		if string(rule.Mutators[1].Config) != hydrator {
			t.Errorf("another handler has become %s", rule.Mutators[1].Config)
		}
		if err != nil {
			if rule.Version != version || string(rule.Mutators[0].Config) != hydrator {
				t.Errorf("%v, and it has become %+v", err, rule)
			}
			return
		}
		if (rule.Version == "") != (version == "") || !json.Valid(rule.Mutators[0].Config) || !json.Valid(rule.Authorizer.Config) {
			t.Fatalf("%q has become %+v", version, rule)
		}
		if developed := version == developmentVersion || version == "v"+developmentVersion; version != "" && !developed && rule.Version != FormatVersion {
			t.Errorf("%q has become a rule of version %q", version, rule.Version)
		}
		once, err := json.Marshal(rule)
		if err != nil {
			t.Fatal(err)
		}
		if err := migrate(&rule); err != nil {
			t.Fatalf("%s is none of the present form: %v", once, err)
		}
		twice, err := json.Marshal(rule)
		if diff := cmp.Diff(string(once), string(twice)); err != nil || diff != "" {
			t.Errorf("it becomes another each time, %v:\n%s", err, diff)
		}
	})
}

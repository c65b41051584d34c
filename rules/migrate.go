package rules

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"

	"ostiary/pipeline"
)

// FormatVersion is the version of Oathkeeper whose rules are read as they are;
// migrated rules show it as theirs.
const FormatVersion = "v26.2.0"

// The last versions that wrote rules in an older form (contract 2.3).
var (
	lastHydratorRetry = semver.MustParse("0.32.0-beta.1")
	lastKetoDollars   = semver.MustParse("0.37.0")
)

// developmentVersion is what a build without a version calls itself, and the
// rules that it lists. They have the present form.
const developmentVersion = "master"

type versionError struct{ version string }

func (e *versionError) Error() string {
	return fmt.Sprintf("%q is not a version such as v0.40.1", e.version)
}

// migrate brings a rule of an older version to the present form. A rule
// without a version has it already.
func migrate(rule *Rule) error {
	number := strings.TrimPrefix(rule.Version, "v")
	if rule.Version == "" || number == developmentVersion {
		return nil
	}
	version, err := semver.StrictNewVersion(number)
	if err != nil {
		return &versionError{rule.Version}
	}
	if version.LessThanEqual(lastHydratorRetry) {
		for i := range rule.Mutators {
			migrateHydrator(&rule.Mutators[i])
		}
	}
	if version.LessThanEqual(lastKetoDollars) && rule.Authorizer != nil {
		migrateKeto(rule.Authorizer)
	}
	rule.Version = FormatVersion
	return nil
}

// migrateHydrator turns numbers of retries into durations.
func migrateHydrator(step *pipeline.Step) {
	config := stepConfig(step, "hydrator")
	retry, ok := config["retry"].(map[string]any)
	if !ok {
		return
	}
	delay := 100.0
	if given, ok := retry["delay_in_milliseconds"].(float64); ok {
		delay = given
		delete(retry, "delay_in_milliseconds")
		retry["max_delay"] = milliseconds(given)
	}
	if retries, ok := retry["number_of_retries"].(float64); ok {
		delete(retry, "number_of_retries")
		retry["give_up_after"] = milliseconds(retries * delay)
	}
	delete(config, "retry")
	api, ok := config["api"].(map[string]any)
	if !ok {
		api = map[string]any{}
		config["api"] = api
	}
	api["retry"] = retry
	setStepConfig(step, config)
}

func milliseconds(n float64) string { return strconv.FormatFloat(n, 'f', 0, 64) + "ms" }

var dollar = regexp.MustCompile(`\$(\d+)`)

// migrateKeto turns $n into a template that prints capture group n-1.
func migrateKeto(step *pipeline.Step) {
	config := stepConfig(step, "keto_engine_acp_ory")
	if config == nil {
		return
	}
	for _, key := range []string{"required_action", "required_resource"} {
		if text, ok := config[key].(string); ok {
			config[key] = dollar.ReplaceAllString(text, "{{ printIndex .MatchContext.RegexpCaptureGroups (sub $1 1 | int)}}")
		}
	}
	setStepConfig(step, config)
}

// stepConfig is the configuration of that handler, or nil. What is no object
// is left for the handler's schema to find.
func stepConfig(step *pipeline.Step, handler string) map[string]any {
	var config any
	if step.Handler != handler || json.Unmarshal(step.Config, &config) != nil {
		return nil
	}
	object, _ := config.(map[string]any)
	return object
}

func setStepConfig(step *pipeline.Step, config map[string]any) {
	if text, err := json.Marshal(config); err == nil {
		step.Config = text
	}
}

package rules

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// masked is what GET /rules shows in place of a secret.
const masked = "********"

// secretKey finds keys whose value is a secret, whatever the handler.
var secretKey = regexp.MustCompile(`(?i)secret|password|passphrase|private_key|^authorization$`)

// masking hides the secrets in rules (contract 14, /rules): values whose
// property is writeOnly in the handler's schema, values whose key says so, and
// the passwords in URLs.
type masking struct{ schemas map[string]*document.Schema }

func newMasking(handlers pipeline.Handlers) *masking {
	m := &masking{schemas: make(map[string]*document.Schema)}
	for _, d := range handlers.Authenticators {
		m.schemas["authenticators/"+d.ID] = d.Schema
	}
	for _, d := range handlers.Authorizers {
		m.schemas["authorizer/"+d.ID] = d.Schema
	}
	for _, d := range handlers.Mutators {
		m.schemas["mutators/"+d.ID] = d.Schema
	}
	for _, d := range handlers.ErrorHandlers {
		m.schemas["errors/"+d.ID] = d.Schema
	}
	return m
}

// rule is a copy of the rule without its secrets.
func (m *masking) rule(rule *Rule) *Rule {
	shown := *rule
	shown.Authenticators = m.steps("authenticators", rule.Authenticators)
	shown.Mutators = m.steps("mutators", rule.Mutators)
	shown.Errors = m.steps("errors", rule.Errors)
	if rule.Authorizer != nil {
		step := m.step("authorizer", *rule.Authorizer)
		shown.Authorizer = &step
	}
	if rule.Authorizers != nil {
		condition := m.condition(*rule.Authorizers)
		shown.Authorizers = &condition
	}
	shown.Upstream.URL = maskURL(rule.Upstream.URL)
	return &shown
}

func (m *masking) condition(condition pipeline.Condition) pipeline.Condition {
	condition.Config = m.step("authorizer", pipeline.Step{Handler: condition.Handler, Config: condition.Config}).Config
	for _, group := range []*[]pipeline.Condition{&condition.AllOf, &condition.AnyOf, &condition.NoneOf} {
		members := slices.Clone(*group)
		for i := range members {
			members[i] = m.condition(members[i])
		}
		*group = members
	}
	return condition
}

func (m *masking) steps(stage string, steps []pipeline.Step) []pipeline.Step {
	if steps == nil {
		return nil
	}
	shown := make([]pipeline.Step, len(steps))
	for i, step := range steps {
		shown[i] = m.step(stage, step)
	}
	return shown
}

func (m *masking) step(stage string, step pipeline.Step) pipeline.Step {
	if len(step.Config) == 0 {
		return step
	}
	decoder := json.NewDecoder(bytes.NewReader(step.Config))
	decoder.UseNumber() // or long numbers would come out as others
	var config any
	if err := decoder.Decode(&config); err != nil {
		step.Config = json.RawMessage(`"` + masked + `"`)
		return step
	}
	text, err := json.Marshal(maskValue(config, m.schemas[stage+"/"+step.Handler], nil))
	if err != nil {
		text = json.RawMessage(`"` + masked + `"`)
	}
	step.Config = text
	return step
}

func maskValue(value any, schema *document.Schema, at document.Path) any {
	if len(at) > 0 && value != nil && isSecret(schema, at) {
		return masked
	}
	switch value := value.(type) {
	case map[string]any:
		shown := make(map[string]any, len(value))
		for key, item := range value {
			shown[key] = maskValue(item, schema, at.With(key))
		}
		return shown
	case []any:
		shown := make([]any, len(value))
		for i, item := range value {
			shown[i] = maskValue(item, schema, at.With("0"))
		}
		return shown
	case string:
		return maskURL(value)
	default:
		return value
	}
}

func isSecret(schema *document.Schema, at document.Path) bool {
	if secretKey.MatchString(at[len(at)-1]) {
		return true
	}
	if schema == nil {
		return false
	}
	writeOnly, _ := schema.At(at)["writeOnly"].(bool)
	return writeOnly
}

// password finds the password in a URL that cannot be read: the rule that has it
// is of no use, and is shown all the same.
var password = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*://[^/?#:@]*:)[^/?#]*@`)

// maskURL hides the password in a URL; other texts are left as they are.
func maskURL(text string) string {
	parsed, err := url.Parse(text)
	if err != nil {
		return password.ReplaceAllString(text, "${1}xxxxx@")
	}
	if parsed.User == nil {
		return text
	}
	if _, has := parsed.User.Password(); !has {
		return text
	}
	parsed.User = url.UserPassword(parsed.User.Username(), "")
	return parsed.Redacted()
}

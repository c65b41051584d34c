package rules

import (
	"crypto/sha256"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"ostiary/config/document"
	"ostiary/pipeline"
)

//go:embed rule.schema.json
var ruleSchemaText []byte

var ruleSchema = document.MustCompileSchema("rule.schema.json", ruleSchemaText)

// Rule is an access rule as its author wrote it, migrated to the present form
// (contract 2.1). The order of the fields is that of GET /rules.
type Rule struct {
	ID             string                  `json:"id"`
	Version        string                  `json:"version"`
	Description    string                  `json:"description"`
	Match          *Match                  `json:"match"`
	Priority       Priority                `json:"priority,omitempty"`
	Authenticators []pipeline.Step         `json:"authenticators"`
	Authorizer     *pipeline.Step          `json:"authorizer"`
	Authorizers    *pipeline.Condition     `json:"authorizers,omitempty"`
	Mutators       []pipeline.Step         `json:"mutators"`
	Errors         []pipeline.Step         `json:"errors"`
	Upstream       pipeline.UpstreamConfig `json:"upstream"`
}

// Match says which requests a rule answers for: HTTP requests by URL and
// Methods, or remote procedure calls by Authority and FullMethod.
type Match struct {
	URL     string
	Methods []string

	RPC          bool // the second form: full_method is there
	Authority    string
	FullMethod   string
	AllowHTTPGet bool
}

type httpMatch struct {
	URL     string   `json:"url"`
	Methods []string `json:"methods"`
}

type rpcMatch struct {
	Authority    string `json:"authority"`
	FullMethod   string `json:"full_method"`
	AllowHTTPGet bool   `json:"allow_http_get"`
}

// UnmarshalJSON reads either form.
func (m *Match) UnmarshalJSON(text []byte) error {
	var both struct {
		httpMatch
		Authority    string  `json:"authority"`
		FullMethod   *string `json:"full_method"`
		AllowHTTPGet bool    `json:"allow_http_get"`
	}
	if err := json.Unmarshal(text, &both); err != nil {
		return fmt.Errorf("match: %w", err)
	}
	*m = Match{URL: both.URL, Methods: both.Methods, Authority: both.Authority, AllowHTTPGet: both.AllowHTTPGet}
	if both.FullMethod != nil {
		m.RPC, m.FullMethod = true, *both.FullMethod
	}
	return nil
}

// MarshalJSON writes the form that was read.
func (m Match) MarshalJSON() ([]byte, error) {
	var text []byte
	var err error
	if m.RPC {
		text, err = json.Marshal(rpcMatch{m.Authority, m.FullMethod, m.AllowHTTPGet})
	} else {
		text, err = json.Marshal(httpMatch{m.URL, m.Methods})
	}
	if err != nil {
		return nil, fmt.Errorf("match: %w", err)
	}
	return text, nil
}

// definition is a rule with the place that it was read from.
type definition struct {
	Rule
	origin *origin
	index  int
	digest [sha256.Size]byte // of everything that the rule says
	text   [sha256.Size]byte // of the very bytes that it was read from; zero if nobody asked yet
	plain  bool              // there is no key in it that nobody reads
}

// subject names the rule in messages.
func (d *definition) subject() string {
	if d.ID == "" {
		return fmt.Sprintf("rule [%d]", d.index)
	}
	return fmt.Sprintf("rule %q", d.ID)
}

// place is where the rule stands: file:line.
func (d *definition) place() string {
	return fmt.Sprintf("%s:%d", d.origin.name, d.origin.line(document.Path{strconv.Itoa(d.index)}))
}

// problem is a mistake in the rule; path leads from the rule to its place.
func (d *definition) problem(path document.Path, message string) document.Problem {
	return document.Problem{
		File:    d.origin.name,
		Line:    d.origin.line(document.Path{strconv.Itoa(d.index)}.With(path...)),
		Subject: d.subject(),
		Path:    path,
		Message: message,
	}
}

// decode reads the rules of a document. A mistake of form, such as a text
// where a list belongs, makes the whole document useless (contract 2.2): all
// of them are returned. Warnings concern rules that are nevertheless good.
func decode(o *origin, value any, strict bool) (rules []*definition, warnings, problems document.Problems) {
	list, ok := value.([]any)
	if !ok {
		if value == nil {
			return nil, nil, nil
		}
		message := "expected an array of access rules, got " + document.TypeName(value)
		return nil, nil, document.Problems{{File: o.name, Line: o.line(nil), Message: message}}
	}
	for i, item := range list {
		rule, unknown, wrong := decodeRule(o, i, item)
		problems = append(problems, wrong...)
		if strict {
			problems = append(problems, unknown...)
		} else {
			warnings = append(warnings, unknown...)
		}
		rules = append(rules, rule)
	}
	if len(problems) > 0 {
		return nil, nil, problems
	}
	return rules, warnings, nil
}

func decodeRule(o *origin, index int, item any) (rule *definition, unknown, wrong document.Problems) {
	rule = &definition{origin: o, index: index}
	fields, _ := item.(map[string]any)
	rule.ID, _ = fields["id"].(string)
	for _, v := range ruleSchema.Check(item) {
		if value, there := document.Lookup(item, v.Path); there && value == nil && len(v.Path) > 0 {
			continue // a key without a value, as in `description:`, is as good as none
		}
		wrong = append(wrong, rule.problem(v.Path, v.Message))
	}
	if len(wrong) > 0 {
		return nil, nil, wrong
	}
	text, err := json.Marshal(fields)
	if err == nil {
		rule.digest = sha256.Sum256(text)
		err = json.Unmarshal(text, &rule.Rule)
	}
	if err == nil {
		err = migrate(&rule.Rule)
	}
	if err != nil {
		path := document.Path(nil)
		var version *versionError
		if errors.As(err, &version) {
			path = document.Path{"version"}
		}
		return nil, nil, document.Problems{rule.problem(path, err.Error())}
	}
	unknown = unknownKeys(rule, fields)
	rule.plain = len(unknown) == 0
	return rule, unknown, nil
}

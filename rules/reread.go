package rules

import (
	"crypto/sha256"
	"encoding/json"

	"github.com/tidwall/gjson"

	"ostiary/config/document"
)

// reread reads a document of which most rules are those of an earlier version,
// byte for byte: of ten thousand, one has changed. Only the others are looked
// into. It is nil if there is anything to say about the document, or nothing is
// to be gained; then it has to be read as a whole.
func reread(name string, content []byte, before []*definition) []*definition {
	if len(before) == 0 || !json.Valid(content) || !gjson.ParseBytes(content).IsArray() {
		return nil
	}
	known := textsOf(before)
	o := &origin{name: name, source: content}
	rules := make([]*definition, 0, len(before))
	gjson.ParseBytes(content).ForEach(func(_, item gjson.Result) bool {
		text := sha256.Sum256([]byte(item.Raw))
		var rule *definition
		if same := known[text]; same != nil {
			rule = &definition{Rule: same.Rule, origin: o, index: len(rules), digest: same.digest, plain: true}
		} else {
			rule = readOne(o, len(rules), item.Raw)
		}
		if rule == nil {
			rules = nil
			return false
		}
		rule.text = text
		rules = append(rules, rule)
		return true
	})
	return rules
}

// readOne reads a rule; nil if there is anything to say about it.
func readOne(o *origin, index int, text string) *definition {
	parsed, err := document.Parse(o.name, []byte(text), document.JSON)
	if err != nil || len(parsed.Warnings) > 0 {
		return nil
	}
	rule, _, wrong := decodeRule(o, index, parsed.Value)
	if len(wrong) > 0 || !rule.plain {
		return nil
	}
	return rule
}

// textsOf are those of the rules that there is nothing to say about, by what
// they are written as.
func textsOf(definitions []*definition) map[[sha256.Size]byte]*definition {
	texts := make(map[[sha256.Size]byte]*definition, len(definitions))
	if first := definitions[0]; first.text == [sha256.Size]byte{} && json.Valid(first.origin.source) {
		i := 0
		gjson.ParseBytes(first.origin.source).ForEach(func(_, item gjson.Result) bool {
			if i < len(definitions) {
				definitions[i].text = sha256.Sum256([]byte(item.Raw))
			}
			i++
			return true
		})
	}
	for _, d := range definitions {
		if d.plain && d.text != [sha256.Size]byte{} {
			texts[d.text] = d
		}
	}
	return texts
}

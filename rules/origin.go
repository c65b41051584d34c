package rules

import (
	"errors"
	"strings"

	"ostiary/config/document"
)

// origin is the document that rules were read from. Only its text is kept:
// what was parsed is many times as large as the rules that it became, and of
// no use but for the line numbers in messages.
type origin struct {
	name   string
	source []byte
	parsed *document.Document // while rules are being loaded; nil if no line was asked for
}

// line is where the value at path stands, or 0.
func (o *origin) line(path document.Path) int {
	if o.parsed == nil {
		parsed, err := document.Parse(o.name, o.source, document.Sniff)
		if err != nil {
			return 0 // cannot be: the same text was parsed before
		}
		o.parsed = parsed
	}
	return o.parsed.Line(path)
}

// forget gives back the memory that line needs.
func (o *origin) forget() { o.parsed = nil }

// parse reads the rules of a document, of which there may have been an earlier
// version with some of them. Problems make it useless as a whole.
func parse(name string, content []byte, strict bool, before []*definition) (rules []*definition, warnings, problems document.Problems) {
	if again := reread(name, content, before); again != nil {
		return again, nil, nil
	}
	parsed, err := document.Parse(name, content, document.Sniff)
	if err != nil {
		var one document.Problem
		if !errors.As(err, &one) {
			one = document.Problem{File: name, Message: strings.TrimPrefix(err.Error(), name+": ")}
		}
		return nil, nil, document.Problems{one}
	}
	rules, warnings, problems = decode(&origin{name: name, source: content, parsed: parsed}, parsed.Value, strict)
	for _, rule := range rules {
		rule.plain = rule.plain && len(parsed.Warnings) == 0
	}
	return rules, append(parsed.Warnings, warnings...), problems
}

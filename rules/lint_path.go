package rules

import (
	"fmt"
	"strings"

	"ostiary/rules/automaton"
)

// checkPath finds literal paths that are meant to end with a word, and match
// longer words as well: /admin<.*> matches /adminother.
func checkPath(r *inspected) []Finding {
	if !r.hasHost {
		return nil
	}
	var findings []Finding
	segments := r.pattern.segments
	for i := r.end; i+1 < len(segments); i++ {
		next := segments[i+1]
		if segments[i].pattern || !next.pattern || !r.endsInWord(i) {
			continue
		}
		// A pattern in the midst of a segment, as in /v<[0-9]+>.json, is no end.
		if i+2 < len(segments) && (segments[i+2].pattern || !strings.HasPrefix(segments[i+2].text, "/")) {
			continue
		}
		if target, found := r.longerWord(i); found {
			literal := segments[i].text[strings.LastIndexByte(segments[i].text, '/'):]
			findings = append(findings, r.finding(openPath, fmt.Sprintf("%s<%s> matches longer words too, as in %s; write %s%s",
				literal, next.text, target, literal, r.endInSlash()), target))
		}
	}
	return findings
}

// endsInWord reports whether a literal ends in a letter or digit that is in the
// path, behind a slash of its own.
func (r *inspected) endsInWord(i int) bool {
	text := r.pattern.segments[i].text
	from := 0
	if i == r.end {
		from = r.endOffset
	}
	return strings.IndexByte(text[from:], '/') >= 0 && isWordy(text[len(text)-1])
}

// longerWord is a target with a longer word where the rule also matches the
// word by itself, or a slash behind it.
func (r *inspected) longerWord(i int) (target string, found bool) {
	if !matchesAlone(r.parts[i+1], "other") {
		return "", false
	}
	if _, alone := r.witness(r.replaced(i+1, automaton.Literal(""))...); !alone {
		if _, below := r.witness(r.replaced(i+1, like("/.*"))...); !below {
			return "", false
		}
	}
	return r.witness(r.replaced(i+1, automaton.Literal("other"))...)
}

// matchesAlone reports whether a part by itself may match a text.
func matchesAlone(part *automaton.Expression, text string) bool {
	matcher, err := automaton.Compile([]*automaton.Expression{part}, nil)
	return err == nil && len(matcher.Match(text)) > 0
}

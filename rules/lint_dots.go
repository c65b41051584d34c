package rules

import (
	"fmt"
	"strings"

	"ostiary/rules/automaton"
)

// checkDots finds dots in regular expressions for hosts that are not escaped,
// and so match any character. It says so only if a target proves it that the
// rule would not match with the dots escaped.
//
// meant is the rule with these dots escaped, to be looked at further.
func checkDots(r *inspected) (findings []Finding, meant *inspected) {
	if r.read.strategy != Regexp || !r.hasHost {
		return nil, r
	}
	meant = r
	for i := r.begin; i <= r.end && i < len(r.written); i++ {
		if !r.written[i].pattern {
			continue
		}
		dots := r.dotsInHost(i, r.written[i].text)
		if len(dots) == 0 {
			continue
		}
		escaped := escape(r.written[i].text, dots, `\.`)
		part, target, found := r.wrongCharacter(i, dots, escaped)
		if found {
			findings = append(findings, r.finding(unescapedDot,
				fmt.Sprintf("a dot in <%s> matches any character, so that %s matches; write <%s>", r.written[i].text, target, escaped), target))
			if escaped := meant.with(i, part); escaped != nil {
				meant = escaped
			}
		}
	}
	return findings, meant
}

// wrongCharacter is a target that the rule only matches because one of the
// dots matches an x. meant is the pattern with the dots escaped.
func (r *inspected) wrongCharacter(i int, dots []int, escaped string) (meant *automaton.Expression, target string, found bool) {
	fold := func(text string) (*automaton.Expression, error) {
		return r.read.parse(r.read.strategy.fold(text), text)
	}
	meant, err := fold(escaped)
	if err != nil {
		return nil, "", false
	}
	other, err := fold(escape(escape(r.written[i].text, dots[1:], `\.`), dots[:1], "x"))
	if err != nil {
		return nil, "", false
	}
	expression := automaton.Without(automaton.Sequence(r.replaced(i, other)...), automaton.Sequence(r.replaced(i, meant)...))
	target, found, certain := automaton.Witness(expression, addresses(), maxPairs)
	return meant, target, found && certain && r.matches(target)
}

// escape replaces the bytes at these places.
func escape(text string, places []int, by string) string {
	var b strings.Builder
	from := 0
	for _, at := range places {
		b.WriteString(text[from:at] + by)
		from = at + 1
	}
	return b.String() + text[from:]
}

// dotsInHost are the places of dots in a pattern that stand between characters
// of names, or groups and repeats of them, up to the end of the host.
func (r *inspected) dotsInHost(i int, pattern string) []int {
	from, until := 0, len(pattern)
	if i == r.begin {
		from = strings.Index(pattern, "://") + len("://")
	}
	if slash := strings.IndexByte(pattern[from:], '/'); i == r.end && slash >= 0 {
		until = from + slash
	}
	var dots []int
	inClass := false
	for at := 0; at < until; at++ {
		switch c := pattern[at]; {
		case c == '\\':
			at++
		case inClass:
			inClass = c != ']'
		case c == '[':
			inClass = true
		case c == '.' && at >= from && at > 0 && at+1 < len(pattern) && endsName(pattern[at-1]) && beginsName(pattern[at+1]):
			dots = append(dots, at)
		}
	}
	return dots
}

func endsName(c byte) bool   { return isWordy(c) || strings.IndexByte(")]}+*?", c) >= 0 }
func beginsName(c byte) bool { return isWordy(c) || strings.IndexByte("([", c) >= 0 }

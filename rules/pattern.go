package rules

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/dlclark/regexp2/syntax"
)

// Strategy is the language of the patterns in URL templates.
type Strategy string

// The strategies (contract 3.2).
const (
	Regexp Strategy = "regexp"
	Glob   Strategy = "glob"
)

// fold makes a pattern for hosts match what is in lower case.
func (s Strategy) fold(pattern string) string {
	if s == Glob {
		return foldGlob(pattern)
	}
	return foldRegexp(pattern)
}

// namesSlash reports whether a pattern has a slash that it may match. In a
// class of what is not to be matched, as in [^/]+, there is none.
func (s Strategy) namesSlash(pattern string) bool {
	exclusion := regexpExclusion
	if s == Glob {
		exclusion = globExclusion
	}
	return strings.Contains(exclusion.ReplaceAllString(pattern, ""), "/")
}

// matchTimeout bounds a match by the backtracking engine, which some patterns
// need: look-around and back-references.
const matchTimeout = 250 * time.Millisecond

// pattern is a compiled URL template. It matches whole targets only.
type pattern struct {
	prefixes []string // every match begins with one of them
	literal  string   // every match contains it
	whole    bool     // the template has no patterns: a prefix is the only match

	linear       *regexp.Regexp  // nil if only a backtracking engine will do
	backtracking *regexp2.Regexp // nil if linear is not
	groups       []int           // the groups of linear, in the order of contract 3.3
}

// compilePattern compiles a URL template.
func compilePattern(template string, strategy Strategy) (*pattern, error) {
	segments, err := splitTemplate(template)
	if err != nil {
		return nil, err
	}
	expression, words := regexpExpression, regexpWords
	if strategy == Glob {
		expression, words = globExpression, globWords
	} else if err := selfContained(segments); err != nil {
		return nil, err
	}
	segments = foldHost(segments, strategy)
	p := &pattern{
		prefixes: prefixes(segments, words),
		literal:  longestLiteral(segments),
		whole:    len(segments) == 1 && !segments[0].pattern,
	}
	if p.whole {
		return p, nil
	}
	source, err := expression(segments)
	if err != nil {
		return nil, err
	}
	return p, p.compile(source)
}

// compile takes the linear engine wherever it reads the expression as the
// backtracking one does, whose dialect is that of the rules.
func (p *pattern) compile(source string) error {
	reference, err := regexp2.Compile(source, regexp2.RE2)
	if err != nil {
		return fmt.Errorf("the pattern does not compile: %w", err)
	}
	if linear, err := regexp.Compile(source); err == nil && !readDifferently.MatchString(source) {
		p.linear = linear
		p.groups = unnamedFirst(linear.SubexpNames())
		return nil
	}
	reference.MatchTimeout = matchTimeout
	p.backtracking = reference
	return nil
}

// readDifferently finds what both engines accept and do not understand alike:
// class subtraction, word boundaries, quoted runs, numbered escapes, groups with
// a number for a name, and the option U.
var readDifferently = regexp.MustCompile(`-\[|\\[bBQE0-9]|\(\?P?<[0-9]|\(\?[a-z-]*U`)

func unnamedFirst(names []string) []int {
	var unnamed, named []int
	for i, name := range names {
		switch {
		case i == 0:
		case name == "":
			unnamed = append(unnamed, i)
		default:
			named = append(named, i)
		}
	}
	return append(unnamed, named...)
}

// errUndecided says that a pattern did not come to an end in time.
var errUndecided = errors.New("the pattern took too long to match")

// match reports whether the template matches the whole target. One of the
// prefixes is known to fit.
func (p *pattern) match(target string) (bool, error) {
	switch {
	case p.whole:
		return target == p.prefixes[0], nil
	case !strings.Contains(target, p.literal):
		return false, nil
	case p.linear != nil:
		return p.linear.MatchString(target), nil
	}
	matches, err := p.backtracking.MatchString(target)
	if err != nil {
		return false, errUndecided
	}
	return matches, nil
}

// captures are the groups of a target that matches (contract 3.3).
func (p *pattern) captures(target string) []string {
	switch {
	case p.linear != nil:
		found := p.linear.FindStringSubmatch(target)
		if found == nil {
			return nil
		}
		groups := make([]string, len(p.groups))
		for i, group := range p.groups {
			groups[i] = found[group]
		}
		return groups
	case p.backtracking != nil:
		found, err := p.backtracking.FindStringMatch(target)
		if err != nil || found == nil {
			return nil
		}
		var groups []string
		for _, group := range found.Groups()[1:] {
			groups = append(groups, group.String())
		}
		return groups
	default:
		return nil
	}
}

// regexpExpression makes one anchored expression of a template, with a group
// for each of its patterns.
func regexpExpression(segments []segment) (string, error) {
	var b strings.Builder
	b.WriteString(`\A`)
	for _, s := range segments {
		if s.pattern {
			b.WriteString("(" + s.text + ")")
		} else {
			b.WriteString(regexp.QuoteMeta(s.text))
		}
	}
	b.WriteString(`\z`)
	return b.String(), nil
}

// selfContained finds a pattern that is no regular expression by itself. One
// such as a)|(b would close the group around it, and with that the expression
// that ties the template to the whole target. Only a reference to a group in
// another pattern does no harm.
func selfContained(segments []segment) error {
	for _, s := range segments {
		if !s.pattern {
			continue
		}
		_, err := regexp2.Compile(s.text, regexp2.RE2)
		var invalid *syntax.Error
		if errors.As(err, &invalid) && !strings.Contains(string(invalid.Code), "undefined group") {
			reason := strings.TrimSuffix(strings.TrimPrefix(invalid.Error(), "error parsing regexp: "), " in `"+invalid.Expr+"`")
			return fmt.Errorf("the pattern <%s> does not compile: %s", s.text, reason)
		}
	}
	return nil
}

func regexpWords(pattern string) []string { return plainWords(pattern, "|") }

var (
	// regexpExclusion is a class of what is not to be matched.
	regexpExclusion = regexp.MustCompile(`\[\^\]?(?:\\.|[^\]\\])*\]`)
	// meaningful are capitals that stand for no letter: in escapes and in the
	// names of groups.
	meaningful = regexp.MustCompile(`\\([pP]\{[^}]*\}|.)|\(\?P?<\w+>`)
	capital    = regexp.MustCompile(`[A-Z]`)
)

// foldRegexp makes a pattern for hosts ignore case, if it has capitals that
// could only match capitals. Capitals that are excluded are none: no host has
// them, and it may well have the small letters.
func foldRegexp(pattern string) string {
	literal := meaningful.ReplaceAllString(regexpExclusion.ReplaceAllString(pattern, ""), "")
	if strings.HasPrefix(pattern, "(?i)") || !capital.MatchString(literal) {
		return pattern
	}
	return "(?i:" + pattern + ")"
}

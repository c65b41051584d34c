package rules

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/dlclark/regexp2/syntax"

	"ostiary/rules/automaton"
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

// templates reads URL templates of one strategy. What they have in common is
// read once.
type templates struct {
	strategy Strategy
	known    map[string]*automaton.Expression // of patterns, as they are written
}

func newTemplates(strategy Strategy) *templates {
	return &templates{strategy: strategy, known: make(map[string]*automaton.Expression)}
}

// pattern is a compiled URL template. It matches whole targets only.
type pattern struct {
	expression *automaton.Expression
	segments   []segment // scheme and host folded

	// trying is the engine for what the automaton cannot tell: whether the
	// template matches where its expression is in doubt, and what its groups
	// capture. It is compiled when it is first needed.
	trying func() (*backtracking, error)
}

// read compiles a URL template.
func (t *templates) read(template string) (*pattern, error) {
	segments, err := splitTemplate(template)
	if err != nil {
		return nil, err
	}
	folded := foldHost(segments, t.strategy)
	parts := make([]*automaton.Expression, len(folded))
	for i, s := range folded {
		if !s.pattern {
			parts[i] = automaton.Literal(s.text)
		} else if parts[i], err = t.parse(s.text, segments[i].text); err != nil {
			return nil, err
		}
	}
	p := &pattern{expression: automaton.Sequence(parts...), segments: folded}
	if places := p.expression.Places(); places > maxPlaces {
		return nil, fmt.Errorf("the pattern is too large: with its repeats written out it takes %d places, and %d is the limit", places, maxPlaces)
	}
	if t.strategy == Regexp && slices.ContainsFunc(folded, func(s segment) bool { return s.pattern }) {
		p.trying = sync.OnceValues(func() (*backtracking, error) { return newBacktracking(anchored(folded)) })
		if len(p.expression.Doubts) > 0 {
			if _, err := p.trying(); err != nil {
				return nil, fmt.Errorf("the pattern does not compile: %w", err)
			}
		}
	}
	return p, nil
}

// maxPlaces bounds a pattern, so that one alone takes neither the time nor the
// memory that all of them together are meant to take.
const maxPlaces = 1 << 16

// parse reads a pattern of a template, which its author wrote as it is written.
func (t *templates) parse(text, written string) (*automaton.Expression, error) {
	if known, ok := t.known[text]; ok {
		return known, nil
	}
	var expression *automaton.Expression
	var err error
	if t.strategy == Glob {
		expression, err = automaton.ParseGlob(text)
	} else {
		expression, err = parseRegexp(text, written)
	}
	if err != nil {
		return nil, err
	}
	t.known[text] = expression
	return expression, nil
}

// numberedReference finds what may refer to a group, which may be one of another
// pattern of the template.
var numberedReference = regexp.MustCompile(`\\[1-9]`)

func parseRegexp(text, written string) (*automaton.Expression, error) {
	expression, err := automaton.ParseRegexp(text)
	if err == nil && (len(expression.Doubts) > 0 || !numberedReference.MatchString(text)) {
		return expression, nil
	}
	if err == nil {
		return automaton.Doubtful("a number that may refer to a group"), nil
	}
	switch refused := refusal(written); {
	case errors.Is(refused, errForeign):
		return automaton.Doubtful("a reference to another pattern"), nil
	case refused != nil:
		err = refused
	}
	return nil, fmt.Errorf("the pattern <%s> does not compile: %w", written, err)
}

// errForeign says that a pattern refers to a group that is not in it: it may be
// in another pattern of the template.
var errForeign = errors.New("it refers to a group that is not there")

// refusal is why the engine for backtracking refuses a pattern by itself, in
// the words that people who write patterns know.
func refusal(pattern string) error {
	_, err := newBacktracking(pattern)
	var invalid *syntax.Error
	switch {
	case !errors.As(err, &invalid):
		return nil
	case strings.Contains(string(invalid.Code), "undefined group"):
		return errForeign
	default:
		return errors.New(strings.TrimSuffix(strings.TrimPrefix(invalid.Error(), "error parsing regexp: "), " in `"+invalid.Expr+"`"))
	}
}

// confirms decides for a target that the expression matches, but not for
// certain. What cannot be decided is an error, which refuses the request.
func (p *pattern) confirms(target string) (bool, error) {
	if p.trying == nil { // literal text and globs are never in doubt
		return true, nil
	}
	trying, err := p.trying()
	if err != nil {
		return false, err
	}
	return trying.matches(target)
}

// errNoGroups says that a target which matches has no groups after all: the
// engines disagree about the pattern.
var errNoGroups = errors.New("the pattern matched, but its groups cannot be found")

// decides tells whether the template matches a target of which the automaton
// says so.
func (p *pattern) decides(m automaton.Match, target string) (bool, error) {
	if m.Certain {
		return true, nil
	}
	return p.confirms(target)
}

// captures are the groups of a target that matches (contract 3.3); none of a
// glob or of literal text. With an error, whoever asked must not go on: what it
// makes of the groups may be an identity.
func (p *pattern) captures(target string) ([]string, error) {
	if p.trying == nil {
		return nil, nil
	}
	trying, err := p.trying()
	if err != nil {
		return nil, err
	}
	captured, err := trying.captures(target)
	if err == nil && captured == nil {
		err = errNoGroups
	}
	return captured, err
}

// anchored is one expression for all of a template, with a group for each of
// its patterns.
func anchored(segments []segment) string {
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
	return b.String()
}

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

package rules

import (
	"errors"
	"regexp"
)

// groups finds what the groups of an expression capture. It is only made for
// rules whose pipeline asks.
type groups struct {
	linear       *regexp.Regexp // nil if only the engine for backtracking will do
	order        []int          // of the groups of linear, as contract 3.3 has them
	backtracking *backtracking  // nil if linear is not
}

// newGroups takes the linear engine wherever it reads the expression as the
// one for backtracking does, whose dialect is that of the rules.
func newGroups(expression string) *groups {
	if linear, err := regexp.Compile(expression); err == nil && !readDifferently.MatchString(expression) {
		return &groups{linear: linear, order: unnamedFirst(linear.SubexpNames())}
	}
	trying, err := newBacktracking(expression)
	if err != nil { // then no request gets here: the expression does not match either
		return &groups{}
	}
	return &groups{backtracking: trying}
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

// errNoGroups says that a target which matches has no groups after all: the
// engines disagree about the pattern.
var errNoGroups = errors.New("the pattern matched, but its groups cannot be found")

// of are the groups of a target that matches. Without groups, whoever asked
// must not go on: what it makes of them may be an identity.
func (g *groups) of(target string) ([]string, error) {
	switch {
	case g == nil:
		return nil, nil
	case g.linear != nil:
		found := g.linear.FindStringSubmatch(target)
		if found == nil {
			return nil, errNoGroups
		}
		captured := make([]string, len(g.order))
		for i, group := range g.order {
			captured[i] = found[group]
		}
		return captured, nil
	case g.backtracking != nil:
		captured, err := g.backtracking.captures(target)
		if err == nil && captured == nil {
			err = errNoGroups
		}
		return captured, err
	default:
		return nil, errNoGroups
	}
}

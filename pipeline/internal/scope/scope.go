// Package scope compares the scopes that a credential grants with those that a
// rule asks for (contract 5.8). It does not know where either of them comes
// from, nor what happens to a request that lacks one.
package scope

import (
	"fmt"
	"slices"
	"strings"
)

// Strategy says when a granted scope covers a needed one. The zero value is
// None, which covers nothing.
type Strategy uint8

// The strategies, in the words of rules: none, exact, hierarchic, wildcard.
const (
	// None compares nothing. What that means for needed scopes is up to each
	// handler; Satisfied is the careful reading, that they are never there.
	None Strategy = iota
	// Exact wants the scope itself.
	Exact
	// Hierarchic wants the scope itself or a parent: a covers a.b and a.b.c.
	Hierarchic
	// Wildcard compares segment by segment. A * that was granted covers one
	// segment that is not empty, and at the end any further segments too: a.*
	// covers a.b and a.b.c, but not a.
	Wildcard
)

var names = [...]string{None: "none", Exact: "exact", Hierarchic: "hierarchic", Wildcard: "wildcard"}

// Parse is the strategy of that name.
func Parse(name string) (Strategy, error) {
	if i := slices.Index(names[:], name); i >= 0 {
		return Strategy(i), nil //nolint:gosec // there are four
	}
	return None, fmt.Errorf("%q is not one of %s", name, strings.Join(names[:], ", "))
}

// Satisfied reports whether each of the needed scopes is covered by one that
// was granted. Scopes are compared with regard to case, and an empty one, such
// as the claim "scope": "" makes, grants nothing.
func (s Strategy) Satisfied(granted, needed []string) bool {
	for _, need := range needed {
		if !slices.ContainsFunc(granted, func(grant string) bool { return s.covers(grant, need) }) {
			return false
		}
	}
	return true
}

func (s Strategy) covers(granted, needed string) bool {
	if granted == "" {
		return false
	}
	switch s {
	case Exact:
		return granted == needed
	case Hierarchic:
		rest, found := strings.CutPrefix(needed, granted)
		return found && (rest == "" || rest[0] == '.')
	case Wildcard:
		return wildcard(granted, needed)
	default:
		return false
	}
}

func wildcard(granted, needed string) bool {
	for {
		pattern, furtherGranted, moreGranted := strings.Cut(granted, ".")
		segment, furtherNeeded, moreNeeded := strings.Cut(needed, ".")
		switch {
		case pattern == "*" && segment == "", pattern != "*" && pattern != segment:
			return false
		case pattern == "*" && !moreGranted:
			return true
		case !moreGranted || !moreNeeded:
			return moreGranted == moreNeeded
		}
		granted, needed = furtherGranted, furtherNeeded
	}
}

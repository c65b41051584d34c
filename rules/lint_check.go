package rules

import (
	"fmt"
	"slices"
)

// Level says how much a finding weighs.
type Level int

// The levels.
const (
	Note    Level = iota + 1 // may well be meant
	Warning                  // is likely to be a mistake
	Failure                  // refuses requests, or is never used
)

var levelNames = []string{Note: "note", Warning: "warning", Failure: "error"}

// String is the level's name: note, warning or error.
func (l Level) String() string { return levelNames[l] }

// MarshalText writes the level's name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// ParseLevel reads the name of a level.
func ParseLevel(name string) (Level, error) {
	if at := slices.Index(levelNames, name); at >= int(Note) {
		return Level(at), nil
	}
	return 0, fmt.Errorf("%q is none of error, warning and note", name)
}

// Check is one thing that Lint looks for.
type Check struct {
	ID          string `json:"id"` // stays what it is from version to version
	Level       Level  `json:"level"`
	Description string `json:"description"`
}

var (
	equalOverlap     = &Check{"overlap", Failure, "two rules of equal priority match the same request, which is then refused with a 500"}
	overlapUndecided = &Check{"overlap-undecided", Note, "two rules may match the same request, and it cannot be told whether they do"}
	deadRule         = &Check{"dead-rule", Failure, "a rule that never answers: no request matches it, or another rule matches whatever it matches"}
	brokenRule       = &Check{"broken-rule", Failure, "a rule that denies everything or is left out, or a file of which no rule can be used"}
	disabledHandler  = &Check{"disabled-handler", Failure, "a rule uses a handler that the configuration does not enable"}
	hostCrossing     = &Check{"host-crossing", Warning, "a pattern in the host runs on into another host, which may be anybody's"}
	anyHost          = &Check{"any-host", Note, "a rule that matches anybody's hosts"}
	unescapedDot     = &Check{"unescaped-dot", Warning, "a dot in a regular expression for hosts that matches any character"}
	openPath         = &Check{"open-path", Warning, "a path that does not end where its last word ends, so that longer words match too"}
	superLinear      = &Check{"super-linear", Note, "a pattern that is not regular and is matched by trying; a warning if it has a repeat inside of a repeat"}
	unknownMethod    = &Check{"unknown-method", Warning, "a method that no request has"}
	noMethods        = &Check{"no-methods", Warning, "a rule without methods, which matches no request"}
	duplicateID      = &Check{"duplicate-id", Warning, "two rules with one id, which logs and metrics cannot tell apart"}
	missingID        = &Check{"missing-id", Warning, "a rule without an id, which logs and metrics cannot name"}
	unusedHandler    = &Check{"unused-handler", Note, "a handler that is enabled and that no rule uses"}
	apiRedirect      = &Check{"api-redirect", Warning, "a redirect to a login page that programs get as well as browsers"}
)

// Checks are all that Lint looks for.
func Checks() []Check {
	all := []*Check{
		equalOverlap, overlapUndecided, deadRule, brokenRule, disabledHandler, hostCrossing, anyHost, unescapedDot,
		openPath, superLinear, unknownMethod, noMethods, duplicateID, missingID, unusedHandler, apiRedirect,
	}
	checks := make([]Check, len(all))
	for i, check := range all {
		checks[i] = *check
	}
	return checks
}

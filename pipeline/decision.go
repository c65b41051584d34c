package pipeline

import (
	"net/http"
	"slices"
	"strings"
)

// Stage is a step of the pipeline, named as in access rules.
type Stage string

// The stages, in the order in which a request comes to them.
const (
	Matching     Stage = "match"
	Authenticate Stage = "authenticators"
	Authorize    Stage = "authorizer"
	Mutate       Stage = "mutators"
	Forwarding   Stage = "upstream"
	HandleError  Stage = "errors"
)

// Decision is the outcome for one request. The zero Decision refuses.
type Decision struct {
	Allowed bool
	Rule    string // id of the rule that answered; empty if none did or it has no id
	Session *Session

	Generation uint64 // of the rules that it was decided by

	// Of a refusal:
	Stage    Stage  // where it was refused
	Handler  string // which handler refused; empty if it was none
	Err      error  // why; its kind decided on the response
	Response Response

	// Of a permission:
	Upstream *Upstream
	Identity Names // headers that only the rule may set; in Go's canonical spelling
}

// Names are names of headers. They stand for all their spellings: any case,
// and underscores for hyphens, which many servers take for the same name.
type Names []string

// Cover reports whether name is a spelling of one of the names.
func (n Names) Cover(name string) bool {
	for _, known := range n {
		if sameName(known, name) {
			return true
		}
	}
	return false
}

// canonical is the same names in Go's spelling, in order and without repeats.
func (n Names) canonical() Names {
	names := make(Names, len(n))
	for i, name := range n {
		names[i] = http.CanonicalHeaderKey(name)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func sameName(a, b string) bool {
	if len(a) != len(b) {
		return false
	}
	if strings.EqualFold(a, b) {
		return true
	}
	if !strings.Contains(a, "_") && !strings.Contains(b, "_") {
		return false
	}
	return strings.EqualFold(strings.ReplaceAll(a, "_", "-"), strings.ReplaceAll(b, "_", "-"))
}

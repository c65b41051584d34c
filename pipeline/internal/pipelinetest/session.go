package pipelinetest

import (
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ostiary/pipeline"
)

// DiffSessions is empty if the sessions are the same but for the request that
// they are about.
func DiffSessions(want, got pipeline.Session) string {
	return cmp.Diff(want, got, cmpopts.IgnoreFields(pipeline.Session{}, "MatchContext"))
}

// ReasonOf is what an error says that a client of a verbose error handler may
// read; empty if there is none.
func ReasonOf(err error) string {
	if e, ok := err.(*pipeline.Error); ok { //nolint:errorlint // handlers return it unwrapped
		return e.Reason
	}
	return ""
}

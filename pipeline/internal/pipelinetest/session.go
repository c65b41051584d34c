package pipelinetest

import (
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"ostiary/pipeline"
)

// Session is one with this subject and, unless it is nil, this extra.
func Session(subject string, extra map[string]any) pipeline.Session {
	session := pipeline.Session{Subject: subject}
	session.SetExtra(extra)
	return session
}

// Knowing is the session, which knows that much else about its subject.
func Knowing(extra map[string]any, session pipeline.Session) *pipeline.Session {
	session.SetExtra(extra)
	return &session
}

// Extra is what else a session knows about its subject. What cannot
// be read is its only content.
func Extra(session *pipeline.Session) map[string]any {
	extra, err := session.Extra()
	if err != nil {
		return map[string]any{"unreadable": err.Error()}
	}
	return extra
}

// DiffSessions is empty if the sessions are the same but for the request that
// they are about.
func DiffSessions(want, got pipeline.Session) string {
	return cmp.Diff(Extra(&want), Extra(&got)) + cmp.Diff(want, got,
		cmpopts.IgnoreFields(pipeline.Session{}, "MatchContext"), cmpopts.IgnoreUnexported(pipeline.Session{}))
}

// ReasonOf is what an error says that a client of a verbose error handler may
// read; empty if there is none.
func ReasonOf(err error) string {
	if e, ok := err.(*pipeline.Error); ok { //nolint:errorlint // handlers return it unwrapped
		return e.Reason
	}
	return ""
}

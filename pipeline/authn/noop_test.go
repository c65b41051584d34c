package authn

import (
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestNoopAcceptsEveryRequestAndFindsOutNothing(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, noop, `{"whatever": 1}`, pipeline.Environment{})
	for _, headers := range [][]string{nil, {"Authorization", "Bearer x"}, {"Cookie", "sid=1"}} {
		var session pipeline.Session
		if err := handler.Authenticate(t.Context(), pipelinetest.Request(headers...), &session); err != nil {
			t.Errorf("%q: %v", headers, err)
		}
		if diff := pipelinetest.DiffSessions(pipeline.Session{}, session); diff != "" {
			t.Errorf("%q: %s", headers, diff)
		}
	}
}

package authz

import (
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestAllowAllowsEverybody(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, allow, `{"whatever": 1}`, pipeline.Environment{})
	for _, subject := range []string{"", "ada"} {
		session := pipeline.Session{Subject: subject}
		if err := handler.Authorize(t.Context(), pipelinetest.Request(), &session); err != nil {
			t.Errorf("%q: %v", subject, err)
		}
		if diff := pipelinetest.DiffSessions(pipeline.Session{Subject: subject}, session); diff != "" {
			t.Error(diff)
		}
	}
}

package authz

import (
	"errors"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestDenyAllowsNobody(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, deny, `{"whatever": 1}`, pipeline.Environment{})
	for _, subject := range []string{"", "ada"} {
		err := handler.Authorize(t.Context(), pipelinetest.Request(), &pipeline.Session{Subject: subject})
		if !errors.Is(err, pipeline.Forbidden) {
			t.Errorf("%q: got %v, want it forbidden", subject, err)
		}
	}
}

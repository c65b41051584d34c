package authn

import (
	"errors"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestUnauthorizedRefusesEveryRequest(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, unauthorized, `{}`, pipeline.Environment{})
	for _, headers := range [][]string{nil, {"Authorization", "Bearer x"}, {"Cookie", "sid=1"}} {
		err := handler.Authenticate(t.Context(), pipelinetest.Request(headers...), &pipeline.Session{})
		if !errors.Is(err, pipeline.BadCredential) {
			t.Errorf("%q: got %v, want a bad credential", headers, err)
		}
	}
}

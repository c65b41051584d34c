package mutate

import (
	"net/http"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestNoopKeepsWhatOthersSetAndAsksForTheRequestsOwn(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, noop, `{"whatever": 1}`, pipeline.Environment{})
	session := pipeline.Session{Subject: "ada", Header: http.Header{"X-User": {"ada"}}}
	if err := handler.Mutate(t.Context(), pipelinetest.Request("X-Client", "1"), &session); err != nil {
		t.Fatal(err)
	}
	want := pipeline.Session{Subject: "ada", Header: http.Header{"X-User": {"ada"}}, EchoHeader: true}
	if diff := pipelinetest.DiffSessions(want, session); diff != "" {
		t.Error(diff)
	}
}

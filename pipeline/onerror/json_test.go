package onerror

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestJSONAnswersWithADocument(t *testing.T) {
	t.Parallel()
	refusal := pipeline.Forbidden.Because("ada may <not> do that")
	tests := map[string]struct {
		config string
		want   string
	}{
		"that names the error": {`{}`, `{"error":{"code":403,"status":"Forbidden","request":"id-1","message":"The requested action was forbidden"}}` + "\n"},
		"that tells the reason if asked to": {
			`{"verbose": true}`,
			`{"error":{"code":403,"status":"Forbidden","request":"id-1","reason":"ada may \u003cnot\u003e do that","message":"Access credentials are not sufficient to access this resource"}}` + "\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := pipelinetest.New(t, jsonDocument, test.config, pipeline.Environment{})
			request := pipelinetest.Request("X-Request-Id", "id-1")
			want := pipeline.Response{
				Status: 403,
				Header: map[string][]string{"Content-Type": {"application/json"}, "Ory-Error-Id": {""}},
				Body:   []byte(test.want),
			}
			if diff := cmp.Diff(want, handler.Respond(request, refusal)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJSONAnswersEveryError(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, jsonDocument, `{}`, pipeline.Environment{})
	for _, kind := range everyKind {
		request := pipelinetest.Request()
		if !handler.Responsible(request, kind) {
			t.Errorf("%s: it is not responsible", kind.Name())
		}
		if got := handler.Respond(request, kind).Status; got != kind.Status() {
			t.Errorf("%s: got %d, want %d", kind.Name(), got, kind.Status())
		}
	}
}

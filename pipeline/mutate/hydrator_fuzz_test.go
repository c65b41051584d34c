package mutate

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// FuzzHydrate: whatever the service answers, the session stays about the same
// subject, comes out the same each time, and has no header twice in two
// spellings.
func FuzzHydrate(f *testing.F) {
	for _, answer := range []string{
		`{"subject": "ada", "extra": {"role": "editor"}, "header": {"X-Role": ["editor"]}}`, `{"subject": "root"}`, `null`, `{}`,
		`{"subject": "ada", "header": {"x-role": ["admin"], "X-Role": ["editor"]}}`, `{"SUBJECT": "ada", "match_context": {"regexp_capture_groups": []}}`,
		`{"subject": "ada", "header": {"a\r\nb": ["c"], "": [""], "X": ["\u0000"]}}`, `{"subject": "ada"} {"subject": "root"}`,
	} {
		f.Add([]byte(answer))
	}
	f.Fuzz(func(t *testing.T, answer []byte) {
		var sessions [4]pipeline.Session
		var failed error
		for i := range sessions {
			s := &sessions[i]
			*s = pipelinetest.Session("ada", map[string]any{"before": "x"})
			s.SetHeader("X-Before", "x")
			failed = hydrate(s, answer)
			if s.Subject != "ada" {
				t.Fatalf("%q makes %q of the subject", answer, s.Subject)
			}
			if diff := pipelinetest.DiffSessions(sessions[0], *s); diff != "" {
				t.Fatalf("%q makes another session each time:\n%s", answer, diff)
			}
		}
		if failed != nil {
			if pipeline.KindOf(failed) != pipeline.Internal || !cmp.Equal(sessions[0].Header, http.Header{"X-Before": {"x"}}) {
				t.Errorf("%q: %v leaves %v", answer, failed, sessions[0].Header)
			}
			return
		}
		var said struct {
			Subject string              `json:"subject"`
			Header  map[string][]string `json:"header"`
		}
		if err := json.Unmarshal(answer, &said); err != nil || said.Subject != "ada" {
			t.Fatalf("%q is taken: %v", answer, err)
		}
		for name, values := range said.Header {
			if got := sessions[0].Header[http.CanonicalHeaderKey(name)]; len(values) > 0 && !cmp.Equal(got, values) {
				t.Errorf("%q: %q is set to %q", answer, name, got)
			}
		}
	})
}

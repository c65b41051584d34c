package pipeline_test

import (
	"context"
	"errors"
	"net/http"
	"testing"

	"ostiary/pipeline"
)

func TestRunRefusesHeadersThatWouldEndTheirLine(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		header http.Header
		want   string // of the error; empty if it is fine
	}{
		"a word":                   {http.Header{"X-User": {"ada"}}, ""},
		"nothing":                  {http.Header{"X-User": {""}}, ""},
		"a tab":                    {http.Header{"X-User": {"a\tb"}}, ""},
		"letters of any language":  {http.Header{"X-User": {"Türhüter 門"}}, ""},
		"bytes of no language":     {http.Header{"X-User": {"\xff\x80"}}, ""},
		"a line end":               {http.Header{"X-User": {"ada\r\nX-Role: admin"}}, "the value for the header X-User has control characters"},
		"half a line end":          {http.Header{"X-User": {"ada\nX-Role: admin"}}, "the value for the header X-User has control characters"},
		"the other half":           {http.Header{"X-User": {"ada\rb"}}, "the value for the header X-User has control characters"},
		"a zero":                   {http.Header{"X-User": {"ada\x00"}}, "the value for the header X-User has control characters"},
		"a delete":                 {http.Header{"X-User": {"ada\x7f"}}, "the value for the header X-User has control characters"},
		"a bad one behind a good":  {http.Header{"X-User": {"ada", "\x1b"}}, "the value for the header X-User has control characters"},
		"a name with a line end":   {http.Header{"X\r\nY": {"ada"}}, `"X\r\nY" is no name for a header`},
		"a name with a blank":      {http.Header{"X User": {"ada"}}, `"X User" is no name for a header`},
		"a name with a colon":      {http.Header{"X:": {"ada"}}, `"X:" is no name for a header`},
		"no name":                  {http.Header{"": {"ada"}}, `"" is no name for a header`},
		"a name without any value": {http.Header{"X-User": {}}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := stages{mutators: map[string]mutator{"m": func(_ context.Context, _ *pipeline.Request, s *pipeline.Session) error {
				s.Header = test.header
				return nil
			}}}.pipeline(t, "anybody", "m", "")
			decision := run(t, p)
			if test.want == "" {
				if !decision.Allowed {
					t.Errorf("refused: %v", decision.Err)
				}
				return
			}
			if decision.Allowed || decision.Stage != pipeline.Mutate || decision.Handler != "" || !errors.Is(decision.Err, pipeline.Internal) {
				t.Errorf("got %+v", decision)
			}
			if want := pipeline.Internal.Error() + ": " + test.want; decision.Err.Error() != want {
				t.Errorf("got %v, want %s", decision.Err, want)
			}
		})
	}
}

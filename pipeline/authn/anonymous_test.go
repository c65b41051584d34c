package authn

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestAnonymous(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config  string
		headers []string
		subject string
		err     error
	}{
		"names a client without credentials":           {`{}`, nil, "anonymous", nil},
		"gives the name that is configured":            {`{"subject": "guest"}`, nil, "guest", nil},
		"takes an empty name for the usual one":        {`{"subject": ""}`, nil, "anonymous", nil},
		"leaves a bearer token to others":              {`{}`, []string{"Authorization", "Bearer x"}, "", pipeline.ErrNotResponsible},
		"leaves any other authorization to others":     {`{}`, []string{"Authorization", "whatever"}, "", pipeline.ErrNotResponsible},
		"looks at every Authorization header":          {`{}`, []string{"Authorization", "", "Authorization", "Basic x"}, "", pipeline.ErrNotResponsible},
		"takes an empty Authorization header for none": {`{}`, []string{"Authorization", ""}, "anonymous", nil},
		"does not mind cookies and other tokens":       {`{}`, []string{"Cookie", "sid=1", "X-Token", "t", "Proxy-Authorization", "Basic x"}, "anonymous", nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := pipelinetest.New(t, anonymous, test.config, pipeline.Environment{})
			var session pipeline.Session
			err := handler.Authenticate(t.Context(), pipelinetest.Request(test.headers...), &session)
			if !errors.Is(err, test.err) {
				t.Errorf("got error %v, want %v", err, test.err)
			}
			if diff := pipelinetest.DiffSessions(pipeline.Session{Subject: test.subject}, session); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAnonymousRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		want   []string
	}{
		"a subject that is no text": {`{"subject": 1}`, []string{"subject: expected string, got integer"}},
		"no subject":                {`{"subject": null}`, []string{"subject: expected string, got null; leave the key out or give it a value"}},
		"a key that it has not":     {`{"Subject": "x"}`, []string{`Subject: unknown key; did you mean "subject"?`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, anonymous, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

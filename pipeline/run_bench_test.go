package pipeline_test

import (
	"net/http"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/authn"
	"ostiary/pipeline/authz"
	"ostiary/pipeline/internal/pipelinetest"
	"ostiary/pipeline/mutate"
	"ostiary/pipeline/onerror"
)

// everyday is a pipeline of real handlers, with one authenticator and one
// mutator.
func everyday(t testing.TB, authenticator, authenticatorConfig, mutator, mutatorConfig string) *pipeline.Pipeline {
	t.Helper()
	handlers := pipeline.Handlers{
		Authenticators: authn.Handlers, Authorizers: authz.Handlers, Mutators: mutate.Handlers, ErrorHandlers: onerror.Handlers,
	}
	settings := pipeline.Settings{
		Authenticators: enabled(handlers.Authenticators), Authorizers: enabled(handlers.Authorizers),
		Mutators: enabled(handlers.Mutators), ErrorHandlers: enabled(handlers.ErrorHandlers),
		Fallback: []string{"json"},
	}
	return built(t, pipeline.NewBuilder(handlers, settings, pipelinetest.Environment(t), nil), pipeline.Plan{
		Rule:           "everyday",
		Authenticators: []pipeline.Step{{Handler: authenticator, Config: []byte(authenticatorConfig)}},
		Authorizer:     &pipeline.Step{Handler: "allow"},
		Mutators:       []pipeline.Step{{Handler: mutator, Config: []byte(mutatorConfig)}},
		Upstream:       pipeline.UpstreamConfig{URL: "http://up.test/"},
	})
}

const (
	constantHeader = `{"headers": {"X-Gate": "ostiary"}}`
	subjectHeader  = `{"headers": {"X-User": "{{ .Subject }}"}}`
)

// groups is what the pattern of a rule would have captured.
func groups() ([]string, error) { return []string{"orders", "7"}, nil }

// BenchmarkRun: what a decision costs that asks nobody, and one that asks a
// session service. The allocations of the latter are partly the service's.
func BenchmarkRun(b *testing.B) {
	service := pipelinetest.Serve(b, pipelinetest.Answer(http.StatusOK, `{"subject": "ada", "extra": {"role": "editor"}}`))
	session := `{"check_session_url": "` + service.URL + `/whoami", "preserve_path": true}`
	for _, bench := range []struct {
		name    string
		p       *pipeline.Pipeline
		headers []string
	}{
		{"anonymous and noop", everyday(b, "anonymous", `{}`, "noop", `{}`), nil},
		{"anonymous and a constant header", everyday(b, "anonymous", `{}`, "header", constantHeader), nil},
		{"anonymous and a header with the subject", everyday(b, "anonymous", `{}`, "header", subjectHeader), nil},
		{"cookie_session over loopback", everyday(b, "cookie_session", session, "header", subjectHeader), []string{"Cookie", "sid=1"}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			request := pipelinetest.Request(bench.headers...)
			b.ReportAllocs()
			for b.Loop() {
				if decision := bench.p.Run(b.Context(), request, groups); !decision.Allowed {
					b.Fatal(decision.Err)
				}
			}
		})
	}
	b.Run("unauthorized", func(b *testing.B) {
		p := everyday(b, "unauthorized", `{}`, "noop", `{}`)
		request := pipelinetest.Request()
		b.ReportAllocs()
		for b.Loop() {
			if p.Run(b.Context(), request, groups).Response.Status != http.StatusUnauthorized {
				b.Fatal("not refused")
			}
		}
	})
}

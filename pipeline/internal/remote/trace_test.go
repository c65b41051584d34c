package remote

import (
	"context"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// caller is an authorizer that asks a service.
type caller struct {
	client *Client
	url    string
}

func (c caller) Authorize(ctx context.Context, _ *pipeline.Request, _ *pipeline.Session) error {
	question, err := http.NewRequestWithContext(ctx, http.MethodGet, c.url, http.NoBody)
	if err != nil {
		return err
	}
	question.Header.Set("Baggage", "configured=1")
	_, err = c.client.Do(ctx, question)
	return err
}

func TestCallsBelongToTheTraceOfTheirRequest(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, ""))
	environment := pipelinetest.Environment(t)
	nothing := pipeline.Handlers{
		Authenticators: []pipeline.Definition[pipeline.Authenticator]{pipeline.DefinePlain[pipeline.Authenticator]("noop", idle{})},
		Authorizers:    []pipeline.Definition[pipeline.Authorizer]{pipeline.DefinePlain[pipeline.Authorizer]("asks", caller{New(environment, enough), service.URL})},
		Mutators:       []pipeline.Definition[pipeline.Mutator]{pipeline.DefinePlain[pipeline.Mutator]("noop", idle{})},
	}
	on := map[string]pipeline.Setting{"noop": {Enabled: true}, "asks": {Enabled: true}}
	builder := pipeline.NewBuilder(nothing, pipeline.Settings{Authenticators: on, Authorizers: on, Mutators: on}, environment, nil)
	noop := []pipeline.Step{{Handler: "noop"}}
	p, flaws := builder.Build(pipeline.Plan{Authenticators: noop, Authorizer: &pipeline.Step{Handler: "asks"}, Mutators: noop})
	if len(flaws) > 0 {
		t.Fatal(flaws)
	}
	request := pipelinetest.Request("Traceparent", "00-a-b-01", "Tracestate", "x=1", "Baggage", "client=1", "X-Other", "1")
	request.Forward = false
	if decision := p.Run(t.Context(), request, nil); !decision.Allowed {
		t.Fatal(decision.Err)
	}
	asked := service.Asked()[0].Header
	got := map[string][]string{}
	for _, name := range []string{"Traceparent", "Tracestate", "Baggage", "X-Other"} {
		got[name] = asked[name]
	}
	want := map[string][]string{"Traceparent": {"00-a-b-01"}, "Tracestate": {"x=1"}, "Baggage": {"configured=1"}, "X-Other": nil}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// idle is a handler that finds nothing to do.
type idle struct{}

func (idle) Authenticate(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }

func (idle) Mutate(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }

package remote

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"time"

	"ostiary/pipeline/internal/pipelinetest"
)

// open lets a breaker open.
func (g *guarded) open(t *testing.T) {
	t.Helper()
	g.says(pipelinetest.Answer(503, ""))
	for range 3 {
		_, _ = g.ask(t.Context(), t)
	}
}

// probe asks until a call is made again.
func (g *guarded) probe(ctx context.Context, t *testing.T) (*Answer, error) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; {
		answer, err := g.ask(ctx, t)
		if !isRefused(t, err, "1") {
			return answer, err
		}
		if time.Now().After(deadline) {
			t.Fatal("the service is never tried again")
		}
	}
}

func TestBreakerClosesWhenTheServiceIsBack(t *testing.T) {
	t.Parallel()
	g := guard(t, hasty, enough)
	g.open(t)
	g.says(pipelinetest.Answer(401, "")) // it answers, whatever it says
	if answer, err := g.probe(t.Context(), t); err != nil || answer.Status != 401 {
		t.Fatalf("got %+v, %v", answer, err)
	}
	g.says(pipelinetest.Answer(503, ""))
	for call := range 3 { // it takes as many failures as before to open again
		if _, err := g.ask(t.Context(), t); err != nil {
			t.Errorf("call %d after the service was back: %v", call, err)
		}
	}
}

func TestBreakerOpensAgainWhenTheServiceIsNotBack(t *testing.T) {
	t.Parallel()
	g := guard(t, hasty, enough)
	g.open(t)
	for round := range 3 {
		before := len(g.Asked())
		answer, err := g.probe(t.Context(), t)
		if err != nil || answer.Status != 503 {
			t.Fatalf("round %d: got %+v, %v", round, answer, err)
		}
		if made := len(g.Asked()) - before; made != 1 {
			t.Errorf("round %d: %d calls", round, made)
		}
	}
}

// TestBreakerTriesWithOneRequest: while nobody knows whether the service is
// back, the others do not wait for it.
func TestBreakerTriesWithOneRequest(t *testing.T) {
	t.Parallel()
	g := guard(t, hasty, enough)
	g.open(t)
	before := len(g.Asked())
	began, goOn := make(chan struct{}), make(chan struct{})
	g.says(func(http.ResponseWriter, *http.Request) { close(began); <-goOn })
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := g.probe(t.Context(), t); err != nil {
			t.Error(err)
		}
	})
	<-began
	for range 20 {
		if _, err := g.ask(t.Context(), t); !isRefused(t, err, "1") {
			t.Errorf("got %v beside the one that tries", err)
		}
	}
	if made := len(g.Asked()) - before; made != 1 {
		t.Errorf("%d calls at the same time", made)
	}
	g.says(pipelinetest.Answer(200, ""))
	close(goOn)
	group.Wait()
	if _, err := g.ask(t.Context(), t); err != nil {
		t.Errorf("after it was back: %v", err)
	}
}

// TestBreakerTriesAgainIfTheOneThatTriesLeaves, or nobody ever would.
func TestBreakerTriesAgainIfTheOneThatTriesLeaves(t *testing.T) {
	t.Parallel()
	g := guard(t, hasty, enough)
	g.open(t)
	for range 3 {
		ctx, cancel := context.WithCancel(t.Context())
		g.says(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
		if _, err := g.probe(ctx, t); !errors.Is(err, context.Canceled) {
			t.Fatalf("got %v", err)
		}
	}
	g.says(pipelinetest.Answer(200, ""))
	if answer, err := g.probe(t.Context(), t); err != nil || answer.Status != 200 {
		t.Errorf("got %+v, %v", answer, err)
	}
}

package rules

import (
	"context"
	"encoding/json"
	"iter"
	"sync/atomic"

	"ostiary/pipeline"
)

// Engine decides by the Set that is in force. It is safe for concurrent use
// and takes no lock: each call uses one Set from its beginning to its end.
type Engine struct {
	set     atomic.Pointer[Set]
	state   atomic.Pointer[state]
	history atomic.Pointer[[]Generation]
}

// NewEngine makes an engine without any rules: it refuses everything.
func NewEngine() *Engine {
	e := &Engine{}
	nothing := pipeline.NewBuilder(pipeline.Handlers{}, pipeline.Settings{}, pipeline.Environment{}, nil)
	empty, _ := compile(nil, Regexp, nothing, newMasking(pipeline.Handlers{}))
	e.set.Store(empty)
	e.state.Store(&state{minimum: 1})
	return e
}

// Decide decides on a request.
func (e *Engine) Decide(ctx context.Context, request *pipeline.Request) pipeline.Decision {
	return e.set.Load().Decide(ctx, request)
}

// Refuse answers a request that cannot be decided on at all.
func (e *Engine) Refuse(request *pipeline.Request, refusal error) pipeline.Decision {
	return e.set.Load().Refuse(request, refusal)
}

// Rules yields the id and the JSON document of every rule in force.
func (e *Engine) Rules() iter.Seq2[string, json.RawMessage] { return e.set.Load().Rules() }

// IdentityHeaders are the headers that some rule in force may set, in order.
func (e *Engine) IdentityHeaders() []string { return e.set.Load().identity }

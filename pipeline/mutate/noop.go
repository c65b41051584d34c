package mutate

import (
	"context"

	"ostiary/pipeline"
)

var noop = pipeline.DefinePlain[pipeline.Mutator]("noop", Noop{}).
	Describe("Leaves the headers of the request as they are.")

// Noop is the mutator `noop` (contract 7.1): the upstream sees the request's
// own headers, and nothing else. A proxied request has them anyway; a decision
// answers them, so that a gateway that copies answered headers keeps them.
type Noop struct{}

// Mutate asks for the request's own headers in a decision's answer.
func (Noop) Mutate(_ context.Context, _ *pipeline.Request, session *pipeline.Session) error {
	session.EchoHeader = true
	return nil
}

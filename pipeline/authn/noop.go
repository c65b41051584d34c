package authn

import (
	"context"

	"ostiary/pipeline"
)

// noop lets every request through, with an empty subject.
var noop = pipeline.DefinePlain[pipeline.Authenticator]("noop", Noop{}).
	Describe("Lets every request through, with an empty subject.")

// Noop is the authenticator `noop` (contract 5.1).
type Noop struct{}

// Authenticate accepts the request.
func (Noop) Authenticate(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }

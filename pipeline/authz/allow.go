package authz

import (
	"context"

	"ostiary/pipeline"
)

var allow = pipeline.DefinePlain[pipeline.Authorizer]("allow", Allow{}).
	Describe("Allows everybody.")

// Allow is the authorizer `allow` (contract 6.1): everybody may.
type Allow struct{}

// Authorize allows the request.
func (Allow) Authorize(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }

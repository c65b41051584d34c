package authz

import (
	"context"

	"ostiary/pipeline"
)

var deny = pipeline.DefinePlain[pipeline.Authorizer]("deny", Deny{}).
	Describe("Allows nobody.")

// Deny is the authorizer `deny` (contract 6.1): nobody may.
type Deny struct{}

// Authorize refuses the request.
func (Deny) Authorize(context.Context, *pipeline.Request, *pipeline.Session) error {
	return pipeline.Forbidden.Because("the rule allows nobody")
}

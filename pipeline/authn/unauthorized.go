package authn

import (
	"context"

	"ostiary/pipeline"
)

// unauthorized refuses every request.
var unauthorized = pipeline.DefinePlain[pipeline.Authenticator]("unauthorized", Unauthorized{}).
	Describe("Refuses every request.")

// Unauthorized is the authenticator `unauthorized` (contract 5.2).
type Unauthorized struct{}

// Authenticate refuses the request.
func (Unauthorized) Authenticate(context.Context, *pipeline.Request, *pipeline.Session) error {
	return pipeline.BadCredential.Because("the rule refuses everybody")
}

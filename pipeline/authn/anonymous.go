package authn

import (
	"context"
	_ "embed"

	"ostiary/pipeline"
)

//go:embed anonymous.schema.json
var anonymousSchema []byte

var anonymous = pipeline.Define("anonymous", anonymousSchema, newAnonymous)

type anonymousConfig struct {
	Subject string `json:"subject"`
}

// Anonymous is the authenticator `anonymous` (contract 5.3): it gives a name
// to clients that send no Authorization header. Cookies and tokens elsewhere
// do not matter to it.
type Anonymous struct{ subject string }

func newAnonymous(c anonymousConfig, _ pipeline.Environment) (pipeline.Authenticator, error) {
	if c.Subject == "" {
		c.Subject = "anonymous"
	}
	return &Anonymous{subject: c.Subject}, nil
}

// Authenticate names the client, unless it sent an Authorization header.
func (a *Anonymous) Authenticate(_ context.Context, request *pipeline.Request, session *pipeline.Session) error {
	for _, value := range request.Header["Authorization"] {
		if value != "" {
			return pipeline.ErrNotResponsible
		}
	}
	session.Subject = a.subject
	return nil
}

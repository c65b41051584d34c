package authn

import (
	"context"
	_ "embed"
	"strings"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/credential"
)

//go:embed bearer_token.schema.json
var bearerTokenSchema []byte

var bearerToken = pipeline.Define("bearer_token", bearerTokenSchema, newBearerToken)

type bearerTokenConfig struct {
	sessionCheckConfig
	TokenFrom *credential.Location `json:"token_from"`
	Prefix    string               `json:"prefix"`
}

// BearerToken is the authenticator `bearer_token` (contract 5.4): it asks a
// session service about the token of a request.
type BearerToken struct {
	check  *sessionCheck
	from   *credential.Location
	prefix string // what a token begins with that this authenticator judges
	forget bool   // keep the token from the upstream
}

func newBearerToken(c bearerTokenConfig, environment pipeline.Environment) (pipeline.Authenticator, error) {
	check, err := openSessionCheck(c.sessionCheckConfig, "Authorization", nil, environment)
	if err != nil {
		return nil, err
	}
	return &BearerToken{check: check, from: c.TokenFrom, prefix: c.Prefix, forget: !c.PassCredentials}, nil
}

// SetsHeaders are those of the answer that the upstream gets.
func (a *BearerToken) SetsHeaders() []string { return a.check.reading.headers }

// Authenticate asks the session service, if the request has a token.
func (a *BearerToken) Authenticate(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	token, err := a.from.Token(request)
	if err != nil {
		return err
	}
	if token == "" || !strings.HasPrefix(token, a.prefix) {
		return pipeline.ErrNotResponsible
	}
	if a.forget {
		a.from.Withhold(session)
	}
	return a.check.authenticate(ctx, request, session)
}

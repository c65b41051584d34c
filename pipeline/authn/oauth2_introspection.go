package authn

import (
	"context"
	_ "embed"
	"slices"
	"strings"
	"time"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/credential"
	"ostiary/pipeline/internal/scope"
)

//go:embed oauth2_introspection.schema.json
var oauth2IntrospectionSchema []byte

var oauth2Introspection = pipeline.Define("oauth2_introspection", oauth2IntrospectionSchema, newOAuth2Introspection)

type oauth2IntrospectionConfig struct {
	introspectionConfig
	ScopeStrategy   string               `json:"scope_strategy"`
	RequiredScope   []string             `json:"required_scope"`
	TargetAudience  []string             `json:"target_audience"`
	TrustedIssuers  []string             `json:"trusted_issuers"`
	TokenFrom       *credential.Location `json:"token_from"`
	Prefix          string               `json:"prefix"`
	PreserveHost    bool                 `json:"preserve_host"`
	PassCredentials bool                 `json:"pass_credentials"`
}

// OAuth2Introspection is the authenticator `oauth2_introspection` (contract
// 5.7): it asks an OAuth2 server whether a token is good, and for whom.
type OAuth2Introspection struct {
	endpoint *introspection
	from     *credential.Location
	prefix   string // what a token begins with that this authenticator judges
	tellHost bool
	forget   bool // keep the token from the upstream

	strategy scope.Strategy
	scope    []string
	audience []string // all of these
	issuers  []string // one of these, if there are any
	now      func() time.Time
}

func newOAuth2Introspection(c oauth2IntrospectionConfig, environment pipeline.Environment) (pipeline.Authenticator, error) {
	strategy, err := scope.Parse(c.ScopeStrategy)
	if err != nil {
		return nil, &pipeline.Mistake{Path: document.Path{"scope_strategy"}, Message: err.Error()}
	}
	var sent *string
	if strategy == scope.None {
		all := strings.Join(c.RequiredScope, " ")
		sent = &all
	}
	endpoint, err := openIntrospection(c.introspectionConfig, sent, environment)
	if err != nil {
		return nil, err
	}
	return &OAuth2Introspection{
		endpoint: endpoint,
		from:     c.TokenFrom,
		prefix:   c.Prefix,
		tellHost: c.PreserveHost,
		forget:   !c.PassCredentials,
		strategy: strategy,
		scope:    c.RequiredScope,
		audience: c.TargetAudience,
		issuers:  c.TrustedIssuers,
		now:      environment.Now,
	}, nil
}

// Authenticate asks the endpoint, if the request has a token. Whatever of its
// answer can change, or differs between rules, is checked anew each time.
func (a *OAuth2Introspection) Authenticate(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
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
	host := ""
	if a.tellHost {
		host = request.Host
	}
	answer, err := a.endpoint.ask(ctx, token, host, a.check)
	if err != nil {
		return err
	}
	if err := a.check(answer); err != nil {
		return err
	}
	session.Subject = answer.subject
	session.SetExtra(answer.extra())
	return nil
}

// check holds an answer against the clock and the rule, in the order of
// contract 5.7.
func (a *OAuth2Introspection) check(answer *introspected) error {
	switch {
	case answer.tokenUse != "" && answer.tokenUse != "access_token":
		return pipeline.Forbidden.Because("the token is no access token")
	case !answer.active:
		return pipeline.BadCredential.Because("the token is not active")
	case answer.life(a.now()) <= 0:
		return pipeline.BadCredential.Because("the token has expired")
	}
	for _, wanted := range a.audience {
		if !slices.Contains(answer.audience, wanted) {
			return pipeline.Forbidden.Because("the token is not meant for this audience")
		}
	}
	if len(a.issuers) > 0 && !slices.Contains(a.issuers, answer.issuer) {
		return pipeline.Forbidden.Because("the issuer of the token is not trusted")
	}
	// Without a strategy it is the endpoint that compares scopes.
	if a.strategy != scope.None && !a.strategy.Satisfied(answer.scopes, a.scope) {
		return pipeline.Forbidden.Because("the token lacks a scope that the rule requires")
	}
	return nil
}

package authn

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/remote"
)

// preAuthorizationConfig is the key pre_authorization of oauth2_introspection
// (contract 5.7).
type preAuthorizationConfig struct {
	Enabled      bool     `json:"enabled"`
	ClientID     string   `json:"client_id"`
	ClientSecret string   `json:"client_secret"`
	TokenURL     string   `json:"token_url"`
	Audience     string   `json:"audience"`
	Scope        []string `json:"scope"`
}

// preAuthorization is the token by which the engine itself is let in at a
// service. It is fetched when it is first needed, and used until shortly before
// its end.
type preAuthorization struct {
	endpoint *tokenEndpoint
	client   *clientcredentials.Config
	tokens   *cache.Cache[*oauth2.Token] // of one
}

// newPreAuthorization is nil if it is switched off.
func newPreAuthorization(c preAuthorizationConfig, patience remote.Patience, environment pipeline.Environment) (*preAuthorization, error) {
	if !c.Enabled {
		return nil, nil
	}
	if _, err := remote.ParseURL(c.TokenURL, "pre_authorization", "token_url"); err != nil {
		return nil, err
	}
	p := &preAuthorization{
		endpoint: newTokenEndpoint(patience, environment),
		// The style is left open: the library finds out whether the server
		// wants the secret in the header or in the form.
		client: &clientcredentials.Config{ClientID: c.ClientID, ClientSecret: c.ClientSecret, TokenURL: c.TokenURL, Scopes: c.Scope},
		tokens: cache.Counted[*oauth2.Token](environment.Now, 1),
	}
	if c.Audience != "" {
		p.client.EndpointParams = url.Values{"audience": {c.Audience}}
	}
	return p, nil
}

// theToken is the only key there is: all else is the same for every request.
var theToken = cache.KeyOf()

// token is a token that can be used now. That there is none is the fault of
// nobody who sends requests, so a refusal is a pipeline.Unavailable too.
func (p *preAuthorization) token(ctx context.Context) (*oauth2.Token, error) {
	return p.tokens.Load(ctx, theToken, func(ctx context.Context) (*oauth2.Token, time.Duration, error) {
		token, err := p.endpoint.grant(ctx, p.client)
		var said *oauth2.RetrieveError
		if errors.As(err, &said) {
			return nil, 0, pipeline.Unavailable.From(fmt.Errorf("pre_authorization: %w", refusal(said)))
		}
		if err != nil {
			return nil, 0, err
		}
		return token, untilRenewal(remaining(token)), nil
	})
}

// forget gives up a token that the service does not take.
func (p *preAuthorization) forget(refused *oauth2.Token) {
	p.tokens.Forget(theToken, func(kept *oauth2.Token) bool { return kept == refused })
}

// earliest is how long before its end a token is no longer used, so that it
// does not end on its way.
const earliest = 10 * time.Second

func untilRenewal(life time.Duration) time.Duration {
	if life == cache.Forever {
		return life
	}
	return life - min(earliest, life/10)
}

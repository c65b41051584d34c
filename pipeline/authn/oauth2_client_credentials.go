package authn

import (
	"context"
	_ "embed"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/credential"
	"ostiary/pipeline/internal/remote"
)

//go:embed oauth2_client_credentials.schema.json
var oauth2ClientCredentialsSchema []byte

var oauth2ClientCredentials = pipeline.Define("oauth2_client_credentials", oauth2ClientCredentialsSchema, newOAuth2ClientCredentials)

type oauth2ClientCredentialsConfig struct {
	TokenURL      string       `json:"token_url"`
	RequiredScope []string     `json:"required_scope"`
	Retry         remote.Retry `json:"retry"`
	Timeout       string       `json:"timeout"`
	Cache         struct {
		Enabled   bool   `json:"enabled"`
		TTL       string `json:"ttl"`
		MaxTokens int    `json:"max_tokens"`
	} `json:"cache"`
	PassCredentials bool `json:"pass_credentials"`
}

// OAuth2ClientCredentials is the authenticator `oauth2_client_credentials`
// (contract 5.6): it tries the id and the secret of an OAuth2 client, sent as
// Basic credentials, at the server's token endpoint.
type OAuth2ClientCredentials struct {
	endpoint *tokenEndpoint
	url      string
	scope    []string
	forget   bool // keep the credentials from the upstream

	// proven are the clients that got a token; nobody needs the token itself.
	// Address and scope are the same for all of them. It is nil if every
	// request is tried.
	proven *cache.Cache[struct{}]
	ttl    time.Duration // cache.Forever: as long as the token
}

func newOAuth2ClientCredentials(c oauth2ClientCredentialsConfig, environment pipeline.Environment) (pipeline.Authenticator, error) {
	if _, err := remote.ParseURL(c.TokenURL, "token_url"); err != nil {
		return nil, err
	}
	patience, err := c.Retry.PatienceOnce(c.Timeout)
	if err != nil {
		return nil, err
	}
	a := &OAuth2ClientCredentials{
		endpoint: newTokenEndpoint(patience, environment),
		url:      c.TokenURL,
		scope:    c.RequiredScope,
		forget:   !c.PassCredentials,
	}
	if a.ttl, err = lifetime(c.Cache.TTL, cache.Forever); err != nil {
		return nil, err
	}
	if c.Cache.Enabled {
		a.proven = cache.Counted[struct{}](environment.Now, c.Cache.MaxTokens)
	}
	return a, nil
}

// Authenticate tries the credentials, if the request has any.
func (a *OAuth2ClientCredentials) Authenticate(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	if _, err := credential.Authorization(request.Header); err != nil {
		return err
	}
	user, password, ok := basic(request.Header)
	if !ok {
		return pipeline.ErrNotResponsible
	}
	if a.forget {
		session.Withheld.Headers = append(session.Withheld.Headers, "Authorization")
	}
	id, secret, err := client(user, password)
	if err != nil {
		return err
	}
	if a.proven == nil {
		_, err = a.try(ctx, id, secret)
	} else {
		_, err = a.proven.Load(ctx, cache.KeyOf(id, secret), func(ctx context.Context) (struct{}, time.Duration, error) {
			token, err := a.try(ctx, id, secret)
			if err != nil {
				return struct{}{}, 0, err
			}
			return struct{}{}, a.life(token), nil
		})
	}
	if err != nil {
		return err
	}
	session.Subject = id
	return nil
}

// basic takes the credentials out of the Authorization header (RFC 7617).
func basic(header http.Header) (user, password string, ok bool) {
	return (&http.Request{Header: header}).BasicAuth()
}

// client decodes id and secret, which are in form encoding inside of the Basic
// credentials (RFC 6749 section 2.3.1). Neither may have control characters
// (its appendix A), and without an id it is nobody.
func client(user, password string) (id, secret string, err error) {
	id, err1 := url.QueryUnescape(user)
	secret, err2 := url.QueryUnescape(password)
	if err1 != nil || err2 != nil || id == "" || controlled(id) || controlled(secret) {
		return "", "", pipeline.BadCredential.Because("the client's id or secret cannot be read")
	}
	return id, secret, nil
}

func controlled(text string) bool { return strings.ContainsFunc(text, unicode.IsControl) }

// try gets a token for the client. Whoever gets one is who they say they are;
// what scope was granted is not looked at (contract 5.6).
func (a *OAuth2ClientCredentials) try(ctx context.Context, id, secret string) (*oauth2.Token, error) {
	token, err := a.endpoint.grant(ctx, &clientcredentials.Config{
		ClientID: id, ClientSecret: secret, TokenURL: a.url, Scopes: a.scope, AuthStyle: oauth2.AuthStyleInHeader,
	})
	var said *oauth2.RetrieveError
	switch {
	case !errors.As(err, &said):
		return token, err
	case said.Response.StatusCode == http.StatusNotFound:
		return nil, pipeline.Absent.From(refusal(said))
	default:
		return nil, pipeline.BadCredential.From(refusal(said))
	}
}

// life is how long a client counts as proven: no longer than its token lives.
// If nobody knows how long that is, a ttl that was meant to shorten it shortens
// it to nothing (contract 5.6).
func (a *OAuth2ClientCredentials) life(token *oauth2.Token) time.Duration {
	life := remaining(token)
	if life == cache.Forever && a.ttl != cache.Forever {
		return 0
	}
	return min(life, a.ttl)
}

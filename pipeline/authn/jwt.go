package authn

import (
	"context"
	_ "embed"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/credential"
	"ostiary/pipeline/internal/keyset"
	"ostiary/pipeline/internal/scope"
)

//go:embed jwt.schema.json
var jwtSchema []byte

var jwt = pipeline.Define("jwt", jwtSchema, newJWT)

// maxToken bounds a token, in bytes: what is in it is read before anybody
// knows who made it.
const maxToken = 16 << 10

type jwtConfig struct {
	JWKSURLs          []string             `json:"jwks_urls"`
	JWKSMaxWait       string               `json:"jwks_max_wait"`
	JWKSTTL           string               `json:"jwks_ttl"`
	AllowedAlgorithms []string             `json:"allowed_algorithms"`
	ScopeStrategy     string               `json:"scope_strategy"`
	RequiredScope     []string             `json:"required_scope"`
	TargetAudience    []string             `json:"target_audience"`
	TrustedIssuers    []string             `json:"trusted_issuers"`
	TokenFrom         *credential.Location `json:"token_from"`
	PassCredentials   bool                 `json:"pass_credentials"`
}

// JWT is the authenticator `jwt` (contract 5.5): it verifies JSON Web Tokens
// (RFC 7519) in the compact form of RFC 7515 with keys from key sets.
type JWT struct {
	from       *credential.Location
	algorithms []jose.SignatureAlgorithm
	keys       keyset.Sets
	wait       time.Duration // at most, for keys
	claims     expectation
	forget     bool // keep the token from the upstream
}

func newJWT(c jwtConfig, environment pipeline.Environment) (pipeline.Authenticator, error) {
	wait, err := pipeline.ParseDuration(c.JWKSMaxWait, "jwks_max_wait")
	if err != nil {
		return nil, err
	}
	ttl, err := pipeline.ParseDuration(c.JWKSTTL, "jwks_ttl")
	if err != nil {
		return nil, err
	}
	strategy, err := scope.Parse(c.ScopeStrategy)
	if err != nil {
		return nil, &pipeline.Mistake{Path: document.Path{"scope_strategy"}, Message: err.Error()}
	}
	a := &JWT{
		from:       c.TokenFrom,
		algorithms: usable(c.AllowedAlgorithms),
		wait:       wait,
		claims: expectation{
			audience: c.TargetAudience, issuers: c.TrustedIssuers, scope: c.RequiredScope, strategy: strategy, now: environment.Now,
		},
		forget: !c.PassCredentials,
	}
	for i, address := range c.JWKSURLs {
		set, err := keyset.Open(environment, address, ttl)
		if err != nil {
			return nil, &pipeline.Mistake{Path: document.Path{"jwks_urls", strconv.Itoa(i)}, Message: err.Error()}
		}
		a.keys = append(a.keys, set)
	}
	return a, nil
}

// signatures are the algorithms that tokens can be verified with. "none" is
// not one of them, whoever lists it.
var signatures = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512,
	jose.ES256, jose.ES384, jose.ES512, jose.HS256, jose.HS384, jose.HS512, jose.EdDSA,
}

// usable are the listed algorithms that there are; an empty list stands for
// RS256, as no list does. Names of others do no harm: no token that bears one
// is accepted.
func usable(listed []string) []jose.SignatureAlgorithm {
	if len(listed) == 0 {
		return []jose.SignatureAlgorithm{jose.RS256}
	}
	var known []jose.SignatureAlgorithm
	for _, algorithm := range signatures {
		if slices.Contains(listed, string(algorithm)) {
			known = append(known, algorithm)
		}
	}
	return known
}

// Authenticate verifies the token of the request, if what stands there looks
// like one: three parts with dots between them.
func (a *JWT) Authenticate(ctx context.Context, request *pipeline.Request, session *pipeline.Session) error {
	token, err := a.from.Token(request)
	if err != nil {
		return err
	}
	if strings.Count(token, ".") != 2 {
		return pipeline.ErrNotResponsible
	}
	payload, err := a.verify(ctx, token)
	if err != nil {
		return err
	}
	if err := a.claims.read(payload, session); err != nil {
		return err
	}
	if a.forget {
		a.from.Withhold(session)
	}
	return nil
}

// verify checks the signature and gives what is signed. Keys that the token
// brings along or points to (jwk, jku, x5c, x5u) are never looked at: only its
// kid counts.
func (a *JWT) verify(ctx context.Context, token string) ([]byte, error) {
	if len(token) > maxToken {
		return nil, pipeline.BadCredential.Because("the token has more than %d bytes", maxToken)
	}
	if strings.ContainsAny(token, "\r\n") { // the decoder would pass over them
		return nil, pipeline.BadCredential.Because("the token cannot be read")
	}
	signed, err := jose.ParseSignedCompact(token, a.algorithms)
	if err != nil {
		if len(a.algorithms) == 0 || errors.As(err, new(*jose.ErrUnexpectedSignatureAlgorithm)) {
			return nil, pipeline.BadCredential.Because("the algorithm of the token is not allowed")
		}
		return nil, pipeline.BadCredential.Because("the token cannot be read")
	}
	header := signed.Signatures[0].Protected
	// No extension of RFC 7515 is known here, so none may be critical. That
	// goes for RFC 7797 too, which has no place in tokens (its section 7).
	for _, name := range []jose.HeaderKey{"crit", "b64"} {
		if _, there := header.ExtraHeaders[name]; there {
			return nil, pipeline.BadCredential.Because("the token asks for an extension that is not supported")
		}
	}
	if isForSomethingElse(header.ExtraHeaders[jose.HeaderType]) {
		return nil, pipeline.BadCredential.Because("the token is of a type that is no access token")
	}
	if header.KeyID == "" || strings.ContainsFunc(header.KeyID, unicode.IsControl) {
		return nil, pipeline.BadCredential.Because("the token does not name the key that it is signed with")
	}
	key, err := a.keys.Verifying(ctx, header.KeyID, a.wait)
	switch {
	case errors.Is(err, keyset.ErrNoKey):
		return nil, &pipeline.Error{Kind: pipeline.BadCredential, Reason: "no key set has the key that the token names", Cause: err}
	case errors.Is(err, keyset.ErrUnusable): // an answer that is none: contract 14, dependency failures
		return nil, &pipeline.Error{Kind: pipeline.BadCredential, Reason: "no key set can be read", Cause: err}
	case err != nil:
		return nil, err
	}
	payload, err := signed.Verify(key)
	if err != nil {
		return nil, pipeline.BadCredential.Because("the signature of the token does not hold")
	}
	return payload, nil
}

// isForSomethingElse reports whether the typ of a token says that it was made
// for another use than access (RFC 8725 section 3.11): a logout token or a proof
// of possession may be signed with the same key, and name the same subject.
// JWT says nothing, and neither does what is no type of this kind.
func isForSomethingElse(typ any) bool {
	text, _ := typ.(string)
	text = strings.TrimPrefix(strings.ToLower(text), "application/")
	return strings.HasSuffix(text, "+jwt") && text != "at+jwt"
}

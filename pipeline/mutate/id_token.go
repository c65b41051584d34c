package mutate

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/keyset"
	"ostiary/pipeline/internal/plainjson"
	"ostiary/pipeline/internal/template"
)

//go:embed id_token.schema.json
var idTokenSchema []byte

var idToken = pipeline.Define("id_token", idTokenSchema, newIDToken)

type idTokenConfig struct {
	IssuerURL string `json:"issuer_url"`
	JWKSURL   string `json:"jwks_url"`
	TTL       string `json:"ttl"`
	Claims    string `json:"claims"`
}

const (
	// keysFresh is how old keys from a server may be; a rotated key is used
	// and published after that time at the latest.
	keysFresh = 30 * time.Second
	// fileKeysFresh is the same for keys from a file, which is at hand.
	fileKeysFresh = time.Second
	// keysWait bounds how long a request waits for the keys.
	keysWait = 5 * time.Second
	// maxTokens bounds how much memory the signed tokens of one configuration
	// may take, in bytes.
	maxTokens = 16 << 20
)

// IDToken is the mutator `id_token` (contract 7.4): it tells the upstream who
// the session is in a token that it signs. Signed tokens are used again for as
// long as a tenth of their life is left, by the same session and with the same
// key only: a rotated key signs from the moment it is known.
type IDToken struct {
	issuer string
	keys   *keyset.Set
	local  bool // the keys are in a file
	ttl    time.Duration
	claims *template.Template // nil: there are none but the registered ones
	tokens *cache.Cache[string]
	now    func() time.Time
}

func newIDToken(c idTokenConfig, environment pipeline.Environment) (pipeline.Mutator, error) {
	ttl, err := time.ParseDuration(c.TTL)
	if err != nil || ttl < time.Second {
		return nil, &pipeline.Mistake{Path: document.Path{"ttl"}, Message: "a token has to live for a second at least"}
	}
	fresh, local := keysFresh, strings.HasPrefix(c.JWKSURL, "file://")
	if local {
		fresh = fileKeysFresh
	}
	keys, err := keyset.Open(environment, c.JWKSURL, fresh)
	if err != nil {
		return nil, &pipeline.Mistake{Path: document.Path{"jwks_url"}, Message: err.Error()}
	}
	keys.Prefetch()
	m := &IDToken{issuer: c.IssuerURL, keys: keys, local: local, ttl: ttl, now: environment.Now}
	if c.Claims != "" {
		if m.claims, err = template.Compile("claims", c.Claims); err != nil {
			return nil, &pipeline.Mistake{Path: document.Path{"claims"}, Message: "the template does not parse: " + err.Error()}
		}
	}
	m.tokens = cache.Weighed(environment.Now, maxTokens, func(token string) int { return len(token) })
	return m, nil
}

// SetsHeaders names the header that the token travels in.
func (m *IDToken) SetsHeaders() []string { return []string{"Authorization"} }

// PublicKeys are the keys that the tokens are verified with.
func (m *IDToken) PublicKeys(ctx context.Context) ([]json.RawMessage, error) {
	keys, err := m.keys.Known(ctx, keysWait)
	if err != nil {
		return nil, fmt.Errorf("id_token: %w", err)
	}
	var published []json.RawMessage
	for _, key := range keys.Public() {
		text, err := json.Marshal(key)
		if err != nil {
			return nil, fmt.Errorf("id_token: %w", err)
		}
		published = append(published, text)
	}
	return published, nil
}

// Mutate signs a token, or takes one that was signed for the same session.
func (m *IDToken) Mutate(ctx context.Context, _ *pipeline.Request, session *pipeline.Session) error {
	rendered := ""
	if m.claims != nil {
		var err error
		if rendered, err = m.claims.Render(session); err != nil {
			return pipeline.Misconfigured.From(fmt.Errorf("the template of the claims: %w", err))
		}
	}
	key, fingerprint, err := m.signingKey(ctx)
	if err != nil {
		return err
	}
	// Issuer, lifetime and key set are those of this mutator.
	token, err := m.tokens.Load(ctx, cache.KeyOf(fingerprint, session.Subject, rendered), func(context.Context) (string, time.Duration, error) {
		token, err := m.sign(key, rendered, session.Subject)
		return token, m.ttl - m.ttl/10, err
	})
	if err != nil {
		return err
	}
	session.SetHeader("Authorization", "Bearer "+token)
	return nil
}

// signingKey is the active key of the set, with a fingerprint that no other
// key has. A set that cannot be had is an outage; one without such a key is
// not.
func (m *IDToken) signingKey(ctx context.Context) (*jose.JSONWebKey, string, error) {
	keys, err := m.keys.Keys(ctx, keysWait)
	if err != nil {
		err = fmt.Errorf("the key set to sign with: %w", err)
		if m.local || errors.Is(err, keyset.ErrUnusable) || errors.Is(err, keyset.ErrNoKey) {
			err = pipeline.Misconfigured.From(err)
		}
		return nil, "", err
	}
	key, ok := keys.Active()
	switch {
	case !ok:
		return nil, "", pipeline.Misconfigured.From(errors.New("the key set has no private key to sign with"))
	case key.KeyID == "":
		return nil, "", pipeline.Misconfigured.From(errors.New("the key to sign with has no kid"))
	case key.Algorithm == "":
		return nil, "", pipeline.Misconfigured.From(errors.New("the key to sign with has no alg"))
	}
	return &key, keys.Fingerprint(), nil
}

// sign makes a token out of the rendered claims and the registered ones, which
// no template can set (RFC 7519 section 4.1).
func (m *IDToken) sign(key *jose.JSONWebKey, rendered, subject string) (string, error) {
	claims := map[string]json.RawMessage{}
	if rendered != "" {
		if err := json.Unmarshal([]byte(rendered), &claims); err != nil || claims == nil {
			return "", pipeline.Misconfigured.From(errors.New("the template of the claims does not render a JSON object"))
		}
		// Two claims of one name are what a value looks like which was put
		// between quotes, ends them itself, and goes on to claim more.
		if err := plainjson.Check([]byte(rendered)); err != nil {
			return "", pipeline.Misconfigured.From(fmt.Errorf("what the template of the claims renders: %w", err))
		}
	}
	now := m.now()
	for name, value := range map[string]any{
		"iss": m.issuer, "sub": subject, "jti": uuid.NewString(),
		"iat": now.Unix(), "nbf": now.Unix(), "exp": now.Add(m.ttl).Unix(),
	} {
		text, err := json.Marshal(value)
		if err != nil {
			return "", pipeline.Internal.From(err)
		}
		claims[name] = text
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", pipeline.Internal.From(err)
	}
	// Nor may a claim be another one in other letters: not all readers tell SUB
	// from sub.
	if err := plainjson.Check(payload); err != nil {
		return "", pipeline.Misconfigured.From(fmt.Errorf("what the template of the claims renders, with the claims of every token: %w", err))
	}
	signer, err := jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key},
		// The library names asymmetric keys by itself, and secrets not at all.
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", key.KeyID),
	)
	if err != nil {
		return "", pipeline.Misconfigured.From(fmt.Errorf("the key to sign with: %w", err))
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", pipeline.Misconfigured.From(fmt.Errorf("the key to sign with: %w", err))
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return "", pipeline.Internal.From(err)
	}
	return token, nil
}

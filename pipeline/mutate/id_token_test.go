package mutate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// mint is an id_token mutator whose keys are in a file and whose clock stands
// still until it is told otherwise.
type mint struct {
	pipeline.Mutator
	pipelinetest.Clock
	file string
}

func newMint(t *testing.T, keys, more string) *mint {
	t.Helper()
	m := &mint{file: filepath.Join(t.TempDir(), "keys.json")}
	m.replaceKeys(t, keys)
	environment := pipelinetest.Environment(t)
	environment.Now = m.Now
	config := fmt.Sprintf(`{"issuer_url": "https://gate.test/", "jwks_url": "file://%s"%s}`, m.file, more)
	m.Mutator = pipelinetest.New(t, idToken, config, environment)
	return m
}

func (m *mint) replaceKeys(t *testing.T, keys string) {
	t.Helper()
	if err := os.WriteFile(m.file, []byte(keys), 0o600); err != nil {
		t.Fatal(err)
	}
}

// sign is the token for a subject, without the word before it.
func (m *mint) sign(t *testing.T, subject string) (string, error) {
	t.Helper()
	request := pipelinetest.Request()
	session := *pipelinetest.Knowing(map[string]any{"room": json.Number("12")}, pipeline.Session{
		Subject:      subject,
		MatchContext: pipeline.NewMatchContext(request, nil),
	})
	err := m.Mutate(t.Context(), request, &session)
	token, _ := strings.CutPrefix(session.Header.Get("Authorization"), "Bearer ")
	return token, err
}

// read verifies a token with one of the keys and returns its header and claims.
func read(t *testing.T, token, keys string) (jose.Header, map[string]any) {
	t.Helper()
	var set jose.JSONWebKeySet
	if err := json.Unmarshal([]byte(keys), &set); err != nil {
		t.Fatal(err)
	}
	signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{"RS256", "PS256", "ES256", "HS256", "EdDSA"})
	if err != nil {
		t.Fatal(err)
	}
	header := signed.Signatures[0].Header
	found := set.Key(header.KeyID)
	if len(found) == 0 {
		t.Fatalf("the token is signed by %q", header.KeyID)
	}
	key := found[0]
	if public := key.Public(); public.Key != nil {
		key = public
	}
	payload, err := signed.Verify(key)
	if err != nil {
		t.Fatal(err)
	}
	var claims map[string]any
	if err := json.Unmarshal(payload, &claims); err != nil {
		t.Fatal(err)
	}
	return header, claims
}

// keySet is a set of the named keys of this test's own.
func keySet(t *testing.T, names ...string) string {
	t.Helper()
	var set jose.JSONWebKeySet
	for _, name := range names {
		key := pipelinetest.Key(t, strings.TrimPrefix(name, "public "))
		if strings.HasPrefix(name, "public ") {
			key = key.Public()
		}
		set.Keys = append(set.Keys, key)
	}
	text, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestIDTokenSaysWhoTheSessionIs(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"RS256", "PS256", "ES256", "HS256", "EdDSA"} {
		t.Run(algorithm, func(t *testing.T) {
			t.Parallel()
			keys := keySet(t, algorithm)
			m := newMint(t, keys, `, "ttl": "1h", "claims": "{\"aud\": [\"a\"], \"room\": {{ .Extra.room }}, \"sub\": \"root\", \"exp\": 1}"`)
			token, err := m.sign(t, "ada")
			if err != nil {
				t.Fatal(err)
			}
			header, claims := read(t, token, keys)
			if header.Algorithm != algorithm || header.KeyID != algorithm || header.ExtraHeaders["typ"] != "JWT" {
				t.Errorf("the header says %+v", header)
			}
			if claims["jti"] == "" {
				t.Error("the token has no name of its own")
			}
			delete(claims, "jti")
			now := float64(m.Now().Unix())
			want := map[string]any{
				"iss": "https://gate.test/", "sub": "ada", "aud": []any{"a"}, "room": 12.0, "iat": now, "nbf": now, "exp": now + 3600,
			}
			if diff := cmp.Diff(want, claims); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestIDTokenIsSignedWithTheActiveKey(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		keys   []string
		signer string
	}{
		"the only one":                                   {[]string{"RS256"}, "RS256"},
		"the last of private ones":                       {[]string{"RS256", "ES256"}, "ES256"},
		"the one with a public key at its side":          {[]string{"RS256", "public RS256", "ES256", "public ES256"}, "RS256"},
		"the one behind a public key":                    {[]string{"public ES256", "RS256", "EdDSA"}, "RS256"},
		"a secret, which is both, and none after it":     {[]string{"HS256", "RS256"}, "HS256"},
		"the last private one before the first secret's": {[]string{"RS256", "public RS256", "HS256"}, "RS256"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys := keySet(t, test.keys...)
			token, err := newMint(t, keys, "").sign(t, "ada")
			if err != nil {
				t.Fatal(err)
			}
			if header, _ := read(t, token, keySet(t, test.signer)); header.KeyID != test.signer {
				t.Errorf("signed with %s", header.KeyID)
			}
		})
	}
}

func TestIDTokenIsUsedAgain(t *testing.T) {
	t.Parallel()
	m := newMint(t, keySet(t, "ES256"), `, "ttl": "100s"`)
	sign := func(subject string) string {
		token, err := m.sign(t, subject)
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	first := sign("ada")
	m.Advance(89 * time.Second)
	if sign("ada") != first {
		t.Error("a token of the same session was not used again")
	}
	if sign("bob") == first {
		t.Error("a token was used for another subject")
	}
	m.Advance(2 * time.Second)
	if sign("ada") == first {
		t.Error("a token was used in the last tenth of its life")
	}
}

func TestIDTokensOfOtherRulesDoNotProfit(t *testing.T) {
	t.Parallel()
	keys, others := filepath.Join(t.TempDir(), "keys.json"), filepath.Join(t.TempDir(), "others.json")
	for file, names := range map[string][]string{keys: {"ES256"}, others: {"EdDSA"}} {
		if err := os.WriteFile(file, []byte(keySet(t, names...)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	environment := pipelinetest.Environment(t)
	for name, test := range map[string]struct {
		issuer, file, ttl, claims string
		key, want                 string // of the key and of the claims
	}{
		"one":                  {"https://gate.test/", keys, "1h", `{"aud": "shop"}`, "ES256", "https://gate.test/ shop 3600"},
		"with another issuer":  {"https://other.test/", keys, "1h", `{"aud": "shop"}`, "ES256", "https://other.test/ shop 3600"},
		"with another ttl":     {"https://gate.test/", keys, "1m", `{"aud": "shop"}`, "ES256", "https://gate.test/ shop 60"},
		"for another audience": {"https://gate.test/", keys, "1h", `{"aud": "vault"}`, "ES256", "https://gate.test/ vault 3600"},
		"with other keys":      {"https://gate.test/", others, "1h", `{"aud": "shop"}`, "EdDSA", "https://gate.test/ shop 3600"},
	} {
		config := fmt.Sprintf(`{"issuer_url": %q, "jwks_url": "file://%s", "ttl": %q, "claims": %q}`, test.issuer, test.file, test.ttl, test.claims)
		handler := pipelinetest.New(t, idToken, config, environment)
		for range 2 {
			session := pipeline.Session{Subject: "ada"}
			if err := handler.Mutate(t.Context(), pipelinetest.Request(), &session); err != nil {
				t.Fatal(err)
			}
			token, _ := strings.CutPrefix(session.Header.Get("Authorization"), "Bearer ")
			_, claims := read(t, token, keySet(t, test.key))
			issued, _ := claims["iat"].(float64)
			expires, _ := claims["exp"].(float64)
			if got := fmt.Sprint(claims["iss"], " ", claims["aud"], " ", expires-issued); got != test.want {
				t.Errorf("%s: got %s", name, got)
			}
		}
	}
}

func TestIDTokenFollowsARotatedKeyAtOnce(t *testing.T) {
	t.Parallel()
	m := newMint(t, keySet(t, "RS256"), `, "ttl": "1h"`)
	if _, err := m.sign(t, "ada"); err != nil {
		t.Fatal(err)
	}
	m.replaceKeys(t, keySet(t, "ES256"))
	m.Advance(2 * fileKeysFresh)
	token, err := m.sign(t, "ada")
	if err != nil {
		t.Fatal(err)
	}
	read(t, token, keySet(t, "ES256")) // fails if the old key signed it
	publisher, _ := m.Mutator.(pipeline.KeyPublisher)
	published, err := publisher.PublicKeys(t.Context())
	if err != nil || len(published) != 1 || !strings.Contains(string(published[0]), `"kid":"ES256"`) {
		t.Errorf("published are %s, %v", published, err)
	}
}

func TestIDTokenPublishesPublicHalvesOnly(t *testing.T) {
	t.Parallel()
	m := newMint(t, keySet(t, "RS256", "HS256", "ES256", "EdDSA"), "")
	publisher, _ := m.Mutator.(pipeline.KeyPublisher)
	published, err := publisher.PublicKeys(t.Context())
	if err != nil || len(published) != 3 {
		t.Fatalf("%d keys, %v", len(published), err)
	}
	for _, text := range published {
		var key map[string]any
		if err := json.Unmarshal(text, &key); err != nil {
			t.Fatal(err)
		}
		for _, private := range []string{"d", "p", "q", "dp", "dq", "qi", "k"} {
			if _, there := key[private]; there {
				t.Errorf("%v is published of the key %v", private, key["kid"])
			}
		}
	}
}

func TestIDTokenFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ keys, more string }{
		"without a private key":        {keySet(t, "public RS256"), ""},
		"without any key":              {`{"keys": []}`, ""},
		"with a file that is no set":   {`not json`, ""},
		"with a key without a name":    {strings.Replace(keySet(t, "RS256"), `"kid":"RS256"`, `"kid":""`, 1), ""},
		"with a key for nothing":       {strings.Replace(keySet(t, "RS256"), `"alg":"RS256"`, `"alg":""`, 1), ""},
		"with a key of another kind":   {strings.Replace(keySet(t, "RS256"), `"alg":"RS256"`, `"alg":"ES256"`, 1), ""},
		"with claims that are no JSON": {keySet(t, "RS256"), `, "claims": "{\"a\": {{ .Subject }}}"`},
		"with claims that are a list":  {keySet(t, "RS256"), `, "claims": "[1]"`},
		"with claims that say two things": {
			keySet(t, "RS256"), `, "claims": "{\"role\": \"user\", \"room\": {{ .Extra.room }}, \"role\": \"admin\"}"`,
		},
		"with claims that differ in case alone":          {keySet(t, "RS256"), `, "claims": "{\"Role\": \"user\", \"role\": \"admin\"}"`},
		"with a claim in which something is there twice": {keySet(t, "RS256"), `, "claims": "{\"a\": {\"b\": 1, \"b\": 2}}"`},
		"with one that is another in capitals":           {keySet(t, "RS256"), `, "claims": "{\"SUB\": \"root\"}"`},
		"with claims that are null":                      {keySet(t, "RS256"), `, "claims": "null"`},
		"with claims that fail":                          {keySet(t, "RS256"), `, "claims": "{{ fail \"no\" }}"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			token, err := newMint(t, test.keys, test.more).sign(t, "ada")
			if pipeline.KindOf(err) != pipeline.Misconfigured || token != "" {
				t.Errorf("got %q, %v", token, err)
			}
		})
	}
}

func TestIDTokenTellsAnOutageFromAMistake(t *testing.T) {
	t.Parallel()
	environment := pipelinetest.Environment(t)
	handler := pipelinetest.New(t, idToken, `{"issuer_url": "x", "jwks_url": "http://127.0.0.1:1/keys"}`, environment)
	var session pipeline.Session
	if err := handler.Mutate(t.Context(), pipelinetest.Request(), &session); pipeline.KindOf(err) != pipeline.Unavailable {
		t.Errorf("got %v", err)
	}
	publisher, _ := handler.(pipeline.KeyPublisher)
	gone, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("the client left"))
	if keys, err := publisher.PublicKeys(gone); err == nil || keys != nil {
		t.Errorf("published %v, %v", keys, err)
	}
}

func BenchmarkIDToken(b *testing.B) {
	file := filepath.Join(b.TempDir(), "keys.json")
	text, err := json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{pipelinetest.Key(b, "RS256")}})
	if err != nil {
		b.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		b.Fatal(err)
	}
	handler := pipelinetest.New(b, idToken, fmt.Sprintf(`{"issuer_url": "x", "jwks_url": "file://%s"}`, file), pipelinetest.Environment(b))
	request := pipelinetest.Request()
	b.ReportAllocs()
	for b.Loop() {
		session := pipeline.Session{Subject: "ada"}
		if err := handler.Mutate(b.Context(), request, &session); err != nil {
			b.Fatal(err)
		}
	}
}

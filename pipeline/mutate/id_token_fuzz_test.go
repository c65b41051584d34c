package mutate

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	strict "github.com/go-jose/go-jose/v4/json"

	"ostiary/pipeline"
)

// FuzzClaims: no value of a session can make a token be about somebody else,
// live longer, or say of itself what the template says otherwise.
func FuzzClaims(f *testing.F) {
	f.Add("ada", `"name": "Ada"`)
	f.Add(`ada","sub":"root`, `"role": "admin", "sub": "root", "exp": 9999999999`)
	f.Add("\xff", `"role": "admin", "x": {"a": 1, "a": 2}`)
	now := time.Unix(1_700_000_000, 0)
	m := &IDToken{issuer: "https://door.test/", ttl: time.Minute, now: func() time.Time { return now }}
	secret := []byte("a secret that is long enough for HS256")
	key := &jose.JSONWebKey{Key: secret, KeyID: "k", Algorithm: "HS256"}
	f.Fuzz(func(t *testing.T, subject, claims string) {
		token, err := m.sign(key, `{"role": "user", `+claims+`}`, subject)
		if err != nil {
			if pipeline.KindOf(err) != pipeline.Misconfigured || token != "" {
				t.Errorf("%q: %q, %v", claims, token, err)
			}
			return
		}
		signed, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{jose.HS256})
		if err != nil {
			t.Fatal(err)
		}
		payload, err := signed.Verify(secret)
		if err != nil {
			t.Fatal(err)
		}
		var read map[string]any
		if err := strict.Unmarshal(payload, &read); err != nil {
			t.Fatalf("%s can be read in two ways: %v", payload, err)
		}
		if read["iss"] != m.issuer || read["sub"] != string([]rune(subject)) || read["exp"] != float64(now.Add(time.Minute).Unix()) || read["role"] != "user" {
			t.Errorf("%q and %q make %s", subject, claims, payload)
		}
		if !json.Valid(payload) || len(signed.Signatures) != 1 || signed.Signatures[0].Protected.KeyID != "k" {
			t.Errorf("signed as %+v", signed.Signatures)
		}
	})
}

package keyset

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"errors"
	"fmt"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

func secret(length int) []byte { return bytes.Repeat([]byte("k"), length) }

// ofBits is an RSA key of that length. Nobody knows its private half.
func ofBits(bits uint) *rsa.PublicKey {
	modulus := new(big.Int).SetBit(big.NewInt(1), int(bits)-1, 1)
	return &rsa.PublicKey{N: modulus, E: 65537}
}

func TestParse(t *testing.T) {
	t.Parallel()
	const unknown = `{"kty": "AKP", "kid": "pq", "use": "sig", "alg": "ML-DSA-44", "pub": "AAAA"}`
	encryption := key("enc", rsaKey().Public())
	encryption.Use = "enc"
	unmarked := key("unmarked", rsaKey().Public())
	unmarked.Use = ""
	among := func(texts ...string) string { return `{"keys": [` + strings.Join(texts, ",") + `]}` }
	one := func(key jose.JSONWebKey) string {
		return strings.TrimSuffix(strings.TrimPrefix(document(t, key), `{"keys":[`), `]}`)
	}
	tests := map[string]struct {
		text              string
		verifying, public []string
		unfit             map[string]string
	}{
		"no keys": {text: `{"keys": []}`},
		"keys of all types": {
			text:      document(t, key("rsa", rsaKey().Public()), key("ec", ecKey().Public()), key("ed", edKey().Public()), key("oct", secret(32))),
			verifying: []string{"ec", "ed", "oct", "rsa"}, public: []string{"rsa", "ec", "ed"},
		},
		"private keys, in their order": {
			text:      document(t, key("ed", edKey()), key("rsa", rsaKey()), key("ec", ecKey())),
			verifying: []string{"ec", "ed", "rsa"}, public: []string{"ed", "rsa", "ec"},
		},
		"a key for encryption":        {text: document(t, encryption), public: []string{"enc"}, unfit: map[string]string{"enc": `its use is "enc", not "sig"`}},
		"a key that is for no one":    {text: document(t, unmarked), public: []string{"unmarked"}, unfit: map[string]string{"unmarked": `its use is "", not "sig"`}},
		"a key without a name":        {text: document(t, named("")), public: []string{""}},
		"a key of a type to come":     {text: among(unknown, one(named("ed"))), verifying: []string{"ed"}, public: []string{"ed"}, unfit: map[string]string{"pq": "go-jose/go-jose: unsupported key type/format"}},
		"things that are no keys":     {text: among(`7`, `null`, `"x"`, `[]`, `{}`, one(named("ed"))), verifying: []string{"ed"}, public: []string{"ed"}, unfit: map[string]string{"": "go-jose/go-jose: missing json web key type"}},
		"an RSA key of 1024 bits":     {text: document(t, key("rsa", weak().Public())), unfit: map[string]string{"rsa": "it is an RSA key of 1024 bits, less than 2048"}},
		"a private one of 1024 bits":  {text: document(t, key("rsa", weak())), unfit: map[string]string{"rsa": "it is an RSA key of 1024 bits, less than 2048"}},
		"an RSA key of 4096 bits":     {text: document(t, key("rsa", ofBits(4096))), verifying: []string{"rsa"}, public: []string{"rsa"}},
		"an RSA key of 4097 bits":     {text: document(t, key("rsa", ofBits(4097))), unfit: map[string]string{"rsa": "go-jose/go-jose: invalid RSA key, modulus too large"}},
		"an RSA key of 16384 bits":    {text: document(t, key("rsa", ofBits(16384))), unfit: map[string]string{"rsa": "go-jose/go-jose: invalid RSA key, modulus too large"}},
		"a secret of 31 bytes":        {text: document(t, key("oct", secret(31))), unfit: map[string]string{"oct": "it is a secret of 31 bytes, less than 32"}},
		"an empty secret":             {text: among(`{"kty": "oct", "kid": "oct", "use": "sig", "k": ""}`), unfit: map[string]string{"oct": "it is a secret of 0 bytes, less than 32"}},
		"members that nobody knows":   {text: `{"x": 1, "keys": [` + one(named("ed")) + `]}`, verifying: []string{"ed"}, public: []string{"ed"}},
		"a name that is no text":      {text: among(`{"kty": "oct", "kid": 7, "use": "sig", "k": "` + strings.Repeat("A", 64) + `"}`), unfit: map[string]string{"": "json: cannot unmarshal number into Go value of type string"}},
		"as many keys as are allowed": {text: document(t, make256(t)...), verifying: ids(256), public: ids(256)},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, err := Parse([]byte(test.text))
			if err != nil {
				t.Fatal(err)
			}
			for _, id := range test.verifying {
				if _, ok := keys.Verifying(id); !ok {
					t.Errorf("there is no key %q", id)
				}
			}
			if len(keys.verifying) != len(test.verifying) {
				t.Errorf("there are %d keys, want %q", len(keys.verifying), test.verifying)
			}
			if diff := cmp.Diff(test.public, namesOf(keys.Public())); diff != "" {
				t.Error("public", diff)
			}
			unfit := map[string]string{}
			for id, err := range keys.unfit {
				unfit[id] = err.Error()
			}
			if len(unfit)+len(test.unfit) > 0 {
				if diff := cmp.Diff(test.unfit, unfit); diff != "" {
					t.Error("unfit", diff)
				}
			}
		})
	}
}

func make256(t *testing.T) []jose.JSONWebKey {
	t.Helper()
	var keys []jose.JSONWebKey
	for _, id := range ids(256) {
		keys = append(keys, named(id))
	}
	return keys
}

func ids(count int) []string {
	var all []string
	for i := range count {
		all = append(all, fmt.Sprintf("key-%03d", i))
	}
	return all
}

func namesOf(keys []jose.JSONWebKey) []string {
	var names []string
	for _, key := range keys {
		names = append(names, key.KeyID)
	}
	return names
}

func TestTheActiveKey(t *testing.T) {
	t.Parallel()
	private := func(id string) jose.JSONWebKey { return key(id, edKey()) }
	tests := map[string]struct {
		keys []jose.JSONWebKey
		want string
	}{
		"no key":                                   {nil, ""},
		"public keys only":                         {[]jose.JSONWebKey{named("a"), named("b")}, ""},
		"a private key":                            {[]jose.JSONWebKey{private("a")}, "a"},
		"a secret":                                 {[]jose.JSONWebKey{key("a", secret(32))}, "a"},
		"the last of several private keys":         {[]jose.JSONWebKey{private("a"), private("b"), private("c")}, "c"},
		"not past the public key of one":           {[]jose.JSONWebKey{private("a"), named("a"), private("b")}, "a"},
		"the one that follows the first public":    {[]jose.JSONWebKey{named("a"), private("a"), private("b")}, "a"},
		"not past a secret, which is both":         {[]jose.JSONWebKey{key("a", secret(32)), private("b")}, "a"},
		"a secret behind private keys is the last": {[]jose.JSONWebKey{private("a"), key("b", secret(32)), private("c")}, "b"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, err := Parse([]byte(document(t, test.keys...)))
			if err != nil {
				t.Fatal(err)
			}
			active, ok := keys.Active()
			if ok != (test.want != "") || active.KeyID != test.want || ok && active.IsPublic() {
				t.Errorf("got %q, %v", active.KeyID, ok)
			}
		})
	}
}

func TestFingerprintsTellDocumentsApart(t *testing.T) {
	t.Parallel()
	seen := map[string]string{}
	for _, text := range []string{document(t, named("a")), document(t, named("b")), document(t, named("a"), named("b")), document(t, key("a", edKey()))} {
		keys, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse([]byte(text))
		if err != nil || again.Fingerprint() != keys.Fingerprint() {
			t.Errorf("%s has two fingerprints, %v", text, err)
		}
		if other, there := seen[keys.Fingerprint()]; there {
			t.Errorf("%s has the fingerprint of %s", text, other)
		}
		seen[keys.Fingerprint()] = text
	}
}

func TestParseRefusesWhatIsNoKeySet(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"":                         "unexpected end of JSON input",
		"<html></html>":            "invalid character '<' looking for beginning of value",
		"{}":                       "it has no list of keys",
		`{"keys": null}`:           "it has no list of keys",
		`{"Keys": []}`:             "it has no list of keys",
		`{"keys": {}}`:             "json: cannot unmarshal object into Go value of type []json.RawMessage",
		`[]`:                       "json: cannot unmarshal array into Go value of type struct { Keys *[]json.RawMessage \"json:\\\"keys\\\"\" }",
		`{"keys": []} {}`:          "invalid character '{' after top-level value",
		`{"keys": [], "keys": []}`: "json: duplicate key 'keys' in object",
		document(t, append(make256(t), named("one more"))...): "it has 257 keys, more than 256",
	}
	for text, why := range tests {
		keys, err := Parse([]byte(text))
		if keys != nil || !errors.Is(err, ErrUnusable) {
			t.Errorf("%.40s: got %v, %v", text, keys, err)
			continue
		}
		if want := ErrUnusable.Error() + ": " + why; err.Error() != want {
			t.Errorf("%.40s: got %q, want %q", text, err, want)
		}
	}
}

func TestTheFirstOfTwoKeysOfOneNameCounts(t *testing.T) {
	t.Parallel()
	encryption := key("a", rsaKey().Public())
	encryption.Use = "enc"
	keys, err := Parse([]byte(document(t, encryption, key("a", ecKey().Public()), key("a", edKey().Public()))))
	if err != nil {
		t.Fatal(err)
	}
	got, _ := keys.Verifying("a")
	if !ecKey().PublicKey.Equal(got) {
		t.Errorf("got %T", got)
	}
}

func TestPrivateKeysVerifyWithTheirPublicHalves(t *testing.T) {
	t.Parallel()
	keys, err := Parse([]byte(document(t, key("rsa", rsaKey()), key("ec", ecKey()), key("ed", edKey()), key("oct", secret(64)))))
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]crypto.Signer{"rsa": rsaKey(), "ec": ecKey(), "ed": edKey()} {
		if got, _ := keys.Verifying(id); !reflect.DeepEqual(got, any(want.Public())) {
			t.Errorf("%s: got %T", id, got)
		}
	}
	if got, _ := keys.Verifying("oct"); !cmp.Equal(got, any(secret(64))) {
		t.Errorf("oct: got %v", got)
	}
	for _, public := range keys.Public() {
		if !public.IsPublic() {
			t.Errorf("%s is published as %T", public.KeyID, public.Key)
		}
	}
}

// FuzzParse looks for documents that panic, and for keys that should have been
// left out.
func FuzzParse(f *testing.F) {
	f.Add([]byte(document(f, key("rsa", rsaKey().Public()), key("ec", ecKey()), key("ed", edKey()), key("oct", secret(32)))))
	f.Add([]byte(`{"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "use": "sig", "kid": "a"}]}`))
	f.Add([]byte(`{"keys": [{"kty": "RSA", "n": "", "e": "", "d": "", "p": "", "q": "", "use": "sig", "kid": "a"}]}`))
	f.Add([]byte(`{"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}, {"kty": "OKP", "crv": "Ed25519", "x": "AA", "d": "AA"}]}`))
	f.Add([]byte(`{"keys": [{"kty": "oct", "k": "AA", "x5c": ["AA"], "x5u": ":", "x5t": "AA"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		keys, err := Parse(text)
		if err != nil {
			if !errors.Is(err, ErrUnusable) {
				t.Errorf("got %v", err)
			}
			return
		}
		for id, key := range keys.verifying {
			if err := tooShort(key); err != nil || id == "" {
				t.Errorf("%q: %v", id, err)
			}
		}
		for _, public := range keys.Public() {
			if !public.IsPublic() || !public.Valid() {
				t.Errorf("%T is published", public.Key)
			}
		}
	})
}

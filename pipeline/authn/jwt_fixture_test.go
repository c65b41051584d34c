package authn

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha512" // for RS384 and the like
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// jwtSigner signs the first two parts of a token.
type jwtSigner func(text string) []byte

// The keys of the issuer of these tests, and one of somebody else.
var (
	issuerRSA  = sync.OnceValue(newIssuerRSA)
	strangeRSA = sync.OnceValue(newIssuerRSA)
	issuerEC   = sync.OnceValue(func() *ecdsa.PrivateKey { return newIssuerEC(elliptic.P256()) })
	longEC     = sync.OnceValue(func() *ecdsa.PrivateKey { return newIssuerEC(elliptic.P384()) })
	issuerEd   = sync.OnceValue(func() ed25519.PrivateKey { return ed25519.NewKeyFromSeed([]byte(strings.Repeat("s", 32))) })
	hmacSecret = []byte(strings.Repeat("shared secret ", 5)) // 70 bytes
)

func newIssuerRSA() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
}

func newIssuerEC(curve elliptic.Curve) *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}

func hashOf(hash crypto.Hash, text string) []byte {
	h := hash.New()
	h.Write([]byte(text))
	return h.Sum(nil)
}

func mustSign(signature []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return signature
}

func signRS(key *rsa.PrivateKey, hash crypto.Hash) jwtSigner {
	return func(text string) []byte {
		return mustSign(rsa.SignPKCS1v15(rand.Reader, key, hash, hashOf(hash, text)))
	}
}

func signPS(key *rsa.PrivateKey, hash crypto.Hash) jwtSigner {
	return func(text string) []byte {
		return mustSign(rsa.SignPSS(rand.Reader, key, hash, hashOf(hash, text), nil))
	}
}

func signES(key *ecdsa.PrivateKey, hash crypto.Hash) jwtSigner {
	return func(text string) []byte {
		r, s, err := ecdsa.Sign(rand.Reader, key, hashOf(hash, text))
		if err != nil {
			panic(err)
		}
		size := (key.Curve.Params().BitSize + 7) / 8
		return append(r.FillBytes(make([]byte, size)), s.FillBytes(make([]byte, size))...)
	}
}

func signHS(key []byte, hash crypto.Hash) jwtSigner {
	return func(text string) []byte {
		mac := hmac.New(hash.New, key)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

func signEd(key ed25519.PrivateKey) jwtSigner {
	return func(text string) []byte { return ed25519.Sign(key, []byte(text)) }
}

func noSignature(string) []byte { return nil }

// jwtOf is a token of these parts, as they are written.
func jwtOf(header, claims string, sign jwtSigner) string {
	text := jwtPart([]byte(header)) + "." + jwtPart([]byte(claims))
	return text + "." + jwtPart(sign(text))
}

func jwtPart(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }

// issuedJWT is a token of the issuer with these claims.
func issuedJWT(claims string) string {
	return jwtOf(`{"alg":"RS256","kid":"rsa"}`, claims, signRS(issuerRSA(), crypto.SHA256))
}

// jwk is a key of the issuer for signatures, as a member of a set.
func jwk(id string, key any) map[string]any {
	member := map[string]any{"kid": id, "use": "sig"}
	set := func(kty string, numbers map[string][]byte) {
		member["kty"] = kty
		for name, number := range numbers {
			member[name] = jwtPart(number)
		}
	}
	switch key := key.(type) {
	case *rsa.PrivateKey:
		set("RSA", map[string][]byte{"n": key.N.Bytes(), "e": big.NewInt(int64(key.E)).Bytes()})
	case *ecdsa.PrivateKey:
		point, err := key.PublicKey.Bytes() // 4, x, y
		if err != nil {
			panic(err)
		}
		half := len(point) / 2
		set("EC", map[string][]byte{"x": point[1 : 1+half], "y": point[1+half:]})
		member["crv"] = key.Curve.Params().Name
	case ed25519.PrivateKey:
		public, _ := key.Public().(ed25519.PublicKey)
		set("OKP", map[string][]byte{"x": public})
		member["crv"] = "Ed25519"
	case []byte:
		set("oct", map[string][]byte{"k": key})
	}
	return member
}

// jwkWith is a key with another member, or another value for it.
func jwkWith(key map[string]any, name string, value any) map[string]any {
	key[name] = value
	return key
}

func jwkSet(keys ...map[string]any) string {
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	return string(text)
}

// issuerKeys are all the keys of the issuer, one without a use, and two of one
// name.
var issuerKeys = sync.OnceValue(func() string {
	unmarked := jwk("unmarked", issuerRSA())
	delete(unmarked, "use")
	return jwkSet(
		jwk("rsa", issuerRSA()), jwk("ec", issuerEC()), jwk("ec-long", longEC()), jwk("ed", issuerEd()), jwk("oct", hmacSecret),
		jwkWith(jwk("encryption", issuerRSA()), "use", "enc"), unmarked,
		jwk("twice", issuerEC()), jwk("twice", issuerRSA()),
	)
})

// jwtClock is a clock that stands still until it is told to go on.
type jwtClock struct {
	mutex sync.Mutex
	now   time.Time
}

// noon is when the tokens of these tests are judged.
const noon = 1_700_000_000

func newJWTClock() *jwtClock { return &jwtClock{now: time.Unix(noon, 0)} }

func (c *jwtClock) Now() time.Time {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.now
}

func (c *jwtClock) advance(by time.Duration) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.now = c.now.Add(by)
}

// newVerifier makes the authenticator in a world in which every address leads
// to the service.
func newVerifier(t testing.TB, service *pipelinetest.Service, config string, clock *jwtClock) pipeline.Authenticator {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal([]byte(config), &whole); err != nil {
		t.Fatal(err)
	}
	for key, value := range map[string]any{
		"jwks_urls":     []string{"https://issuer.test/keys"},
		"jwks_max_wait": "1m", // longer than any test waits
	} {
		if _, there := whole[key]; !there {
			whole[key] = value
		}
	}
	environment := service.Only(t)
	environment.Now = clock.Now
	return pipelinetest.New(t, jwt, jsonOf(whole), environment)
}

// bearingJWT is a request with that token.
func bearingJWT(token string) *pipeline.Request {
	return pipelinetest.Request("Authorization", "Bearer "+token)
}

// swapClaims puts other claims into a token.
func swapClaims(token, claims string) string {
	parts := strings.Split(token, ".")
	return parts[0] + "." + jwtPart([]byte(claims)) + "." + parts[2]
}

// sized is a good token of exactly that many bytes.
func sized(bytes int) string {
	for inHeader := range 4 {
		header := `{"alg":"RS256","kid":"rsa","x":"` + strings.Repeat("x", inHeader) + `"}`
		claims := func(length int) string { return `{"x":"` + strings.Repeat("x", length) + `"}` }
		blank := func(string) []byte { return make([]byte, issuerRSA().Size()) }
		room := bytes - len(jwtOf(header, claims(0), blank))
		for length := room*3/4 - 2; length < room; length++ {
			if len(jwtOf(header, claims(length), blank)) == bytes {
				return jwtOf(header, claims(length), signRS(issuerRSA(), crypto.SHA256))
			}
		}
	}
	panic("there is no token of that length")
}

func jsonOf(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return string(text)
}

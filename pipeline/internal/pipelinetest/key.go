package pipelinetest

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"sync"
	"testing"

	"github.com/go-jose/go-jose/v4"
)

// Key is the private key, or the secret, for an algorithm. Within a process it
// is always the same, and its id is the algorithm's name.
func Key(t testing.TB, algorithm string) jose.JSONWebKey {
	t.Helper()
	keys.Lock()
	defer keys.Unlock()
	if key, made := keys.made[algorithm]; made {
		return key
	}
	var private any
	var err error
	switch algorithm {
	case "ES256":
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	case "EdDSA":
		_, private, err = ed25519.GenerateKey(rand.Reader)
	case "HS256":
		private = []byte(rand.Text() + rand.Text())
	default:
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		t.Fatal(err)
	}
	key := jose.JSONWebKey{Key: private, KeyID: algorithm, Algorithm: algorithm, Use: "sig"}
	keys.made[algorithm] = key
	return key
}

var keys = struct {
	sync.Mutex
	made map[string]jose.JSONWebKey
}{made: make(map[string]jose.JSONWebKey)}

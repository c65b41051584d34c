package keyset

import (
	"crypto/rsa"
	"crypto/sha256"
	"fmt"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/json" // reads names with regard to case, and none twice
)

const (
	// maxKeys bounds the keys of one set, in number.
	maxKeys = 256

	// minRSA bounds RSA keys from below, in bits (RFC 7518 section 3.3). Above
	// jose.MaxRSAModulusBits, which is 4096, the library takes none: checking
	// a signature costs the more the longer the key is.
	minRSA = 2048

	// minSecret bounds symmetric keys from below, in bytes (RFC 7518 section
	// 3.2, for HS256). The library asks longer ones of the longer hashes.
	minSecret = 32
)

// Keys are the keys of a set, as they were read at one time. They never change
// and must not be changed.
type Keys struct {
	digest    string           // of the document
	active    *jose.JSONWebKey // signs; nil if there is none
	paired    bool             // a public key, or a secret, stands behind the active one or before it
	public    []jose.JSONWebKey
	verifying map[string]any   // by their ids
	unfit     map[string]error // why keys do not verify anything, by their ids
}

// Parse reads a JSON Web Key Set. Keys that it cannot use, such as those of
// types yet to be invented, are left out (RFC 7517 section 5); a document that
// is no key set at all, or has more than 256 keys, is ErrUnusable.
func Parse(text []byte) (*Keys, error) {
	var document struct {
		Keys *[]json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnusable, err)
	}
	switch {
	case document.Keys == nil:
		return nil, fmt.Errorf("%w: it has no list of keys", ErrUnusable)
	case len(*document.Keys) > maxKeys:
		return nil, fmt.Errorf("%w: it has %d keys, more than %d", ErrUnusable, len(*document.Keys), maxKeys)
	}
	digest := sha256.Sum256(text)
	keys := &Keys{digest: string(digest[:]), verifying: make(map[string]any), unfit: make(map[string]error)}
	for _, text := range *document.Keys {
		keys.add(text)
	}
	return keys, nil
}

func (k *Keys) add(text []byte) {
	var key jose.JSONWebKey
	err := key.UnmarshalJSON(text)
	if err == nil {
		err = tooShort(key.Key)
	}
	if err != nil {
		var named struct {
			ID string `json:"kid"`
		}
		_ = json.Unmarshal(text, &named) // a key without a name is missed by nobody
		k.unfit[named.ID] = err
		return
	}
	k.activate(key)
	public, verifier := key.Public(), key.Key
	if public.Key != nil { // otherwise a secret, which signs and verifies
		verifier = public.Key
		k.public = append(k.public, public)
	}
	if key.Use != "sig" {
		k.unfit[key.KeyID] = fmt.Errorf("its use is %q, not %q", key.Use, "sig")
		return
	}
	if _, there := k.verifying[key.KeyID]; !there && key.KeyID != "" {
		k.verifying[key.KeyID] = verifier
	}
}

// activate keeps the key that signs: the last private key, up to the first
// that has a public one at its side; a secret is both (contract 7.4).
func (k *Keys) activate(key jose.JSONWebKey) {
	if k.active != nil && k.paired {
		return
	}
	public := key.Public()
	if secret := public.Key == nil; secret || !key.IsPublic() {
		k.active = &key
		k.paired = k.paired || secret
	} else {
		k.paired = true
	}
}

// Active is the one key that signs (contract 14, id_token): a private key or a
// secret.
func (k *Keys) Active() (jose.JSONWebKey, bool) {
	if k.active == nil {
		return jose.JSONWebKey{}, false
	}
	return *k.active, true
}

// Fingerprint is another one for every other document.
func (k *Keys) Fingerprint() string { return k.digest }

// tooShort explains why a key of that length protects nothing.
func tooShort(key any) error {
	bits := minRSA
	switch key := key.(type) {
	case *rsa.PublicKey:
		bits = key.N.BitLen()
	case *rsa.PrivateKey:
		bits = key.N.BitLen()
	case []byte:
		if len(key) < minSecret {
			return fmt.Errorf("it is a secret of %d bytes, less than %d", len(key), minSecret)
		}
	}
	if bits < minRSA {
		return fmt.Errorf("it is an RSA key of %d bits, less than %d", bits, minRSA)
	}
	return nil
}

// Verifying is the first key of that id whose use is exactly "sig": a public
// key, or a secret as bytes (contract 5.5).
func (k *Keys) Verifying(id string) (any, bool) {
	key, ok := k.verifying[id]
	return key, ok
}

// Public are the keys that may be published: the public ones and the public
// halves of the private ones, in the order of the set. Secrets are none of
// them.
func (k *Keys) Public() []jose.JSONWebKey { return k.public }

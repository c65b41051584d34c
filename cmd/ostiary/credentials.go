package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/uuid"
	"github.com/spf13/cobra"
)

func credentialsCommand() *cobra.Command {
	command := &cobra.Command{Use: "credentials", Short: "Make keys", Args: cobra.NoArgs, RunE: showHelp}
	var algorithm, id string
	var bits int
	generate := &cobra.Command{
		Use:   "generate --alg ALG",
		Short: "Print a JSON Web Key Set with one new private key",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			set, err := generateKeys(algorithm, id, bits)
			if err != nil {
				return err
			}
			text, err := json.MarshalIndent(set, "", "  ")
			if err != nil {
				return fmt.Errorf("credentials: %w", err)
			}
			fmt.Fprintln(command.OutOrStdout(), string(text))
			return nil
		},
	}
	generate.Flags().StringVar(&algorithm, "alg", "", "what the key signs with: "+strings.Join(algorithms(), ", "))
	generate.Flags().StringVar(&id, "kid", "", "the key's id (default: a random UUID)")
	generate.Flags().IntVar(&bits, "bits", 0, "the key's length, where there is a choice: RSA from 2048, HMAC from 256, 384 or 512, in steps of 8")
	command.AddCommand(generate)
	return command
}

// keyMaker makes a key of some bits, or of the default if they are 0.
type keyMaker struct {
	byDefault, least int // equal and not 0: there is no choice
	fixed            bool
	make             func(bits int) (any, error)
}

// keyMakers are the algorithms of contract section 12.
var keyMakers = map[string]keyMaker{
	"HS256": {byDefault: 256, least: 256, make: secretKey},
	"HS384": {byDefault: 384, least: 384, make: secretKey},
	"HS512": {byDefault: 1024, least: 512, make: secretKey},
	"ES256": {byDefault: 256, fixed: true, make: curveKey(elliptic.P256())},
	"ES384": {byDefault: 384, fixed: true, make: curveKey(elliptic.P384())},
	"ES512": {byDefault: 521, fixed: true, make: curveKey(elliptic.P521())},
	"EdDSA": {byDefault: 256, fixed: true, make: func(int) (any, error) { _, key, err := ed25519.GenerateKey(nil); return key, err }},
	"RS256": rsaKeys, "RS384": rsaKeys, "RS512": rsaKeys,
	"PS256": rsaKeys, "PS384": rsaKeys, "PS512": rsaKeys,
}

var rsaKeys = keyMaker{byDefault: 2048, least: 2048, make: func(bits int) (any, error) { return rsa.GenerateKey(rand.Reader, bits) }}

func secretKey(bits int) (any, error) {
	secret := make([]byte, bits/8)
	_, err := rand.Read(secret)
	return secret, err
}

func curveKey(curve elliptic.Curve) func(int) (any, error) {
	return func(int) (any, error) { return ecdsa.GenerateKey(curve, rand.Reader) }
}

func algorithms() []string { return slices.Sorted(maps.Keys(keyMakers)) }

func generateKeys(algorithm, id string, bits int) (*jose.JSONWebKeySet, error) {
	maker, known := keyMakers[algorithm]
	switch {
	case algorithm == "":
		return nil, &usageError{"name what the key signs with by --alg: " + strings.Join(algorithms(), ", ")}
	case !known:
		return nil, fmt.Errorf("--alg: %q is none of %s", algorithm, strings.Join(algorithms(), ", "))
	}
	switch {
	case bits == 0:
		bits = maker.byDefault
	case maker.fixed && bits != maker.byDefault:
		return nil, fmt.Errorf("--bits: a key for %s has %d bits", algorithm, maker.byDefault)
	case bits < maker.least || bits%8 != 0 && !maker.fixed:
		return nil, fmt.Errorf("--bits: a key for %s has at least %d bits, in steps of 8", algorithm, maker.least)
	}
	key, err := maker.make(bits)
	if err != nil {
		return nil, fmt.Errorf("credentials: %w", err)
	}
	if id == "" {
		id = uuid.NewString()
	}
	return &jose.JSONWebKeySet{Keys: []jose.JSONWebKey{{Key: key, KeyID: id, Algorithm: algorithm, Use: "sig"}}}, nil
}

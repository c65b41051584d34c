package config_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"ostiary/config"
)

// certificate makes a key and a certificate in PEM form.
func certificate(t *testing.T) (key, cert []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"localhost"}}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed})
}

func encoded(text []byte) string { return base64.StdEncoding.EncodeToString(text) }

func written(t *testing.T, text []byte) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "it.pem")
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestCertificate(t *testing.T) {
	key, cert := certificate(t)
	otherKey, _ := certificate(t)
	for name, test := range map[string]struct {
		tls  config.TLS
		fail string
		none bool
	}{
		"nothing":        {none: true},
		"files":          {tls: config.TLS{Key: config.PEM{Path: written(t, key)}, Cert: config.PEM{Path: written(t, cert)}}},
		"base64":         {tls: config.TLS{Key: config.PEM{Base64: encoded(key)}, Cert: config.PEM{Base64: encoded(cert)}}},
		"base64 wins":    {tls: config.TLS{Key: config.PEM{Base64: encoded(key), Path: "no"}, Cert: config.PEM{Base64: encoded(cert), Path: "such"}}},
		"one in base64":  {tls: config.TLS{Key: config.PEM{Base64: "?", Path: written(t, key)}, Cert: config.PEM{Path: written(t, cert)}}},
		"lines":          {tls: config.TLS{Key: config.PEM{Base64: encoded(key)[:40] + "\n" + encoded(key)[40:]}, Cert: config.PEM{Base64: encoded(cert)}}},
		"another key":    {tls: config.TLS{Key: config.PEM{Base64: encoded(otherKey)}, Cert: config.PEM{Base64: encoded(cert)}}, fail: "key and cert cannot be used: tls: private key does not match public key"},
		"long file":      {tls: config.TLS{Key: config.PEM{Path: written(t, make([]byte, 2<<20))}, Cert: config.PEM{Path: written(t, cert)}}, fail: "is longer than the 1048576 bytes that are read"},
		"only key":       {tls: config.TLS{Key: config.PEM{Path: "x"}}, fail: "there is a key but no certificate; set cert as well"},
		"only cert":      {tls: config.TLS{Cert: config.PEM{Base64: "x"}}, fail: "there is a certificate but no key; set key as well"},
		"file and text":  {tls: config.TLS{Key: config.PEM{Path: "x"}, Cert: config.PEM{Base64: "x"}}, fail: "key and cert must both have a path or both be in base64"},
		"no base64":      {tls: config.TLS{Key: config.PEM{Base64: "_-"}, Cert: config.PEM{Base64: encoded(cert)}}, fail: "key.base64: is not base64 (standard alphabet, with padding)"},
		"url's alphabet": {tls: config.TLS{Key: config.PEM{Base64: encoded(key)}, Cert: config.PEM{Base64: "__-="}}, fail: "cert.base64: is not base64 (standard alphabet, with padding)"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := test.tls.Certificate()
			switch {
			case test.fail != "":
				wantError(t, err, test.fail)
			case err != nil:
				t.Fatal(err)
			case test.none != (got == nil):
				t.Errorf("the certificate is %v", got)
			case got != nil && got.PrivateKey == nil:
				t.Error("the certificate has no key")
			}
		})
	}
}

// TestFilesThatACertificateIsReadFrom are those to be watched.
func TestFilesThatACertificateIsReadFrom(t *testing.T) {
	both := func(key, cert config.PEM) config.TLS { return config.TLS{Key: key, Cert: cert} }
	file, text := config.PEM{Path: "a"}, config.PEM{Path: "b", Base64: "x"}
	for _, test := range []struct {
		tls   config.TLS
		files int
	}{
		{both(file, file), 2}, {both(file, text), 2}, {both(text, text), 0}, {both(config.PEM{}, config.PEM{}), 0}, {both(file, config.PEM{}), 0},
	} {
		if got := test.tls.Files(); len(got) != test.files {
			t.Errorf("%+v: got %v", test.tls, got)
		}
		if got := test.tls.Enabled(); got != (test.tls != config.TLS{}) {
			t.Errorf("%+v: enabled is %t", test.tls, got)
		}
	}
}

package repository

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority is a file with the certificate that vouches for the site; none if it
// has no TLS.
func authority(t *testing.T, s *site) string {
	t.Helper()
	if s.TLS == nil {
		return ""
	}
	path := filepath.Join(t.TempDir(), "ca.pem")
	write(t, map[string]string{path: inPEM("CERTIFICATE", s.Certificate().Raw)})
	return path
}

func inPEM(kind string, content []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}))
}

// identify writes a certificate that vouches for itself, and its key.
func identify(t *testing.T, name, certificate, key string) *x509.Certificate {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	do(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, IsCA: true, BasicConstraintsValid: true,
	}
	made, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	do(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	do(t, err)
	write(t, map[string]string{certificate: inPEM("CERTIFICATE", made), key: inPEM("PRIVATE KEY", secret)})
	parsed, err := x509.ParseCertificate(made)
	do(t, err)
	return parsed
}

// quiet is a TLS server that does not complain of clients.
func quiet(settings *tls.Config) func(http.Handler) *httptest.Server {
	return func(handler http.Handler) *httptest.Server {
		s := httptest.NewUnstartedServer(handler)
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = settings
		s.StartTLS()
		return s
	}
}

func TestAServerHasToBeTheOneThatIsMeant(t *testing.T) {
	t.Parallel()
	s := startSite(t, quiet(nil), version("[]", "", "")) // of 127.0.0.1 and example.com
	dir := t.TempDir()
	identify(t, "somebody", dir+"/somebody.pem", dir+"/somebody.key")
	both := filepath.Join(dir, "both.pem")
	ca := authority(t, s)
	write(t, map[string]string{both: contentOf(t, dir+"/somebody.pem") + contentOf(t, ca)})

	for name, believed := range map[string]TLS{
		"its authority":             {CA: ca},
		"its authority and another": {CA: both},
		"another name of it":        {CA: ca, ServerName: "example.com"},
	} {
		t.Run(name, func(t *testing.T) {
			r := opened(t, s.URL, Server{URL: address(t, s.URL), TLS: believed})
			holds(t, r, s.URL+": []")
		})
	}
	const unknown = "not reached: tls: failed to verify certificate: x509: certificate signed by unknown authority"
	s.traffic()
	for name, c := range map[string]struct {
		believed TLS
		want     string
	}{
		"the system's authorities": {TLS{}, unknown},
		"another authority":        {TLS{CA: dir + "/somebody.pem"}, unknown},
		"another name": {
			TLS{CA: ca, ServerName: "rules.test"},
			"not reached: tls: failed to verify certificate: x509: certificate is valid for example.com, *.example.com, not rules.test",
		},
	} {
		t.Run(name, func(t *testing.T) {
			fails(t, opened(t, s.URL, Server{URL: address(t, s.URL), TLS: c.believed}), c.want)
		})
	}
	fails(t, opened(t, s.URL), unknown)
	if asked, _ := s.traffic(); asked > 0 {
		t.Error("it was asked all the same")
	}
}

// TestTheEngineShowsItsOwnCertificate, the one that is in the files when it is
// asked for it.
func TestTheEngineShowsItsOwnCertificate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate, key := dir+"/engine.pem", dir+"/engine.key"
	clients := x509.NewCertPool()
	clients.AddCert(identify(t, "engine", certificate, key))
	clients.AddCert(identify(t, "renewed", dir+"/renewed.pem", dir+"/renewed.key"))
	s := startSite(t, quiet(&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: clients}), version("[]", "", ""))
	server := Server{URL: address(t, s.URL), TLS: TLS{CA: authority(t, s), Certificate: certificate, Key: key}}

	r := opened(t, s.URL, server)
	holds(t, r, s.URL+": []")
	if got := s.last().TLS.PeerCertificates[0].Subject.CommonName; got != "engine" {
		t.Errorf("it is %s", got)
	}
	s.says(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Connection", "close")
		version("[]", "", "")(w, r)
	})
	holds(t, r, s.URL+": []")
	write(t, map[string]string{certificate: contentOf(t, dir+"/renewed.pem"), key: contentOf(t, dir+"/renewed.key")})
	holds(t, r, s.URL+": []")
	if got := s.last().TLS.PeerCertificates[0].Subject.CommonName; got != "renewed" {
		t.Errorf("it is %s", got)
	}

	server.TLS.Certificate, server.TLS.Key = "", ""
	if _, err := read(t, opened(t, s.URL, server)); err == nil || !strings.Contains(err.Error(), "certificate required") {
		t.Errorf("without one: %v", err)
	}
}

func TestFilesThatAreNoCertificatesAreRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	certificate, key := dir+"/engine.pem", dir+"/engine.key"
	identify(t, "engine", certificate, key)
	identify(t, "other", dir+"/other.pem", dir+"/other.key")
	write(t, map[string]string{dir + "/empty": ""})
	const half = "a certificate needs its key, and a key its certificate"
	for want, settings := range map[string]TLS{
		"open " + dir + "/gone: no such file or directory": {CA: dir + "/gone"},
		dir + "/empty: there is no PEM certificate in it":  {CA: dir + "/empty"},
		half: {Certificate: certificate},
		certificate + " and " + dir + "/gone: open " + dir + "/gone: no such file or directory": {Certificate: certificate, Key: dir + "/gone"},
		certificate + " and " + dir + "/other.key: tls: private key does not match public key":  {Certificate: certificate, Key: dir + "/other.key"},
		dir + "/empty and " + key + ": tls: failed to find any PEM data in certificate input":   {Certificate: dir + "/empty", Key: key},
	} {
		if _, err := Open("https://h/r", Servers{{URL: address(t, "https://h"), TLS: settings}}); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	if _, err := Open("https://h/r", Servers{{URL: address(t, "https://h"), TLS: TLS{Key: key}}}); err == nil || err.Error() != half {
		t.Error(err)
	}
}

func contentOf(t *testing.T, path string) string {
	t.Helper()
	text, err := readFile(path)
	do(t, err)
	return string(text)
}

package main_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// authority vouches for whoever has a certificate of it.
type authority struct {
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
}

// issue makes a certificate for a name, and writes it and its key as PEM files. Without an authority it vouches for
// itself.
func (a *authority) issue(t *testing.T, name, certificatePath, keyPath string) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotAfter: time.Now().Add(time.Hour), IsCA: a == nil, BasicConstraintsValid: true,
	}
	parent, signer := template, key
	if a != nil {
		parent, signer = a.certificate, a.key
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{certificatePath: {Type: "CERTIFICATE", Bytes: signed}, keyPath: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	made, err := x509.ParseCertificate(signed)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{made, key}
}

// TestTheProxyGuide runs the files that the README shows for proxying: the upstream speaks HTTP/2 over TLS, is known by
// an authority of its own, and wants to know by a certificate who asks.
func TestTheProxyGuide(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	ours := (*authority)(nil).issue(t, "authority", at("ca.crt"), at("ca.key"))
	ours.issue(t, "reports.internal", at("server.crt"), at("server.key"))
	ours.issue(t, "ostiary", at("tls.crt"), at("tls.key"))
	seen := make(chan *http.Request, 1)
	upstream := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r }))
	pair, err := tls.LoadX509KeyPair(at("server.crt"), at("server.key"))
	if err != nil {
		t.Fatal(err)
	}
	clients := x509.NewCertPool()
	clients.AddCert(ours.certificate)
	upstream.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.RequireAndVerifyClientCert}
	upstream.EnableHTTP2 = true
	upstream.StartTLS()
	t.Cleanup(upstream.Close)

	ports := freeListeners(t)
	shown := func(name string, replace ...string) string {
		text, err := os.ReadFile(filepath.Join("..", "..", "testdata", "deploy", "proxy", name))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(replace); i += 2 {
			if !strings.Contains(string(text), replace[i]) {
				t.Errorf("%s has no %q", name, replace[i])
			}
		}
		path := at(name)
		if err := os.WriteFile(path, []byte(strings.NewReplacer(replace...).Replace(string(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	rules := shown("rules.json", "https://reports.internal:8443", upstream.URL, "/etc/upstreams", dir)
	config := shown("config.yaml", "/etc/ostiary/rules.json", rules, "10.0.0.0/8", "127.0.0.0/8", "port: 4455", "host: 127.0.0.1")
	local := map[string]any{}
	ports.bind(local)
	overrides, err := json.Marshal(local)
	if err != nil {
		t.Fatal(err)
	}
	listen := at("listen.json")
	if err := os.WriteFile(listen, overrides, 0o600); err != nil {
		t.Fatal(err)
	}
	e := startEngine(t, dir, ports, []string{config, listen}, nil)
	if err := e.awaitReady(); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+ports.address("proxy")+"/a%2Fb?q=1;z", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Host = "reports.example.com"
	request.Header = http.Header{"X-Forwarded-Proto": {"https"}, "X-Forwarded-For": {"203.0.113.9"}, "X-User": {"mallory"}}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatalf("got %d", answer.StatusCode)
	}
	r := <-seen
	for what, pair := range map[string][2]string{
		"target": {r.RequestURI, "/a%2Fb?q=1;z"}, "host": {r.Host, "reports.example.com"}, "protocol": {r.Proto, "HTTP/2.0"},
		"client": {r.TLS.PeerCertificates[0].Subject.CommonName, "ostiary"}, "user": {strings.Join(r.Header["X-User"], ","), "anonymous"},
		"way": {r.Header.Get("X-Forwarded-For"), "203.0.113.9, 127.0.0.1"}, "scheme": {r.Header.Get("X-Forwarded-Proto"), "https"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("the upstream sees the %s %q, want %q", what, pair[0], pair[1])
		}
	}
	e.stop(t)
}

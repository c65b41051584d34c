package handlers

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
)

// own makes upstreams in an environment that has connections for them.
var own = pipeline.Environment{Upstreams: Upstreams{New: func() *http.Transport { return &http.Transport{ForceAttemptHTTP2: true} }}.Transport}

// toOwn sends what is permitted to an upstream with connections of its own.
func toOwn(t testing.TB, c pipeline.UpstreamConfig) func(*pipeline.Decision) {
	t.Helper()
	compiled, err := pipeline.NewUpstream(c, own)
	if err != nil {
		t.Fatal(err)
	}
	if closing, ok := compiled.Transport.(*http.Transport); ok {
		t.Cleanup(closing.CloseIdleConnections)
	}
	return func(d *pipeline.Decision) { d.Upstream = compiled }
}

// keyPair is a certificate that vouches for itself, for one name, and its key,
// as PEM files.
func keyPair(t testing.TB, name string) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth, x509.ExtKeyUsageServerAuth},
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: signed}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}

// speaking serves what protocol a request came by, and who its client says it
// is.
func speaking(t testing.TB, configure func(*httptest.Server)) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Protocol", r.Proto)
		if r.TLS != nil {
			for _, c := range r.TLS.PeerCertificates {
				w.Header().Set("X-Client", c.Subject.CommonName)
			}
		}
	}))
	server.Config.ErrorLog = slog.NewLogLogger(quiet.Handler(), slog.LevelError)
	configure(server)
	t.Cleanup(server.Close)
	return server
}

func TestUpstreamsThatWantTheirOwnConnections(t *testing.T) {
	t.Parallel()
	upstreamCert, upstreamKey := keyPair(t, "up.test")
	clientCert, clientKey := keyPair(t, "the engine")
	withTLS := func(server *httptest.Server) {
		pair, err := tls.LoadX509KeyPair(upstreamCert, upstreamKey)
		if err != nil {
			t.Fatal(err)
		}
		clients := x509.NewCertPool()
		text, err := os.ReadFile(clientCert)
		if err != nil || !clients.AppendCertsFromPEM(text) {
			t.Fatal(err)
		}
		server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}, ClientCAs: clients, ClientAuth: tls.VerifyClientCertIfGiven}
		server.EnableHTTP2 = true
		server.StartTLS()
	}
	withoutTLS := func(server *httptest.Server) {
		server.Config.Protocols = new(http.Protocols)
		server.Config.Protocols.SetHTTP1(true)
		server.Config.Protocols.SetUnencryptedHTTP2(true)
		server.Start()
	}
	secure, plain := speaking(t, withTLS), speaking(t, withoutTLS)
	trusting := func(change func(*pipeline.UpstreamTLS)) *pipeline.UpstreamTLS {
		c := pipeline.UpstreamTLS{CA: upstreamCert, ServerName: "up.test"}
		change(&c)
		return &c
	}
	for _, test := range []struct {
		name             string
		config           pipeline.UpstreamConfig
		status           int
		protocol, client string
	}{
		{"HTTP/1.1 is the default", pipeline.UpstreamConfig{URL: plain.URL}, 200, "HTTP/1.1", ""},
		{"HTTP/2 without TLS", pipeline.UpstreamConfig{URL: plain.URL, Protocol: "http2"}, 200, "HTTP/2.0", ""},
		{"HTTP/2 with TLS", pipeline.UpstreamConfig{URL: secure.URL, TLS: trusting(func(*pipeline.UpstreamTLS) {})}, 200, "HTTP/2.0", ""},
		{"HTTP/1.1 with TLS", pipeline.UpstreamConfig{URL: secure.URL, Protocol: "http1", TLS: trusting(func(*pipeline.UpstreamTLS) {})}, 200, "HTTP/1.1", ""},
		{"a stranger's certificate", pipeline.UpstreamConfig{URL: secure.URL}, 502, "", ""},
		{"another name", pipeline.UpstreamConfig{URL: secure.URL, TLS: trusting(func(c *pipeline.UpstreamTLS) { c.ServerName = "" })}, 502, "", ""},
		{"whoever", pipeline.UpstreamConfig{URL: secure.URL, TLS: &pipeline.UpstreamTLS{SkipVerify: true}}, 200, "HTTP/2.0", ""},
		{"a client's certificate", pipeline.UpstreamConfig{URL: secure.URL, TLS: trusting(func(c *pipeline.UpstreamTLS) {
			c.Certificate, c.Key = clientCert, clientKey
		})}, 200, "HTTP/2.0", "the engine"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := openGate(t, permitted(toOwn(t, test.config)))
			response, _ := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
			protocol, client := response.Header.Get("X-Protocol"), response.Header.Get("X-Client")
			if response.StatusCode != test.status || protocol != test.protocol || client != test.client {
				t.Errorf("got %d by %q, known as %q", response.StatusCode, protocol, client)
			}
		})
	}
}

func TestFilesThatAreOfNoUseForTLS(t *testing.T) {
	t.Parallel()
	_, key := keyPair(t, "up.test")
	other, _ := keyPair(t, "other.test")
	for want, c := range map[string]pipeline.UpstreamTLS{
		"gone.pem: no such file or directory":             {CA: "gone.pem"},
		key + ": there is no PEM certificate in it":       {CA: key},
		"gone.crt: no such file or directory":             {Certificate: "gone.crt", Key: key},
		other + " and " + key + ": tls: private key does": {Certificate: other, Key: key},
	} {
		_, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: "https://up.test", TLS: &c}, own)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestARenewedCertificateIsShown without a reload: whoever renews it does not
// know of the rules.
func TestARenewedCertificateIsShown(t *testing.T) {
	t.Parallel()
	cert, key := keyPair(t, "old")
	newCert, newKey := keyPair(t, "new")
	server := speaking(t, func(server *httptest.Server) {
		server.TLS = &tls.Config{ClientAuth: tls.RequireAnyClientCert}
		server.Config.SetKeepAlivesEnabled(false)
		server.StartTLS()
	})
	g := openGate(t, permitted(toOwn(t, pipeline.UpstreamConfig{
		URL: server.URL, Protocol: "http1", TLS: &pipeline.UpstreamTLS{SkipVerify: true, Certificate: cert, Key: key},
	})))
	shown := func() string {
		response, _ := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
		return response.Header.Get("X-Client")
	}
	if got := shown(); got != "old" {
		t.Errorf("the upstream sees %q", got)
	}
	for from, to := range map[string]string{newCert: cert, newKey: key} {
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := shown(); got != "new" {
		t.Errorf("after the renewal the upstream sees %q", got)
	}
}

func TestRulesWithEqualWishesShareConnections(t *testing.T) {
	t.Parallel()
	allow := pipeline.Handlers{} // what the rules do does not matter here
	transports := func(builder *pipeline.Builder, configs ...pipeline.UpstreamConfig) (made []http.RoundTripper) {
		for _, c := range configs {
			c.URL = "https://up.test"
			p, _ := builder.Build(pipeline.Plan{Upstream: c})
			made = append(made, p.Upstream().Transport)
		}
		return made
	}
	fast := pipeline.UpstreamConfig{Timeout: &pipeline.UpstreamTimeout{Connect: "1s"}}
	slow := pipeline.UpstreamConfig{Timeout: &pipeline.UpstreamTimeout{Connect: "60s"}}
	first := pipeline.NewBuilder(allow, pipeline.Settings{}, own, nil)
	before := transports(first, fast, slow, fast)
	if before[0] != before[2] || before[0] == before[1] || before[0] == nil {
		t.Errorf("got %p", before)
	}
	if after := transports(pipeline.NewBuilder(allow, pipeline.Settings{}, own, first), fast); after[0] != before[0] {
		t.Error("a reload begins with new connections")
	}
}

func TestAnUpstreamsOwnTimeIsHeeded(t *testing.T) {
	t.Parallel()
	silent := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
	t.Cleanup(silent.Close)
	g := openGate(t, permitted(toOwn(t, pipeline.UpstreamConfig{URL: silent.URL, Timeout: &pipeline.UpstreamTimeout{Response: "20ms"}})))
	response, _ := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n")
	if response.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("got %d", response.StatusCode)
	}
}

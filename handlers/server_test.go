package handlers

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
)

// serveTLS serves with a certificate; the roots are for clients.
func serveTLS(t testing.TB, handler http.Handler) (address string, trusted *tls.Config) {
	t.Helper()
	issuer := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	t.Cleanup(issuer.Close)
	socket := listen(t)
	server := NewServer(handler, Timeouts{}, NewCertificate(&issuer.TLS.Certificates[0]), quiet)
	ended := make(chan error, 1)
	go func() { ended <- server.ServeTLS(socket, "", "") }()
	t.Cleanup(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the server ended with %v", err)
		}
	})
	return socket.Addr().String(), &tls.Config{RootCAs: rootsOf(t, issuer)}
}

func TestTimeoutsBoundAClient(t *testing.T) {
	t.Parallel()
	server := NewServer(http.NotFoundHandler(), Timeouts{Read: time.Second, Write: 2 * time.Second, Idle: 3 * time.Second}, nil, quiet)
	if server.ReadHeaderTimeout != 5*time.Second || server.ReadTimeout != time.Second || server.WriteTimeout != 2*time.Second || server.IdleTimeout != 3*time.Second {
		t.Errorf("got %v, %v, %v, %v", server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout)
	}
	if server.TLSConfig != nil {
		t.Error("there is TLS without a certificate")
	}
}

func TestTLSIsOfferedInItsSafeVersionsOnly(t *testing.T) {
	t.Parallel()
	if got := NewServer(http.NotFoundHandler(), Timeouts{}, new(Certificate), quiet).TLSConfig.MinVersion; got != tls.VersionTLS12 {
		t.Errorf("the least version is %s", tls.VersionName(got))
	}
	address, trusted := serveTLS(t, saying("ok"))
	for name, test := range map[string]struct {
		change  func(*tls.Config)
		accepts bool
	}{
		"1.3": {func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, true},
		"1.2": {func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, true},
		"1.1": {func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, false},
		"1.2 with AES in CBC mode": {func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA}
		}, false},
		"1.2 without forward secrecy": {func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}, false},
		"1.2 with ChaCha20": {func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}
		}, true},
		"the curve P-521":  {func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP521} }, false},
		"the curve P-256":  {func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP256} }, true},
		"the curve X25519": {func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.X25519} }, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := trusted.Clone()
			test.change(config)
			connection, err := tls.Dial("tcp", address, config)
			if err == nil {
				_ = connection.Close()
			}
			if (err == nil) != test.accepts {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestHTTP2IsSpokenOverTLS(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) })
	address, trusted := serveTLS(t, handler)
	for _, test := range []struct {
		force bool
		want  string
	}{{true, "HTTP/2.0"}, {false, "HTTP/1.1"}} {
		config := trusted.Clone()
		if !test.force {
			config.NextProtos = []string{"http/1.1"}
		}
		transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: test.force}
		t.Cleanup(transport.CloseIdleConnections)
		response, err := (&http.Client{Transport: transport}).Get("https://" + address + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if _ = response.Body.Close(); err != nil || string(body) != test.want {
			t.Errorf("got %q, %v; want %s", body, err, test.want)
		}
	}
}

// TestHTTP2WithoutTLSIsForThoseWhoKnow it: nobody is led to it by an upgrade,
// which a proxy in between could take for one request.
func TestHTTP2WithoutTLSIsForThoseWhoKnow(t *testing.T) {
	t.Parallel()
	address := serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.Proto) }))
	transport := &http.Transport{Protocols: new(http.Protocols)}
	transport.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(transport.CloseIdleConnections)
	response, err := (&http.Client{Transport: transport}).Get("http://" + address + "/")
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if _ = response.Body.Close(); err != nil || string(body) != "HTTP/2.0" {
		t.Errorf("got %q, %v", body, err)
	}
	upgraded, text := ask(t, address, "GET / HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n")
	if upgraded.StatusCode != http.StatusOK || text != "HTTP/1.1" {
		t.Errorf("an upgrade: got %d, %q", upgraded.StatusCode, text)
	}
}

func TestTheProxyDecidesOnHTTP2AsOnHTTP1(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	recorded := newNotes()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	proxy := &Proxy{Decider: permitted(to(t, upstream.here())), Recorder: recorded, Forwarder: &Forwarder{Transport: transport, Log: quiet}}
	address, trusted := serveTLS(t, Frontend(quiet, CORS{}, proxy))
	clients := &http.Transport{TLSClientConfig: trusted, ForceAttemptHTTP2: true, DisableCompression: true}
	t.Cleanup(clients.CloseIdleConnections)
	r, err := http.NewRequest(http.MethodGet, "https://"+address+"/a%2Fb//c?q;", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = "App.test"
	r.Header.Set("User-Agent", "")
	response, err := clients.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if got, want := upstream.head(t), fmt.Sprintf("GET /a%%2Fb/c?q; HTTP/1.1\r\nHost: %s\r\nAccept-Encoding: gzip\r\n\r\n", upstream.address); got != want {
		t.Errorf("the upstream got %q, want %q", got, want)
	}
	if got := recorded.next(t).Request; got.Scheme != "https" || got.Host != "app.test" || got.Address != "https://app.test/a%2Fb/c?q;" {
		t.Errorf("decided on %+v", got)
	}
}

func TestTheServersOwnAnswerToOPTIONSIsOff(t *testing.T) {
	t.Parallel()
	g := openGate(t, ruling(func(*pipeline.Request) pipeline.Decision { return refused(pipeline.NoRule) }))
	if response, _ := ask(t, g.address, "OPTIONS * HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n"); response.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d", response.StatusCode)
	}
	if got := g.notes.next(t); got.Status != http.StatusBadRequest || got.HTTP.RequestURI != "*" {
		t.Errorf("recorded: %+v", got)
	}
}

// TestFaultsOfTheConnectionAreNoNews: anybody can cause them at will.
func TestFaultsOfTheConnectionAreNoNews(t *testing.T) {
	t.Parallel()
	var entries journal
	server := NewServer(http.NotFoundHandler(), Timeouts{}, nil, slog.New(slog.NewTextHandler(&entries, &slog.HandlerOptions{Level: slog.LevelDebug})))
	server.ErrorLog.Print("http: TLS handshake error")
	if entry := entries.String(); !strings.Contains(entry, `level=DEBUG msg="http: TLS handshake error"`) {
		t.Errorf("got %s", entry)
	}
}

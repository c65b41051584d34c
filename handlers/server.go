package handlers

import (
	"crypto/tls"
	"log/slog"
	"net/http"
	"time"
)

// Timeouts bound how long a client may take (contract 1.4). What the proxy
// passes on in between may take longer, as long as it goes on: see pace.
type Timeouts struct {
	Read  time.Duration // for a whole request, its body included
	Write time.Duration // from the end of the request's header to the end of the answer
	Idle  time.Duration // between two requests on a connection
}

// headerTimeout bounds how long a client may take to send a request's header,
// whatever else is configured (contract 1.4).
const headerTimeout = 5 * time.Second

// NewServer makes the server of a listener; with a certificate it speaks TLS,
// and HTTP/2 over it (contract 0).
func NewServer(handler http.Handler, timeouts Timeouts, certificate *Certificate, log *slog.Logger) *http.Server {
	server := &http.Server{
		Handler:           countingResets(handler),
		ConnContext:       withResets,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       timeouts.Read,
		WriteTimeout:      timeouts.Write,
		IdleTimeout:       timeouts.Idle,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		// OPTIONS * is refused like every target that is no path.
		DisableGeneralOptionsHandler: true,
	}
	// HTTP/2 without TLS as well, for clients that know: gRPC inside of a
	// cluster. An upgrade to it from HTTP/1.1 there is not.
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	server.Protocols.SetHTTP2(true)
	server.Protocols.SetUnencryptedHTTP2(true)
	if certificate != nil {
		server.TLSConfig = tlsConfig(certificate)
	}
	return server
}

func tlsConfig(certificate *Certificate) *tls.Config {
	settings := &tls.Config{
		GetCertificate:   certificate.get,
		MinVersion:       tls.VersionTLS12,
		CurvePreferences: []tls.CurveID{tls.X25519, tls.CurveP256},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305,
		},
	}
	if certificate.Callers != nil {
		settings.ClientCAs, settings.ClientAuth = certificate.Callers, tls.RequireAndVerifyClientCert
	}
	return settings
}

package handlers

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"

	"ostiary/pipeline"
)

// Upstreams makes the pools of connections for upstreams that want their own.
// Rules with equal wishes share a pool, through reloads too.
type Upstreams struct {
	// New makes a pool without special wishes.
	New func() *http.Transport
	// Control refuses addresses (see [net.Dialer.Control]); nil: none.
	Control func(network, address string, connection syscall.RawConn) error
}

// Transport is the pool for upstreams that are connected to in this way. An
// error says which file is of no use.
func (u Upstreams) Transport(e pipeline.Environment, c pipeline.Connecting) (http.RoundTripper, error) {
	pool := u.New()
	pool.Protocols = protocols(c.Protocol)
	pool.ResponseHeaderTimeout = c.ResponseTimeout
	if c.ConnectTimeout > 0 {
		pool.DialContext = (&net.Dialer{Timeout: c.ConnectTimeout, KeepAlive: 30 * time.Second, Control: u.Control}).DialContext
		pool.TLSHandshakeTimeout = c.ConnectTimeout
	}
	var authorities []byte
	if c.UpstreamTLS != (pipeline.UpstreamTLS{}) {
		var err error
		if pool.TLSClientConfig, authorities, err = clientTLS(c.UpstreamTLS); err != nil {
			return nil, err
		}
	}
	// Other authorities in the same file make another pool.
	key := fmt.Sprintf("upstream %#v %x", c, sha256.Sum256(authorities))
	return pipeline.Share(e, key, func() http.RoundTripper { return pool }), nil
}

// clientTLS is how TLS is spoken to an upstream, and what its file of
// authorities has in it.
func clientTLS(c pipeline.UpstreamTLS) (made *tls.Config, authorities []byte, err error) {
	made = &tls.Config{
		MinVersion:         tls.VersionTLS12,
		ServerName:         c.ServerName,
		InsecureSkipVerify: c.SkipVerify, //nolint:gosec // the operator says so, and is warned
	}
	if c.CA != "" {
		if authorities, err = os.ReadFile(c.CA); err != nil {
			return nil, nil, err //nolint:wrapcheck // it names the file
		}
		made.RootCAs = x509.NewCertPool()
		if !made.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, nil, fmt.Errorf("%s: there is no PEM certificate in it", c.CA)
		}
	}
	if c.Certificate != "" {
		if _, err := clientCertificate(c); err != nil {
			return nil, nil, err
		}
		made.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return clientCertificate(c) }
	}
	return made, authorities, nil
}

func protocols(named string) *http.Protocols {
	p := new(http.Protocols)
	switch named {
	case "http1":
		p.SetHTTP1(true)
	case "http2":
		p.SetHTTP2(true)
		p.SetUnencryptedHTTP2(true)
	default:
		p.SetHTTP1(true)
		p.SetHTTP2(true)
	}
	return p
}

func clientCertificate(c pipeline.UpstreamTLS) (*tls.Certificate, error) {
	certificate, err := tls.LoadX509KeyPair(c.Certificate, c.Key)
	if err != nil {
		var missing *os.PathError
		if errors.As(err, &missing) {
			return nil, missing
		}
		return nil, fmt.Errorf("%s and %s: %w", c.Certificate, c.Key, err)
	}
	return &certificate, nil
}

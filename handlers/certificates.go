package handlers

import (
	"crypto/tls"
	"crypto/x509"
	"sync/atomic"
)

// Certificate is that of a listener, with its key. It can be exchanged while the
// listener serves: connections that are open keep what they began with.
type Certificate struct {
	// Callers signs the certificates that callers have to show; nil: they need
	// none.
	Callers *x509.CertPool

	current atomic.Pointer[tls.Certificate]
}

// NewCertificate is one to begin with.
func NewCertificate(first *tls.Certificate) *Certificate {
	c := new(Certificate)
	c.Set(first)
	return c
}

// Set exchanges the certificate for the connections that come from now on.
func (c *Certificate) Set(next *tls.Certificate) { c.current.Store(next) }

// InForce is the certificate of the moment.
func (c *Certificate) InForce() *tls.Certificate { return c.current.Load() }

func (c *Certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

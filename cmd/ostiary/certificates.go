package main

import (
	"bytes"
	"crypto/tls"
	"slices"
	"sync"
	"time"

	"ostiary/config"
	"ostiary/handlers"
)

// certificates are those of the listeners that speak TLS. The zero value has
// none.
type certificates struct {
	mutex sync.Mutex
	all   []*certificate
}

// certificate is that of one listener.
type certificate struct {
	listener string // as the configuration calls it
	settings config.TLS
	inForce  *handlers.Certificate
	reported string // the problem that is in the log already
}

// open reads the certificate that a listener begins with; nil if it is to speak
// no TLS.
func (all *certificates) open(listener string, settings config.TLS) (*handlers.Certificate, error) {
	first, err := settings.Certificate()
	if first == nil || err != nil {
		return nil, err //nolint:wrapcheck // it names the keys
	}
	all.mutex.Lock()
	defer all.mutex.Unlock()
	opened := &certificate{listener: listener, settings: settings, inForce: handlers.NewCertificate(first)}
	all.all = append(all.all, opened)
	return opened.inForce, nil
}

// adopt sets where certificates are from now on. What is there is not in force
// yet.
func (all *certificates) adopt(serve config.Serve) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	for _, c := range all.all {
		settings := map[string]config.TLS{"proxy": serve.Proxy.TLS, "api": serve.API.TLS, "grpc": serve.GRPC.TLS, "admin": serve.Admin.TLS}[c.listener]
		if settings.Enabled() { // or else the listener goes on with the one that it has
			c.settings = settings
		}
	}
}

// files are those that certificates are read from.
func (all *certificates) files() (names []string) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	for _, c := range all.all {
		names = append(names, c.settings.Files()...)
	}
	return names
}

// refresh puts in force what is new and good. It returns what is not good, by
// listeners.
func (all *certificates) refresh(changed func(*certificate)) map[string]string {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	problems := make(map[string]string)
	for _, c := range all.all {
		next, err := c.settings.Certificate()
		switch {
		case err != nil:
			problems[c.listener] = err.Error()
			continue
		case !slices.EqualFunc(next.Certificate, c.inForce.InForce().Certificate, bytes.Equal):
			c.inForce.Set(next)
			changed(c)
		}
		c.reported = ""
	}
	return problems
}

// report tells of each problem that was not reported yet.
func (all *certificates) report(problems map[string]string, tell func(*certificate)) {
	all.mutex.Lock()
	defer all.mutex.Unlock()
	for _, c := range all.all {
		if problem := problems[c.listener]; problem != "" && problem != c.reported {
			c.reported = problem
			tell(c)
		}
	}
}

// refreshCertificates reads the certificates again. A problem is only reported
// when it is still there a moment later: certificate and key are two files, and
// the one is written before the other.
func (d *deployment) refreshCertificates() {
	problems := d.life.certificates.refresh(d.certificateChanged)
	if len(problems) == 0 {
		return
	}
	time.AfterFunc(settle, func() {
		still := d.life.certificates.refresh(d.certificateChanged)
		for listener, problem := range problems {
			if still[listener] != problem {
				delete(still, listener) // it is another one by now, or none
			}
		}
		d.life.certificates.report(still, func(c *certificate) {
			d.log.Error("the certificate of a listener has changed and cannot be used; the one before it stays in force."+
				" Put a key and a certificate there that belong together, in PEM form", "service", c.listener, "problem", c.reported,
				"cert", c.settings.Cert.Path, "key", c.settings.Key.Path, "in_force_until", c.inForce.InForce().Leaf.NotAfter)
			d.metrics.Reloaded(handlers.CertificatesSubject, false)
		})
	})
}

func (d *deployment) certificateChanged(c *certificate) {
	d.log.Info("certificate reloaded", "service", c.listener, "expires", c.inForce.InForce().Leaf.NotAfter)
	d.metrics.Reloaded(handlers.CertificatesSubject, true)
	d.certificateExpires(c.listener, c.inForce.InForce())
}

func (d *deployment) certificateExpires(listener string, inForce *tls.Certificate) {
	d.metrics.CertificateExpires(listener, inForce.Leaf.NotAfter)
}

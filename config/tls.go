package config

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"fmt"

	"ostiary/config/document"
)

// TLS is a listener's certificate and key. Both in base64 come before files
// (contract 1.4).
type TLS struct {
	Key  PEM `json:"key"`
	Cert PEM `json:"cert"`
}

// PEM is a text in PEM form, by the name of a file or by itself.
type PEM struct {
	Path   string `json:"path"`
	Base64 string `json:"base64"`
}

func (p PEM) empty() bool { return p == PEM{} }

// Certificate reads the certificate with its key. It is nil without an error
// if none is set, in which case the listener speaks plain HTTP. A
// configuration that loads has been tried, but files may change.
func (t TLS) Certificate() (*tls.Certificate, error) {
	certificate, mistakes := t.certificate()
	return certificate, mistakes.Err()
}

// Files are those that Certificate reads.
func (t TLS) Files() []string {
	if t.inline() || t.Key.Path == "" || t.Cert.Path == "" {
		return nil
	}
	return []string{t.Key.Path, t.Cert.Path}
}

func (t TLS) inline() bool { return t.Key.Base64 != "" && t.Cert.Base64 != "" }

// Enabled reports whether the listener speaks TLS.
func (t TLS) Enabled() bool { return t != TLS{} }

// certificate is Certificate with mistakes whose paths lead from the tls key.
func (t TLS) certificate() (*tls.Certificate, document.Problems) {
	inline := t.inline()
	files := t.Key.Path != "" && t.Cert.Path != ""
	switch {
	case t.Key.empty() && t.Cert.empty():
		return nil, nil
	case t.Cert.empty():
		return nil, document.Problems{{Message: "there is a key but no certificate; set cert as well"}}
	case t.Key.empty():
		return nil, document.Problems{{Message: "there is a certificate but no key; set key as well"}}
	case !inline && !files:
		return nil, document.Problems{{Message: "key and cert must both have a path or both be in base64"}}
	}
	key, mistakes := t.Key.read("key", inline)
	cert, more := t.Cert.read("cert", inline)
	if mistakes = append(mistakes, more...); len(mistakes) > 0 {
		return nil, mistakes
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return nil, document.Problems{{Message: "key and cert cannot be used: " + err.Error()}}
	}
	return &pair, nil
}

// Callers are the authorities that sign callers' certificates; nil without an
// error if there are none.
func (a Admin) Callers() (*x509.CertPool, error) {
	pool, mistakes := a.callers()
	return pool, mistakes.Err()
}

// callers is Callers with mistakes whose paths lead from the admin key.
func (a Admin) callers() (*x509.CertPool, document.Problems) {
	if a.ClientCA.empty() {
		return nil, nil
	}
	if !a.TLS.Enabled() {
		return nil, document.Problems{{Path: document.Path{"client_ca"}, Message: "needs TLS: set tls.key and tls.cert as well"}}
	}
	text, mistakes := a.ClientCA.read("client_ca", a.ClientCA.Base64 != "")
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, document.Problems{{Path: document.Path{"client_ca"}, Message: "has no certificate in PEM form"}}
	}
	return pool, nil
}

// maxPEM bounds what is read of a certificate or key, in bytes.
const maxPEM = 1 << 20

func (p PEM) read(name string, inline bool) ([]byte, document.Problems) {
	if inline {
		text, err := base64.StdEncoding.DecodeString(p.Base64)
		if err != nil {
			return nil, document.Problems{{Path: document.Path{name, "base64"}, Message: "is not base64 (standard alphabet, with padding)"}}
		}
		return text, nil
	}
	text, err := readFile(p.Path, maxPEM)
	if err != nil {
		return nil, document.Problems{{Path: document.Path{name, "path"}, Message: fmt.Sprintf("the file %s cannot be read: %v", p.Path, reason(err))}}
	}
	return text, nil
}

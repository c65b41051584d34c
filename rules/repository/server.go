package repository

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"
)

// Server is what there is to know about web servers with rules, besides the
// URL: who asks, and whom to believe.
type Server struct {
	URL             *url.URL          // of the server, or a directory on it: what is below is asked for in this way
	Headers         map[string]string // of every request
	BearerTokenFile string            // read for every request, so that it may change
	TLS             TLS
}

// TLS says whom the server has to be, and how the engine shows who it is
// itself. The files are PEM.
type TLS struct {
	CA          string // in place of the system's authorities
	Certificate string
	Key         string
	ServerName  string // in place of the URL's host
}

// Servers are all of them. The one with the longest path counts for a URL.
type Servers []Server

// of is the server of a URL; nil if nothing is known about it.
func (s Servers) of(target *url.URL) *Server {
	var found *Server
	for i := range s {
		if s[i].covers(target) && (found == nil || len(s[i].URL.Path) > len(found.URL.Path)) {
			found = &s[i]
		}
	}
	return found
}

func (s *Server) covers(target *url.URL) bool {
	if !sameOrigin(s.URL, target) {
		return false
	}
	above := strings.TrimSuffix(s.URL.Path, "/")
	below, under := strings.CutPrefix(target.Path, above)
	return under && (below == "" && above == s.URL.Path || strings.HasPrefix(below, "/")) || above == ""
}

// client asks the server. It is made for each question, so that the authorities
// may change. A file that cannot be read is an error.
// personal says that the URL has credentials in it.
func (s *Server) client(personal bool) (*http.Client, error) {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: time.Minute,
		ForceAttemptHTTP2:     true,
		DisableKeepAlives:     true, // for one question in half a minute
	}
	if s == nil {
		return &http.Client{Transport: legible{transport}, CheckRedirect: follow(personal)}, nil
	}
	var err error
	if transport.TLSClientConfig, err = s.TLS.config(); err != nil {
		return nil, err
	}
	credentials := personal || len(s.Headers) > 0 || s.BearerTokenFile != "" || s.TLS.Certificate != ""
	return &http.Client{Transport: legible{transport}, CheckRedirect: follow(credentials)}, nil
}

func (t TLS) config() (*tls.Config, error) {
	made := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName}
	if t.CA != "" {
		authorities, err := os.ReadFile(t.CA)
		if err != nil {
			return nil, err //nolint:wrapcheck // it names the file
		}
		made.RootCAs = x509.NewCertPool()
		if !made.RootCAs.AppendCertsFromPEM(authorities) {
			return nil, fmt.Errorf("%s: there is no PEM certificate in it", t.CA)
		}
	}
	if (t.Certificate == "") != (t.Key == "") {
		return nil, errors.New("a certificate needs its key, and a key its certificate")
	}
	if t.Certificate != "" {
		// Read again at every handshake, so that it may change.
		load := func() (*tls.Certificate, error) {
			pair, err := tls.LoadX509KeyPair(t.Certificate, t.Key)
			if err != nil {
				return nil, fmt.Errorf("%s and %s: %w", t.Certificate, t.Key, err)
			}
			return &pair, nil
		}
		if _, err := load(); err != nil {
			return nil, err
		}
		made.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return load() }
	}
	return made, nil
}

// authenticate adds what shows who asks.
func (s *Server) authenticate(request *http.Request) error {
	if s == nil {
		return nil
	}
	for name, value := range s.Headers {
		if strings.EqualFold(name, "Host") {
			request.Host = value
			continue
		}
		request.Header.Set(name, value)
	}
	if s.BearerTokenFile != "" {
		text, err := os.ReadFile(s.BearerTokenFile)
		if err != nil {
			return err //nolint:wrapcheck // it names the file
		}
		token := strings.TrimSpace(string(text))
		if token == "" || strings.ContainsFunc(token, unicode.IsControl) {
			return fmt.Errorf("%s: has to hold one token, in one line", s.BearerTokenFile)
		}
		request.Header.Set("Authorization", "Bearer "+token)
	}
	return nil
}

package pipeline

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"ostiary/config/document"
)

// UpstreamConfig is the upstream section of an access rule (contract 2.1). What
// is below StripPath is how the connection is made; its zero value is as
// Oathkeeper makes it.
type UpstreamConfig struct {
	URL          string           `json:"url"`
	PreserveHost bool             `json:"preserve_host"`
	StripPath    string           `json:"strip_path"`
	Protocol     string           `json:"protocol,omitempty"` // auto, http1 or http2
	Timeout      *UpstreamTimeout `json:"timeout,omitempty"`
	TLS          *UpstreamTLS     `json:"tls,omitempty"`
}

// UpstreamTimeout bounds how long an upstream may take. They are durations such
// as 10s; empty is the default.
type UpstreamTimeout struct {
	Connect  string `json:"connect,omitempty"`  // to be connected: 30s
	Response string `json:"response,omitempty"` // to begin its answer: without a bound
}

// UpstreamTLS says whom the engine takes for the upstream, and how it shows who
// it is itself. The files are PEM.
type UpstreamTLS struct {
	CA          string `json:"ca,omitempty"` // in place of the system's authorities
	Certificate string `json:"certificate,omitempty"`
	Key         string `json:"key,omitempty"`
	ServerName  string `json:"server_name,omitempty"` // in place of the URL's host
	SkipVerify  bool   `json:"skip_verify,omitempty"`
}

// Connecting is how connections to an upstream are made. Upstreams with equal
// values share them.
type Connecting struct {
	Protocol        string // "", http1 or http2: with http2 also over plain TCP
	ConnectTimeout  time.Duration
	ResponseTimeout time.Duration
	UpstreamTLS
}

// Upstream is where the allowed requests of a rule go.
type Upstream struct {
	Scheme       string
	Host         string
	PreserveHost bool              // send the client's Host instead of the upstream's
	Transport    http.RoundTripper // nil: the one for all upstreams that want nothing else
	base         string
	strip        []string // decoded segments of the prefix to take away
}

// NewUpstream compiles the upstream of a rule; nil if it has none. An error is
// a [Mistake].
func NewUpstream(c UpstreamConfig, environment Environment) (*Upstream, error) {
	connecting, err := c.connecting()
	if err != nil || c.URL == "" {
		return nil, err
	}
	parsed, err := url.ParseRequestURI(c.URL)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
		return nil, &Mistake{Path: document.Path{"url"}, Message: document.Show(c.URL) + " is not a URL of the form http://host:port/path"}
	}
	u := &Upstream{
		Scheme:       parsed.Scheme,
		Host:         parsed.Host,
		PreserveHost: c.PreserveHost,
		base:         strings.TrimRight(parsed.EscapedPath(), "/"),
	}
	if prefix := strings.Trim(c.StripPath, "/"); prefix != "" {
		u.strip = strings.Split(prefix, "/")
	}
	if connecting != (Connecting{}) && environment.Upstreams != nil {
		if u.Transport, err = environment.Upstreams(environment, connecting); err != nil {
			return nil, &Mistake{Path: document.Path{"tls"}, Message: err.Error()}
		}
	}
	return u, nil
}

func (c UpstreamConfig) connecting() (made Connecting, err error) {
	switch c.Protocol {
	case "", "auto":
	case "http1", "http2":
		made.Protocol = c.Protocol
	default:
		return made, &Mistake{Path: document.Path{"protocol"}, Message: document.Show(c.Protocol) + " is none of auto, http1 and http2"}
	}
	if c.Timeout != nil {
		for _, timeout := range []struct {
			name, text string
			into       *time.Duration
		}{{"connect", c.Timeout.Connect, &made.ConnectTimeout}, {"response", c.Timeout.Response, &made.ResponseTimeout}} {
			if timeout.text == "" {
				continue
			}
			if *timeout.into, err = ParseDuration(timeout.text, "timeout", timeout.name); err != nil {
				return made, err
			}
		}
	}
	if c.TLS == nil {
		return made, nil
	}
	made.UpstreamTLS = *c.TLS
	if (made.Certificate == "") != (made.Key == "") {
		return made, &Mistake{Path: document.Path{"tls"}, Message: "a certificate needs its key, and a key its certificate"}
	}
	return made, nil
}

// Path is the path of the upstream request for a request with this escaped,
// canonical path: strip_path is taken away if it is a prefix of whole
// segments, the base path is put in front, and no other byte is touched
// (contract 14, strip_path).
func (u *Upstream) Path(rawPath string) string {
	if path := u.base + u.stripped(rawPath); path != "" {
		return path
	}
	return "/"
}

func (u *Upstream) stripped(rawPath string) string {
	rest := rawPath
	for _, segment := range u.strip {
		if !strings.HasPrefix(rest, "/") {
			return rawPath
		}
		end := strings.IndexByte(rest[1:], '/') + 1
		if end == 0 {
			end = len(rest)
		}
		if decoded, err := url.PathUnescape(rest[1:end]); err != nil || decoded != segment {
			return rawPath
		}
		rest = rest[end:]
	}
	return rest
}

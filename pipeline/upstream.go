package pipeline

import (
	"fmt"
	"net/url"
	"strings"

	"ostiary/config/document"
)

// UpstreamConfig is the upstream section of an access rule (contract 2.1).
type UpstreamConfig struct {
	URL          string `json:"url"`
	PreserveHost bool   `json:"preserve_host"`
	StripPath    string `json:"strip_path"`
}

// Upstream is where the allowed requests of a rule go.
type Upstream struct {
	Scheme       string
	Host         string
	PreserveHost bool // send the client's Host instead of the upstream's
	base         string
	strip        []string // decoded segments of the prefix to take away
}

// NewUpstream compiles the upstream of a rule; nil if it has none.
func NewUpstream(c UpstreamConfig) (*Upstream, error) {
	if c.URL == "" {
		return nil, nil
	}
	parsed, err := url.ParseRequestURI(c.URL)
	if err != nil || (parsed.Scheme != "http" && parsed.Scheme != "https") || parsed.Host == "" {
		return nil, fmt.Errorf("%s is not a URL of the form http://host:port/path", document.Show(c.URL))
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
	return u, nil
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

package config

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// Serve says where the program listens.
type Serve struct {
	Shutdown   Shutdown `json:"shutdown"`
	Proxy      Listener `json:"proxy"`
	API        Listener `json:"api"`
	GRPC       GRPC     `json:"grpc"`
	Admin      Admin    `json:"admin"`
	Prometheus Metrics  `json:"prometheus"`
}

// Shutdown says how the program ends when it is told to.
type Shutdown struct {
	Delay   time.Duration `json:"delay"`   // unready already, with the ports still open
	Timeout time.Duration `json:"timeout"` // for what is under way when the ports are closed
}

// Limits bound what a listener takes on. Except for header_bytes and streams,
// zero is no bound.
type Limits struct {
	HeaderBytes int `json:"header_bytes"` // with the request line
	HeaderLines int `json:"header_lines"`
	TargetBytes int `json:"target_bytes"` // path and query
	BodyBytes   int `json:"body_bytes"`
	Connections int `json:"connections"`
	Requests    int `json:"requests"` // under way at the same time
	Streams     int `json:"streams"`  // likewise, on one connection of HTTP/2
}

// Listener is the proxy's or the API's.
type Listener struct {
	Host    string  `json:"host"` // empty: every address of the machine
	Port    int     `json:"port"` // 0 to 65535; 0: one that is free
	Timeout Timeout `json:"timeout"`
	Limits  Limits  `json:"limits"`
	TLS     TLS     `json:"tls"`
	CORS    CORS    `json:"cors"`

	// TrustForwardedHeaders believes the forwarding headers of every peer.
	TrustForwardedHeaders bool `json:"trust_forwarded_headers"`
	// TrustedProxies are the peers whose forwarding headers are believed.
	// IPv4 networks are never written as IPv6; no network is everybody.
	TrustedProxies []netip.Prefix `json:"trusted_proxies"`
	// ForwardedHeaders is empty or "append": whether the proxy tells the
	// upstream who asked. It is always empty for the API.
	ForwardedHeaders string `json:"forwarded_headers"`
	// Dialect is the API's: how the gateway that asks at /decisions tells about
	// requests. It is always empty for the proxy.
	Dialect string `json:"dialect"`
}

// GRPC is the listener that Envoy asks.
type GRPC struct {
	Enabled               bool           `json:"enabled"`
	Host                  string         `json:"host"`
	Port                  int            `json:"port"`
	Limits                Limits         `json:"limits"`
	TLS                   TLS            `json:"tls"`
	TrustForwardedHeaders bool           `json:"trust_forwarded_headers"` // as of a Listener
	TrustedProxies        []netip.Prefix `json:"trusted_proxies"`         // likewise
}

// Admin is the listener for operators. Without one of its own, what it answers
// is on the API's port.
type Admin struct {
	Enabled bool   `json:"enabled"`
	Host    string `json:"host"`
	Port    int    `json:"port"`
	TLS     TLS    `json:"tls"`
	// ClientCA signs the certificates that callers have to show. It is read
	// when the program starts; empty: they need none.
	ClientCA PEM    `json:"client_ca"`
	Token    string `json:"token"` // that callers have to bear; empty: none
}

// Timeout bounds the parts of a connection's life; zero is no bound.
type Timeout struct {
	Read  time.Duration `json:"read"`
	Write time.Duration `json:"write"`
	Idle  time.Duration `json:"idle"`
}

// CORS is for pages of other origins (contract 9.4).
type CORS struct {
	Enabled          bool     `json:"enabled"`
	AllowedOrigins   []string `json:"allowed_origins"`
	AllowedMethods   []string `json:"allowed_methods"`
	AllowedHeaders   []string `json:"allowed_headers"`
	ExposedHeaders   []string `json:"exposed_headers"`
	AllowCredentials bool     `json:"allow_credentials"` // never counts for the origin *
	MaxAge           int      `json:"max_age"`           // seconds
	Debug            bool     `json:"debug"`
}

// Metrics is the listener for Prometheus (contract 11.7).
type Metrics struct {
	Host                 string `json:"host"`
	Port                 int    `json:"port"`
	MetricsPath          string `json:"metrics_path"`
	MetricNamePrefix     string `json:"metric_name_prefix"`
	HideRequestPaths     bool   `json:"hide_request_paths"`
	CollapseRequestPaths bool   `json:"collapse_request_paths"`
}

// Address is what to listen on, as host:port.
func (l Listener) Address() string { return address(l.Host, l.Port) }

// Address is what to listen on, as host:port.
func (g GRPC) Address() string { return address(g.Host, g.Port) }

// Address is what to listen on, as host:port.
func (a Admin) Address() string { return address(a.Host, a.Port) }

// Address is what to listen on, as host:port.
func (m Metrics) Address() string { return address(m.Host, m.Port) }

// address accepts an IPv6 address with its brackets and without them.
func address(host string, port int) string {
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	return net.JoinHostPort(host, strconv.Itoa(port))
}

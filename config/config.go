package config

import (
	"crypto/sha256"
	"strings"
	"time"

	"ostiary/config/document"
)

// Config is a configuration without mistakes. It must not be changed.
type Config struct {
	Serve          Serve             `json:"serve"`
	AccessRules    AccessRules       `json:"access_rules"`
	Authenticators map[string]Switch `json:"authenticators"`
	Authorizers    map[string]Switch `json:"authorizers"`
	Mutators       map[string]Switch `json:"mutators"`
	Errors         Errors            `json:"errors"`
	Sessions       Sessions          `json:"sessions"`
	Log            Log               `json:"log"`
	Tracing        Tracing           `json:"tracing"`
	Version        string            `json:"version"`   // without effect
	Profiling      string            `json:"profiling"` // without effect

	// Warnings are what an operator should know although it is no mistake,
	// such as a setting that has no effect.
	Warnings []document.Problem `json:"-"`

	layers     layers
	references references
	referred   map[string][sha256.Size]byte
	redaction  *strings.Replacer // nil if nothing is to be kept to ourselves
}

// Referred are the files that references name, by their paths, with the
// fingerprints of what was read of them.
func (c *Config) Referred() map[string][sha256.Size]byte { return c.referred }

// AccessRules says where the rules are and how they are read.
type AccessRules struct {
	Repositories     []string `json:"repositories"` // URLs with any scheme
	Servers          []Server `json:"servers"`
	Poll             Poll     `json:"poll"`
	CacheDirectory   string   `json:"cache_dir"`         // empty: nothing is kept
	Minimum          int      `json:"minimum"`           // rules that have to work before the engine is ready
	MatchingStrategy string   `json:"matching_strategy"` // regexp or glob
	Strict           bool     `json:"strict"`            // unknown keys in rules are errors
	NoMatch          int      `json:"no_match"`          // status if no rule matches: 404, 401 or 403
	OnOverlap        string   `json:"on_overlap"`        // warn or error
	DoubleEncoding   string   `json:"double_encoding"`   // forward or refuse
	IdentityHeaders  string   `json:"identity_headers"`  // rule or all
}

// Server is what there is to know about a web server with rules.
type Server struct {
	URL             string            `json:"url"` // of what is on it, or of a part
	Headers         map[string]string `json:"headers"`
	BearerTokenFile string            `json:"bearer_token_file"`
	TLS             ClientTLS         `json:"tls"`
}

// ClientTLS names files in PEM, and the server. What is empty is as usual.
type ClientTLS struct {
	CA          string `json:"ca"`
	Certificate string `json:"certificate"`
	Key         string `json:"key"`
	ServerName  string `json:"server_name"`
}

// Poll says how repositories on the network are asked.
type Poll struct {
	Interval time.Duration `json:"interval"` // zero: never again
	Timeout  time.Duration `json:"timeout"`
}

// Errors says how refusals are answered.
type Errors struct {
	Fallback []string          `json:"fallback"` // names of error handlers, enabled or not
	Handlers map[string]Switch `json:"handlers"`
}

// Sessions says how remembered sessions are ended before their time.
type Sessions struct {
	PurgeToken string `json:"purge_token"` // empty: they are not
}

// Log says what is logged (contract 11.9).
type Log struct {
	Level                     string   `json:"level"`  // panic, fatal, error, warn, info, debug or trace
	Format                    string   `json:"format"` // json, json_pretty, gelf or text
	LeakSensitiveValues       bool     `json:"leak_sensitive_values"`
	RedactionText             string   `json:"redaction_text"`
	AdditionalRedactedHeaders []string `json:"additional_redacted_headers"`
}

// Where tells what set the value at path: a file and a line of it or, without
// a line, an environment variable. Of a value that nothing set it is the
// position of the nearest parent.
func (c *Config) Where(path document.Path) (file string, line int) {
	return c.layers.where(path)
}

package handlers

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/rs/cors"
	"golang.org/x/net/publicsuffix"
)

// CORS says which pages of other origins may call (contract 9.4).
type CORS struct {
	Enabled          bool
	AllowedOrigins   []string
	AllowedMethods   []string
	AllowedHeaders   []string
	ExposedHeaders   []string
	AllowCredentials bool
	MaxAge           int // seconds
	Debug            bool
}

// wrap answers preflight requests before any rule is asked, and labels the
// answers to others.
func (c CORS) wrap(next http.Handler) http.Handler {
	if !c.Enabled {
		return next
	}
	allowed := newOrigins(c.AllowedOrigins)
	return cors.New(cors.Options{
		AllowOriginFunc:  allowed.allow,
		AllowedMethods:   c.AllowedMethods,
		AllowedHeaders:   c.AllowedHeaders,
		ExposedHeaders:   c.ExposedHeaders,
		AllowCredentials: c.AllowCredentials && !allowed.all, // contract 14, CORS
		MaxAge:           c.MaxAge,
		Debug:            c.Debug,
	}).Handler(next)
}

// origins are the allowed ones: exact, or with one wildcard for the labels of
// a host below a registrable domain.
type origins struct {
	all       bool
	exact     map[string]bool
	wildcards [][2]string // what stands before and behind the wildcard
}

func newOrigins(configured []string) *origins {
	o := &origins{all: len(configured) == 0, exact: make(map[string]bool)}
	for _, origin := range configured {
		origin = strings.ToLower(origin)
		before, behind, wildcard := strings.Cut(origin, "*")
		switch {
		case origin == "*":
			o.all = true
		case !wildcard:
			o.exact[origin] = true
		case isBelowDomain(behind):
			o.wildcards = append(o.wildcards, [2]string{before, behind})
		}
	}
	return o
}

// isBelowDomain reports whether what follows a wildcard is a domain that
// somebody can own, so that the wildcard cannot stand for somebody else's.
func isBelowDomain(behind string) bool {
	domain, dot := strings.CutPrefix(behind, ".")
	if !dot || strings.Contains(domain, "*") {
		return false
	}
	parsed, err := url.Parse("http://" + domain)
	if err != nil || parsed.Hostname() == "" {
		return false
	}
	_, err = publicsuffix.EffectiveTLDPlusOne(parsed.Hostname())
	return err == nil
}

func (o *origins) allow(origin string) bool {
	if o.all || o.exact[origin] {
		return true
	}
	for _, w := range o.wildcards {
		if len(origin) > len(w[0])+len(w[1]) && strings.HasPrefix(origin, w[0]) && strings.HasSuffix(origin, w[1]) {
			label := origin[len(w[0]) : len(origin)-len(w[1])]
			if !strings.ContainsAny(label, "/:@?#") {
				return true
			}
		}
	}
	return false
}

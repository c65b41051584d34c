package config

import (
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"ostiary/config/document"
)

// withHandlerDefaults lays the defaults of enabled handlers under their
// settings in value, so that they are checked as they will be used. Which are
// enabled stands in complete.
func (l *loading) withHandlerDefaults(complete map[string]any, value any) any {
	var defaults any = map[string]any{}
	for _, h := range l.source.Handlers {
		at := h.Stage.path().With(h.ID)
		enabled, _ := document.Lookup(complete, at.With("enabled"))
		settings, ok := document.Lookup(value, at.With("config"))
		if h.Schema == nil || enabled != true || !ok {
			continue
		}
		settings = document.Merge(h.Schema.Defaults(), settings, h.Schema.Replaces)
		defaults = document.Merge(defaults, nest(at.With("config"), settings), nil)
	}
	return document.Merge(value, defaults, nil)
}

// handlers are the names that a stage knows, and what is written for them.
func (l *loading) handlers(stage Stage, complete any) (known []string, written map[string]any) {
	properties, _ := l.schema.At(stage.path())["properties"].(map[string]any)
	found, _ := document.Lookup(complete, stage.path())
	written, _ = found.(map[string]any)
	return slices.Sorted(maps.Keys(properties)), written
}

// isUnknownHandler tells whether path leads to a handler that the schema does
// not know. Those get a message of their own.
func (l *loading) isUnknownHandler(path document.Path) bool {
	for _, stage := range stages {
		at := stage.path()
		if len(path) == len(at)+1 && slices.Equal(path[:len(at)], at) {
			return l.schema.At(path) == nil
		}
	}
	return false
}

func (l *loading) unknownHandlers(complete any) {
	for _, stage := range stages {
		known, written := l.handlers(stage, complete)
		for id := range written {
			if !slices.Contains(known, id) {
				l.problem(stage.path().With(id), l.noSuchHandler(stage, id, known))
			}
		}
	}
}

// noSuchHandler looks for what was meant: a handler of another stage, or one
// whose name is close.
func (l *loading) noSuchHandler(stage Stage, id string, known []string) string {
	message := "there is no " + stage.one() + " of that name"
	for _, other := range stages {
		if l.schema.At(other.path().With(id)) != nil {
			return message + "; " + id + " belongs to " + string(other)
		}
	}
	return message + document.SuggestOrList(id, known)
}

func (l *loading) checkFallback(config *Config) {
	known, _ := l.handlers(ErrorHandlers, nil)
	for i, id := range config.Errors.Fallback {
		at := document.Path{"errors", "fallback", strconv.Itoa(i)}
		switch {
		case id == "": // reported by the schema
		case !slices.Contains(known, id):
			l.problem(at, l.noSuchHandler(ErrorHandlers, id, known))
		case !config.Errors.Handlers[id].Enabled:
			l.warn(at, l.redacted(id)+" is not enabled; what gets here is answered with a bare 500")
		}
	}
}

// warnOfHandlers names what is written for handlers and has no effect.
func (l *loading) warnOfHandlers(complete any) {
	for _, stage := range stages {
		known, written := l.handlers(stage, complete)
		for _, id := range slices.Sorted(maps.Keys(written)) {
			entry, ok := written[id].(map[string]any)
			if !ok || !slices.Contains(known, id) {
				continue
			}
			at := stage.path().With(id)
			for _, key := range slices.Sorted(maps.Keys(entry)) {
				if key != "enabled" && key != "config" {
					l.warn(at.With(key), "has no effect here; the settings of a handler stand under its config")
				}
			}
			_, decided := document.Lookup(l.merged, at.With("enabled"))
			if _, set := entry["config"]; set && !decided && entry["enabled"] != true {
				l.warn(at, "has a config but is not enabled; set enabled: true to use it")
			}
			if entry["enabled"] == true && !l.provided(stage, id) {
				l.warn(at, "this version does not have this "+stage.one()+"; rules that use it refuse every request")
			}
		}
	}
}

// provided tells whether the program has the handler, as opposed to knowing
// that it exists elsewhere.
func (l *loading) provided(stage Stage, id string) bool {
	return slices.ContainsFunc(l.source.Handlers, func(h Handler) bool { return h.Stage == stage && h.ID == id })
}

func (l *loading) checkListener(name string, listener Listener) {
	at := document.Path{"serve", name}
	l.checkTLS(at.With("tls"), listener.TLS)
	l.checkTrust(at, listener.TrustForwardedHeaders, listener.TrustedProxies)
	cors := listener.CORS
	everybody := len(cors.AllowedOrigins) == 0 || slices.ContainsFunc(cors.AllowedOrigins, func(origin string) bool { return strings.TrimSpace(origin) == "*" })
	if cors.Enabled && cors.AllowCredentials && everybody {
		l.warn(at.With("cors", "allow_credentials"), "has no effect for the origin *; name the origins that may send credentials")
	}
}

// checkAdmin makes sure that callers can be told by their certificates, if they
// are to be, and warns of a listener that tells everybody.
func (l *loading) checkAdmin(admin Admin) {
	at := document.Path{"serve", "admin"}
	l.checkTLS(at.With("tls"), admin.TLS)
	_, mistakes := admin.callers()
	for _, p := range mistakes {
		l.problem(at.With(p.Path...), l.redacted(p.Message))
	}
	local := admin.Host == "localhost"
	if address, err := netip.ParseAddr(strings.Trim(admin.Host, "[]")); err == nil {
		local = address.IsLoopback()
	}
	if admin.Enabled && !local && admin.Token == "" && admin.ClientCA.empty() {
		l.warn(at, "everybody who can connect sees the rules; set token or client_ca, or listen on 127.0.0.1 only")
	}
}

func (l *loading) checkTLS(at document.Path, tls TLS) {
	_, mistakes := tls.certificate()
	for _, mistake := range mistakes {
		l.problem(at.With(mistake.Path...), l.redacted(mistake.Message))
	}
}

// checkTrust warns of a list of proxies beside the switch that makes it
// pointless. The list of the API and of gRPC has a default, so that only one
// that somebody wrote counts.
func (l *loading) checkTrust(at document.Path, everybody bool, proxies []netip.Prefix) {
	at = at.With("trusted_proxies")
	if _, written := document.Lookup(l.merged, at); everybody && len(proxies) > 0 && written {
		l.warn(at, "has no effect, because trust_forwarded_headers believes everybody")
	}
}

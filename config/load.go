package config

import (
	"cmp"
	"path/filepath"
	"reflect"
	"slices"

	"ostiary/config/document"
)

// Source is where a configuration comes from.
type Source struct {
	Files    []string  // in the order of precedence, the last of which counts most
	Environ  []string  // NAME=value, as os.Environ gives it
	Handlers []Handler // that the configuration may set
}

// Load reads, merges and checks everything: the schema's defaults, over them
// the files in their order, over them the environment (contract 1.1). Maps are
// merged key by key, lists are replaced. Mistakes are found all in one go; the
// error is then a document.Problems, in the order of the files and their
// lines. Without files the configuration is made of defaults and environment.
func Load(source Source) (*Config, error) {
	schema, err := compile(source.Handlers)
	if err != nil {
		return nil, err
	}
	l := &loading{source: source, schema: schema, merged: map[string]any{}, sources: newSources(source.Environ)}
	l.readFiles()
	if err := l.readEnvironment(); err != nil {
		return nil, err
	}
	config := l.check()
	if len(l.problems) > 0 {
		return nil, l.inOrder(l.problems)
	}
	config.Warnings = l.inOrder(l.warnings)
	config.layers, config.references, config.referred = l.layers, l.referred, l.sources.fingerprints
	if len(l.referred.confided) > 0 {
		config.redaction = l.referred.redacting()
	}
	return config, nil
}

// loading is a configuration on its way.
type loading struct {
	source   Source
	schema   *document.Schema
	layers   layers
	merged   any // the layers over each other, without defaults and with references as they are written
	sources  *sources
	referred references
	problems document.Problems
	warnings document.Problems
}

func (l *loading) readFiles() {
	for _, name := range l.source.Files {
		parsed, problem := parseFile(name)
		if problem != nil {
			l.problems = append(l.problems, *problem)
			continue
		}
		l.warnings = append(l.warnings, parsed.Warnings...)
		value := marked(parsed.Value, filepath.Dir(name))
		l.layers = append(l.layers, layer{name: name, value: value, document: parsed})
		l.merged = document.Merge(l.merged, value, l.schema.Replaces)
	}
}

// check finds what is wrong with the whole, and makes the typed configuration.
func (l *loading) check() *Config {
	complete, _ := document.Merge(l.schema.Defaults(), l.resolve(), nil).(map[string]any)
	shown := document.Merge(l.schema.Defaults(), l.referred.written, nil)
	for _, violation := range l.schema.CheckShowing(l.withHandlerDefaults(complete, complete), l.withHandlerDefaults(complete, shown)) {
		if !violation.Missing && !l.isUnknownHandler(violation.Path) {
			l.problem(violation.Path, violation.Message)
		}
	}
	l.unknownHandlers(complete)

	config := new(Config)
	d := decoding{shown: shown}
	d.value(nil, complete, reflect.ValueOf(config).Elem())
	for _, p := range d.problems {
		l.problem(p.Path, p.Message)
	}
	l.checkFallback(config)
	l.checkListener("proxy", config.Serve.Proxy)
	l.checkListener("api", config.Serve.API)
	l.checkTLS(document.Path{"serve", "grpc", "tls"}, config.Serve.GRPC.TLS)
	l.checkTrust(document.Path{"serve", "grpc"}, config.Serve.GRPC.TrustForwardedHeaders, config.Serve.GRPC.TrustedProxies)
	l.checkAdmin(config.Serve.Admin)
	l.warnOfHandlers(complete)
	for _, p := range conflicts(config.Serve) {
		l.warn(p.Path, p.Message)
	}
	if config.Profiling != "" {
		l.warn(document.Path{"profiling"}, "has no effect")
	}
	if config.Tracing.Provider != "" {
		l.warn(document.Path{"tracing", "provider"}, "the engine makes no spans of its own; it passes on the trace headers of the requests it decides on")
	}
	return config
}

// problem adds a mistake in the value at path. Of a value that is not known
// nothing else can be said.
func (l *loading) problem(path document.Path, message string) {
	if l.referred.isUnresolved(path) {
		return
	}
	file, line := l.layers.where(path)
	l.problems = append(l.problems, document.Problem{File: file, Line: line, Path: path, Message: message})
}

func (l *loading) warn(path document.Path, message string) {
	file, line := l.layers.where(path)
	l.warnings = append(l.warnings, document.Problem{File: file, Line: line, Path: path, Message: message})
}

// inOrder sorts by files in the order they were named, then by environment
// variables, lines and paths.
func (l *loading) inOrder(problems document.Problems) document.Problems {
	rank := func(name string) int {
		if i := slices.Index(l.source.Files, name); i >= 0 {
			return i
		}
		return len(l.source.Files)
	}
	slices.SortStableFunc(problems, func(a, b document.Problem) int {
		return cmp.Or(
			cmp.Compare(rank(a.File), rank(b.File)), cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line),
			document.ComparePaths(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
	return slices.CompactFunc(problems, func(a, b document.Problem) bool { return a.String() == b.String() })
}

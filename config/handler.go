package config

import "ostiary/config/document"

// Stage is a part of the pipeline, by the key under which the configuration
// has its handlers.
type Stage string

// The stages, in the order in which a request passes them.
const (
	Authenticators Stage = "authenticators"
	Authorizers    Stage = "authorizers"
	Mutators       Stage = "mutators"
	ErrorHandlers  Stage = "errors.handlers"
)

var stages = []Stage{Authenticators, Authorizers, Mutators, ErrorHandlers}

// path leads to the stage's handlers.
func (s Stage) path() document.Path {
	if s == ErrorHandlers {
		return document.Path{"errors", "handlers"}
	}
	return document.Path{string(s)}
}

// one is what a handler of the stage is called.
func (s Stage) one() string {
	switch s {
	case Authenticators:
		return "authenticator"
	case Authorizers:
		return "authorizer"
	case Mutators:
		return "mutator"
	default:
		return "error handler"
	}
}

// Handler is what configuration needs to know of a pipeline handler.
type Handler struct {
	Stage Stage
	ID    string // as rules name it: cookie_session
	// Schema is that of the handler's config object. Without one the handler
	// has no settings, and what is written there is not looked at.
	Schema *document.Schema
}

// Switch turns a handler on (contract 1.4).
type Switch struct {
	Enabled bool `json:"enabled"`
	// Config is what files and environment say, without the defaults of the
	// handler's schema: those are laid under it when a rule uses the handler.
	// Of a handler that is not enabled it has not been checked. It must not be
	// changed.
	Config map[string]any `json:"config"`
}

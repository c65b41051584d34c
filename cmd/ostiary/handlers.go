package main

import (
	"ostiary/config"
	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/pipeline/authn"
	"ostiary/pipeline/authz"
	"ostiary/pipeline/mutate"
	"ostiary/pipeline/onerror"
)

// allHandlers are the handlers of this program.
var allHandlers = pipeline.Handlers{
	Authenticators: authn.Handlers,
	Authorizers:    authz.Handlers,
	Mutators:       mutate.Handlers,
	ErrorHandlers:  onerror.Handlers,
}

// described is a handler with what there is to say about it.
type described struct {
	config.Handler
	description string
}

// everyHandler lists the handlers, stage by stage.
func everyHandler() []described {
	var all []described
	all = append(all, describe(config.Authenticators, allHandlers.Authenticators)...)
	all = append(all, describe(config.Authorizers, allHandlers.Authorizers)...)
	all = append(all, describe(config.Mutators, allHandlers.Mutators)...)
	return append(all, describe(config.ErrorHandlers, allHandlers.ErrorHandlers)...)
}

func describe[T any](stage config.Stage, definitions []pipeline.Definition[T]) []described {
	var all []described
	for _, d := range definitions {
		all = append(all, described{config.Handler{Stage: stage, ID: d.ID, Schema: d.Schema}, d.Description})
	}
	return all
}

// configurable are the handlers as the configuration knows them.
func configurable() []config.Handler {
	var all []config.Handler
	for _, h := range everyHandler() {
		all = append(all, h.Handler)
	}
	return all
}

// pipelineSettings are what the configuration says about handlers.
func pipelineSettings(c *config.Config) pipeline.Settings {
	return pipeline.Settings{
		Authenticators: settings(c, c.Authenticators, "authenticators"),
		Authorizers:    settings(c, c.Authorizers, "authorizers"),
		Mutators:       settings(c, c.Mutators, "mutators"),
		ErrorHandlers:  settings(c, c.Errors.Handlers, "errors", "handlers"),
		Fallback:       c.Errors.Fallback,
	}
}

// settings are those of a stage, which the configuration has at that path.
func settings(c *config.Config, switches map[string]config.Switch, path ...string) map[string]pipeline.Setting {
	all := make(map[string]pipeline.Setting, len(switches))
	for id, s := range switches {
		at := document.Path(path).With(id, "config")
		redact := func(inside document.Path, message string) string { return c.RedactAt(at.With(inside...), message) }
		all[id] = pipeline.Setting{Enabled: s.Enabled, Config: s.Config, Redact: redact}
	}
	return all
}

package main

import (
	"ostiary/config"
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
		Authenticators: settings(c.Authenticators),
		Authorizers:    settings(c.Authorizers),
		Mutators:       settings(c.Mutators),
		ErrorHandlers:  settings(c.Errors.Handlers),
		Fallback:       c.Errors.Fallback,
	}
}

func settings(switches map[string]config.Switch) map[string]pipeline.Setting {
	all := make(map[string]pipeline.Setting, len(switches))
	for id, s := range switches {
		all[id] = pipeline.Setting{Enabled: s.Enabled, Config: s.Config}
	}
	return all
}

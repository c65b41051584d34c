package pipeline

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"ostiary/config/document"
)

// catalog makes the handlers of one stage. Handlers with equal configuration
// are one handler, within a set of rules and from one set to the next, so that
// what they cached stays warm and nothing cached outlives its configuration.
type catalog[T any] struct {
	definitions map[string]Definition[T]
	settings    map[string]Setting
	base        map[string]map[string]any // defaults with the configuration laid over them
	byText      map[string]outcome[T]     // by id and the rule's own configuration, as written
	instances   map[string]T              // by id and effective configuration
	previous    map[string]T
	environment Environment
}

// NotEnabled is what is wrong with a step whose handler is switched off.
const NotEnabled = "the handler is not enabled in the configuration"

type outcome[T any] struct {
	handler    T
	violations []document.Violation
}

func newCatalog[T any](definitions []Definition[T], settings map[string]Setting, environment Environment, previous *catalog[T]) *catalog[T] {
	c := &catalog[T]{
		definitions: make(map[string]Definition[T], len(definitions)),
		settings:    settings,
		base:        make(map[string]map[string]any),
		byText:      make(map[string]outcome[T]),
		instances:   make(map[string]T),
		environment: environment,
	}
	for _, d := range definitions {
		c.definitions[d.ID] = d
	}
	if previous != nil {
		c.previous = previous.instances
	}
	return c
}

// find makes the handler that a rule asks for. The violations' paths lead into
// the handler's configuration; without a path the handler itself is at fault.
func (c *catalog[T]) find(id string, config json.RawMessage) (T, []document.Violation) {
	var none T
	definition, known := c.definitions[id]
	if !known {
		return none, []document.Violation{{Message: "there is no handler of that name" + document.Suggest(id, slices.Sorted(maps.Keys(c.definitions)))}}
	}
	if !c.settings[id].Enabled {
		return none, []document.Violation{{Message: NotEnabled}}
	}
	key := id + "\x00" + string(config)
	if made, ok := c.byText[key]; ok {
		return made.handler, made.violations
	}
	handler, violations := c.make(definition, config)
	violations = c.settings[id].redacted(violations)
	c.byText[key] = outcome[T]{handler, violations}
	return handler, violations
}

func (c *catalog[T]) make(definition Definition[T], config json.RawMessage) (T, []document.Violation) {
	var none T
	if definition.Schema == nil {
		return definition.New(nil, c.environment)
	}
	var own any
	if len(config) > 0 {
		if err := json.Unmarshal(config, &own); err != nil {
			return none, []document.Violation{{Message: err.Error()}}
		}
	}
	effective := c.under(definition)
	switch own := own.(type) {
	case nil:
	case map[string]any:
		effective, _ = document.Merge(effective, own, definition.Schema.Replaces).(map[string]any)
	default:
		return none, []document.Violation{{Message: "expected object, got " + document.TypeName(own)}}
	}
	canonical, err := json.Marshal(effective)
	if err != nil {
		return none, []document.Violation{{Message: err.Error()}}
	}
	key := definition.ID + "\x00" + string(canonical)
	for _, known := range []map[string]T{c.instances, c.previous} {
		if handler, ok := known[key]; ok {
			c.instances[key] = handler
			return handler, nil
		}
	}
	handler, violations := definition.New(effective, c.environment)
	if len(violations) == 0 {
		c.instances[key] = handler
	}
	return handler, violations
}

// redacted are violations that anybody may read.
func (s Setting) redacted(violations []document.Violation) []document.Violation {
	if s.Redact == nil {
		return violations
	}
	readable := slices.Clone(violations)
	for i, v := range readable {
		readable[i].Message = s.Redact(v.Path, v.Message)
	}
	return readable
}

// under is what a rule's own configuration is laid over.
func (c *catalog[T]) under(definition Definition[T]) map[string]any {
	if base, ok := c.base[definition.ID]; ok {
		return base
	}
	base, _ := document.Merge(definition.Schema.Defaults(), plain(c.settings[definition.ID].Config), definition.Schema.Replaces).(map[string]any)
	c.base[definition.ID] = base
	return base
}

// plain is nil-safe: a handler that is enabled without a configuration has an
// empty one.
func plain(config map[string]any) any {
	if config == nil {
		return map[string]any{}
	}
	return config
}

// all are the handlers that were made, in the order of their ids and
// configurations, with those that the settings describe by themselves.
func (c *catalog[T]) all() []T {
	for id := range c.settings {
		if definition, known := c.definitions[id]; known && definition.Schema != nil {
			c.make(definition, nil) // with violations there is no handler
		}
	}
	var handlers []T
	for _, key := range slices.Sorted(maps.Keys(c.instances)) {
		handlers = append(handlers, c.instances[key])
	}
	return handlers
}

// used reports whether a rule or the fallback asked for the handler and got it.
func (c *catalog[T]) used(id string) bool {
	for key, made := range c.byText {
		if len(made.violations) == 0 && len(key) > len(id) && key[:len(id)+1] == id+"\x00" {
			return true
		}
	}
	return false
}

// check finds what is wrong with the settings of this stage by themselves,
// whatever the rules add to them.
func (c *catalog[T]) check(stage string) []Fault {
	environment := c.environment
	environment.Globs = false // that is a matter of the rules that use the handler
	var faults []Fault
	for _, id := range slices.Sorted(maps.Keys(c.settings)) {
		definition, known := c.definitions[id]
		if !known || !c.settings[id].Enabled || definition.Schema == nil {
			continue
		}
		_, violations := definition.New(c.under(definition), environment)
		for _, v := range c.settings[id].redacted(violations) {
			if v.Missing && (len(c.settings[id].Config) == 0 || c.used(id)) {
				continue // a rule completes it, or may
			}
			faults = append(faults, Fault{Stage: stage, Handler: id, Path: v.Path, Message: v.Message})
		}
	}
	return faults
}

// Fault is a mistake in the configuration of a handler.
type Fault struct {
	Stage   string // as the configuration file names it
	Handler string
	Path    document.Path // inside the handler's configuration
	Message string
}

func (f Fault) Error() string {
	return fmt.Sprintf("%s.%s: %s", f.Stage, f.Handler, document.Problem{Path: f.Path, Message: f.Message})
}

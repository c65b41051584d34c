package pipeline

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"ostiary/config/document"
)

// Environment is what handlers may use of the world outside.
type Environment struct {
	Transport http.RoundTripper // for calls to services
	Now       func() time.Time
	Shared    *Shared // see Share; a Builder provides it
	Globs     bool    // URL patterns are globs, which capture nothing

	// Upstreams makes connections to upstreams that want their own; nil if
	// nothing is forwarded.
	Upstreams func(Environment, Connecting) (http.RoundTripper, error)

	// Revocations end sessions that handlers remember; nil if nobody does.
	Revocations *Revocations
}

// Definition makes handlers of one kind, T, out of their configuration.
type Definition[T any] struct {
	ID          string
	Description string           // what the handler does, for people
	Schema      *document.Schema // nil: the handler has no configuration
	construct   func(config []byte, environment Environment) (T, error)
	config      func() any
}

// Define makes a definition out of a handler's name in rules, the schema of
// its configuration, and a plain constructor. C is the configuration as a
// struct with a JSON name for every property of the schema; what is not
// configured has the schema's default when the constructor sees it. A
// constructor reports what no schema can express as a Mistake.
func Define[C, T any](id string, schema []byte, construct func(C, Environment) (T, error)) Definition[T] {
	compiled := document.MustCompileSchema(id+".schema.json", schema)
	description, _ := compiled.At(nil)["description"].(string)
	return Definition[T]{
		ID:          id,
		Description: description,
		Schema:      compiled,
		construct: func(config []byte, environment Environment) (T, error) {
			var typed C
			decoder := json.NewDecoder(bytes.NewReader(config))
			decoder.DisallowUnknownFields()
			if err := decoder.Decode(&typed); err != nil {
				var none T
				return none, &Mistake{Message: err.Error()}
			}
			return construct(typed, environment)
		},
		config: func() any { return new(C) },
	}
}

// Describe says what a handler without a schema does; others say it there.
func (d Definition[T]) Describe(text string) Definition[T] {
	d.Description = text
	return d
}

// DefinePlain makes a definition of a handler without configuration: what a
// rule or the configuration file writes there is not looked at (contract 4.4).
func DefinePlain[T any](id string, handler T) Definition[T] {
	return Definition[T]{ID: id, construct: func([]byte, Environment) (T, error) { return handler, nil }}
}

// Mistake is a fault in a handler's configuration, at a path inside of it.
type Mistake struct {
	Path    document.Path
	Message string
}

func (m *Mistake) Error() string { return document.Problem{Path: m.Path, Message: m.Message}.String() }

// ParseDuration reads a duration of a handler's configuration, 0 or longer. at
// is where the configuration has it, for the [Mistake] that an error is. A
// number without a unit is a mistake and not nanoseconds (contract 14, config).
func ParseDuration(text string, at ...string) (time.Duration, error) {
	duration, err := time.ParseDuration(text)
	if err != nil || duration < 0 {
		return 0, &Mistake{Path: at, Message: "is not a duration such as 500ms, 5s or 10m"}
	}
	return duration, nil
}

// Config is a new, empty configuration of the type that the constructor takes,
// as a pointer; nil if the handler has none.
func (d Definition[T]) Config() any {
	if d.config == nil {
		return nil
	}
	return d.config()
}

// New checks a complete configuration, defaults included, against the schema
// and constructs the handler. All the mistakes are found in one go.
func (d Definition[T]) New(config map[string]any, environment Environment) (T, []document.Violation) {
	var none T
	if d.Schema == nil {
		handler, _ := d.construct(nil, environment)
		return handler, nil
	}
	if violations := d.Schema.Check(config); len(violations) > 0 {
		return none, violations
	}
	text, err := json.Marshal(config)
	if err != nil {
		return none, []document.Violation{{Message: err.Error()}}
	}
	handler, err := d.construct(text, environment)
	if err != nil {
		var mistake *Mistake
		if errors.As(err, &mistake) {
			return none, []document.Violation{{Path: mistake.Path, Message: mistake.Message}}
		}
		return none, []document.Violation{{Message: err.Error()}}
	}
	return handler, nil
}

// Handlers are all the handlers that the engine knows.
type Handlers struct {
	Authenticators []Definition[Authenticator]
	Authorizers    []Definition[Authorizer]
	Mutators       []Definition[Mutator]
	ErrorHandlers  []Definition[ErrorHandler]
}

// Setting is what the configuration file says about one handler.
type Setting struct {
	Enabled bool
	Config  map[string]any

	// Redact keeps out of a message about the value at a path what nobody may
	// read; nil if anybody may read everything.
	Redact func(at document.Path, message string) string
}

// Settings are what the configuration file says about handlers, by their ids.
type Settings struct {
	Authenticators map[string]Setting
	Authorizers    map[string]Setting
	Mutators       map[string]Setting
	ErrorHandlers  map[string]Setting
	Fallback       []string // error handlers that answer when the rule has none (contract 8.1)
}

package config_test

import (
	"ostiary/config"
	"ostiary/config/document"
)

// made is a handler made up for these tests. The real ones are tested where
// they live.
func made(stage config.Stage, id, schema string) config.Handler {
	h := config.Handler{Stage: stage, ID: id}
	if schema != "" {
		h.Schema = document.MustCompileSchema(id+".schema.json", []byte(schema))
	}
	return h
}

// handlers cover what schemas of handlers make use of: required keys,
// defaults, open maps, alternatives, lists of objects, secrets and references.
var handlers = []config.Handler{
	made(config.Authenticators, "noop", ""),
	made(config.Authenticators, "anonymous", `{
		"type": "object", "additionalProperties": false,
		"properties": {"subject": {"type": "string", "default": "anonymous"}}
	}`),
	made(config.Authenticators, "cookie_session", `{
		"type": "object", "additionalProperties": false, "required": ["check_session_url"],
		"properties": {
			"check_session_url": {"type": "string", "format": "uri"},
			"only": {"type": "array", "items": {"type": "string", "minLength": 1}},
			"preserve_path": {"type": "boolean", "default": false},
			"preserve_query": {"type": "boolean", "default": true},
			"force_method": {"type": "string"},
			"extra_from": {"type": "string", "default": "extra"},
			"subject_from": {"type": "string", "default": "subject"},
			"timeout": {"$ref": "#/$defs/duration", "default": "5s"},
			"valid_status": {"type": "array", "items": {"type": "integer", "minimum": 200, "maximum": 299}, "default": [200]}
		},
		"$defs": {"duration": {"type": "string", "pattern": "^[0-9]+(ns|us|ms|s|m|h)$", "errorMessage": "is not a duration such as 500ms, 5s or 10m"}}
	}`),
	made(config.Authenticators, "bearer_token", `{
		"type": "object", "additionalProperties": false, "required": ["check_session_url"],
		"properties": {
			"check_session_url": {"type": "string", "format": "uri"},
			"token_from": {
				"type": ["object", "null"], "replace": true,
				"errorMessage": "must name exactly one of header, query_parameter and cookie",
				"oneOf": [
					{"type": "null"},
					{"type": "object", "additionalProperties": false, "minProperties": 1, "maxProperties": 1, "properties": {
						"header": {"type": "string", "minLength": 1},
						"query_parameter": {"type": "string", "minLength": 1},
						"cookie": {"type": "string", "minLength": 1}
					}}
				]
			},
			"ratio": {"type": "number", "minimum": 0},
			"scope": {"type": ["string", "array"], "items": {"type": "string"}},
			"secret": {"type": "string", "writeOnly": true, "minLength": 1, "pattern": "^[a-z]+$"}
		}
	}`),
	made(config.Authorizers, "allow", ""),
	made(config.Authorizers, "deny", ""),
	made(config.Authorizers, "remote", `{
		"type": "object", "additionalProperties": false, "required": ["remote"],
		"properties": {
			"remote": {"type": "string", "format": "uri"},
			"headers": {"type": "object", "additionalProperties": {"type": "string"}},
			"retry": {"type": "object", "additionalProperties": false, "properties": {
				"max_delay": {"type": "string", "default": "100ms"},
				"attempts": {"type": "integer", "minimum": 1, "default": 3}
			}}
		}
	}`),
	made(config.Mutators, "noop", ""),
	made(config.Mutators, "header", `{
		"type": "object", "additionalProperties": false, "required": ["headers"],
		"properties": {"headers": {"type": "object", "additionalProperties": {"type": "string"}}}
	}`),
	made(config.ErrorHandlers, "json", `{
		"type": "object", "additionalProperties": false,
		"properties": {"verbose": {"type": "boolean", "default": false}}
	}`),
	made(config.ErrorHandlers, "redirect", `{
		"type": "object", "additionalProperties": false, "required": ["to"],
		"properties": {
			"to": {"type": "string", "format": "uri-reference"},
			"code": {"type": "integer", "enum": [301, 302], "default": 302},
			"return_to_query_param": {"type": "string", "default": ""},
			"when": {"type": "array", "items": {"type": "object", "additionalProperties": false, "properties": {
				"error": {"type": "array", "items": {"type": "string", "enum": ["unauthorized", "forbidden"]}}
			}}}
		}
	}`),
}

// attempt is Load with these handlers.
func attempt(source config.Source) (*config.Config, error) {
	source.Handlers = handlers
	return config.Load(source)
}

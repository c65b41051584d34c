package config_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config"
	"ostiary/config/document"
)

// TestEnvironment is contract 1.3: what a variable sets, by the path in the
// configuration as JSON.
func TestEnvironment(t *testing.T) {
	folder(t, map[string]string{"c.yaml": `
access_rules: {repositories: [file://a1, file://a2, file://a3]}
authenticators: {anonymous: {enabled: true, config: {subject: file}}}
mutators: {header: {enabled: true, config: {headers: {A: file, B: file}}}}
`})
	for _, test := range []struct{ name, environ, path, want string }{
		{"a text", "SERVE_PROXY_HOST=door", "serve.proxy.host", `"door"`},
		{"a text like JSON", `LOG_REDACTION_TEXT={"a":1}`, "log.redaction_text", `"{\"a\":1}"`},
		{"an empty text", "LOG_REDACTION_TEXT=", "log.redaction_text", `""`},
		{"a text with =", "TRACING_SERVICE_NAME=a=b", "tracing.service_name", `"a=b"`},
		{"a text like a number", "TRACING_SERVICE_NAME=7", "tracing.service_name", `"7"`},
		{"words with _", "ACCESS_RULES_MATCHING_STRATEGY=glob", "access_rules.matching_strategy", `"glob"`},
		{"one of some words", "ACCESS_RULES_ON_OVERLAP=error", "access_rules.on_overlap", `"error"`},
		{"one of some integers", "ACCESS_RULES_NO_MATCH=401", "access_rules.no_match", `401`},
		{"an integer", "SERVE_PROXY_PORT=8080", "serve.proxy.port", `8080`},
		{"an integer with zeros", "SERVE_PROXY_PORT=0080", "serve.proxy.port", `80`},
		{"a negative integer", "SERVE_API_CORS_MAX_AGE=-1", "serve.api.cors.max_age", `-1`},
		{"a number", "TRACING_PROVIDERS_ZIPKIN_SAMPLING_SAMPLING_RATIO=0.5", "tracing.providers.zipkin.sampling.sampling_ratio", `0.5`},
		{"a number with exponent", "TRACING_PROVIDERS_ZIPKIN_SAMPLING_SAMPLING_RATIO=5e-1", "tracing.providers.zipkin.sampling.sampling_ratio", `0.5`},
		{"a boolean", "ACCESS_RULES_STRICT=true", "access_rules.strict", `true`},
		{"1", "ACCESS_RULES_STRICT=1", "access_rules.strict", `true`},
		{"t", "ACCESS_RULES_STRICT=t", "access_rules.strict", `true`},
		{"FALSE", "AUTHENTICATORS_ANONYMOUS_ENABLED=FALSE", "authenticators.anonymous.enabled", `false`},
		{"a duration", "SERVE_API_TIMEOUT_READ=10s", "serve.api.timeout.read", `10000000000`},
		{"small letters", "serve_api_port=1", "serve.api.port", `1`},
		{"dots are no _", "serve.api.port=1", "serve.api.port", `4456`},
		{"capitals win", "serve_api_port=1\nSERVE_API_PORT=2\nServe_Api_Port=3", "serve.api.port", `2`},
		{"the last of two", "SERVE_API_PORT=1\nSERVE_API_PORT=2", "serve.api.port", `2`},

		{"a list with commas", "ACCESS_RULES_REPOSITORIES=file://b1,file://b2", "access_rules.repositories", `["file://b1","file://b2"]`},
		{"a list with spaces", "ACCESS_RULES_REPOSITORIES= file://b1, file://b2 ", "access_rules.repositories", `["file://b1","file://b2"]`},
		{"a list with quotes", `ACCESS_RULES_REPOSITORIES="file://b,1",file://b2`, "access_rules.repositories", `["file://b,1","file://b2"]`},
		{"a list of one", "ERRORS_FALLBACK=redirect", "errors.fallback", `["redirect"]`},
		{"a list in JSON", `ACCESS_RULES_REPOSITORIES=["file://b1"]`, "access_rules.repositories", `["file://b1"]`},
		{"an empty list", `ACCESS_RULES_REPOSITORIES=[]`, "access_rules.repositories", `[]`},
		{"a list of texts like numbers", `LOG_ADDITIONAL_REDACTED_HEADERS=7,true`, "log.additional_redacted_headers", `["7","true"]`},
		{"a list of integers", "AUTHENTICATORS_COOKIE_SESSION_CONFIG_VALID_STATUS=200,204", "authenticators.cookie_session.config.valid_status", `[200,204]`},
		{"a list of objects", `ERRORS_HANDLERS_REDIRECT_CONFIG_WHEN=[{"error":["forbidden"]}]`, "errors.handlers.redirect.config.when", `[{"error":["forbidden"]}]`},

		{"an item", "ACCESS_RULES_REPOSITORIES_0=file://b", "access_rules.repositories", `["file://b","file://a2","file://a3"]`},
		{"the last item", "ACCESS_RULES_REPOSITORIES_2=file://b", "access_rules.repositories", `["file://a1","file://a2","file://b"]`},
		{"an item more", "ACCESS_RULES_REPOSITORIES_3=file://b", "access_rules.repositories", `["file://a1","file://a2","file://a3","file://b"]`},
		{"items in order", "ACCESS_RULES_REPOSITORIES_4=file://c\nACCESS_RULES_REPOSITORIES_3=file://b", "access_rules.repositories", `["file://a1","file://a2","file://a3","file://b","file://c"]`},
		{"an item of a default", "ERRORS_FALLBACK_0=redirect", "errors.fallback", `["redirect"]`},
		{"an item behind a default", "ERRORS_FALLBACK_1=redirect", "errors.fallback", `["json","redirect"]`},
		{"an item of a list from the environment", "ACCESS_RULES_REPOSITORIES=file://b,file://c\nACCESS_RULES_REPOSITORIES_1=file://d", "access_rules.repositories", `["file://b","file://d"]`},
		{"an item that is an object", `ERRORS_HANDLERS_REDIRECT_CONFIG_WHEN_0={"error":["forbidden"]}`, "errors.handlers.redirect.config.when", `[{"error":["forbidden"]}]`},
		{"an item that is a number", "AUTHENTICATORS_COOKIE_SESSION_CONFIG_VALID_STATUS_0=204", "authenticators.cookie_session.config.valid_status", `[204]`},

		{"an object merges", `AUTHENTICATORS={"noop":{"enabled":true}}`, "authenticators.anonymous.config.subject", `"file"`},
		{"an object", `AUTHENTICATORS={"noop":{"enabled":true}}`, "authenticators.noop.enabled", `true`},
		{"a part counts more than the whole", "AUTHENTICATORS_NOOP_ENABLED=false\n" + `AUTHENTICATORS={"noop":{"enabled":true}}`, "authenticators.noop.enabled", `false`},
		{"headers as JSON", `MUTATORS_HEADER_CONFIG_HEADERS={"B":"env","C":"env"}`, "mutators.header.config.headers", `{"A":"file","B":"env","C":"env"}`},
		{"a handler that is in no file", "AUTHENTICATORS_COOKIE_SESSION_ENABLED=true", "authenticators.cookie_session.enabled", `true`},
		{"a setting of a handler", "AUTHENTICATORS_COOKIE_SESSION_CONFIG_ONLY=sid,alt", "authenticators.cookie_session.config.only", `["sid","alt"]`},
		{"a setting below an alternative", "AUTHENTICATORS_BEARER_TOKEN_CONFIG_TOKEN_FROM_COOKIE=token", "authenticators.bearer_token.config.token_from", `{"cookie":"token"}`},
		{"null where it may be", "AUTHENTICATORS_BEARER_TOKEN_CONFIG_TOKEN_FROM=null", "authenticators.bearer_token.config.token_from", `null`},
		{"a text or a list", `AUTHENTICATORS_BEARER_TOKEN_CONFIG_SCOPE=a,b`, "authenticators.bearer_token.config.scope", `"a,b"`},
		{"a list or a text", `AUTHENTICATORS_BEARER_TOKEN_CONFIG_SCOPE=["a"]`, "authenticators.bearer_token.config.scope", `["a"]`},
		{"a handler of a later version", `AUTHENTICATORS_JWT_CONFIG={"jwks_urls":["http://k/"]}`, "authenticators.jwt.config", `{"jwks_urls":["http://k/"]}`},
		{"a handler without settings", `AUTHENTICATORS_NOOP_CONFIG={"a":1}`, "authenticators.noop.config", `{"a":1}`},
		{"TLS", "SERVE_PROXY_TLS_KEY_PATH=\nSERVE_PROXY_TLS_CERT_PATH=", "serve.proxy.tls.key.path", `""`},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := load(t, config.Source{Files: []string{"c.yaml"}, Environ: strings.Split(test.environ, "\n")})
			text, err := json.Marshal(c)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := document.Parse("", text, document.JSON)
			if err != nil {
				t.Fatal(err)
			}
			found, _ := document.Lookup(whole.Value, strings.Split(test.path, "."))
			got, _ := json.Marshal(found)
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestEnvironmentMistakes: junk is an error that names the variable.
func TestEnvironmentMistakes(t *testing.T) {
	for variable, want := range map[string]string{
		"SERVE_PROXY_PORT=abc":                                                   `serve.proxy.port: "abc" is not a whole number`,
		"SERVE_PROXY_PORT=":                                                      `serve.proxy.port: "" is not a whole number`,
		"SERVE_PROXY_PORT= 80":                                                   `serve.proxy.port: " 80" is not a whole number`,
		"SERVE_PROXY_PORT=4455.0":                                                `serve.proxy.port: "4455.0" is not a whole number`,
		"SERVE_PROXY_PORT=0x50":                                                  `serve.proxy.port: "0x50" is not a whole number`,
		"SERVE_PROXY_PORT=99999999999999999999":                                  `serve.proxy.port: "99999999999999999999" is not a whole number`,
		"SERVE_PROXY_PORT=tcp://10.0.0.1:80":                                     `serve.proxy.port: "tcp://10.0.0.1:80" is not a whole number`,
		"SERVE_PROXY_PORT=70000":                                                 `serve.proxy.port: 70000 is more than 65535`,
		"SERVE_API_CORS_MAX_AGE=9999999999":                                      `serve.api.cors.max_age: 9999999999 is out of range`,
		"ACCESS_RULES_STRICT=yes":                                                `access_rules.strict: "yes" is not a boolean; write true or false`,
		"ACCESS_RULES_STRICT=no":                                                 `access_rules.strict: "no" is not a boolean; write true or false`,
		"ACCESS_RULES_STRICT=":                                                   `access_rules.strict: "" is not a boolean; write true or false`,
		"ACCESS_RULES_NO_MATCH=418":                                              `access_rules.no_match: 418 is not one of 404, 401, 403`,
		"ACCESS_RULES_NO_MATCH=":                                                 `access_rules.no_match: "" is not a whole number`,
		"ACCESS_RULES_ON_OVERLAP=Error":                                          `access_rules.on_overlap: "Error" is not one of "warn", "error"`,
		"ACCESS_RULES_STRICT=tRUE":                                               `access_rules.strict: "tRUE" is not a boolean; write true or false`,
		"TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO=all":                     `tracing.providers.otlp.sampling.sampling_ratio: "all" is not a number`,
		"TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO=NaN":                     `tracing.providers.otlp.sampling.sampling_ratio: "NaN" is not a number`,
		"TRACING_PROVIDERS_OTLP_SAMPLING_SAMPLING_RATIO=1e999":                   `tracing.providers.otlp.sampling.sampling_ratio: "1e999" is not a number`,
		"ACCESS_RULES_MATCHING_STRATEGY=":                                        `access_rules.matching_strategy: "" is not one of "regexp", "glob"`,
		"SERVE_API_TIMEOUT_READ=":                                                `serve.api.timeout.read: "" is not a duration such as 500ms, 5s or 10m`,
		"SERVE_API_TIMEOUT_READ=5":                                               `serve.api.timeout.read: "5" is not a duration such as 500ms, 5s or 10m`,
		"ACCESS_RULES_REPOSITORIES=":                                             `access_rules.repositories: the variable is empty; a list is written a,b or ["a","b"], and one without items []`,
		"ACCESS_RULES_REPOSITORIES=  ":                                           `access_rules.repositories: the variable is empty; a list is written a,b or ["a","b"], and one without items []`,
		`ACCESS_RULES_REPOSITORIES=["file://a"`:                                  `access_rules.repositories: is no JSON array, and a list of comma-separated values does not begin with [: invalid JSON: the file ends in the middle of a value`,
		`ACCESS_RULES_REPOSITORIES="file://a,file://b`:                           `access_rules.repositories: is no list of comma-separated values: check its quotes`,
		"ACCESS_RULES_REPOSITORIES=file://a\nfile://b":                           `access_rules.repositories: a list of comma-separated values stands on one line`,
		"ACCESS_RULES_REPOSITORIES=file://a,b":                                   `access_rules.repositories[1]: "b" is not a URL with a scheme, such as file:///etc/ostiary/rules.yaml`,
		"ACCESS_RULES_REPOSITORIES=null":                                         `access_rules.repositories[0]: "null" is not a URL with a scheme, such as file:///etc/ostiary/rules.yaml`,
		`ACCESS_RULES_REPOSITORIES={"a":1}`:                                      `access_rules.repositories: expected array, got object`,
		"ACCESS_RULES_REPOSITORIES_1=file://a":                                   `access_rules.repositories[1]: the list has only 0 items, to which this one cannot be added; count from 0`,
		"ACCESS_RULES_REPOSITORIES_0=a":                                          `access_rules.repositories[0]: "a" is not a URL with a scheme, such as file:///etc/ostiary/rules.yaml`,
		"ACCESS_RULES=regexp":                                                    `access_rules: expected a JSON object`,
		"ACCESS_RULES=":                                                          `access_rules: expected a JSON object: the variable is empty`,
		"SERVE_PROXY=[]":                                                         `serve.proxy: expected object, got array`,
		`SERVE_PROXY={"port":`:                                                   `serve.proxy: expected a JSON object: invalid JSON: the file ends in the middle of a value`,
		`SERVE_PROXY={"prot":1}`:                                                 `serve.proxy.prot: unknown key; did you mean "port"?`,
		"AUTHENTICATORS_NOOP=true":                                               `authenticators.noop: expected a JSON object`,
		"AUTHENTICATORS_COOKIE_SESSION_CONFIG_VALID_STATUS=200,ok":               `authenticators.cookie_session.config.valid_status: item 1: "ok" is not a whole number`,
		"AUTHENTICATORS_COOKIE_SESSION_CONFIG_VALID_STATUS_0=ok":                 `authenticators.cookie_session.config.valid_status[0]: "ok" is not a whole number`,
		`AUTHENTICATORS_BEARER_TOKEN={"enabled":true,"config":{"secret":"Xyz"}}`: `authenticators.bearer_token.config.secret: the value does not match ^[a-z]+$`,
		`AUTHENTICATORS={"noop":{"enabled":"yes"}}`:                              `authenticators.noop.enabled: expected boolean, got string`,
		`LOG={"level":"loud"}`:                                                   `log.level: "loud" is not one of "panic", "fatal", "error", "warn", "info", "debug", "trace"`,
		`ERRORS={"fallback":["nope"]}`:                                           `errors.fallback[0]: there is no error handler of that name; known are json, redirect, www_authenticate`,
		`AUTHENTICATORS_BEARER_TOKEN={"enabled":true,"config":{"token_from":{"header":"A","cookie":"b"}}}`:                 `authenticators.bearer_token.config.token_from: must name exactly one of header, query_parameter and cookie`,
		`AUTHENTICATORS_COOKIE_SESSION={"enabled":true,"config":{"check_session_url":"http://user:pass@bad host/whoami"}}`: `authenticators.cookie_session.config.check_session_url: "http://***@bad host/whoami" is not a URL with a scheme, such as https://host/path`,
	} {
		name, _, _ := strings.Cut(variable, "=")
		_, err := attempt(config.Source{Environ: []string{variable}})
		if err == nil {
			t.Errorf("%s loads", variable)
			continue
		}
		if diff := cmp.Diff("environment variable "+name+": "+want, err.Error()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", variable, diff)
		}
	}
}

// TestStrayVariables is contract 14: what only happens to have the name of a
// setting does no harm, and a misspelt one does not go unnoticed.
func TestStrayVariables(t *testing.T) {
	ignored := "ignored, because it is not for this program or is mistaken: "
	for variable, want := range map[string]string{
		"VERSION=1.2.3":            `version: ` + ignored + `"1.2.3" is not a version with a leading v, such as v26.2.0`,
		"VERSION=":                 `version: ` + ignored + `"" is not a version with a leading v, such as v26.2.0`,
		"PROFILING=block":          `profiling: ` + ignored + `"block" is not one of "cpu", "mem", ""`,
		"LOG=debug":                `log: ` + ignored + `expected a JSON object`,
		"LOG=":                     `log: ` + ignored + `expected a JSON object: the variable is empty`,
		`LOG={"file":"/var/log"}`:  `log: ` + ignored + `unknown key; known are additional_redacted_headers, format, leak_sensitive_values, level, redaction_text`,
		"TRACING=true":             `tracing: ` + ignored + `expected a JSON object`,
		"ERRORS=[]":                `errors: ` + ignored + `expected object, got array`,
		"SERVE=/srv":               `serve: ` + ignored + `expected a JSON object`,
		"MUTATORS=garbage":         `mutators: ` + ignored + `expected a JSON object`,
		"AUTHENTICATORS={":         `authenticators: ` + ignored + `expected a JSON object: invalid JSON: the file ends in the middle of a value`,
		"AUTHORIZERS=null":         `authorizers: ` + ignored + `expected a JSON object`,
		`MUTATORS={"magic":{}}`:    `mutators: ` + ignored + `unknown key; known are cookie, header, hydrator, id_token, noop`,
		"VERSION=v1.2.3":           "",
		"HOSTNAME=node-1":          "",
		"LOG_DIR=/var/log":         "",
		"PATH=/bin":                "",
		"nonsense":                 "",
		"=C:=x":                    "",
		"SERVE_PROXY_PRT=1":        `ignored: there is no setting of that name; did you mean "SERVE_PROXY_PORT"?`,
		"SERVE_PROXY_PORT_80=tcp":  `ignored: there is no setting of that name; did you mean "SERVE_PROXY_PORT"?`,
		"ACCESS_RULES_REPOSITORY=": `ignored: there is no setting of that name; did you mean "ACCESS_RULES_REPOSITORIES"?`,
		"AUTHENTICATORS_COOKIE_SESSION_CONFIG_CHECK_SESION_URL=x": `ignored: there is no setting of that name; did you mean "AUTHENTICATORS_COOKIE_SESSION_CONFIG_CHECK_SESSION_URL"?`,
		"AUTHENTICATORS_COMPLETELY_DIFFERENT=x":                   `ignored: there is no setting of that name`,
		"MUTATORS_HEADER_CONFIG_HEADERS_X=x":                      `ignored: a part of mutators.header.config.headers has no variable of its own; set all of it as JSON in MUTATORS_HEADER_CONFIG_HEADERS`,
		"AUTHENTICATORS_JWT_CONFIG_JWKS_URLS=x":                   `ignored: a part of authenticators.jwt.config has no variable of its own; set all of it as JSON in AUTHENTICATORS_JWT_CONFIG`,
	} {
		name, _, _ := strings.Cut(variable, "=")
		c := load(t, config.Source{Environ: []string{variable}})
		var got string
		for _, warning := range c.Warnings {
			got += strings.TrimPrefix(warning.String(), "environment variable "+name+": ")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", variable, diff)
		}
	}
}

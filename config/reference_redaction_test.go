package config_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	"ostiary/config"
	"ostiary/config/document"
)

// TestWhatWasReferredToIsRedacted in whatever way it is written.
func TestWhatWasReferredToIsRedacted(t *testing.T) {
	const secret = "p\"ss & wörd/\\<1>\nsecond line"
	folder(t, map[string]string{"secret": secret + "\n", "c.yaml": `
authenticators: {anonymous: {config: {subject: "Bearer ${file:secret}"}}}
serve: {proxy: {host: "${env:LONG}"}, api: {host: "${env:SHORT}", port: "${env:PORT}"}}
log: {level: "${env:LEVEL}", redaction_text: plainly-written}
tracing: {service_name: "${env:LONGER}"}
`})
	c := load(t, config.Source{
		Files: []string{"c.yaml"}, Environ: []string{"LONG=gate.internal", "LONGER=gate.internal.example", "SHORT=::1", "PORT=44556", "LEVEL=warn"},
	})
	for _, text := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret), fmt.Sprintf("%q", secret), document.Problem{Message: secret}.String()} {
		if got, want := c.Redact("<<"+text+">>"), "<<${file:secret}>>"; got != want && got != `<<"${file:secret}">>` {
			t.Errorf("%s\nbecomes %s", text, got)
		}
	}
	for text, want := range map[string]string{
		"dial tcp: lookup gate.internal: no such host": "dial tcp: lookup ${env:LONG}: no such host",
		"gate.internal.example":                        "${env:LONGER}",
		"[::1]:4455 of plainly-written":                "[::1]:4455 of plainly-written",
		"warn":                                         "warn",
	} {
		if got := c.Redact(text); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"JSON": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var log bytes.Buffer
		slog.New(handler(&log)).Error("failed: "+secret, "error", fmt.Errorf("Post %q: %s", "http://h/?t="+url.QueryEscape(secret), secret), "quoted", fmt.Sprintf("%q", secret))
		line := c.Redact(log.String())
		if strings.Contains(line, "ss & w") || strings.Contains(line, "second") || strings.Count(line, "${file:secret}") != 4 {
			t.Errorf("%s: %s", name, line)
		}
	}
	if got := load(t, config.Source{}).Redact(secret); got != secret {
		t.Errorf("without references it becomes %q", got)
	}
}

// TestMessagesDoNotQuoteAPart of what was referred to.
func TestMessagesDoNotQuoteAPart(t *testing.T) {
	folder(t, map[string]string{"c.yaml": `
mutators: {header: {enabled: true, config: {headers: {A: "{{ ${env:SECRET} }}", B: "{{ plainly }}"}}}}
`})
	c := load(t, config.Source{Files: []string{"c.yaml"}, Environ: []string{"SECRET=horse battery"}})
	at := document.Path{"mutators", "header", "config"}
	for _, test := range []struct {
		path          document.Path
		message, want string
	}{
		{at.With("headers", "A"), `function "horse" not defined`, `"{{ ${env:SECRET} }}" leads to what cannot be used here`},
		{at.With("headers", "A"), `after horse battery`, `after ${env:SECRET}`},
		{at.With("headers", "A"), `is no name for a header`, `is no name for a header`},
		{at.With("headers", "B"), `function "horse" not defined`, `function "horse" not defined`},
		{at.With("headers"), `function "battery" not defined`, `what ${env:SECRET} leads to cannot be used here`},
		{nil, `battery`, `what ${env:SECRET} leads to cannot be used here`},
	} {
		if got := c.RedactAt(test.path, test.message); got != test.want {
			t.Errorf("%s: %s becomes %s, want %s", test.path, test.message, got, test.want)
		}
	}
}

// TestProblemsShowTheReference in place of what it led to, in alternatives and
// in whole objects.
func TestProblemsShowTheReference(t *testing.T) {
	const secret = "Correct-Horse/Battery"
	handlers := []config.Handler{made(config.Mutators, "header", `{
		"type": "object", "additionalProperties": false,
		"properties": {
			"either": {"oneOf": [{"type": "string", "enum": ["a"]}, {"type": "object", "properties": {"of": {"type": "string", "maxLength": 3}}}]},
			"whole": {"enum": [{"a": "b"}]},
			"fixed": {"const": "x"},
			"list": {"type": "array", "contains": {"const": "x"}, "items": {"type": "string"}},
			"secret": {"type": "string", "pattern": "^[a-z]+$", "writeOnly": true}
		}
	}`)}
	folder(t, map[string]string{"secret": secret, "c.yaml": `
mutators:
  header:
    enabled: true
    config:
      either: "${file:secret}"
      whole: {a: "${file:secret}"}
      fixed: "x${file:secret}"
      list: ["${file:secret}"]
      secret: "${file:secret}"
`})
	_, err := config.Load(config.Source{Files: []string{"c.yaml"}, Handlers: handlers})
	const at = "mutators.header.config."
	want := strings.Join([]string{
		`c.yaml:6: ` + at + `either: "${file:secret}" is not one of "a"`,
		`c.yaml:7: ` + at + `whole: {"a":"${file:secret}"} is not one of {"a":"b"}`,
		`c.yaml:8: ` + at + `fixed: "x${file:secret}" is not "x"`,
		`c.yaml:9: ` + at + `list[0]: "${file:secret}" is not "x"`,
		`c.yaml:10: ` + at + `secret: the value does not match ^[a-z]+$`,
	}, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

package mutate

import (
	"context"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// told is an authenticator that believes what the request says of its sender.
type told struct{}

func (told) Authenticate(_ context.Context, request *pipeline.Request, session *pipeline.Session) error {
	session.Subject = request.Header.Get("Subject")
	session.SetExtra(map[string]any{"value": request.Header.Get("Value")})
	return nil
}

type anybodyMay struct{}

func (anybodyMay) Authorize(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }

// FuzzTemplate: whatever a session service says of a client, no header that
// goes upstream has a byte in it that would end its line.
func FuzzTemplate(f *testing.F) {
	handlers := pipeline.Handlers{
		Authenticators: []pipeline.Definition[pipeline.Authenticator]{pipeline.DefinePlain[pipeline.Authenticator]("told", told{})},
		Authorizers:    []pipeline.Definition[pipeline.Authorizer]{pipeline.DefinePlain[pipeline.Authorizer]("allow", anybodyMay{})},
		Mutators:       Handlers,
	}
	settings := pipeline.Settings{
		Authenticators: map[string]pipeline.Setting{"told": {Enabled: true}},
		Authorizers:    map[string]pipeline.Setting{"allow": {Enabled: true}},
		Mutators:       map[string]pipeline.Setting{"header": {Enabled: true}},
	}
	const config = `{"headers": {
		"X-Subject": "{{ .Subject }}", "X-Value": "v:{{ print .Extra.value }}", "X-Group": "{{ index .MatchContext.RegexpCaptureGroups 0 }}",
		"X-Escaped": "{{ .Subject | quote }}", "X-Path": "{{ .MatchContext.URL.Path }}", "X-List": "{{ .Extra }}"
	}}`
	p, flaws := pipeline.NewBuilder(handlers, settings, pipeline.Environment{}, nil).Build(pipeline.Plan{
		Authenticators: []pipeline.Step{{Handler: "told"}},
		Authorizer:     &pipeline.Step{Handler: "allow"},
		Mutators:       []pipeline.Step{{Handler: "header", Config: []byte(config)}},
	})
	if len(flaws) > 0 {
		f.Fatal(flaws)
	}
	for _, text := range []string{"", "ada", "Türhüter", "\xff\xfe", "a\r\nX-Role: admin", "\n", "\x00", "\x7f", "\t", "{{ .Subject }}", "\u2028\u0085"} {
		f.Add(text, "editor", "7", "/orders")
		f.Add("ada", text, "7", "/orders")
		f.Add("ada", "editor", text, "/orders"+text)
	}
	f.Fuzz(func(t *testing.T, subject, value, group, path string) {
		request := &pipeline.Request{Method: "GET", Path: path, Header: map[string][]string{"Subject": {subject}, "Value": {value}}}
		decision := p.Run(t.Context(), request, func() ([]string, error) { return []string{group}, nil })
		isControl := func(r rune) bool { return (r < ' ' && r != '\t') || r == 0x7f }
		suspect := strings.ContainsFunc(subject+value+group+path, isControl)
		if !decision.Allowed {
			if !suspect {
				t.Errorf("a harmless text is refused: %v", decision.Err)
			}
			return
		}
		for name, values := range decision.Session.Header {
			for _, header := range values {
				if strings.ContainsFunc(header, isControl) {
					t.Errorf("%s: %q", name, header)
				}
			}
		}
	})
}

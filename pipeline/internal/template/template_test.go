package template

import (
	"strings"
	"sync"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// rendered is what a template makes of a session with a bit of everything.
func rendered(t *testing.T, text string) (string, error) {
	t.Helper()
	compiled, err := Compile("X-Test", text)
	if err != nil {
		t.Fatal(err)
	}
	request := pipelinetest.Request("X-Tenant", "red", "X-Tenant", "blue")
	return compiled.Render(pipelinetest.Knowing(map[string]any{
		"role": "editor", "size": 3.0, "big": 1e21, "on": true, "nothing": nil,
		"teams": []any{"a", "b"}, "name": map[string]any{"first": "Ada"}, "markup": `<b>"&'</b>`,
	}, pipeline.Session{
		Subject:      "ada",
		Header:       map[string][]string{"X-Role": {"editor"}},
		MatchContext: pipeline.NewMatchContext(request, func() ([]string, error) { return []string{"orders", "", "7"}, nil }),
	}))
}

func TestTemplateRenders(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ text, want string }{
		"nothing":                       {``, ``},
		"a text":                        {`as it is`, `as it is`},
		"the subject":                   {`user:{{ .Subject }}`, `user:ada`},
		"what the service said":         {`{{ .Extra.role }} {{ .Extra.size }} {{ .Extra.on }}`, `editor 3 true`},
		"something deeper":              {`{{ .Extra.name.first }}`, `Ada`},
		"an element":                    {`{{ index .Extra.teams 1 }}`, `b`},
		"a whole list":                  {`{{ .Extra.teams }}`, `[a b]`},
		"a great number":                {`{{ .Extra.big }}`, `1e+21`},
		"markup as it is":               {`{{ .Extra.markup }}`, `<b>"&'</b>`},
		"headers of other mutators":     {`{{ .Header.Get "x-role" }}`, `editor`},
		"the method":                    {`{{ .MatchContext.Method }}`, `GET`},
		"the path and a parameter":      {`{{ .MatchContext.URL.Path }} {{ .MatchContext.URL.Query.Get "page" }}`, `/orders/a b/7 2`},
		"the whole URL":                 {`{{ .MatchContext.URL }}`, `https://api.example.test/orders/a%20b/7?page=2&access_token=in-query`},
		"a header":                      {`{{ .MatchContext.Header.Get "X-Tenant" }} {{ index .MatchContext.Header "X-Tenant" 1 }}`, `red blue`},
		"what the pattern captured":     {`{{ index .MatchContext.RegexpCaptureGroups 0 }}/{{ printIndex .MatchContext.RegexpCaptureGroups 2 }}`, `orders/7`},
		"a condition and a loop":        {`{{ if .Subject }}{{ range .Extra.teams }}<{{ . }}>{{ end }}{{ end }}`, `<a><b>`},
		"a comment":                     {`{{/* not for the upstream */}}`, ``},
		"a comment in a text":           {`a{{/* not for the upstream */}}b`, `ab`},
		"a comment that takes blanks":   {"a \n{{- /* not for the upstream */ -}}\n b", `ab`},
		"a definition":                  {`{{ define "inner" }}hidden{{ end }}shown`, `shown`},
		"a definition that is used":     {`{{ define "inner" }}[{{ . }}]{{ end }}{{ template "inner" .Subject }}`, `[ada]`},
		"functions of sprig":            {`{{ .Subject | upper | quote }} {{ list "a" "b" | join "," }} {{ default "x" .Extra.none }}`, `"ADA" a,b x`},
		"braces that are none of its":   {`{ } }} {`, `{ } }} {`},
		"a missing value":               {`{{ .Extra.none }}`, `<no value>`},
		"a value of null":               {`{{ .Extra.nothing }}`, `<no value>`},
		"a missing header":              {`{{ .MatchContext.Header.Get "X-None" }}`, ``},
		"print of a value":              {`{{ print .Extra.role }} {{ print .Extra.size }} {{ print .Extra.teams }}`, `editor 3 [a b]`},
		"print of a missing value":      {`{{ print .Extra.none }}`, ``},
		"print of a value of null":      {`{{ .Extra.nothing | print }}`, ``},
		"printIndex of an element":      {`{{ printIndex .Extra.teams 0 }}`, `a`},
		"printIndex past the end":       {`{{ printIndex .Extra.teams 2 }}`, ``},
		"printIndex before the start":   {`{{ printIndex .Extra.teams (sub 0 1 | int) }}`, ``},
		"printIndex of nothing":         {`{{ printIndex .Extra.none 0 }}`, ``},
		"printIndex of no list":         {`{{ printIndex .Extra.role 0 }}{{ printIndex .Extra.name 0 }}`, ``},
		"printIndex of an empty string": {`{{ printIndex .MatchContext.RegexpCaptureGroups 1 }}`, ``},
		"printIndex as old rules do":    {`{{ printIndex .MatchContext.RegexpCaptureGroups (sub 3 1 | int)}}`, `7`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rendered(t, test.text)
			if err != nil || got != test.want {
				t.Errorf("got %q, %v; want %q", got, err, test.want)
			}
		})
	}
}

func TestTemplateReadsTheEnvironment(t *testing.T) {
	t.Setenv("OSTIARY_TEST_VALUE", "from outside")
	got, err := rendered(t, `{{ env "OSTIARY_TEST_VALUE" }}, {{ expandenv "$OSTIARY_TEST_VALUE" }}`)
	if want := "from outside, from outside"; err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
}

func TestTemplateFailsRatherThanToRenderHalf(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"something inside a missing value": `half {{ .Extra.none.deeper }}`,
		"an element that is not there":     `half {{ index .Extra.teams 2 }}`,
		"a field that is not there":        `half {{ .Nobody }}`,
		"a function that fails":            `half {{ fail "stop" }}`,
		"print of two values":              `half {{ print .Subject .Subject }}`,
		"a template that is not there":     `half {{ template "nobody" }}`,
		"a method that changes something":  `half {{ .SetHeader "X-Evil" "1" }}`,
	} {
		if got, err := rendered(t, text); err == nil || got != "" {
			t.Errorf("%s: got %q, %v", name, got, err)
		}
	}
}

func TestTemplateIsBounded(t *testing.T) {
	t.Parallel()
	longest := strings.Repeat("x", maxOutput/16)
	loop := func(times string) string { return `{{ range until ` + times + ` }}` + longest + `{{ end }}` }
	if got, err := rendered(t, loop("16")); err != nil || len(got) != maxOutput {
		t.Errorf("got %d bytes, %v; want %d", len(got), err, maxOutput)
	}
	for name, text := range map[string]string{
		"text":     loop("17"),
		"a byte":   loop("16") + "{{ if true }}x{{ end }}",
		"a value":  loop("16") + "{{ .Subject }}",
		"too long": `{{ range until 1000000 }}` + longest + `{{ end }}`,
	} {
		got, err := rendered(t, text)
		if err == nil || got != "" || !strings.Contains(err.Error(), "the template renders more than 1048576 bytes") {
			t.Errorf("%s: got %d bytes, %v", name, len(got), err)
		}
	}
}

func TestCompileTellsWhatIsWrong(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{{ .Subject`:            `X-Test:1: unclosed action`,
		"\n{{ nope }}":           `X-Test:2: function "nope" not defined`,
		`{{ if .Subject }}`:      `X-Test:1: unexpected EOF`,
		`{{ end }}`:              `X-Test:1: unexpected {{end}}`,
		`{{ .Subject | | len }}`: `X-Test:1: unexpected "|" in command`,
	} {
		if _, err := Compile("X-Test", text); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, want %s", text, err, want)
		}
	}
}

func TestTemplateWithoutActionsIsNotExecuted(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "as it is", "a{{/* comment */}}b"} {
		compiled, err := Compile("X-Test", text)
		if err != nil {
			t.Fatal(err)
		}
		if !compiled.constant {
			t.Errorf("%q is not constant", text)
		}
		compiled.compiled = nil // executing it would panic
		if _, err := compiled.Render(nil); err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"{{ .Subject }}", `{{ "text" }}`, "{{ if true }}x{{ end }}", "a{{ range .Extra }}{{ end }}"} {
		if compiled, err := Compile("X-Test", text); err != nil || compiled.constant {
			t.Errorf("%q is constant, or %v", text, err)
		}
	}
}

func TestTemplateIsForConcurrentUse(t *testing.T) {
	t.Parallel()
	compiled, err := Compile("X-Test", `{{ .Subject | upper }}:{{ printIndex .MatchContext.RegexpCaptureGroups 0 }}`)
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for _, subject := range []string{"ada", "bo", "cleo", "dan"} {
		group.Go(func() {
			for range 100 {
				groups := pipeline.NewMatchContext(pipelinetest.Request(), func() ([]string, error) { return []string{subject}, nil })
				got, err := compiled.Render(&pipeline.Session{Subject: subject, MatchContext: groups})
				if want := strings.ToUpper(subject) + ":" + subject; err != nil || got != want {
					t.Errorf("got %q, %v; want %q", got, err, want)
				}
			}
		})
	}
	group.Wait()
}

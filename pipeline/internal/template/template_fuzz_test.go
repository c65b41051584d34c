package template

import (
	"strings"
	"testing"

	"ostiary/pipeline"
)

// FuzzCompile: whatever an operator writes compiles or is refused with a reason,
// and a template that is not executed renders what executing it would.
func FuzzCompile(f *testing.F) {
	for _, text := range []string{
		"", "as it is", "{{", "}}", "{{ .Subject }}", "{{/* c */}}", "a {{- /* c */ -}} b", `{{ define "x" }}y{{ end }}z`,
		`{{ define "X-Test" }}y{{ end }}`, "{{ if }}", "{{ range .Extra }}{{ break }}{{ end }}", "\x00\xff", "{{`raw`}}", `{{ template "x" . }}`,
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		compiled, err := Compile("X-Test", text)
		if err != nil {
			if err.Error() == "" {
				t.Error("the mistake has no name")
			}
			return
		}
		if !compiled.constant {
			return // executing it could run for long: sprig can do a lot
		}
		got, err := compiled.Render(nil)
		if err != nil {
			t.Fatal(err)
		}
		var executed strings.Builder
		if err := compiled.compiled.Execute(&executed, &pipeline.Session{}); err != nil || executed.String() != got {
			t.Errorf("got %q, executed %q, %v", got, executed.String(), err)
		}
	})
}

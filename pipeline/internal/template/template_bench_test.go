package template

import (
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func BenchmarkRender(b *testing.B) {
	session := pipelinetest.Knowing(map[string]any{"role": "editor"}, pipeline.Session{Subject: "ada"})
	for name, text := range map[string]string{
		"constant": "as it is",
		"subject":  "{{ .Subject }}",
		"extra":    "{{ print .Extra.role }}",
		"sprig":    "{{ .Subject | upper | trunc 2 }}",
	} {
		compiled, err := Compile(name, text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := compiled.Render(session); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

//go:build !race

package pipeline_test

import (
	"testing"

	"ostiary/pipeline/internal/pipelinetest"
)

// A decision that asks nobody allocates its session and the place for groups
// that nobody asks for; a header adds its map and its value, and a template
// what executing it takes. The race detector takes buffers out of their pool at
// random, so nothing can be said about it.
func TestRunAllocatesLittle(t *testing.T) {
	for name, test := range map[string]struct {
		mutator, config string
		most            float64
	}{
		"anonymous, allow, noop":                      {"noop", `{}`, 2},
		"anonymous, allow, a header":                  {"header", constantHeader, 5},
		"anonymous, allow, a header with the subject": {"header", subjectHeader, 9},
	} {
		p := everyday(t, "anonymous", `{}`, test.mutator, test.config)
		request := pipelinetest.Request()
		got := testing.AllocsPerRun(200, func() {
			if !p.Run(t.Context(), request, groups).Allowed {
				t.Error("refused")
			}
		})
		if got > test.most {
			t.Errorf("%s: %v allocations, at most %v", name, got, test.most)
		}
	}
}

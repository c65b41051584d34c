package rules

import (
	"fmt"
	"path/filepath"
	"testing"
)

// BenchmarkLoad is the time from a file that has changed to its rules being in
// force, when every rule has to be made anew.
func BenchmarkLoad(b *testing.B) {
	for _, count := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			text, _ := mixed(count)
			path := filepath.Join(b.TempDir(), "rules.json")
			write(b, path, string(text))
			before := live()
			loader := NewLoader(NewEngine())
			if _, err := loader.Configure(b.Context(), from(path)); err != nil {
				b.Fatal(err)
			}
			kept := live() - before
			b.ReportAllocs()
			for b.Loop() {
				loader.sources[0].holdings[0].loaded = false // so that the same text is read again
				if report := loader.Reload(b.Context()); !report.Published || report.Rules != count {
					b.Fatal(report)
				}
			}
			b.ReportMetric(float64(kept)/float64(count), "kept-B/rule")
		})
	}
}

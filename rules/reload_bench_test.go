package rules

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// BenchmarkDecideWhileReloading is how long decisions take at the worst while
// nothing happens, and while a file of many rules changes as often as a busy
// writer may change it: p99 is of decisions that come a thousand times a second.
func BenchmarkDecideWhileReloading(b *testing.B) {
	for _, count := range []int{1000, 10_000} {
		for _, reloading := range []bool{false, true} {
			b.Run(fmt.Sprintf("%d/reloading=%t", count, reloading), func(b *testing.B) {
				text, hits := mixed(count)
				path := filepath.Join(b.TempDir(), "rules.json")
				write(b, path, string(text))
				engine := NewEngine()
				loader := NewLoader(engine)
				if _, err := loader.Configure(b.Context(), from(path)); err != nil {
					b.Fatal(err)
				}
				over := make(chan struct{})
				var busy sync.WaitGroup
				if reloading {
					busy.Go(func() {
						for i := 0; ; i++ {
							began := time.Now()
							write(b, path, strings.Replace(string(text), `"GET"`, fmt.Sprintf(`"GET", "G%d"`, i), 1))
							loader.Reload(b.Context())
							select {
							case <-over:
								return
							case <-time.After(rest * time.Since(began)):
							}
						}
					})
				}
				const pace = time.Millisecond
				took := make([]time.Duration, 0, b.N)
				began := time.Now()
				b.ResetTimer()
				for i := range b.N {
					due := began.Add(time.Duration(i) * pace)
					time.Sleep(time.Until(due))
					started := time.Now()
					if decision := engine.Decide(b.Context(), hits[i%len(hits)]); !decision.Allowed {
						b.Fatal(decision.Err)
					}
					took = append(took, time.Since(started))
				}
				b.StopTimer()
				close(over)
				busy.Wait()
				slices.Sort(took)
				b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
				b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
			})
		}
	}
}

package rules

import (
	"fmt"
	"testing"
)

// BenchmarkMatch is the time to find the one rule for a request, of rules that
// are like a real deployment's. The fewer of them are looked at, the less it
// grows with their number.
func BenchmarkMatch(b *testing.B) {
	for _, count := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			text, hits := mixed(count)
			set := setOf(b, string(text), Regexp)
			targets := make([]string, len(hits))
			for i, hit := range hits {
				targets[i] = hit.Target()
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := set.match("GET", targets[i%count]); err != nil {
					b.Fatal(targets[i%count], err)
				}
			}
		})
	}
}

// BenchmarkNoMatch is the time to find that there is no rule, for targets that
// only differ from some rule's at their end.
func BenchmarkNoMatch(b *testing.B) {
	for _, count := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprint(count), func(b *testing.B) {
			text, hits := mixed(count)
			set := setOf(b, string(text), Regexp)
			targets := make([]string, len(hits))
			for i, hit := range hits {
				targets[i] = hit.Target() + "\n"
			}
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if rule, err := set.match("GET", targets[i%count]); err == nil {
					b.Fatal(targets[i%count], rule.id)
				}
			}
		})
	}
}

// BenchmarkDecide is a whole decision, headers and all.
func BenchmarkDecide(b *testing.B) {
	text, hits := mixed(1000)
	engine, _ := loaded(b, string(text), Regexp)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i++ {
			if decision := engine.Decide(b.Context(), hits[i%len(hits)]); !decision.Allowed {
				b.Fatal(hits[i%len(hits)].Target(), decision.Err)
			}
		}
	})
}

// BenchmarkCompilePattern is what a rule costs to load, once for each kind of
// pattern.
func BenchmarkCompilePattern(b *testing.B) {
	for name, template := range map[string]string{
		"literal":    "http://static.example.com/robots.txt",
		"regular":    "<https|http>://svc.example.com/api/v1/<[a-z]+>/<[0-9]+>",
		"look-ahead": "<https|http>://app.example.com/<(?!admin).*>",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := newTemplates(Regexp).read(template); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

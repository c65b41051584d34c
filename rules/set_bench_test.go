package rules

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkMatch is the time to find the one rule for a request, of rules that
// are like a real deployment's: for one URL alone, in parallel, for the URLs of
// all rules in turn, which is as long as the memory that they lead through takes,
// and for URLs that only differ from some rule's at their end. It does not grow
// with the number of rules, and asks for no memory.
func BenchmarkMatch(b *testing.B) {
	for _, count := range []int{10, 1000, 10_000, 100_000} {
		text, hits := mixed(count)
		set := setOf(b, string(text), Regexp)
		targets := make([]string, len(hits))
		for i, hit := range hits {
			targets[i] = hit.Target()
		}
		match := func(b *testing.B, target string) {
			if _, err := set.match("GET", target); err != nil {
				b.Fatal(target, err)
			}
		}
		b.Run(fmt.Sprint(count, "/one"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				match(b, targets[0])
			}
		})
		b.Run(fmt.Sprint(count, "/parallel"), func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					match(b, targets[0])
				}
			})
		})
		b.Run(fmt.Sprint(count, "/all"), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				match(b, targets[i%count])
			}
		})
		b.Run(fmt.Sprint(count, "/none"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if rule, err := set.match("GET", targets[0]+"\n"); err == nil {
					b.Fatal(rule.id)
				}
			}
		})
	}
}

// BenchmarkHostilePatterns is the time that the classic patterns with
// super-linear backtracking take, for the longest path that a request has.
func BenchmarkHostilePatterns(b *testing.B) {
	for _, pattern := range []string{"(a+)+", "(a|a)*", "(a|aa)+", "(.*a){20}", "(?!x)(a+)+b", "(?=(a+)+c)a*", "([a-zA-Z]+)*", "(a?){50}a{50}"} {
		b.Run(pattern, func(b *testing.B) {
			text, err := json.Marshal("http://a.test/<" + pattern + ">!")
			if err != nil {
				b.Fatal(err)
			}
			set := setOf(b, `[{"id": "hostile", "match": {"url": `+string(text)+`, "methods": ["GET"]}}]`, Regexp)
			target := "http://a.test/" + strings.Repeat("a", 4000) + "?"
			b.ReportAllocs()
			for b.Loop() {
				if _, err := set.match("GET", target); err == nil {
					b.Fatal("it matches")
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

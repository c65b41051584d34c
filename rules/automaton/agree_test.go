package automaton

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

// reference is the engine for backtracking, which says what patterns mean.
func reference(t testing.TB, pattern string) func(text string) (matches, known bool) {
	t.Helper()
	compiled, err := compileReference(`\A(` + pattern + `)\z`)
	if err != nil {
		t.Fatalf("%s: %v", pattern, err)
	}
	return func(text string) (bool, bool) {
		compiling.RLock()
		defer compiling.RUnlock()
		matches, err := compiled.MatchString(text)
		return matches, err == nil
	}
}

// agrees checks what an automaton says of a text against the reference of each
// pattern.
func agrees(t *testing.T, found []Match, patterns []string, references []func(string) (bool, bool), text string) {
	t.Helper()
	for i, pattern := range patterns {
		want, known := references[i](text)
		if !known {
			continue
		}
		at := slices.IndexFunc(found, func(m Match) bool { return m.Pattern == i })
		if want && at < 0 || !want && at >= 0 && found[at].Certain {
			t.Fatalf("%q matches %q: %v; got %v of %q", pattern, text, want, found, patterns)
		}
	}
}

// randomSet are patterns, and texts of which many match.
func randomSet(r *rand.Rand, t testing.TB) (patterns, texts []string, expressions []*Expression, references []func(string) (bool, bool)) {
	t.Helper()
	for range 1 + r.IntN(6) {
		pattern := randomPattern(r, 3)
		patterns = append(patterns, pattern)
		expressions = append(expressions, parsed(t, pattern))
		references = append(references, reference(t, pattern))
	}
	for range 12 {
		texts = append(texts, randomText(r, patterns[r.IntN(len(patterns))]))
	}
	return patterns, texts, expressions, references
}

// TestTheAutomatonAndTheReferenceAgree is the one that counts. It goes through
// the states that are kept and, with another automaton, through none.
func TestTheAutomatonAndTheReferenceAgree(t *testing.T) {
	t.Parallel()
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 4))
		patterns, texts, expressions, references := randomSet(r, t)
		kept, err := Compile(expressions, nil)
		if err != nil {
			t.Fatal(err)
		}
		forgetful, err := Compile(expressions, nil)
		if err != nil {
			t.Fatal(err)
		}
		forgetful.maxStates, forgetful.maxMisses = 0, 100
		for _, text := range slices.Concat(texts, texts) {
			found := kept.Match(text)
			agrees(t, found, patterns, references, text)
			if again := forgetful.Match(text); !slices.Equal(found, again) {
				t.Fatalf("seed %d: %q in %q: %v with states, %v without", seed, patterns, text, found, again)
			}
		}
	}
}

// TestOverlapsAreProofs holds the proofs to the texts that match: no pair that
// is called disjoint is matched by one text, and every text that is given for
// an overlap is matched by both.
func TestOverlapsAreProofs(t *testing.T) {
	t.Parallel()
	overlapping, disjoint := 0, 0
	for seed := range uint64(500) {
		r := rand.New(rand.NewPCG(seed, 5))
		patterns, texts, expressions, references := randomSet(r, t)
		a, err := Compile(expressions, nil)
		if err != nil {
			t.Fatal(err)
		}
		overlaps, costly := a.Overlaps(always, 1<<14, many)
		named := map[[2]int]Overlap{}
		for _, o := range overlaps {
			named[o.Patterns] = o
			for _, i := range o.Patterns {
				if matches, known := references[i](o.Text); o.Certain && known && !matches {
					t.Fatalf("seed %d: %q does not match %q", seed, patterns[i], o.Text)
				}
			}
			texts = append(texts, o.Text)
		}
		overlapping += len(overlaps)
		if costly >= 0 {
			continue
		}
		for p := range patterns {
			for q := p + 1; q < len(patterns); q++ {
				o, there := named[[2]int{p, q}]
				if !there {
					disjoint++
				}
				for _, text := range texts {
					one, oneKnown := references[p](text)
					other, otherKnown := references[q](text)
					if !one || !other || !oneKnown || !otherKnown {
						continue
					}
					if !there {
						t.Fatalf("seed %d: %q and %q both match %q", seed, patterns[p], patterns[q], text)
					}
					if o.Certain && len(text) < len(o.Text) && len([]rune(text)) < len([]rune(o.Text)) {
						t.Fatalf("seed %d: %q and %q both match %q, which is shorter than %q", seed, patterns[p], patterns[q], text, o.Text)
					}
				}
			}
		}
	}
	if overlapping < 200 || disjoint < 200 {
		t.Errorf("only %d overlaps and %d disjoint pairs were looked at", overlapping, disjoint)
	}
}

// FuzzAutomaton has random patterns, three at a time, and any text.
func FuzzAutomaton(f *testing.F) {
	for seed := range uint64(20) {
		f.Add(seed, "aab", false)
		f.Add(seed, "ä\xff\n-/", true)
	}
	f.Fuzz(func(t *testing.T, seed uint64, text string, forgetful bool) {
		r := rand.New(rand.NewPCG(seed, 6))
		patterns, texts, expressions, references := randomSet(r, t)
		a, err := Compile(expressions, nil)
		if err != nil {
			t.Fatal(err)
		}
		if forgetful {
			a.maxStates = 0
		}
		for _, one := range append(texts, text, text+texts[0], texts[0]+text) {
			agrees(t, a.Match(one), patterns, references, one)
			if reach := a.Reach(one); reach < len(one) && len(a.Match(one)) > 0 {
				t.Errorf("%q is left at %d and matched", one, reach)
			}
		}
	})
}

func TestManyAskAtOnce(t *testing.T) {
	t.Parallel()
	patterns := []string{`http://[a-z]+\.test/.*`, `http://a\.test/(?!admin).*`, `.*[0-9]{3}`}
	a := compiled(t, patterns...)
	a.maxStates, a.maxMisses = 2000, 50 // so that states are kept, refused and begun anew
	alone := compiled(t, patterns...)
	done := make(chan error)
	for worker := range 4 {
		go func() {
			for i := range 300 {
				text := fmt.Sprintf("http://a.test/%d/%d", i%40, worker)
				if got, want := a.Match(text), alone.Match(text); !slices.Equal(got, want) {
					done <- fmt.Errorf("%s: got %v, want %v", text, got, want)
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

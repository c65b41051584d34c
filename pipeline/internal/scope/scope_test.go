package scope

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]Strategy{"none": None, "exact": Exact, "hierarchic": Hierarchic, "wildcard": Wildcard} {
		if got, err := Parse(name); err != nil || got != want {
			t.Errorf("%s: got %d, %v", name, got, err)
		}
	}
	const want = `"fuzzy" is not one of none, exact, hierarchic, wildcard`
	if got, err := Parse("fuzzy"); got != None || err == nil || err.Error() != want {
		t.Errorf("got %d, %v; want none and %s", got, err, want)
	}
	for _, name := range []string{"", "Exact", "exact "} {
		if _, err := Parse(name); err == nil {
			t.Errorf("%q is taken for a strategy", name)
		}
	}
}

func TestSatisfied(t *testing.T) {
	t.Parallel()
	tests := []struct {
		granted, needed             string // separated by blanks
		exact, hierarchic, wildcard bool
	}{
		{"a", "", true, true, true},
		{"", "", true, true, true},
		{"", "a", false, false, false},
		{"a", "a", true, true, true},
		{"a", "b", false, false, false},
		{"a", "A", false, false, false},
		{"x a y", "a", true, true, true},
		{"a b", "b a", true, true, true},
		{"a", "a b", false, false, false},
		{"a a", "a b", false, false, false},

		{"a", "a.b", false, true, false},
		{"a", "a.b.c", false, true, false},
		{"a.b", "a.b.c", false, true, false},
		{"a.b", "a", false, false, false},
		{"a", "ab", false, false, false},
		{"a", "ab.c", false, false, false},
		{"a.", "a.b", false, false, false},
		{"a.", "a..b", false, true, false},
		{"a.b", "a.c", false, false, false},

		{"*", "a", false, false, true},
		{"*", "a.b.c", false, false, true},
		{"a.*", "a.b", false, false, true},
		{"a.*", "a.b.c", false, false, true},
		{"a.*", "a", false, false, false},
		{"a.*", "b.c", false, false, false},
		{"a.*", "a.", false, false, false},
		{"*.b", "a.b", false, false, true},
		{"*.b", "a.c", false, false, false},
		{"*.b", ".b", false, false, false},
		{"*.b", "a.b.c", false, false, false},
		{"a.*.c", "a.b.c", false, false, true},
		{"a.*.c", "a.b", false, false, false},
		{"a.*.c", "a..c", false, false, false},
		{"a.*.c", "a.b.c.d", false, false, false},
		{"*.*", "a.b", false, false, true},
		{"*.*", "a", false, false, false},
		{"a*", "ab", false, false, false},
		{"a.b", "a.*", false, false, false},
		{"a.*", "a.*", true, true, true},
	}
	for _, test := range tests {
		granted, needed := strings.Fields(test.granted), strings.Fields(test.needed)
		for strategy, want := range map[Strategy]bool{
			None: len(needed) == 0, Exact: test.exact, Hierarchic: test.hierarchic, Wildcard: test.wildcard, 99: len(needed) == 0,
		} {
			if got := strategy.Satisfied(granted, needed); got != want {
				t.Errorf("strategy %d: %q for %q: got %t, want %t", strategy, test.granted, test.needed, got, want)
			}
		}
	}
}

func TestAnEmptyScopeGrantsNothing(t *testing.T) {
	t.Parallel()
	for _, needed := range []string{"", "a", ".a"} {
		for _, strategy := range []Strategy{None, Exact, Hierarchic, Wildcard} {
			if strategy.Satisfied([]string{""}, []string{needed}) {
				t.Errorf("strategy %d: it covers %q", strategy, needed)
			}
		}
	}
}

// FuzzCovers compares the comparison, which makes no copies, with one that
// splits both scopes first.
func FuzzCovers(f *testing.F) {
	for _, seed := range [][2]string{{"a.*", "a.b.c"}, {"*.b", "a.b"}, {"a", "a."}, {"a..b", "a..b"}, {"*", ""}, {"", ""}, {"a\x00", "a\x00.b"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, granted, needed string) {
		for strategy, covers := range map[Strategy]func(granted, needed []string) bool{Hierarchic: prefixOf, Wildcard: patternOf} {
			want := granted != "" && covers(strings.Split(granted, "."), strings.Split(needed, "."))
			if got := strategy.covers(granted, needed); got != want {
				t.Errorf("strategy %d: %q for %q: got %t, want %t", strategy, granted, needed, got, want)
			}
		}
	})
}

func prefixOf(granted, needed []string) bool {
	if len(granted) > len(needed) {
		return false
	}
	for i, segment := range granted {
		if segment != needed[i] {
			return false
		}
	}
	return true
}

func patternOf(granted, needed []string) bool {
	last := len(granted) - 1
	if len(granted) > len(needed) || (len(granted) < len(needed) && granted[last] != "*") {
		return false
	}
	for i, segment := range granted {
		if segment != needed[i] && (segment != "*" || needed[i] == "") {
			return false
		}
	}
	return true
}

package automaton

import (
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
)

func TestClassesAreInOneForm(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ got, want class }{
		"nothing":                      {normal(nil), nil},
		"one character":                {classOf('x'), class{{'x', 'x'}}},
		"in any order":                 {classOf('c', 'a'), class{{'a', 'a'}, {'c', 'c'}}},
		"neighbours are one span":      {classOf('b', 'a', 'c'), class{{'a', 'c'}}},
		"overlapping spans are one":    {normal([]span{{'a', 'm'}, {'g', 'z'}}), class{{'a', 'z'}}},
		"a span inside of another":     {normal([]span{{'a', 'z'}, {'c', 'd'}}), class{{'a', 'z'}}},
		"a span that is none":          {normal([]span{{'z', 'a'}}), nil},
		"a union":                      {classOf('a').union(classOf('c'), classOf('b')), class{{'a', 'c'}}},
		"a union with itself":          {anything.union(anything), anything},
		"what is not in it":            {class{{1, 'a'}}.complement(), class{{0, 0}, {'b', unicode.MaxRune}}},
		"all but nothing":              {class(nil).complement(), anything},
		"nothing but all":              {anything.complement(), nil},
		"twice the complement":         {noLine.complement(), classOf('\n')},
		"a difference":                 {class{{'a', 'z'}}.minus(classOf('a', 'm', 'z')), class{{'b', 'l'}, {'n', 'y'}}},
		"a difference of what is more": {classOf('a').minus(anything), nil},
	} {
		if diff := cmp.Diff(test.want, test.got, cmp.AllowUnexported(span{})); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestAClassHasItsCharacters(t *testing.T) {
	t.Parallel()
	c := classOf('a', 'c', 'ä', unicode.MaxRune)
	for character, want := range map[rune]bool{0: false, 'a': true, 'b': false, 'c': true, 'd': false, 'ä': true, 'å': false, unicode.MaxRune: true, unicode.MaxRune - 1: false} {
		if got := c.has(character); got != want {
			t.Errorf("%q: got %v", character, got)
		}
	}
}

package automaton

import (
	"strings"
	"testing"
	"unicode"
)

func TestCharactersThatNoClassTellsApartAreOneSymbol(t *testing.T) {
	t.Parallel()
	classes := []class{{{'a', 'z'}}, classOf('m', '/'), {{'ä', 'ü'}}, nil, anything, {{0xD900, 0xD9FF}}}
	symbols, sets, err := newSymbols(classes)
	if err != nil {
		t.Fatal(err)
	}
	if symbols.count() != 5 { // a-z but m, m, /, ä-ü, and the others
		t.Errorf("there are %d symbols", symbols.count())
	}
	for character := rune(0); character <= unicode.MaxRune; character++ {
		if surrogates.low <= character && character <= surrogates.high {
			continue
		}
		symbol := symbols.of(character)
		for i, c := range classes {
			if got, want := sets[i].has(symbol), c.has(character); got != want {
				t.Fatalf("%q in class %d: got %v", character, i, got)
			}
		}
		if shown := symbols.shown[symbol]; symbols.of(shown) != symbol || readability(shown) > readability(character) {
			t.Fatalf("%q is shown as %q", character, shown)
		}
	}
}

func TestThereIsABoundToSymbols(t *testing.T) {
	t.Parallel()
	classes := make([]class, maxSymbols+1)
	for i := range classes {
		classes[i] = classOf(rune(0x10000 + 2*i))
	}
	if _, _, err := newSymbols(classes); err == nil || !strings.Contains(err.Error(), "more than 8192 kinds of characters") {
		t.Errorf("got %v", err)
	}
}

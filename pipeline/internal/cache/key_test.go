package cache

import (
	"strings"
	"testing"
)

func TestKeyOfTellsPartsApart(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 2*keyRoom)
	different := map[string][]string{
		"no part":                       {},
		"one empty part":                {""},
		"two empty parts":               {"", ""},
		"a part":                        {"a|bc"},
		"the same text in two parts":    {"a|b", "c"},
		"and in two other parts":        {"a", "b|c"},
		"in the other order":            {"c", "a|b"},
		"with an empty part behind":     {"a|b", "c", ""},
		"with an empty part between":    {"a|b", "", "c"},
		"a part that looks like a size": {"a", "\x00\x00\x00\x00\x00\x00\x00\x01b"},
		"and what it looks like":        {"a", "b"},
		"a long part":                   {long},
		"a long part and a short one":   {long, "x"},
		"a longer part":                 {long + "x"},
		"a list and a part":             {KeyOf("a", "b").Part(), "c"},
		"a shorter list and a part":     {KeyOf("a").Part(), "b", "c"},
	}
	seen := make(map[Key]string, len(different))
	for name, parts := range different {
		key := KeyOf(parts...)
		if other, taken := seen[key]; taken {
			t.Errorf("%q and %q have the same key", name, other)
		}
		seen[key] = name
		if again := KeyOf(parts...); again != key {
			t.Errorf("%q has two keys", name)
		}
	}
}

func FuzzKeyOfTellsPartsApart(f *testing.F) {
	f.Add("a|b", "c", "a", "b|c")
	f.Add("", "a", "a", "")
	f.Add("\x00\x00\x00\x00\x00\x00\x00\x01", "", "", "\x01")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		if same := a == c && b == d; (KeyOf(a, b) == KeyOf(c, d)) != same {
			t.Errorf("(%q, %q) and (%q, %q)", a, b, c, d)
		}
		if KeyOf(a, b) == KeyOf(a+b) {
			t.Errorf("(%q, %q) and their concatenation", a, b)
		}
	})
}

func BenchmarkKeyOf(b *testing.B) {
	token := strings.Repeat("t", 43)
	b.ReportAllocs()
	for b.Loop() {
		KeyOf(token, "api.example.test")
	}
}

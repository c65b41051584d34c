package config

import (
	"slices"
	"strings"
	"testing"
)

// FuzzReference: a text is taken apart in one way, which can be written again,
// and every text can be written so that it stands for itself.
func FuzzReference(f *testing.F) {
	for _, text := range []string{"", "plain", "${file:/run/secret}", "Bearer ${env:TOKEN}", "$${env:TOKEN}", "${HOME}", "${file:", "${env:A:-b}"} {
		f.Add(text)
	}
	escaped := strings.NewReplacer(toFile, "$"+toFile, toEnvironment, "$"+toEnvironment)
	f.Fuzz(func(t *testing.T, text string) {
		plain, err := pieces(escaped.Replace(text))
		if literals, references := parts(plain); err != nil || len(references) > 0 || strings.Join(literals, "") != text {
			t.Errorf("%q, escaped, is %q with %q (%v)", text, literals, references, err)
		}
		found, err := pieces(text)
		if err != nil {
			if !refers(text) {
				t.Errorf("%q does not refer, and is a mistake: %v", text, err)
			}
			return
		}
		literals, references := parts(found)
		if !refers(text) && (len(references) > 0 || strings.Join(literals, "") != text) {
			t.Errorf("%q does not refer, and becomes %q with %q", text, literals, references)
		}
		again := escaped.Replace(literals[0])
		for i, reference := range references {
			if name := strings.TrimSuffix(reference[strings.Index(reference, ":")+1:], "}"); name == "" || strings.ContainsAny(name, "}\x00\n") {
				t.Errorf("%q: %q is a name", text, name)
			}
			again += reference + escaped.Replace(literals[i+1])
		}
		if again != text {
			t.Errorf("%q is the same as %q", text, again)
		}
		repeated, err := pieces(again)
		if l, r := parts(repeated); err != nil || !slices.Equal(l, literals) || !slices.Equal(r, references) {
			t.Errorf("%q is %q with %q, and then %q with %q (%v)", text, literals, references, l, r, err)
		}
	})
}

// parts are the references, and the literal texts around and between them.
func parts(all []piece) (literals, references []string) {
	literals = []string{""}
	for _, p := range all {
		if p.reference == nil {
			literals[len(literals)-1] += p.literal
			continue
		}
		references = append(references, p.reference.String())
		literals = append(literals, "")
	}
	return literals, references
}

package automaton

import "testing"

func TestWitness(t *testing.T) {
	t.Parallel()
	type proof struct {
		text           string
		found, certain bool
	}
	of := func(patterns ...string) []*Expression {
		var all []*Expression
		for _, pattern := range patterns {
			all = append(all, parsed(t, pattern))
		}
		return all
	}
	within := of(`[a-z]*`)[0]
	p := of(`a.*`, `.*b`, `a[0-9]`, `(a)\1`, `a`, `(?!a)a`)
	for name, test := range map[string]struct {
		e      *Expression
		within *Expression
		want   proof
	}{
		"of a pattern":                       {p[0], nil, proof{"a", true, true}},
		"of none":                            {p[5], nil, proof{"", false, true}},
		"of both":                            {Both(p[0], p[1]), nil, proof{"ab", true, true}},
		"of both, which have nothing common": {Both(p[2], p[1]), nil, proof{"", false, true}},
		"of one without the other":           {Without(p[0], p[2]), nil, proof{"a", true, true}},
		"of one inside of the other":         {Without(p[2], p[0]), nil, proof{"", false, true}},
		"of a pattern without itself":        {Without(p[1], p[1]), nil, proof{"", false, true}},
		"in the texts there are":             {p[2], within, proof{"", false, true}},
		"of what is in doubt":                {p[3], nil, proof{"a", true, false}},
		"of what is without some in doubt":   {Without(p[4], p[3]), nil, proof{"a", true, false}},
		"of nothing, in spite of the doubt":  {Without(Both(p[2], p[1]), p[3]), nil, proof{"", false, true}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, found, certain := Witness(test.e, test.within, many)
			if got := (proof{text, found, certain}); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
	if text, found, certain := Witness(Both(parsed(t, `(a{31})+`), parsed(t, `(a{37})+`)), nil, 100); found || certain {
		t.Errorf("a search that gave up: got %q, %v, %v", text, found, certain)
	}
}

package automaton

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// many is more pairs than any of these patterns has.
const many = 1 << 20

func always(int, int) bool { return true }

func TestOverlapsAreFoundWithTheShortestText(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		patterns []string
		want     []Overlap
	}{
		"no patterns":  {nil, nil},
		"one pattern":  {[]string{`.*`}, nil},
		"disjoint":     {[]string{`a+`, `b+`, `c`}, nil},
		"equal":        {[]string{`ab`, `ab`}, []Overlap{{[2]int{0, 1}, "ab", true}}},
		"equal thrice": {[]string{`a`, `a`, `a`}, []Overlap{{[2]int{0, 1}, "a", true}, {[2]int{0, 2}, "a", true}, {[2]int{1, 2}, "a", true}}},
		"one in another": {
			[]string{`http://a/.*`, `http://a/admin`}, []Overlap{{[2]int{0, 1}, "http://a/admin", true}},
		},
		"an exception": {[]string{`http://a/(?!admin).*`, `http://a/admin.*`}, nil},
		"an exception that leaks": {
			[]string{`http://a/(?!admin/).*`, `http://a/admin.*`}, []Overlap{{[2]int{0, 1}, "http://a/admin", true}},
		},
		"the empty text": {[]string{`a*`, `b*`}, []Overlap{{[2]int{0, 1}, "", true}}},
		"beyond the common beginning": {
			[]string{`[a-z]+\.x\.test`, `b[0-9a-z]\.x\.test`, `.*\.y\.test`}, []Overlap{{[2]int{0, 1}, "bx.x.test", true}},
		},
		"at several places": {
			[]string{`(ab|cd)*e`, `(a|bc|d)*e`}, []Overlap{{[2]int{0, 1}, "e", true}},
		},
		"only far away":               {[]string{`(aaa)+`, `(aaaaa)+`}, []Overlap{{[2]int{0, 1}, "aaaaaaaaaaaaaaa", true}}},
		"never, whatever the length":  {[]string{`(aa)+`, `a(aa)*`}, nil},
		"apart by a look-ahead":       {[]string{`(?=.{3}\z).*`, `(?=.{4}\z).*`}, nil},
		"apart by a word's end":       {[]string{`ab\b.*`, `ab\w.*`}, nil},
		"apart by the end":            {[]string{`a$`, `a\n.`}, nil},
		"by the line feed at the end": {[]string{`(?m)a$.*\n?`, `a\n`}, []Overlap{{[2]int{0, 1}, "a\n", true}}},
		"perhaps":                     {[]string{`([ab])\1`, `a.`}, []Overlap{{[2]int{0, 1}, "ax", false}}},
		"perhaps not, but apart":      {[]string{`([ab])\1`, `c.`}, nil},
		"certain where there is no doubt": {
			[]string{`(?:aaaa|([ab])\1)`, `a+`}, []Overlap{{[2]int{0, 1}, "aaaa", true}},
		},
		"of three only two": {[]string{`x\d`, `[a-w]\d`, `[w-z]\d`}, []Overlap{{[2]int{0, 2}, "x0", true}, {[2]int{1, 2}, "w0", true}}},
		"more than ASCII":   {[]string{`[α-ω]+`, `.*ω`}, []Overlap{{[2]int{0, 1}, "ω", true}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, costly := compiled(t, test.patterns...).Overlaps(always, many, many)
			if diff := cmp.Diff(test.want, got); diff != "" || costly >= 0 {
				t.Errorf("costly: %v (-want +got):\n%s", costly, diff)
			}
		})
	}
}

func TestOnlyOverlapsThatMatterAreFound(t *testing.T) {
	t.Parallel()
	a := compiled(t, `a`, `a`, `[a-z]`, `a|b`)
	matters := func(p, q int) bool { return p%2 == q%2 }
	got, costly := a.Overlaps(matters, many, many)
	want := []Overlap{{[2]int{0, 2}, "a", true}, {[2]int{1, 3}, "a", true}}
	if diff := cmp.Diff(want, got); diff != "" || costly >= 0 {
		t.Errorf("costly: %v (-want +got):\n%s", costly, diff)
	}
}

func TestOverlapsAreSoughtInTheTextsThereAre(t *testing.T) {
	t.Parallel()
	patterns := []*Expression{parsed(t, `http://a/.*`), parsed(t, `http://.*/b`), parsed(t, `http://c.*`)}
	a, err := Compile(patterns, parsed(t, `https?://[a-z]+/[a-z/]*`))
	if err != nil {
		t.Fatal(err)
	}
	got, costly := a.Overlaps(always, many, many)
	want := []Overlap{{[2]int{0, 1}, "http://a/b", true}, {[2]int{1, 2}, "http://c/b", true}}
	if diff := cmp.Diff(want, got); diff != "" || costly >= 0 {
		t.Errorf("costly: %v (-want +got):\n%s", costly, diff)
	}
}

func TestASearchThatGivesUpSaysForWhich(t *testing.T) {
	t.Parallel()
	a := compiled(t, `b`, `(a{31})+`, `(a{37})+`, `c`)
	if got, costly := a.Overlaps(always, 100, many); len(got) != 0 || costly != 1 && costly != 2 {
		t.Errorf("got %v, costly: %d", got, costly)
	}
	if got, costly := a.Overlaps(always, many, many); costly >= 0 || len(got) != 1 || len(got[0].Text) != 31*37 {
		t.Errorf("with more time: got %d, costly: %d", len(got), costly)
	}
}

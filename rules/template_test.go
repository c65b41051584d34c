package rules

import (
	"slices"
	"strings"
	"testing"
)

// marked writes segments with their patterns in brackets, which for what
// splitTemplate cut is the template again.
func marked(segments []segment) string {
	var b strings.Builder
	for _, s := range segments {
		if s.pattern {
			b.WriteString("<" + s.text + ">")
		} else {
			b.WriteString(s.text)
		}
	}
	return b.String()
}

func TestATemplateIsCutAtItsOutermostBrackets(t *testing.T) {
	t.Parallel()
	literal := func(text string) segment { return segment{text, false} }
	pattern := func(text string) segment { return segment{text, true} }
	for template, want := range map[string][]segment{
		"":                     nil,
		"http://a/b":           {literal("http://a/b")},
		"<a>":                  {pattern("a")},
		"<>":                   {pattern("")},
		"<><>":                 {pattern(""), pattern("")},
		"a<b>c":                {literal("a"), pattern("b"), literal("c")},
		"<a><b>":               {pattern("a"), pattern("b")},
		"<a>/<b>":              {pattern("a"), literal("/"), pattern("b")},
		"a<(?<name>b)>c":       {literal("a"), pattern("(?<name>b)"), literal("c")},
		"<a<b<c>>d>":           {pattern("a<b<c>>d")},
		"<(?<=a)>b>":           {pattern("(?<=a)>b")},
		`<[<>]>`:               {pattern("[<>]")},
		`<a\<b>c>`:             {pattern(`a\<b>c`)}, // an escaped bracket is counted like any other
		"ä<ö>ü":                {literal("ä"), pattern("ö"), literal("ü")},
		"a\x00<\xff>\n":        {literal("a\x00"), pattern("\xff"), literal("\n")},
		"http://<[^/]+>/<.*>/": {literal("http://"), pattern("[^/]+"), literal("/"), pattern(".*"), literal("/")},
	} {
		segments, err := splitTemplate(template)
		if err != nil || !slices.Equal(segments, want) {
			t.Errorf("%q: %v, %v", template, segments, err)
		}
	}
}

func TestUnbalancedBracketsAreMistakes(t *testing.T) {
	t.Parallel()
	for template, want := range map[string]string{
		"<":         "a < is not closed",
		"a<b":       "a < is not closed",
		"<a<b>":     "a < is not closed",
		"<a><b":     "a < is not closed",
		">":         "the > at column 1 closes no <",
		"a>b":       "the > at column 2 closes no <",
		"<a>>":      "the > at column 4 closes no <",
		"><":        "the > at column 1 closes no <",
		"<(?<=a)b>": "a < is not closed",
	} {
		if segments, err := splitTemplate(template); err == nil || err.Error() != want {
			t.Errorf("%q: %v, %v", template, segments, err)
		}
	}
}

// FuzzTemplate: what is cut can be put together again, and what is not cut is
// not balanced.
func FuzzTemplate(f *testing.F) {
	for _, seed := range []string{"", "a", "<a>", "a<b<c>>d", "<", ">", "><", "<a", "http://<[^/]+>/<(?<n>.*)>", "<\xff>", "<<>>"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, template string) {
		segments, err := splitTemplate(template)
		if err != nil {
			depth, low := 0, 0
			for _, c := range template {
				switch c {
				case '<':
					depth++
				case '>':
					depth--
				}
				low = min(low, depth)
			}
			if low == 0 && depth == 0 {
				t.Fatalf("%q is balanced, and %v", template, err)
			}
			return
		}
		if joined := marked(segments); joined != template {
			t.Fatalf("%q became %q", template, joined)
		}
		for i, s := range segments {
			if !s.pattern && (s.text == "" || strings.ContainsAny(s.text, "<>") || (i > 0 && !segments[i-1].pattern)) {
				t.Fatalf("%q has the literal text %q", template, s.text)
			}
		}
		// What follows from a template is of use for every template.
		for _, strategy := range []Strategy{Regexp, Glob} {
			end, offset, _ := hostRange(segments, strategy)
			if end < len(segments) && !segments[end].pattern && segments[end].text[offset] != '/' {
				t.Fatalf("%q: the host ends in segment %d at %d", template, end, offset)
			}
			if len(foldHost(segments, strategy)) != len(segments) {
				t.Fatalf("%q has other segments when it is folded", template)
			}
		}
	})
}

// TestTheHostIsFolded, be it literal or a pattern, and the path is not
// (contract 14, host).
func TestTheHostIsFolded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ template, want string }{
		{"HTTP://Shop.Example.COM/Cart", "http://shop.example.com/Cart"},
		{"http://Shop.Example.COM", "http://shop.example.com"},
		{"http://SHOP:8080/Cart", "http://shop:8080/Cart"},
		{"http://Shop<[0-9]+>.Example.com/Cart/<[A-Z]+>", "http://shop<[0-9]+>.example.com/Cart/<[A-Z]+>"},
		{"<HTTPS|http>://<Shop|cart>.com/Cart", "<(?i:HTTPS|http)>://<(?i:Shop|cart)>.com/Cart"},
		{"http://<[^/]+[.]Example>.COM/Cart", "http://<(?i:[^/]+[.]Example)>.com/Cart"},
		{"http://<[^A-Z]+>.COM/", "http://<[^A-Z]+>.com/"},
		{`http://<\S+\.\D+>/X`, `http://<\S+\.\D+>/X`},
		{`http://<(?P<Name>a)(?<Other>b)>/X`, `http://<(?P<Name>a)(?<Other>b)>/X`},
		{"http://<(?i)API>/X", "http://<(?i)API>/X"},
		{"http://Shop<(:80)?/V1>Cart", "http://shop<(:80)?/V1>Cart"},
		{"<https?://>Shop.Example.com/Cart", "<https?://>shop.example.com/Cart"},
		{"<https?://Shop>.Example.com/Cart", "<(?i:https?://Shop)>.example.com/Cart"},
		{"<https?://Shop/V1>Cart", "<https?://Shop/V1>Cart"},
		{"<.*>Shop/Cart", "<.*>Shop/Cart"},
		{"Shop/Cart", "Shop/Cart"},
		{"<[A-Z]+>", "<[A-Z]+>"},
	} {
		segments, err := splitTemplate(test.template)
		if err != nil {
			t.Fatal(err)
		}
		if got := marked(foldHost(segments, Regexp)); got != test.want {
			t.Errorf("%s became %s, want %s", test.template, got, test.want)
		}
		if marked(segments) != test.template {
			t.Errorf("%s itself was changed", test.template)
		}
	}
}

func TestTheHostOfAGlobIsFolded(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ template, want string }{
		{"http://<{Shop,Cart}>.COM/<{A,B}>", "http://<{shop,cart}>.com/<{A,B}>"},
		{"http://<[A-Z]*>.com/", "http://<[a-z]*>.com/"},
		{"http://<X[!A-Z/]Y>.com/", "http://<x[!A-Z/]y>.com/"},
		{"http://<X.com/**>", "http://<X.com/**>"},
	} {
		segments, err := splitTemplate(test.template)
		if err != nil {
			t.Fatal(err)
		}
		if got := marked(foldHost(segments, Glob)); got != test.want {
			t.Errorf("%s became %s, want %s", test.template, got, test.want)
		}
	}
}

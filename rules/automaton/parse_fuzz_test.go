package automaton

import "testing"

// FuzzParseRegexp holds the parser to the engine: what it takes without doubt
// matches the same texts, what it doubts matches no fewer, and what it refuses
// is refused.
func FuzzParseRegexp(f *testing.F) {
	for _, seed := range [][2]string{
		{"a", "a"},
		{"[^/]+", "users"},
		{"(?!admin).*", "adm"},
		{"(?i)[a-z-[aeiou]]K", "B\u212a"},
		{`\p{Lu}|\P{L}`, "A"},
		{`(?x) a # b` + "\n c", "ac"},
		{`(?<n>a)\k<n>`, "aa"},
		{`(?'n-m'a)|(?>b)|(?<=c)|(?(1)a|b)`, "a"},
		{`[[:alpha:][:^digit:]\-]{2,3}?`, "ab"},
		{`\x41\x{42}\u0043\cA\012\e`, "ABC\x01\n\x1b"},
		{`(?m)^a$\b\B\A\z\Z\G`, "a\n"},
		{`a{2}{`, "aa{"},
		{`[]-a][a-]`, "^-"},
		{`[a-\-z]`, "-"},
		{`(?i)[\W]`, "i"},
		{`(?#c)(?:)(?i-s+m:x)`, "x"},
		{`\<a`, "<a"},
		{"((a?)*b{0,2}){2}", "bb"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 200 || len(text) > 60 {
			return // the engine would take too long
		}
		checkRegexp(t, pattern, text)
	})
}

package automaton

import (
	"fmt"
	"strings"
	"testing"
)

func TestErrorsOfRegexps(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{
		"a)|(b":          "a ) closes nothing, column 2",
		"é(a":            "a ( is not closed, column 2",
		"(?:(?=a)":       "a ( is not closed, column 1",
		"(":              "a ( is not closed, column 1",
		"(?":             "a (? begins nothing that is known, column 1",
		"a(?i":           "a (? begins nothing that is known, column 2",
		"(?~a)":          "a (? begins nothing that is known, column 1",
		"(?r)a":          "a (? begins nothing that is known, column 1",
		"(?P=n)":         "a (? begins nothing that is known, column 1",
		"(?P>n)":         "a (? begins nothing that is known, column 1",
		"(?)":            "a repeat of nothing, column 2",
		"(?<n a)":        "the name of a group is not closed, column 1",
		"(?P<n":          "the name of a group is not closed, column 1",
		"(?'n>a)":        "the name of a group is not closed, column 1",
		"(?<1a>b)":       "the name of a group is not closed, column 1",
		"(?<>a)":         "the name of a group begins with no letter, digit or underscore, column 1",
		"(?<":            "the name of a group begins with no letter, digit or underscore, column 1",
		"(?<0>a)":        "a group has the number 0, column 1",
		"(?<n>a)(?<n->)": "a balancing group does not name the other group, column 8",
		"*a":             "a repeat of nothing, column 1",
		"a|+":            "a repeat of nothing, column 3",
		"({2})":          "a repeat of nothing, column 2",
		"a(?i)*":         "a repeat of nothing, column 6",
		"a**":            "a repeat of a repeat, column 3",
		"a*+":            "a repeat of a repeat, column 3",
		"a{2}{3}":        "a repeat of a repeat, column 5",
		"a??+":           "a repeat of a repeat, column 4",
		"a{3,2}":         "a repeat has a minimum above its maximum, column 2",
		"a{99999999999}": "a number is too large, column 3",
		"(?<9999999999>": "a number is too large, column 4",
		`a\`:             `a \ escapes nothing, column 2`,
		`\k`:             `a \k does not name a group, column 1`,
		`\k<n`:           `a \k does not name a group, column 1`,
		`\k{n}`:          `a \k does not name a group, column 1`,
		`\99999999999`:   "a number is too large, column 2",
		`\x4`:            "a character's number has too few hexadecimal digits, column 1",
		`[\u00g0]`:       "a character's number has too few hexadecimal digits, column 2",
		`\x{}`:           "a character's number has no hexadecimal digits, column 1",
		`\x{41`:          "a character's number has a { that is not closed, column 1",
		`\x{110000}`:     "a character's number is too large, column 1",
		`\c`:             `a \c without a control character, column 1`,
		`\cé`:            `a \c without a control character, column 1`,
		`\p`:             `a \p without a category, column 1`,
		`\p{L`:           `the category of a \p is not closed, column 1`,
		`\p{^L}`:         `the category of a \p is not closed, column 1`,
		`a\p{Nope}`:      "there is no category, script or property Nope, column 2",
		`[\pX]`:          "there is no category, script or property X, column 2",
		"abc/[x":         "a [ is not closed, column 5",
		"[]":             "a [ is not closed, column 1",
		"[^]":            "a [ is not closed, column 1",
		`[\`:             "a [ is not closed, column 1",
		"[a-z-[b]":       "a [ is not closed, column 1",
		"[a-[b":          "a [ is not closed, column 4",
		"[a-z-[b]c]":     "a class that is taken off is not the last thing in its brackets, column 6",
		"[z-a]":          "the range z-a is in reverse order, column 4",
		`[a-\d]`:         `a range ends in the class \d, column 4`,
		`[a-\pL]`:        `a range ends in the class \p, column 4`,
		"[[:nope:]]":     "there is no class [:nope:], column 2",
		"[[:]":           "there is no class [::], column 2",
		"a(?#b":          "a comment is not closed, column 2",
		"(?x)a #b":       "a comment has no end, column 7",
	} {
		e, err := ParseRegexp(pattern)
		switch {
		case err == nil:
			t.Errorf("%q is taken, with doubts %q", pattern, e.Doubts)
		case err.Error() != want:
			t.Errorf("%q: %v, want %s", pattern, err, want)
		}
		checkRegexp(t, pattern, "")
	}
}

func TestBounds(t *testing.T) {
	t.Parallel()
	nested := func(depth int) string { return strings.Repeat("(", depth) + strings.Repeat(")", depth) }
	subtracted := func(depth int) string {
		return strings.Repeat("[a-z-", depth) + "[b]" + strings.Repeat("]", depth)
	}
	for name, test := range map[string]struct {
		pattern, want string
	}{
		"nested":             {nested(200), ""},
		"nested too deep":    {nested(201), "the pattern is nested more than 200 levels deep"},
		"nested much deeper": {strings.Repeat("(", 60000), "the pattern is nested more than 200 levels deep"},
		"classes too deep":   {subtracted(200), "the pattern is nested more than 200 levels deep"},
		"long":               {strings.Repeat("a", 64<<10), ""},
		"too long":           {strings.Repeat("a", 64<<10+1), "the pattern is longer than 64 KiB"},
		"alternatives":       {strings.Repeat("user|", 10000) + "x", ""},
		"characters":         {strings.Repeat("a|", 30000) + "x", ""},
		"repeats":            {strings.Repeat("(x+)+", 10000), ""},
		"categories":         {strings.Repeat(`\p{L}`, 2000), ""},
		"classes":            {strings.Repeat(`(?i:[\pL])`, 500), ""},
		"numbers":            {strings.Repeat(`\10`, 20000), ""},
		"braces":             {strings.Repeat("{1", 30000), ""},
		"looks":              {strings.Repeat("(?=", 199) + strings.Repeat("a", 60000) + strings.Repeat(")", 199), ""},
	} {
		e, err := ParseRegexp(test.pattern)
		if got := fmt.Sprint(err); got != test.want && (err != nil || test.want != "") {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
		if err == nil && len(e.Doubts) > 0 {
			t.Errorf("%s: doubts %q", name, e.Doubts)
		}
		if err == nil { // and it does not take for ever
			if _, err := Compile([]*Expression{e}, nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

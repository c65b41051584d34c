package document_test

import (
	"strings"
	"testing"

	"ostiary/config/document"
)

func TestSuggest(t *testing.T) {
	known := []string{"access_rules", "authenticators", "authorizers", "log", "serve", "x"}
	for word, want := range map[string]string{
		"acces_rules":                  `; did you mean "access_rules"?`,
		"access-rules":                 `; did you mean "access_rules"?`,
		"ACCESS_RULES":                 `; did you mean "access_rules"?`,
		"authorizer":                   `; did you mean "authorizers"?`,
		"lgo":                          `; did you mean "log"?`,
		"server":                       `; did you mean "serve"?`,
		"tracing":                      "",
		"y":                            "",
		"":                             "",
		"completely":                   "",
		strings.Repeat("serve", 1<<20): "",
	} {
		if got := document.Suggest(word, known); got != want {
			t.Errorf("%.20q: %s, want %s", word, got, want)
		}
	}
}

func TestSuggestOrList(t *testing.T) {
	for _, test := range []struct {
		known []string
		want  string
	}{
		{[]string{"serve", "log"}, `; did you mean "serve"?`},
		{[]string{"a", "b"}, "; known are a, b"},
		{nil, ""},
		{[]string{strings.Repeat("a", 200)}, ""},
	} {
		if got := document.SuggestOrList("server", test.known); got != test.want {
			t.Errorf("%v: %s, want %s", test.known, got, test.want)
		}
	}
}

func TestProblem(t *testing.T) {
	for want, problem := range map[string]document.Problem{
		`rules.json:14: rule "billing": authenticators[1]: x`: {File: "rules.json", Line: 14, Subject: `rule "billing"`, Path: document.Path{"authenticators", "1"}, Message: "x"},
		"a.yaml: x":     {File: "a.yaml", Message: "x"},
		"serve: x":      {Path: document.Path{"serve"}, Line: 7, Message: "x"},
		"on one line":   {Message: "on\none\r\nline"},
		"a: b: c.d: e ": {File: "a", Subject: "b", Path: document.Path{"c", "d"}, Message: "e\n"},
	} {
		if got := problem.String(); got != want || got != problem.Error() {
			t.Errorf("%q, want %q", got, want)
		}
	}
	if err := document.Problems(nil).Err(); err != nil {
		t.Errorf("no problems are %v", err)
	}
	if err := (document.Problems{{Message: "a"}, {Message: "b"}}).Err(); err == nil || err.Error() != "a\nb" {
		t.Errorf("two problems are %v", err)
	}
}

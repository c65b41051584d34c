package template

import (
	"fmt"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// large is a session with a list of so many members.
func large(members int) *pipeline.Session {
	session := &pipeline.Session{Subject: "ada"}
	list := make([]any, members)
	for i := range list {
		list[i] = "x"
	}
	session.SetExtra(map[string]any{"list": list, "number": float64(2_000_000_000)})
	return session
}

// TestTemplateStepsAreBounded even if nothing is written.
func TestTemplateStepsAreBounded(t *testing.T) {
	t.Parallel()
	const empty = `{{ range .Extra.list }}{{ end }}`
	nested := `{{ range .Extra.list }}{{ range $.Extra.list }}{{ end }}{{ end }}`
	for name, test := range map[string]struct {
		text    string
		members int
		fails   bool
	}{
		"as many as there may be":  {empty, maxSteps - 1, false}, // the template itself is one
		"one more":                 {empty, maxSteps, true},
		"loops in one another":     {nested, 10_000, true},
		"loops that are few":       {nested, 300, false},
		"two after another":        {empty + empty, maxSteps/2 + 1, true},
		"within if":                {`{{ if true }}` + nested + `{{ end }}`, 10_000, true},
		"within else":              {`{{ if false }}{{ else }}` + nested + `{{ end }}`, 10_000, true},
		"within with":              {`{{ with .Extra }}{{ range .list }}{{ range $.Extra.list }}{{ end }}{{ end }}{{ end }}`, 10_000, true},
		"within the else of with":  {`{{ with .Extra.none }}{{ else }}` + nested + `{{ end }}`, 10_000, true},
		"within the else of range": {`{{ range .Extra.none }}{{ else }}` + nested + `{{ end }}`, 10_000, true},
		"within a definition":      {`{{ define "d" }}` + nested + `{{ end }}{{ template "d" . }}`, 10_000, true},
		"a definition within":      {`{{ define "d" }}{{ end }}{{ range .Extra.list }}{{ template "d" }}{{ end }}`, maxSteps/2 + 1, true},
		"a block":                  {`{{ block "b" . }}` + nested + `{{ end }}`, 10_000, true},
		"over a number":            {`{{ range 2000000000 }}{{ end }}`, 0, true},
		"over a claim":             {`{{ range int .Extra.number }}{{ end }}`, 0, true},
		"definitions that use themselves twice": {
			`{{ define "d" }}{{ if gt . 0 }}{{ template "d" (sub . 1) }}{{ template "d" (sub . 1) }}{{ end }}{{ end }}{{ template "d" 60 }}`, 0, true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			compiled, err := Compile("X-Test", test.text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := compiled.Render(large(test.members))
			if got != "" || (err != nil) != test.fails {
				t.Errorf("got %d bytes, %v", len(got), err)
			}
			if err != nil && !strings.Contains(err.Error(), "the template takes more than 100000 steps") {
				t.Errorf("fails with %v", err)
			}
		})
	}
}

// TestCountingStepsChangesNothingElse than the steps.
func TestCountingStepsChangesNothingElse(t *testing.T) {
	t.Parallel()
	const text = `{{ define "d" }}<{{ . }}>{{ end }}{{ range $i, $x := .Extra.list }}{{ if $i }}, {{ end }}{{ if eq $i 2 }}{{ break }}{{ end }}{{ template "d" $x }}{{ else }}none{{ end }}`
	for members, want := range map[int]string{0: "none", 1: "<x>", 5: "<x>, <x>, "} {
		compiled, err := Compile("X-Test", text)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := compiled.Render(large(members)); err != nil || got != want {
			t.Errorf("of %d: got %q, %v; want %q", members, got, err, want)
		}
	}
}

// TestFunctionsAreBounded whose result is as large as a number says.
func TestFunctionsAreBounded(t *testing.T) {
	t.Parallel()
	const most, tooMany, huge = maxOutput, maxOutput + 1, "9223372036854775807"
	for call, fails := range map[string]bool{
		fmt.Sprintf(`repeat %d "a"`, most):                         false,
		fmt.Sprintf(`repeat %d "a"`, tooMany):                      true,
		fmt.Sprintf(`repeat %d "ab"`, most/2+1):                    true,
		`repeat ` + huge + ` "ab"`:                                 true,
		`repeat ` + huge + ` ""`:                                   false,
		`repeat -1 "a"`:                                            true,
		`repeat (int .Extra.number) "a"`:                           true,
		fmt.Sprintf(`indent %d "a"`, most-1):                       false,
		fmt.Sprintf(`indent %d "a"`, most):                         true,
		fmt.Sprintf(`indent %d "a"`, tooMany):                      true,
		fmt.Sprintf(`nindent %d "a\nb"`, most/2+1):                 true,
		fmt.Sprintf(`until %d`, most):                              false,
		fmt.Sprintf(`until %d`, tooMany):                           true,
		fmt.Sprintf(`until -%d`, tooMany):                          true,
		`until ` + huge:                                            true,
		`untilStep 0 2000000000 2000`:                              false,
		`untilStep 0 2000000000 1`:                                 true,
		`untilStep 9223372036854775806 ` + huge + ` 2`:             true,
		`untilStep -` + huge + ` ` + huge + ` ` + huge:             true,
		`untilStep 0 10 0`:                                         false,
		`seq`:                                                      false,
		`seq 1000`:                                                 false,
		`seq 2000000000`:                                           true,
		`seq 0 2000000000`:                                         true,
		`seq 0 1000000 2000000000`:                                 false,
		`seq 0 2 2000000000`:                                       true,
		fmt.Sprintf(`randAlphaNum %d`, tooMany):                    true,
		`randAlphaNum 8`:                                           false,
		fmt.Sprintf(`randBytes %d`, tooMany):                       true,
		`randBytes 8`:                                              false,
		fmt.Sprintf(`randAscii %d | len`, tooMany):                 true,
		fmt.Sprintf(`randNumeric (mul %d 2 | int)`, tooMany):       true,
		`randAlpha -1`:                                             true,
		`join ", " (list "a" "b")`:                                 false,
		`join (repeat 10000 "a") (until 1000)`:                     true,
		`replace "a" "bc" "aaaa"`:                                  false,
		`replace "a" (repeat 10000 "b") (repeat 1000 "a")`:         true,
		`wrapWith 5 "-" "a long text"`:                             false,
		`wrapWith 0 (repeat 2000 "-") (repeat 2000 "a")`:           true,
		`regexReplaceAll "a" "banana" "o"`:                         false,
		`regexReplaceAll "" (repeat 10000 "a") (repeat 10000 "b")`: true,
		`regexReplaceAll "a" (repeat 2000 "a") (repeat 2000 "b")`:  true,
		`printf "%5d and %-8s" 1 "a"`:                              false,
		`printf "%999999d%999999d" 1 1`:                            true,
		`printf "%*d%*d" 999999 1 999999 1`:                        true,
		`printf "%99999999999999999999d" 1`:                        true,
		`cat (repeat 600000 "a") (repeat 600000 "a")`:              true,
		`html (repeat 400000 "<")`:                                 true,
		`concat (until 600000) (until 600000)`:                     true,
		`print (list (repeat 600000 "a") (repeat 600000 "a"))`:     true,
		`default (repeat 10 "a") ""`:                               false,
	} {
		compiled, err := Compile("X-Test", `{{ $made := `+call+` }}`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := compiled.Render(large(0)); (err != nil) != fails {
			t.Errorf("%s: got %v", call, err)
		}
	}
}

// TestDoublingIsBounded although no call makes much of what it is given.
func TestDoublingIsBounded(t *testing.T) {
	t.Parallel()
	for _, call := range []string{
		"cat $s $s", `print (list $s $s)`, `printf "%s%s" $s $s`, "html $s $s", "println $s $s", `nospace (cat $s $s)`, "toJson (list $s $s)", `join $s (list $s $s)`,
	} {
		compiled, err := Compile("X-Test", `{{ $s := "x" }}{{ range until 28 }}{{ $s = `+call+` }}{{ end }}{{ len $s }}`)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := compiled.Render(large(0)); err == nil {
			t.Errorf("%s: %s bytes", call, got)
		}
	}
}

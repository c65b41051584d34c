package rules

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// documents are the rule documents of a folder.
func documents(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if filepath.Ext(entry.Name()) != ".expected" {
			names = append(names, entry.Name())
		}
	}
	return names
}

// byName are settings for a document in testdata, which its name may ask for:
// strict-… is read strictly, glob-… has globs, and for disabled-… nothing but
// the fallback is enabled.
func byName(name string) Settings {
	settings := from(name)
	settings.Strict = strings.HasPrefix(name, "strict-")
	if strings.HasPrefix(name, "glob-") {
		settings.Strategy = Glob
	}
	if strings.HasPrefix(name, "disabled-") {
		settings.Pipeline = pipeline.Settings{
			ErrorHandlers: map[string]pipeline.Setting{"json": {Enabled: true}}, Fallback: []string{"json"},
		}
	}
	return settings
}

// expected are the lines of name.expected; none without that file.
func expected(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name + ".expected")
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return string(text)
}

func lines(problems ...document.Problem) string {
	var b strings.Builder
	for _, problem := range problems {
		b.WriteString(problem.String() + "\n")
	}
	return b.String()
}

// TestBadDocuments holds every mistake that can be made in rules to the exact
// messages about it: name.expected lists those of name, one on a line. A
// document that is wrong as a whole gives no rules; otherwise it is its rules
// that are wrong.
func TestBadDocuments(t *testing.T) {
	t.Chdir("../testdata/rules/bad")
	names := documents(t, ".")
	if len(names) < 40 {
		t.Errorf("there are only %d bad documents", len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			report, err := NewLoader(NewEngine()).Configure(t.Context(), byName(name))
			if err != nil {
				t.Fatalf("a mistake in a file is none in the configuration: %v", err)
			}
			if len(report.Rejected) > 0 && report.Rules > 0 {
				t.Errorf("%d rules of a document that is rejected are in force", report.Rules)
			}
			got := lines(append(report.Rejected, report.Flaws...)...)
			if got == "" {
				t.Fatal("nothing is wrong with it")
			}
			if diff := cmp.Diff(expected(t, name), got); diff != "" {
				t.Errorf("messages (-expected +got):\n%s", diff)
			}
		})
	}
}

// TestGoodDocuments loads what must load. What an operator is warned of stands
// in name.expected; without that file there are no warnings.
func TestGoodDocuments(t *testing.T) {
	t.Chdir("../testdata/rules/good")
	for _, name := range documents(t, ".") {
		t.Run(name, func(t *testing.T) {
			report, err := NewLoader(NewEngine()).Configure(t.Context(), byName(name))
			if err != nil {
				t.Fatal(err)
			}
			if got := lines(append(report.Rejected, report.Flaws...)...); got != "" || report.Broken > 0 {
				t.Errorf("%d rules are broken:\n%s", report.Broken, got)
			}
			if diff := cmp.Diff(expected(t, name), lines(report.Warnings...)); diff != "" {
				t.Errorf("warnings (-expected +got):\n%s", diff)
			}
		})
	}
}

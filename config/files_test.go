package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config"
	"ostiary/config/document"
)

// inputs are the configuration files of a folder.
func inputs(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		switch filepath.Ext(entry.Name()) {
		case ".expected", ".md", ".pem":
		default:
			names = append(names, entry.Name())
		}
	}
	return names
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestBadFiles holds every mistake that an operator can make to the exact
// messages about it: name.expected lists those of name, one on a line.
func TestBadFiles(t *testing.T) {
	t.Chdir("../testdata/config/bad")
	names := inputs(t, ".")
	if len(names) < 40 {
		t.Errorf("there are only %d bad files", len(names))
	}
	for _, name := range names {
		t.Run(name, func(t *testing.T) {
			_, err := attempt(config.Source{Files: []string{name}})
			if err == nil {
				t.Fatal("the file loads")
			}
			if problems := (document.Problems{}); !errors.As(err, &problems) {
				t.Fatalf("the error is a %T", err)
			}
			if diff := cmp.Diff(read(t, name+".expected"), err.Error()+"\n"); diff != "" {
				t.Errorf("messages (-expected +got):\n%s", diff)
			}
		})
	}
}

// TestGoodFiles loads what must load. What an operator is warned of stands in
// name.expected; without that file there are no warnings.
func TestGoodFiles(t *testing.T) {
	t.Chdir("../testdata/config/good")
	for _, name := range inputs(t, ".") {
		t.Run(name, func(t *testing.T) {
			loaded, err := attempt(config.Source{Files: []string{name}})
			if err != nil {
				t.Fatal(err)
			}
			var warnings strings.Builder
			for _, warning := range loaded.Warnings {
				warnings.WriteString(warning.String() + "\n")
			}
			expected, _ := os.ReadFile(name + ".expected")
			if diff := cmp.Diff(string(expected), warnings.String()); diff != "" {
				t.Errorf("warnings (-expected +got):\n%s", diff)
			}
		})
	}
}

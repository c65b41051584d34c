package main_test

import (
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// topLevel is all that may stand beside each other in the repository's root, dotfiles aside.
var topLevel = []string{
	"LICENSE", "Makefile", "README.md", "cmd", "config", "go.mod", "go.sum", "handlers", "pipeline", "rules", "testdata",
}

func TestPackagesAreDocumented(t *testing.T) {
	documented := map[string]bool{}
	for _, s := range readSources(t) {
		documented[s.room] = documented[s.room] || s.tree.Doc.Text() != ""
	}
	for room, has := range documented {
		if !has {
			t.Errorf("package %s has no comment that says what it is for", room)
		}
	}
}

func TestFilesAreSmallAndNamedForWhatTheyHold(t *testing.T) {
	const most = 400
	for _, s := range readSources(t) {
		if s.lines > most {
			t.Errorf("%s has %d lines; at most %d keep to one thing", s.file, s.lines, most)
		}
		name := strings.TrimSuffix(path.Base(s.file), ".go")
		for _, word := range strings.Split(name, "_") {
			switch strings.TrimSuffix(word, "s") {
			case "util", "helper", "common", "type", "impl":
				t.Errorf("%s: %q does not say what the file holds", s.file, word)
			}
		}
	}
}

func TestTopLevelIsAsAgreed(t *testing.T) {
	root := moduleRoot(t)
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	// What git does not keep, such as a binary that was built here, is not part of the layout.
	ignored := ignoredNames(t, root)
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, ".") && !slices.Contains(topLevel, name) && !slices.Contains(ignored, name) {
			t.Errorf("%s does not belong into the root of the repository", name)
		}
	}
}

// ignoredNames are the names in the root that .gitignore lists.
func ignoredNames(t *testing.T, root string) []string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		if name, ok := strings.CutPrefix(strings.TrimSpace(line), "/"); ok {
			names = append(names, strings.TrimSuffix(name, "/"))
		}
	}
	return names
}

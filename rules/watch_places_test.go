package rules

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestWhereChangesMayHappen(t *testing.T) {
	t.Parallel()
	root, err := filepath.EvalSymlinks(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	directory(t, root, "d", "e")
	write(t, filepath.Join(root, "d", "e", "file"), "")
	link(t, "file", filepath.Join(root, "d", "e", "alias"))
	link(t, filepath.Join(root, "d", "e"), filepath.Join(root, "short"))
	link(t, "../short/alias", filepath.Join(root, "d", "far"))
	link(t, "circle", filepath.Join(root, "circle"))
	for path, want := range map[string]string{
		"d/e/file":        "d/e",
		"d/e/missing":     "d/e",
		"d/missing/file":  "d",
		"missing/e/file":  ".",
		"d/e/alias":       "d/e",
		"short/file":      ". d/e",
		"short/alias":     ". d/e",
		"short/missing/x": ". d/e",
		"d/far":           ". d d/e",
		"circle":          ".",
		"d/e/file/below":  "d/e/file", // is no directory, and cannot be watched
	} {
		var got []string
		for _, found := range directories(filepath.Join(root, path)) {
			relative, err := filepath.Rel(root, found)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, relative)
		}
		slices.Sort(got)
		if found := strings.Join(slices.Compact(got), " "); found != want {
			t.Errorf("%s: %s, want %s", path, found, want)
		}
	}
}

// TestAFileIsAnotherOneWithTheSameSizeAndAge: a quick edit of one letter has
// both.
func TestAFileIsAnotherOneWithTheSameSizeAndAge(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules.json")
	write(t, path, "1")
	age := time.Now().Add(-time.Hour)
	if err := os.Chtimes(path, age, age); err != nil {
		t.Fatal(err)
	}
	before := fingerprint([]string{path})
	if again := fingerprint([]string{path}); again != before {
		t.Errorf("%q became %q by itself", before, again)
	}
	replace(t, path, "2")
	if err := os.Chtimes(path, age, age); err != nil {
		t.Fatal(err)
	}
	if fingerprint([]string{path}) == before {
		t.Error("another file looks the same")
	}
}

package rules

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

// TestReloadsLeaveNothingBehind: of the sets that are not in force any more, and
// of the documents that they were read from.
func TestReloadsLeaveNothingBehind(t *testing.T) {
	const count = 100
	text, _ := mixed(count)
	path := filepath.Join(t.TempDir(), "rules.json")
	loader := NewLoader(NewEngine())
	reload := func(generation int) {
		t.Helper()
		write(t, path, strings.ReplaceAll(string(text), `"GET"`, fmt.Sprintf(`"GET", "G%d"`, generation)))
		if report := loader.Reload(t.Context()); !report.Published || report.Rules != count {
			t.Fatalf("%+v", report)
		}
	}
	write(t, path, string(text))
	before := live()
	if _, err := loader.Configure(t.Context(), from(path)); err != nil {
		t.Fatal(err)
	}
	one := live() - before // what a set takes up with all that belongs to it
	for i := range maxGenerations {
		reload(i)
	}
	early := live()
	for i := range 10 {
		reload(maxGenerations + i)
	}
	if late := live(); late > early && late-early > one {
		t.Errorf("after ten more reloads %d KiB are in use, and before %d KiB; a set has %d KiB", late>>10, early>>10, one>>10)
	}
}

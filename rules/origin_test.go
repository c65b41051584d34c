package rules

import (
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"ostiary/config/document"
)

// live is how much memory is in use, in bytes.
func live() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers let go in the first
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// TestLoadedRulesKeepNoParsedDocument: of a document whose values are many
// times as large as its text, and as its rules, the values go when the rules
// are loaded, even though a flaw had its line looked up.
func TestLoadedRulesKeepNoParsedDocument(t *testing.T) {
	text := `[{"id": "broken", "configMapName": [` + strings.Repeat("0,", 1<<16) + "0]},\n" + simple("shop", "shop.example.com") + "]"
	for _, mark := range []string{"", "---\n"} { // JSON, and YAML
		path := filepath.Join(t.TempDir(), "rules")
		write(t, path, mark+text)
		loader := NewLoader(NewEngine())
		before := live()
		report, err := loader.Configure(t.Context(), from(path))
		if err != nil {
			t.Fatal(err)
		}
		if grown := int64(live()) - int64(before); grown > 3*int64(len(text)) {
			t.Errorf("%q: %d bytes are kept for a document of %d", mark, grown, len(text))
		}
		if len(report.Flaws) == 0 || report.Flaws[0].Line != 1+strings.Count(mark, "\n") {
			t.Errorf("%q: the flaws are %v", mark, report.Flaws)
		}
		runtime.KeepAlive(loader)
	}
}

func TestALineIsFoundAgainAfterItWasForgotten(t *testing.T) {
	t.Parallel()
	o := &origin{name: "rules", source: []byte("- id: a\n  match:\n    url: b\n")}
	path := document.Path{"0", "match", "url"}
	for range 2 {
		if line := o.line(path); line != 3 {
			t.Errorf("the line is %d", line)
		}
		o.forget()
	}
	if o.parsed != nil {
		t.Error("the document is kept")
	}
}

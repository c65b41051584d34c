package main_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// missingSchemes are the kinds of rule repositories that the engine does not have yet. What waits for one of them
// is listed in testdata/conformance/pending.json; the day one leaves this list, TestPendingEntriesAreTrue asks for
// its entries to go too.
var missingSchemes = []string{"http"}

// pending maps a "suite" or a "suite/case" to the repository schemes that it waits for.
type pending map[string][]string

func readPending(t *testing.T) pending {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(suitesDir, pendingFile))
	if err != nil {
		t.Fatal(err)
	}
	var p pending
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatalf("%s: %v", pendingFile, err)
	}
	return p
}

// skip skips a test of that name for as long as it waits for something.
func (p pending) skip(t *testing.T, name string) {
	t.Helper()
	if needs := p[name]; len(needs) > 0 {
		t.Skipf("needs %s", strings.Join(needs, ", "))
	}
}

func TestPendingEntriesAreTrue(t *testing.T) {
	texts := map[string]string{} // the suite that each possible entry is of
	for _, s := range readScripts(t) {
		texts[s.Name] = s.text
		for _, c := range s.Cases {
			texts[s.Name+"/"+c.Name] = s.text
		}
	}
	for entry, needs := range readPending(t) {
		text, known := texts[entry]
		if !known {
			t.Errorf("%s: there is no such suite or case", entry)
			continue
		}
		if len(needs) == 0 {
			t.Errorf("%s waits for nothing", entry)
		}
		for _, need := range needs {
			if !slices.Contains(missingSchemes, need) {
				t.Errorf("%s waits for %s, which is there", entry, need)
			}
			if !strings.Contains(text, `"`+need+`://`) {
				t.Errorf("%s waits for %s, which its suite does not name", entry, need)
			}
		}
		if suite, _, isCase := strings.Cut(entry, "/"); isCase && texts[suite] != "" && len(readPending(t)[suite]) > 0 {
			t.Errorf("%s is listed although all of its suite is", entry)
		}
	}
}

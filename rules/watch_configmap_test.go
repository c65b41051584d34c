package rules

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// swap gives a volume another content as the kubelet does: in a new directory,
// to which one link is turned (K1).
func swap(t *testing.T, volume string, generation int, files map[string]string) {
	t.Helper()
	old, _ := os.Readlink(filepath.Join(volume, "..data"))
	next := fmt.Sprintf("..2026_%d", generation)
	directory(t, volume, next)
	for name, text := range files {
		write(t, filepath.Join(volume, next, name), text)
	}
	link(t, next, filepath.Join(volume, "..data"))
	for name := range files {
		if _, err := os.Lstat(filepath.Join(volume, name)); err != nil {
			link(t, filepath.Join("..data", name), filepath.Join(volume, name))
		}
	}
	if old != "" {
		remove(t, filepath.Join(volume, old))
	}
}

// TestAHundredSwapsOfAConfigMap: after each of them its rules are in force,
// and until then those before it are (K1).
func TestAHundredSwapsOfAConfigMap(t *testing.T) {
	t.Parallel()
	volume := t.TempDir()
	files := func(n int) map[string]string {
		return map[string]string{"access-rules.json": list(simple(fmt.Sprint("rule ", n), "a.example.com")), "other": "same"}
	}
	swap(t, volume, 0, files(0))
	path := filepath.Join(volume, "access-rules.json")
	engine := NewEngine()
	loader := NewLoader(engine)
	if _, err := loader.Configure(t.Context(), from(path)); err != nil {
		t.Fatal(err)
	}
	_, announced := watcher(t, never, path)
	for n := 1; n <= 100; n++ {
		swap(t, volume, n, files(n))
		before, after := fmt.Sprint("rule ", n-1), fmt.Sprint("rule ", n)
		deadline := time.After(patience)
		for got := before; got != after; {
			select {
			case <-announced:
				loader.Reload(t.Context())
			case <-deadline:
				t.Fatalf("swap %d was missed", n)
			}
			if got = outcome(engine, "a.example.com", "/"); got != before && got != after {
				t.Fatalf("swap %d: %s", n, got)
			}
		}
	}
}

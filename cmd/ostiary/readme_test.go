package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var fencedBlock = regexp.MustCompile("(?s)\n```[a-z]+\n(.*?\n)```\n")

// TestReadmeShowsWhatIsTriedOut holds what the README says about gateways, proxying and Kubernetes to the files that
// tests run. Whole lines of the file that was named last stand in each block, and every file is named.
func TestReadmeShowsWhatIsTriedOut(t *testing.T) {
	t.Parallel()
	for heading, dir := range map[string]string{
		"Behind a gateway": "testdata/deploy/gateways", "As a proxy": "testdata/deploy/proxy", "In Kubernetes": "testdata/deploy/kubernetes",
	} {
		t.Run(heading, func(t *testing.T) {
			t.Parallel()
			showsWhatIsTriedOut(t, heading, dir)
		})
	}
}

func showsWhatIsTriedOut(t *testing.T, heading, dir string) {
	t.Helper()
	root, link := moduleRoot(t), regexp.MustCompile(`\]\(`+regexp.QuoteMeta(dir)+`/([^)]+)\)`)
	section := readmeSection(t, root, heading)
	named := map[string]bool{}
	for _, found := range link.FindAllStringSubmatch(section, -1) {
		named[found[1]] = true
	}
	dir = filepath.Join(root, dir)
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !named[file.Name()] {
			t.Errorf("nothing leads to %s", file.Name())
		}
	}
	blocks := fencedBlock.FindAllStringSubmatchIndex(section, -1)
	if fences := strings.Count(section, "```"); len(blocks) == 0 || fences != 2*len(blocks) {
		t.Errorf("%d fences make %d blocks", fences, len(blocks))
	}
	for _, block := range blocks {
		before := link.FindAllStringSubmatch(section[:block[0]], -1)
		if len(before) == 0 {
			t.Fatal("a block stands before any file is named")
		}
		name, content := before[len(before)-1][1], section[block[2]:block[3]]
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
		} else if content == "" || !strings.Contains("\n"+string(text), "\n"+content) {
			t.Errorf("%s does not have these lines:\n%s", name, content)
		}
	}
}

// readmeSection is what stands below a heading of the second level, up to the next.
func readmeSection(t *testing.T, root, heading string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
	if !found {
		t.Fatalf("the README has no section %q", heading)
	}
	section, _, _ = strings.Cut(section, "\n## ")
	return section
}

package main_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	gatewayLink  = regexp.MustCompile(`\]\(testdata/deploy/gateways/([^)]+)\)`)
	gatewayBlock = regexp.MustCompile("(?s)\n```[a-z]+\n(.*?\n)```\n")
)

// TestReadmeShowsTheGateways holds what the README says about gateways to the files that are tried out. Whole lines
// of the file that was named last stand in each block, and every file is named.
func TestReadmeShowsTheGateways(t *testing.T) {
	root := moduleRoot(t)
	section := readmeSection(t, root, "Behind a gateway")
	named := map[string]bool{}
	for _, link := range gatewayLink.FindAllStringSubmatch(section, -1) {
		named[link[1]] = true
	}
	dir := filepath.Join(root, "testdata", "deploy", "gateways")
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		if !named[file.Name()] {
			t.Errorf("nothing leads to %s", file.Name())
		}
	}
	blocks := gatewayBlock.FindAllStringSubmatchIndex(section, -1)
	if fences := strings.Count(section, "```"); len(blocks) == 0 || fences != 2*len(blocks) {
		t.Errorf("%d fences make %d blocks", fences, len(blocks))
	}
	for _, block := range blocks {
		before := gatewayLink.FindAllStringSubmatch(section[:block[0]], -1)
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

package repository

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestRepositoriesArePatternsOfFiles(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"file:///etc/rules.d/*.json":      "/etc/rules.d/*.json",
		"file://rules/*":                  "rules/*",
		"file://./*/../rules-*.yaml":      "rules-*.yaml",
		"file:///a//[ab].json?x=*":        "/a/[ab].json",
		"file:///a*%2A%5B%3F%5C%20b.json": `/a*\*\[\?\\ b.json`,
		`file:///a\[1].json`:              `/a\[1].json`,
	} {
		r, err := Open(url, nil)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if r.Name != want || r.Key != want || r.Remote || !slices.Equal(r.Files, []string{want}) {
			t.Errorf("%s is %+v, want %q", url, r, want)
		}
	}
	// What is the same text is not the same repository.
	if file, pattern := opened(t, "file:///rules%2A.json"), opened(t, "file:///rules*.json"); file.Key == pattern.Key {
		t.Errorf("%+v and %+v", file, pattern)
	}
}

func TestAPatternHoldsTheFilesThatMatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, name := range []string{
		"a.json", "b.json", "b.txt", "ab.json", "*.json", "[.json", "?.json", ".hidden.json",
		"team-a/rules.json", "team-b/rules.json", "team-b/other.json", "team-c/readme", ".team-d/rules.json", "x/y/z.json",
	} {
		write(t, map[string]string{in(name): name})
	}
	for pattern, want := range map[string]string{
		"*.json":            "*.json ?.json [.json a.json ab.json b.json",
		"[ab].json":         "a.json b.json",
		"[^a-z]*.json":      "*.json ?.json [.json",
		"a*.json":           "a.json ab.json",
		"*%2A.json":         "*.json",
		"*%5B.json":         "[.json",
		"*%3F.json":         "?.json",
		"team-*/rules.json": "team-a/rules.json team-b/rules.json",
		"*/rules.json":      "team-a/rules.json team-b/rules.json",
		"team-[bc]/*.json":  "team-b/other.json team-b/rules.json",
		".*/*.json":         ".team-d/rules.json",
		".*.json":           ".hidden.json",
		"*/*/*.json":        "x/y/z.json",
		"*/y/../y/z.*":      "x/y/z.json",
	} {
		var documents []string
		for name := range strings.FieldsSeq(want) {
			documents = append(documents, in(name)+": "+name)
		}
		t.Run(pattern, func(t *testing.T) { holds(t, opened(t, "file://"+dir+"/"+pattern), documents...) })
	}
	const none = "no file is called like that; for no rules write a file with []"
	for _, pattern := range []string{"*.yaml", "gone/*.json", "*/gone.json", "a.json/*", "*/*/*/*", "gone*/*/*.json"} {
		t.Run(pattern, func(t *testing.T) { fails(t, opened(t, "file://"+dir+"/"+pattern), none) })
	}
}

func TestAPatternMayBeRelative(t *testing.T) {
	t.Chdir(t.TempDir())
	write(t, map[string]string{"rules/a.json": "a", "b.json": "b"})
	holds(t, opened(t, "file://*.json"), "b.json: b")
	holds(t, opened(t, "file://./*/a.json"), "rules/a.json: a")
	t.Chdir("rules")
	holds(t, opened(t, "file://../[b].json"), "../b.json: b")
}

// TestAPatternNeverMissesFilesInSilence: a directory that cannot be looked into
// would otherwise take its rules with it.
func TestAPatternNeverMissesFilesInSilence(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, map[string]string{dir + "/a/rules.json": "a", dir + "/b/rules.json": "b"})
	directly, below := opened(t, "file://"+dir+"/*/rules.json"), opened(t, "file://"+dir+"/*/*.json")
	holds(t, directly, dir+"/a/rules.json: a", dir+"/b/rules.json: b")
	holds(t, below, dir+"/a/rules.json: a", dir+"/b/rules.json: b")
	do(t, os.RemoveAll(dir+"/a"))
	do(t, os.Symlink("a", dir+"/a"))
	holds(t, directly, dir+"/a/rules.json! too many levels of symbolic links", dir+"/b/rules.json: b")
	fails(t, below, dir+"/a: too many levels of symbolic links")
}

func TestAConfigMapBelowAPatternCountsOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, map[string]string{dir + "/..2026/rules.json": "hidden", dir + "/team/..data/rules.json": "hidden", dir + "/team/rules.json": "team"})
	do(t, os.Symlink("..2026", dir+"/..data"))
	holds(t, opened(t, "file://"+dir+"/*/*.json"), dir+"/team/rules.json: team")
	fails(t, opened(t, "file://"+dir+"/team/*/rules.json"), errNoMatch.Error())
}

func TestOnlyALiteralPatternMatchesOneText(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{"": "", "/a b/c": "/a b/c", `\*\a\\`: `*a\`, "a]b-c^{}": "a]b-c^{}"} {
		if got, only := Only(pattern); !only || got != want {
			t.Errorf("%q: %q, %t", pattern, got, only)
		}
	}
	for _, pattern := range []string{"*", "?", "[a]", "a*", `\\*`, `a\`, "["} {
		if got, only := Only(pattern); only || got != "" {
			t.Errorf("%q: %q", pattern, got)
		}
	}
}

func FuzzLiterally(f *testing.F) {
	for _, text := range []string{"", "/etc/rules/a.json", `a\`, `\*`, "[a-z]?*", "\xff[", "a\x00b"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		pattern := Literally(text)
		if got, only := Only(pattern); !only || got != text {
			t.Errorf("of %q it is %q, and back %q, %t", text, pattern, got, only)
		}
		if matches, err := filepath.Match(pattern, text); !matches || err != nil {
			t.Errorf("%q does not match %q: %v", pattern, text, err)
		}
		if matches, _ := filepath.Match(pattern, text+"x"); matches {
			t.Errorf("%q matches more than %q", pattern, text)
		}
	})
}

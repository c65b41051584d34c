package repository

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ostiary/config/document"
)

func TestRepositoriesAreFiles(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"file:///etc/rules/access-rules.json": "/etc/rules/access-rules.json",
		"file:///etc/rules.d/":                "/etc/rules.d",
		"file://rules.yaml":                   "rules.yaml",
		"file://./rules.yaml":                 "rules.yaml",
		"file://../rules/rules.yaml":          "../rules/rules.yaml",
		"file://rules/access%20rules.yaml":    "rules/access rules.yaml",
		"file://rules/access rules.yaml":      "rules/access rules.yaml",
		"file:///a/../b//c":                   "/b/c",
		"file:///rules.json?version=2":        "/rules.json",
		"file:///rules.json?version=*":        "/rules.json",
		"file:///rules%3F.json":               "/rules?.json",
		"file:///rules%2A%5B.json":            "/rules*[.json",
		`file:///a\b]`:                        `/a\b]`,
	} {
		r, err := Open(url, nil)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		literal := Literally(want)
		files := []string{literal, literal + "/*.json", literal + "/*.yaml", literal + "/*.yml"}
		if r.Name != want || r.Key != literal || r.Remote || !slices.Equal(r.Files, files) {
			t.Errorf("%s is %+v, want %q", url, r, want)
		}
	}
}

func TestAFileIsReadWhole(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "access rules")
	r := opened(t, "file://"+dir+"/access%20rules")
	fails(t, r, "no such file or directory")
	write(t, map[string]string{path: "[]\n"})
	if content := holds(t, r, path+": []\n"); content.Position != "" {
		t.Errorf("it is called %q", content.Position)
	}
	write(t, map[string]string{path: ""})
	holds(t, r, path+": ")
	do(t, os.Remove(path))
	fails(t, r, "no such file or directory")
	fails(t, opened(t, "file:///dev/null"), "is no file that can be read to its end")
	write(t, map[string]string{path: "["})
	fails(t, opened(t, "file://"+dir+"/access%20rules/rules.json"), "not a directory")
}

func TestAFileThatCannotBeReadSaysWhy(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "rules.json")
	r := opened(t, "file://"+path)
	do(t, os.Symlink("rules.json", path))
	fails(t, r, "too many levels of symbolic links")
	do(t, os.Remove(path))
	do(t, os.Symlink("gone.json", path))
	fails(t, r, "no such file or directory")
	do(t, os.Remove(path))
	do(t, syscall.Mkfifo(path, 0o600)) // which nobody writes to
	fails(t, r, "is no file that can be read to its end")
	do(t, os.Remove(path))
	write(t, map[string]string{path: ""})
	do(t, os.Truncate(path, document.MaxSize+1)) // it has holes, and takes no space
	fails(t, r, fmt.Sprintf("has %d bytes, more than the %d that are read", document.MaxSize+1, document.MaxSize))
}

func TestADirectoryHoldsTheRuleFilesInIt(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "rules[1].d")
	r := opened(t, "file://"+strings.ReplaceAll(dir, "[", "%5B")+"/")
	in := func(name string) string { return filepath.Join(dir, name) }
	const empty = "is a directory without a rule file (*.json, *.yaml or *.yml); for no rules write a file with []"

	fails(t, r, "no such file or directory")
	do(t, os.Mkdir(dir, 0o700))
	fails(t, r, empty)
	write(t, map[string]string{
		in(".hidden.json"):       "-",
		in("..data/b.json"):      "-",
		in("#c.json#"):           "-",
		in("c.json~"):            "-",
		in("JSON"):               "-",
		in("d.JSON"):             "-",
		in("d.txt"):              "-",
		in("below/e.json"):       "-",
		in("below.d/json/f.yml"): "-",
	})
	fails(t, r, empty)
	write(t, map[string]string{in("b.json"): "b", in("a.yml"): "a", in("c.yaml"): "c", in("B.json"): "B", in("10.json"): "10", in("9.json"): "9"})
	holds(t, r, in("10.json")+": 10", in("9.json")+": 9", in("B.json")+": B", in("a.yml")+": a", in("b.json")+": b", in("c.yaml")+": c")

	for _, name := range []string{"10.json", "9.json", "B.json", "c.yaml"} {
		do(t, os.Remove(in(name)))
	}
	do(t, os.Symlink("..data/b.json", in("linked.json")))
	holds(t, r, in("a.yml")+": a", in("b.json")+": b", in("linked.json")+": -")
}

func TestOneBadFileOfADirectoryLeavesTheOthers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	write(t, map[string]string{in("a.json"): "a", in("z.json"): "z"})
	do(t, os.Mkdir(in("b.json"), 0o700))
	do(t, syscall.Mkfifo(in("c.json"), 0o600))
	do(t, os.Symlink("gone", in("d.json")))
	do(t, os.Symlink("e.json", in("e.json")))
	want := []string{
		in("a.json") + ": a",
		in("b.json") + "! is a directory, not a file",
		in("c.json") + "! is no file that can be read to its end",
		in("d.json") + "! no such file or directory",
		in("e.json") + "! too many levels of symbolic links",
		in("z.json") + ": z",
	}
	holds(t, opened(t, "file://"+dir), want...)
	holds(t, opened(t, "file://"+dir+"/*.json"), want...)
}

// TestTheFilesOfAConfigMapAreThoseOfItsVersion: all links lead through ..data,
// which the kubelet moves over to another directory at once.
func TestTheFilesOfAConfigMapAreThoseOfItsVersion(t *testing.T) {
	t.Parallel()
	mount := t.TempDir()
	mount, err := filepath.EvalSymlinks(mount) // where it is may be a link itself
	do(t, err)
	in := func(name string) string { return filepath.Join(mount, name) }
	swap := func(version, text string) {
		t.Helper()
		write(t, map[string]string{filepath.Join(in(version), "rules.json"): text})
		do(t, os.Symlink(version, in("..data_tmp")))
		do(t, os.Rename(in("..data_tmp"), in("..data")))
	}
	swap("..2026_01", "first")
	do(t, os.Symlink("..data/rules.json", in("rules.json")))
	file, directory, pattern := opened(t, "file://"+in("rules.json")), opened(t, "file://"+mount), opened(t, "file://"+mount+"/*.json")
	for _, version := range []string{"..2026_01", "..2026_02"} {
		text := "first"
		if version != "..2026_01" {
			text = "second"
			swap(version, text)
		}
		for _, r := range []*Repository{directory, pattern} {
			holds(t, r, in("rules.json")+": "+text)
		}
		if content := holds(t, file, in("rules.json")+": "+text); content.Position != filepath.Join(in(version), "rules.json") {
			t.Errorf("this version is called %q", content.Position)
		}
	}
}

func TestMessagesNameAFileOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules")
	_, err := os.ReadFile(path)
	if got := reason(err).Error(); got != "no such file or directory" {
		t.Error(got)
	}
	if got := reason(os.Rename(path, path+"2")).Error(); got != "no such file or directory" {
		t.Error(got)
	}
	if got := reason(errTimeout); got != errTimeout { //nolint:errorlint // the very same
		t.Error(got)
	}
	if got := reason(nil); got != nil {
		t.Error(got)
	}
}

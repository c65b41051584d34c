package rules

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestRepositoriesAreFiles(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"file:///etc/rules/access-rules.json": "/etc/rules/access-rules.json",
		"file://rules.yaml":                   "rules.yaml",
		"file://./rules.yaml":                 "rules.yaml",
		"file://../rules/rules.yaml":          "../rules/rules.yaml",
		"file://rules/access%20rules.yaml":    "rules/access rules.yaml",
		"file://rules/access rules.yaml":      "rules/access rules.yaml",
		"file:///a/../b//c":                   "/b/c",
		"file:///rules.json?version=2":        "/rules.json",
		"file:///rules%3F.json":               "/rules?.json",
		"file:///rules.d/*.json":              "/rules.d/*.json", // names one file
	} {
		r, err := parseRepository(url)
		if err != nil {
			t.Errorf("%s: %v", url, err)
			continue
		}
		if r.path != want || r.name != want || r.url != url {
			t.Errorf("%s is %q, called %q", url, r.path, r.name)
		}
	}
}

func TestRepositoriesStandInTheConfiguration(t *testing.T) {
	t.Parallel()
	r, err := parseRepository("inline://W10K") // []
	if err != nil {
		t.Fatal(err)
	}
	content, err := r.read()
	if err != nil || string(content) != "[]\n" || r.path != "" || r.name != "inline://" {
		t.Errorf("%q, %v: %+v", content, err, r)
	}
}

func TestOtherRepositoriesAreRefused(t *testing.T) {
	t.Parallel()
	const notBase64 = "the text behind inline:// is not base64 (standard alphabet, with padding): illegal base64 data at input byte "
	for url, want := range map[string]string{
		"":                             `"" is not a URL such as file:///etc/rules/access-rules.json`,
		"/etc/rules.json":              `"/etc/rules.json" is not a URL such as file:///etc/rules/access-rules.json`,
		"file:/etc/rules.json":         `"file:/etc/rules.json" is not a URL such as file:///etc/rules/access-rules.json`,
		"file://":                      `"file://" names no file`,
		"file://?x":                    `"file://?x" names no file`,
		"file:///a%zz":                 `"file:///a%zz" has a bad escape: invalid URL escape "%zz"`,
		"inline://W10":                 notBase64 + "0",
		"inline://W_-=":                notBase64 + "1",
		"inline://[]":                  notBase64 + "0",
		"http://example.com/r":         "http:// is not supported by this version; use file:// or inline://",
		"https://u:secret@example.com": "https:// is not supported by this version; use file:// or inline://",
		"s3://bucket/r":                "s3:// is not supported by this version; use file:// or inline://",
		"gs://bucket/r":                "gs:// is not supported by this version; use file:// or inline://",
		"azblob://bucket/r":            "azblob:// is not supported by this version; use file:// or inline://",
		"ftp://example.com/r":          "there are no repositories of the kind ftp://; use file:// or inline://",
		"FILE:///r":                    "there are no repositories of the kind FILE://; use file:// or inline://",
		"://r":                         "there are no repositories of the kind ://; use file:// or inline://",
	} {
		if r, err := parseRepository(url); err == nil || err.Error() != want {
			t.Errorf("%s: %+v, %v", url, r, err)
		}
	}
}

// TestASourceIsOnlyParsedAgainWhenItsTextIsAnother: looking at files once a
// second costs nothing but their digest.
func TestASourceIsOnlyParsedAgainWhenItsTextIsAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules")
	r, err := parseRepository("file://" + path)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{repository: r}
	write(t, path, one)
	s.refresh()
	first := s.rules
	s.refresh()
	if len(first) != 1 || s.rules[0] != first[0] {
		t.Error("good rules were parsed again")
	}
	write(t, path, "{")
	s.refresh()
	problem := s.problem
	s.refresh()
	if len(problem) != 1 || &s.problem[0] != &problem[0] {
		t.Error("bad rules were parsed again")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	s.refresh()
	if len(s.problem) != 1 || s.problem[0].Message == problem[0].Message || s.rules[0] != first[0] {
		t.Errorf("without a file: %v", s.problem)
	}
	write(t, path, one)
	s.refresh()
	if len(s.problem) > 0 || s.rules[0] != first[0] {
		t.Errorf("the same again: %v", s.problem)
	}
}

func TestMessagesNameAFileOnce(t *testing.T) {
	t.Parallel()
	_, err := os.ReadFile(filepath.Join(t.TempDir(), "rules"))
	if got := unwrapPath(err).Error(); got != "no such file or directory" {
		t.Error(got)
	}
	other := errors.New("other")
	if got := unwrapPath(other); !errors.Is(got, other) {
		t.Error(got)
	}
}

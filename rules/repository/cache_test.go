package repository

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 987654321, time.FixedZone("CET", 3600))

// several are documents that are not easy to keep.
var several = Content{Position: "\"a\n\x01b\"", Documents: []Document{
	{Name: "/etc/rules/a.json", Text: []byte("[]\n")},
	{Name: "/etc/rules/empty.json", Text: []byte{}},
	{Name: "/etc/rules/\n \"c\".yaml", Text: []byte("\n\n- id: a\n\r\n")},
	{Name: "/etc/rules/binary.json", Text: []byte("\xff\xfe\x00{\"repository\":\"x\"}\n")},
	{Name: "/etc/rules/last.json", Text: []byte("no newline")},
}}

// keeper is a cache in a directory that is not there yet.
func keeper(t *testing.T) Cache { return Cache{Directory: filepath.Join(t.TempDir(), "var", "cache")} }

func (c Cache) keeps(t *testing.T, r *Repository, want Content, at time.Time) {
	t.Helper()
	got, saved, err := c.Load(r)
	if err != nil {
		t.Fatal(err)
	}
	if difference := cmp.Diff(want, got); difference != "" || !saved.Equal(at) {
		t.Errorf("kept at %v:\n%s", saved, difference)
	}
}

// files are the names in the cache, and of what is not as it should be the mode.
func (c Cache) files(t *testing.T) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(c.Directory)
	do(t, err)
	for _, entry := range entries {
		info, err := entry.Info()
		do(t, err)
		if info.Mode() != 0o600 {
			names = append(names, fmt.Sprint(info.Mode()))
		}
		names = append(names, entry.Name())
	}
	return names
}

func TestWhatWasSavedIsLoaded(t *testing.T) {
	t.Parallel()
	c := keeper(t)
	r, other := opened(t, "file:///etc/rules"), opened(t, "https://h/rules?token=secret")
	if _, _, err := c.Load(r); !errors.Is(err, ErrNotCached) {
		t.Errorf("nothing has been saved yet: %v", err)
	}
	do(t, c.Save(r, several, noon))
	c.keeps(t, r, several, noon.Truncate(time.Second))
	if _, _, err := c.Load(other); !errors.Is(err, ErrNotCached) {
		t.Errorf("of this nothing has been saved: %v", err)
	}
	content := Content{Documents: []Document{{Name: other.Name, Text: []byte("[1]")}}}
	do(t, c.Save(other, content, noon))
	do(t, c.Save(r, Content{}, noon.Add(time.Hour)))
	c.keeps(t, other, content, noon.Truncate(time.Second))
	c.keeps(t, r, Content{}, noon.Add(time.Hour).Truncate(time.Second))
	do(t, c.Save(r, several, noon.Add(2*time.Hour)))
	c.keeps(t, r, several, noon.Add(2*time.Hour).Truncate(time.Second))

	info, err := os.Stat(c.Directory)
	do(t, err)
	if info.Mode().Perm() != 0o700 {
		t.Errorf("the directory is %v", info.Mode())
	}
	names := c.files(t)
	if len(names) != 2 {
		t.Errorf("%q", names)
	}
	for _, name := range names {
		if text := contentOf(t, filepath.Join(c.Directory, name)); strings.Contains(text, "secret") {
			t.Errorf("in %s is what was in the URL: %q", name, text)
		}
	}
}

// TestRepositoriesAreKeptApart that have the same name for people.
func TestRepositoriesAreKeptApart(t *testing.T) {
	t.Parallel()
	c := keeper(t)
	urls := []string{"https://h/r?a", "https://h/r?b", "https://ada:x@h/r?b", "https://h/r", "file:///a%2A", "file:///a*", "inline://", "inline://W10="}
	for i, url := range urls {
		do(t, c.Save(opened(t, url), Content{Position: fmt.Sprint(i)}, noon))
	}
	for i, url := range urls {
		c.keeps(t, opened(t, url), Content{Position: fmt.Sprint(i)}, noon.Truncate(time.Second))
	}
}

// TestAFailedSaveLeavesWhatWasKept, and nothing else.
func TestAFailedSaveLeavesWhatWasKept(t *testing.T) {
	t.Parallel()
	r := opened(t, "https://ada:secret@h/r?secret")
	saveFails := func(t *testing.T, c Cache, why string) {
		t.Helper()
		want := "the last good rules of https://h/r?… cannot be kept in " + c.Directory + ": " + why
		if err := c.Save(r, several, noon.Add(time.Hour)); err == nil || err.Error() != want {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
	t.Run("a file in place of the directory", func(t *testing.T) {
		t.Parallel()
		c := keeper(t)
		do(t, c.Save(r, Content{Position: "1"}, noon))
		do(t, os.Rename(c.Directory, c.Directory+"-2"))
		write(t, map[string]string{c.Directory: ""})
		saveFails(t, c, "not a directory")
		if _, _, err := c.Load(r); err == nil || err.Error() != c.path(r)+": not a directory" {
			t.Errorf("nothing can be kept there: %v", err)
		}
		do(t, os.Remove(c.Directory))
		do(t, os.Rename(c.Directory+"-2", c.Directory))
		c.keeps(t, r, Content{Position: "1"}, noon.Truncate(time.Second))
	})
	t.Run("a directory in place of the file", func(t *testing.T) {
		t.Parallel()
		c := keeper(t)
		do(t, os.MkdirAll(c.path(r), 0o700))
		saveFails(t, c, "file exists")
		if _, _, err := c.Load(r); err == nil || err.Error() != c.path(r)+": is no file that was kept" {
			t.Errorf("got %v", err)
		}
		if entries, err := os.ReadDir(c.Directory); err != nil || len(entries) != 1 {
			t.Errorf("left are %v, %v", entries, err)
		}
	})
	t.Run("a pipe in place of the file", func(t *testing.T) {
		t.Parallel()
		c := keeper(t)
		do(t, os.MkdirAll(c.Directory, 0o700))
		do(t, syscall.Mkfifo(c.path(r), 0o600))
		if _, _, err := c.Load(r); err == nil || err.Error() != c.path(r)+": is no file that was kept" {
			t.Errorf("got %v", err)
		}
		do(t, c.Save(r, several, noon)) // it may be replaced
		c.keeps(t, r, several, noon.Truncate(time.Second))
	})
	t.Run("a link to itself", func(t *testing.T) {
		t.Parallel()
		c := keeper(t)
		do(t, os.Mkdir(filepath.Dir(c.Directory), 0o700))
		do(t, os.Symlink("cache", c.Directory))
		saveFails(t, c, "file exists")
	})
}

// damaged are files that were kept, and what became of them.
func damaged(t *testing.T, kept []byte) map[string][]byte {
	t.Helper()
	first, rest, _ := bytes.Cut(kept, []byte("\n"))
	changed := func(change func(*header)) []byte {
		var about header
		do(t, json.Unmarshal(first, &about))
		change(&about)
		text, err := json.Marshal(about)
		do(t, err)
		return append(append(text, '\n'), rest...)
	}
	digestOf := func(text string) string {
		digest := sha256.Sum256([]byte(text))
		return hex.EncodeToString(digest[:])
	}
	const cut, notThose, early = "it ends in its first line", "the rules are not those that were kept", "it ends before its documents do"
	return map[string][]byte{
		cut + " (nothing)":                                             {},
		cut + " (a byte)":                                              kept[:1],
		cut + " (the line without its end)":                            first,
		notThose + " (no documents)":                                   kept[:len(first)+1],
		notThose + " (the last byte)":                                  kept[:len(kept)-1],
		notThose + " (more)":                                           append(bytes.Clone(kept), ' '),
		notThose + " (another byte)":                                   append(bytes.Clone(kept[:len(kept)-1]), '.'),
		notThose + " (another digest)":                                 changed(func(h *header) { h.Digest = digestOf("") }),
		notThose + " (a digest in capitals)":                           changed(func(h *header) { h.Digest = strings.ToUpper(h.Digest) }),
		notThose + " (no digest)":                                      changed(func(h *header) { h.Digest = "" }),
		early + " (a long document)":                                   changed(func(h *header) { h.Documents[0].Bytes = len(rest) + 1 }),
		early + " (a very long document)":                              changed(func(h *header) { h.Documents[0].Bytes = 1<<63 - 1 }),
		early + " (one that has to be shorter)":                        changed(func(h *header) { h.Documents[4].Bytes++ }),
		early + " (a negative one)":                                    changed(func(h *header) { h.Documents[1].Bytes = -1 }),
		"it goes on after its documents (one less)":                    changed(func(h *header) { h.Documents = h.Documents[:4] }),
		"it goes on after its documents (shorter)":                     changed(func(h *header) { h.Documents[4].Bytes-- }),
		"it goes on after its documents (none)":                        changed(func(h *header) { h.Documents = nil }),
		"its first line: unexpected end of JSON input (an empty line)": append([]byte("\n"), rest...),
		"its first line: unexpected end of JSON input (half a line)":   append(bytes.Clone(first[:len(first)/2]), '\n'),
		"its first line: invalid character 'r' looking for beginning of value (garbage)":                      []byte("rules\n"),
		"its first line: json: cannot unmarshal array into Go value of type repository.header (another JSON)": []byte("[]\n"),
	}
}

// TestADamagedFileIsOfNoUse, wherever it is damaged. The next one that is saved
// takes its place.
func TestADamagedFileIsOfNoUse(t *testing.T) {
	t.Parallel()
	c, r := keeper(t), opened(t, "file:///etc/rules")
	do(t, c.Save(r, several, noon))
	kept, err := os.ReadFile(c.path(r))
	do(t, err)
	for name, text := range damaged(t, kept) {
		write(t, map[string]string{c.path(r): string(text)})
		content, _, err := c.Load(r)
		reason, _, _ := strings.Cut(name, " (")
		if want := c.path(r) + ": is damaged: " + reason; err == nil || err.Error() != want || !cmp.Equal(content, Content{}) {
			t.Errorf("%s:\n got %v\nwant %s", name, err, want)
		}
	}
	// With any other byte in it the rules are those that were kept, or there are none.
	for i := range kept {
		text := bytes.Clone(kept)
		text[i] ^= 0x20
		write(t, map[string]string{c.path(r): string(text)})
		content, _, err := c.Load(r)
		if err != nil && cmp.Equal(content, Content{}) {
			continue
		}
		for j, d := range content.Documents {
			if err != nil || len(content.Documents) != len(several.Documents) || !bytes.Equal(d.Text, several.Documents[j].Text) {
				t.Errorf("with another byte at %d: %q, %v", i, told(content), err)
			}
		}
	}
	write(t, map[string]string{c.path(r): ""})
	do(t, os.Truncate(c.path(r), 2*document.MaxSize+1))
	want := fmt.Sprintf("%s: is no file that was kept: it has %d bytes", c.path(r), 2*document.MaxSize+1)
	if _, _, err := c.Load(r); err == nil || err.Error() != want {
		t.Error(err)
	}
	do(t, c.Save(r, several, noon))
	c.keeps(t, r, several, noon.Truncate(time.Second))
	if names := c.files(t); len(names) != 1 {
		t.Errorf("left are %q", names)
	}
}

func TestAFileOfAnotherRepositoryIsOfNoUse(t *testing.T) {
	t.Parallel()
	c, r, other := keeper(t), opened(t, "file:///etc/rules"), opened(t, "https://ada:secret@h/r")
	do(t, c.Save(other, several, noon))
	do(t, os.Rename(c.path(other), c.path(r)))
	want := c.path(r) + ": is about another repository, https://h/r"
	if content, _, err := c.Load(r); err == nil || err.Error() != want || !cmp.Equal(content, Content{}) {
		t.Errorf("got %v, want %s", err, want)
	}
}

// FuzzParse: whatever stands in a file, it is refused or is what saving it again
// would write about the same documents.
func FuzzParse(f *testing.F) {
	c := Cache{Directory: f.TempDir()}
	r, err := Open("file:///etc/rules", nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, content := range []Content{several, {}, {Documents: []Document{{Name: "a"}}}} {
		if err := c.Save(r, content, noon); err != nil {
			f.Fatal(err)
		}
		text, err := os.ReadFile(c.path(r))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
		f.Add(text[:len(text)/2])
		f.Add(append(text, '\n'))
	}
	f.Add([]byte("{}\n"))
	f.Add([]byte(`{"documents":[{"bytes":-1},{"bytes":9223372036854775807}],"digest":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}` + "\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		about, content, err := parse(text)
		if err != nil {
			return
		}
		do(t, c.Save(r, content, about.Saved))
		again, saved, err := c.Load(r)
		do(t, err)
		if difference := cmp.Diff(content, again); difference != "" || !saved.Equal(about.Saved.Truncate(time.Second)) {
			t.Errorf("%v, before %v:\n%s", saved, about.Saved, difference)
		}
	})
}

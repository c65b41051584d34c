package repository

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// patience bounds a test that hangs. It measures nothing.
const patience = 30 * time.Second

func opened(t *testing.T, url string, servers ...Server) *Repository {
	t.Helper()
	r, err := Open(url, servers)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// read reads within the bound of a test that hangs.
func read(t *testing.T, r *Repository) (Content, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	return r.Read(ctx)
}

// holds fails the test unless the repository has these documents, each told as
// "name: text", or as "name! error".
func holds(t *testing.T, r *Repository, want ...string) Content {
	t.Helper()
	content, err := read(t, r)
	if err != nil {
		t.Fatalf("%s: %v", r.Name, err)
	}
	if got := told(content); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Fatalf("%s\n got %q\nwant %q", r.Name, got, want)
	}
	return content
}

func told(content Content) (documents []string) {
	for _, d := range content.Documents {
		if d.Err != nil {
			documents = append(documents, d.Name+"! "+d.Err.Error())
		} else {
			documents = append(documents, d.Name+": "+string(d.Text))
		}
	}
	return documents
}

// fails fails the test unless reading the repository does, for this reason.
func fails(t *testing.T, r *Repository, want string) {
	t.Helper()
	failsFor(t, r, want, false)
}

// failsForNow is for what may be over the next time.
func failsForNow(t *testing.T, r *Repository, want string) {
	t.Helper()
	failsFor(t, r, want, true)
}

func failsFor(t *testing.T, r *Repository, want string, now bool) {
	t.Helper()
	content, err := read(t, r)
	if err == nil || err.Error() != want || len(content.Documents) > 0 {
		t.Fatalf("%s\n got %q, %v\nwant %s", r.Name, told(content), err, want)
	}
	if Temporary(err) != now {
		t.Errorf("%s: is temporary: %t", want, !now)
	}
}

// write writes files, and the directories that they are in.
func write(t *testing.T, files map[string]string) {
	t.Helper()
	for path, text := range files {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func do(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

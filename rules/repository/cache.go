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
	"time"

	"ostiary/config/document"
)

// Cache keeps the last good content of repositories in a directory, for a start
// while they cannot be read. Each has a file of its own, which is whole or not
// there: it is renamed into its place, and says what it has to hold. Rules may
// have secrets in them, so only the engine's own user can read the files.
type Cache struct{ Directory string }

// header is the first line of a file; the documents follow, one after the other.
type header struct {
	Repository string    `json:"repository"`
	Position   string    `json:"position,omitempty"`
	Saved      time.Time `json:"saved"`
	Digest     string    `json:"digest"` // of all that follows
	Documents  []extent  `json:"documents"`
}

type extent struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"`
}

// ErrNotCached is for a repository that nothing is kept of.
var ErrNotCached = errors.New("nothing is kept of it")

func (c Cache) path(r *Repository) string {
	digest := sha256.Sum256([]byte(r.Key))
	return filepath.Join(c.Directory, hex.EncodeToString(digest[:16])+".rules")
}

// Save keeps the content in place of what was kept before.
func (c Cache) Save(r *Repository, content Content, now time.Time) error {
	if err := c.save(r, content, now); err != nil {
		return fmt.Errorf("the last good rules of %s cannot be kept in %s: %w", r.Name, c.Directory, reason(err))
	}
	return nil
}

func (c Cache) save(r *Repository, content Content, now time.Time) (err error) {
	about := header{Repository: r.Name, Position: content.Position, Saved: now.UTC().Truncate(time.Second)}
	hash := sha256.New()
	for _, d := range content.Documents {
		hash.Write(d.Text)
		about.Documents = append(about.Documents, extent{d.Name, len(d.Text)})
	}
	about.Digest = hex.EncodeToString(hash.Sum(nil))
	first, err := json.Marshal(about)
	if err != nil {
		return err //nolint:wrapcheck // Save says what failed
	}
	const private = 0o700
	if err := os.MkdirAll(c.Directory, private); err != nil {
		return err //nolint:wrapcheck // likewise
	}
	file, err := os.CreateTemp(c.Directory, ".*.rules") // for its owner alone
	if err != nil {
		return err //nolint:wrapcheck // likewise
	}
	defer func() {
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if _, err := file.Write(append(first, '\n')); err != nil {
		return err //nolint:wrapcheck // likewise
	}
	for _, d := range content.Documents {
		if _, err := file.Write(d.Text); err != nil {
			return err //nolint:wrapcheck // likewise
		}
	}
	if err := file.Sync(); err != nil {
		return err //nolint:wrapcheck // likewise
	}
	if err := file.Close(); err != nil {
		return err //nolint:wrapcheck // likewise
	}
	return os.Rename(file.Name(), c.path(r)) //nolint:wrapcheck // likewise
}

// Load is what was kept last, and when. An error is [ErrNotCached], or says why
// what is kept is of no use.
func (c Cache) Load(r *Repository) (content Content, saved time.Time, err error) {
	path := c.path(r)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return content, saved, ErrNotCached
	case err != nil:
		return content, saved, fmt.Errorf("%s: %w", path, reason(err))
	case info.Size() > 2*document.MaxSize:
		return content, saved, fmt.Errorf("%s: is no file that was kept: it has %d bytes", path, info.Size())
	case !info.Mode().IsRegular():
		return content, saved, fmt.Errorf("%s: is no file that was kept", path)
	}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the directory
	if err != nil {
		return content, saved, fmt.Errorf("%s: %w", path, reason(err))
	}
	about, content, err := parse(text)
	switch {
	case err != nil:
		return Content{}, saved, fmt.Errorf("%s: is damaged: %w", path, err)
	case about.Repository != r.Name:
		return Content{}, saved, fmt.Errorf("%s: is about another repository, %s", path, about.Repository)
	}
	return content, about.Saved, nil
}

func parse(text []byte) (about header, content Content, err error) {
	first, rest, found := bytes.Cut(text, []byte("\n"))
	if !found {
		return about, content, errors.New("it ends in its first line")
	}
	if err := json.Unmarshal(first, &about); err != nil {
		return about, content, fmt.Errorf("its first line: %w", err)
	}
	if digest := sha256.Sum256(rest); about.Digest != hex.EncodeToString(digest[:]) {
		return about, content, errors.New("the rules are not those that were kept")
	}
	content.Position = about.Position
	for _, d := range about.Documents {
		if d.Bytes < 0 || d.Bytes > len(rest) {
			return about, content, errors.New("it ends before its documents do")
		}
		content.Documents = append(content.Documents, Document{Name: d.Name, Text: rest[:d.Bytes:d.Bytes]})
		rest = rest[d.Bytes:]
	}
	if len(rest) > 0 {
		return about, content, errors.New("it goes on after its documents")
	}
	return about, content, nil
}

package rules

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"ostiary/config/document"
)

// repository is a source of rules that can be read again (contract 2.4).
type repository struct {
	url  string
	name string                 // how messages call it
	path string                 // of the file; empty if there is none to watch
	read func() ([]byte, error) // the whole document
}

// parseRepository understands an entry of access_rules.repositories.
func parseRepository(text string) (*repository, error) {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		return nil, fmt.Errorf("%q is not a URL such as file:///etc/rules/access-rules.json", text)
	}
	switch scheme {
	case "file":
		return fileRepository(text, rest)
	case "inline":
		content, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return nil, fmt.Errorf("the text behind inline:// is not base64 (standard alphabet, with padding): %w", err)
		}
		return &repository{url: text, name: "inline://", read: func() ([]byte, error) { return content, nil }}, nil
	case "http", "https", "s3", "gs", "azblob":
		return nil, fmt.Errorf("%s:// is not supported by this version; use file:// or inline://", scheme)
	default:
		return nil, fmt.Errorf("there are no repositories of the kind %s://; use file:// or inline://", scheme)
	}
}

// fileRepository names a file by what stands behind file://, which is a path
// and has no host: it may be relative to the working directory.
func fileRepository(text, rest string) (*repository, error) {
	rest, _, _ = strings.Cut(rest, "?")
	path, err := url.PathUnescape(rest)
	if err != nil {
		return nil, fmt.Errorf("%q has a bad escape: %w", text, err)
	}
	if path == "" {
		return nil, fmt.Errorf("%q names no file", text)
	}
	path = filepath.Clean(path)
	return &repository{url: text, name: path, path: path, read: func() ([]byte, error) { return readFile(path) }}, nil
}

func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, unwrapPath(err)
	case info.IsDir():
		return nil, errors.New("is a directory, not a file")
	case info.Size() > document.MaxSize:
		return nil, fmt.Errorf("has %d bytes, more than the %d that are read", info.Size(), document.MaxSize)
	}
	content, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, unwrapPath(err)
	}
	return content, nil
}

// unwrapPath takes the path out of an error, because messages begin with it.
func unwrapPath(err error) error {
	var inPath *fs.PathError
	if errors.As(err, &inPath) {
		return inPath.Err
	}
	return err
}

// source is a repository with the last good rules that it held.
type source struct {
	*repository
	strict bool

	loaded   bool // at least once
	digest   [sha256.Size]byte
	rules    []*definition
	warnings document.Problems

	failed  [sha256.Size]byte // what could not be read; zero if the last read was good
	problem document.Problems
}

// readAs says whether unknown keys are mistakes. When that changes, the same
// text is to be judged anew.
func (s *source) readAs(strict bool) {
	if s.strict != strict {
		s.strict, s.digest, s.failed = strict, [sha256.Size]byte{}, [sha256.Size]byte{}
	}
}

// refresh reads the repository. What cannot be read whole never replaces what
// was: the last good rules stay, and problem says why.
func (s *source) refresh() {
	content, err := s.read()
	digest := sha256.Sum256(content)
	if err != nil {
		digest = sha256.Sum256([]byte("unreadable\x00" + err.Error()))
	}
	switch {
	case s.loaded && err == nil && digest == s.digest:
		s.failed, s.problem = [sha256.Size]byte{}, nil
		return
	case digest == s.failed:
		return
	}
	var problems document.Problems
	var rules []*definition
	var warnings document.Problems
	if err != nil {
		problems = document.Problems{{File: s.name, Message: err.Error()}}
	} else {
		rules, warnings, problems = parse(s.name, content, s.strict)
	}
	if len(problems) > 0 {
		s.failed, s.problem = digest, problems
		return
	}
	s.loaded, s.digest, s.rules, s.warnings = true, digest, rules, warnings
	s.failed, s.problem = [sha256.Size]byte{}, nil
}

package config

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"
)

// maxReferenced bounds what is read of a file that a reference names, in bytes.
const maxReferenced = 1 << 20

// referenced reads a file that a reference names. An empty one is a mistake:
// where a secret is empty, protection may be off.
func referenced(path string) (text string, content []byte, err error) {
	switch info, err := os.Stat(path); {
	case err != nil:
		return "", nil, fmt.Errorf("the file cannot be read: %w", reason(err))
	case !info.Mode().IsRegular(): // which may have something else to say each time, or nothing for ever
		return "", nil, errors.New("this is not a regular file; name one")
	}
	content, err = readFile(path, maxReferenced)
	if err != nil {
		return "", nil, fmt.Errorf("the file cannot be read: %w", reason(err))
	}
	if !utf8.Valid(content) || bytes.IndexByte(content, 0) >= 0 {
		return "", content, errors.New("the file is not text in UTF-8")
	}
	text = withoutLineEnd(string(content))
	if text == "" {
		return "", content, errors.New("the file is empty; write the value into it")
	}
	return text, content, nil
}

// withoutLineEnd takes away the line end that editors leave at the end of a
// file.
func withoutLineEnd(text string) string {
	if line, ended := strings.CutSuffix(text, "\n"); ended {
		return strings.TrimSuffix(line, "\r")
	}
	return text
}

// Fingerprint tells the contents of a file that a reference names from each
// other; that of a file that cannot be used is zero.
func Fingerprint(path string) [sha256.Size]byte {
	_, content, err := referenced(path)
	if err != nil {
		return [sha256.Size]byte{}
	}
	return sha256.Sum256(content)
}

// sources are where references lead.
type sources struct {
	environ      map[string]string
	files        map[string]string // that have been read, by their paths
	fingerprints map[string][sha256.Size]byte
}

func newSources(environ []string) *sources {
	return &sources{environ: pairs(environ), files: map[string]string{}, fingerprints: map[string][sha256.Size]byte{}}
}

// wherePathsBegin is advice about a file that is not where it was looked for.
func wherePathsBegin(name, directory string) string {
	switch {
	case filepath.IsAbs(name):
		return ""
	case directory == "":
		return "; a relative path in a variable begins in the working directory"
	default:
		return "; a relative path begins where the configuration file is"
	}
}

// follow is what a reference leads to. A relative path begins in the directory.
func (s *sources) follow(r *reference, directory string) (string, error) {
	if r.begin == toEnvironment {
		switch text, set := s.environ[r.name]; {
		case !set:
			return "", fmt.Errorf("%s: the environment variable is not set; set it to the value", r)
		case text == "":
			return "", fmt.Errorf("%s: the environment variable is empty; set it to the value", r)
		case !utf8.ValidString(text):
			return "", fmt.Errorf("%s: the environment variable is not text in UTF-8", r)
		default:
			return text, nil
		}
	}
	path := r.name
	if !filepath.IsAbs(path) {
		path = filepath.Join(directory, path)
	}
	if text, read := s.files[path]; read { // so that all of a load sees one content
		return text, nil
	}
	text, content, err := referenced(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return "", fmt.Errorf("%s: %w%s", r, err, wherePathsBegin(r.name, directory))
		}
		return "", fmt.Errorf("%s: %w", r, err)
	}
	s.files[path], s.fingerprints[path] = text, sha256.Sum256(content)
	return text, nil
}

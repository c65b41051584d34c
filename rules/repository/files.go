package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"ostiary/config/document"
)

// endings are those of the files in a directory that have rules in them.
var endings = []string{".json", ".yaml", ".yml"}

var errNoRuleFile = errors.New("is a directory without a rule file (*.json, *.yaml or *.yml); for no rules write a file with []")

// openFiles names a file, a directory or a pattern of files by what stands
// behind file://, which is a path and has no host: it may be relative to the
// working directory. An asterisk or a bracket makes it a pattern unless it is
// escaped, as %2A or %5B.
func openFiles(text, rest string) (*Repository, error) {
	rest, _, _ = strings.Cut(rest, "?")
	path, err := url.PathUnescape(rest)
	if err != nil {
		return nil, fmt.Errorf("the path behind file:// has a bad escape: %w", err)
	}
	if path == "" {
		return nil, fmt.Errorf("%q names no file", text)
	}
	path = filepath.Clean(path)
	if strings.ContainsAny(rest, "*[") {
		return openPattern(text, rest)
	}
	files := []string{Literally(path)}
	for _, ending := range endings {
		files = append(files, filepath.Join(Literally(path), "*"+ending))
	}
	return &Repository{Key: files[0], Name: path, Files: files, read: func(context.Context) (Content, error) {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return readDirectory(path)
		}
		text, err := readFile(path)
		if err != nil {
			return Content{}, err
		}
		return Content{Documents: []Document{{Name: path, Text: text}}, Position: target(path)}, nil
	}}, nil
}

// isHidden reports whether a file is none that an operator put there: editors
// and the kubelet have files of their own beside the rules.
func isHidden(name string) bool { return strings.HasPrefix(name, ".") }

func readDirectory(path string) (Content, error) {
	entries, err := os.ReadDir(path)
	if err != nil {
		return Content{}, reason(err)
	}
	var paths []string
	for _, entry := range entries {
		name := entry.Name()
		if !isHidden(name) && slices.Contains(endings, filepath.Ext(name)) {
			paths = append(paths, filepath.Join(path, name))
		}
	}
	if len(paths) == 0 {
		return Content{}, errNoRuleFile
	}
	return readAll(paths)
}

func readAll(paths []string) (Content, error) {
	var content Content
	for _, path := range paths {
		content.Documents = append(content.Documents, readDocument(path))
	}
	return content, nil
}

func readDocument(path string) Document {
	text, err := readFile(path)
	return Document{Name: path, Text: text, Err: err}
}

// readFile reads a whole file. An error does not name it, because messages
// begin with the name.
func readFile(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, reason(err)
	case info.IsDir():
		return nil, errors.New("is a directory, not a file")
	case !info.Mode().IsRegular():
		return nil, errors.New("is no file that can be read to its end")
	case info.Size() > document.MaxSize:
		return nil, fmt.Errorf("has %d bytes, more than the %d that are read", info.Size(), document.MaxSize)
	}
	content, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	return content, reason(err)
}

// reason is an error without the path.
func reason(err error) error {
	var inPath *fs.PathError
	var inPaths *os.LinkError
	switch {
	case errors.As(err, &inPath):
		return inPath.Err
	case errors.As(err, &inPaths):
		return inPaths.Err
	}
	return err
}

// target is where symbolic links lead from the path to: of a ConfigMap, the
// directory that the kubelet made for this version of it.
func target(path string) string {
	if resolved, err := filepath.EvalSymlinks(path); err == nil && resolved != path {
		return resolved
	}
	return ""
}

package repository

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"
	"syscall"
)

var errNoMatch = errors.New("no file is called like that; for no rules write a file with []")

// openPattern is for the paths that a pattern matches, as filepath.Match has it.
func openPattern(text, rest string) (*Repository, error) {
	var pattern strings.Builder
	for i := 0; i < len(rest); i++ {
		if rest[i] != '%' {
			pattern.WriteByte(rest[i])
			continue
		}
		unescaped, err := url.PathUnescape(rest[i : i+3])
		if err != nil {
			return nil, fmt.Errorf("the path behind file:// has a bad escape: %w", err)
		}
		pattern.WriteString(Literally(unescaped))
		i += 2
	}
	cleaned := filepath.Clean(pattern.String())
	for step := range strings.SplitSeq(cleaned, separator) { // no bracket goes beyond its directory
		if _, err := path.Match(step, ""); err != nil { // filepath.Match only looks as far as it matches
			return nil, fmt.Errorf("%q is no pattern of paths: a bracket is not closed, or nothing follows a backslash", text)
		}
	}
	return &Repository{Key: cleaned, Name: cleaned, Files: []string{cleaned}, read: func(context.Context) (Content, error) {
		paths, err := matching(cleaned)
		switch {
		case err != nil:
			return Content{}, err
		case len(paths) == 0:
			return Content{}, errNoMatch
		}
		return readAll(paths)
	}}, nil
}

const separator = string(filepath.Separator)

// matching are the paths that match, in order. Unlike those of filepath.Glob they
// are all there are: a directory that cannot be looked into is an error. What is
// hidden only matches if the pattern says so, on the way as well: the directory
// that the kubelet hides beside the files of a ConfigMap has them once more.
func matching(pattern string) ([]string, error) {
	rest, rooted := strings.CutPrefix(pattern, separator)
	found := []string{""}
	if rooted {
		found[0] = separator
	}
	for step := range strings.SplitSeq(rest, separator) {
		var next []string
		for _, directory := range found {
			names, err := called(step, directory)
			if err != nil {
				return nil, err
			}
			for _, name := range names {
				next = append(next, filepath.Join(directory, name))
			}
		}
		found = next
	}
	return found, nil
}

// called are the names in a directory that match.
func called(step, directory string) (names []string, err error) {
	if directory == "" {
		directory = "."
	}
	if name, only := Only(step); only {
		if _, err := os.Lstat(filepath.Join(directory, name)); isAbsent(err) {
			return nil, nil
		}
		return []string{name}, nil // if it cannot be told, reading it will say so
	}
	entries, err := os.ReadDir(directory)
	switch {
	case isAbsent(err):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%s: %w", directory, reason(err))
	}
	for _, entry := range entries {
		name := entry.Name()
		if matches, err := filepath.Match(step, name); matches && err == nil && (!isHidden(name) || isHidden(step)) {
			names = append(names, name)
		}
	}
	return names, nil
}

func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR)
}

// Literally is the pattern that matches nothing but the text.
func Literally(text string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(text)
}

// Only is the one text that a pattern matches; false if it may match others.
func Only(pattern string) (text string, only bool) {
	var b strings.Builder
	for i := 0; i < len(pattern); i++ {
		switch pattern[i] {
		case '*', '?', '[':
			return "", false
		case '\\':
			if i++; i == len(pattern) {
				return "", false
			}
		}
		b.WriteByte(pattern[i])
	}
	return b.String(), true
}

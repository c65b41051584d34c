package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"ostiary/config/document"
)

// formats are the kinds of file, by extension. Case matters (contract 1.1).
var formats = map[string]document.Format{
	".yaml": document.YAML,
	".yml":  document.YAML,
	".json": document.JSON,
	".toml": document.TOML,
}

// parseFile reads a configuration file, whose value is always a map.
func parseFile(name string) (*document.Document, *document.Problem) {
	mistake := func(format string, args ...any) *document.Problem {
		return &document.Problem{File: name, Message: fmt.Sprintf(format, args...)}
	}
	format, known := formats[filepath.Ext(name)]
	if !known {
		return nil, mistake("this kind of file is not known; its name must end in .yaml, .yml, .json or .toml")
	}
	source, err := readFile(name, document.MaxSize)
	if err != nil {
		return nil, mistake("the file cannot be read: %v", reason(err))
	}
	parsed, err := document.Parse(name, source, format)
	if empty := new(document.Empty); errors.As(err, &empty) || (err == nil && parsed.Value == nil) {
		return nil, mistake("the file is empty; write at least one setting, or leave the file out")
	}
	if problem := (document.Problem{}); errors.As(err, &problem) {
		return nil, &problem
	}
	if _, ok := parsed.Value.(map[string]any); !ok {
		problem := mistake("expected an object with keys such as serve and access_rules, got %s", document.TypeName(parsed.Value))
		problem.Line = parsed.Line(nil)
		return nil, problem
	}
	return parsed, nil
}

// readFile reads a file of at most so many bytes.
func readFile(name string, limit int64) ([]byte, error) {
	file, err := os.Open(name) //nolint:gosec // the operator names the file
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, limit+1))
	if err == nil && int64(len(text)) > limit {
		err = fmt.Errorf("it is longer than the %d bytes that are read", limit)
	}
	return text, err
}

// reason is why a file cannot be read, without its name.
func reason(err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

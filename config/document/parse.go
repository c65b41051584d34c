package document

import (
	"bytes"
	"encoding/json"
	"fmt"
	"sync"
)

// Format is a language a document can be written in.
type Format int

// The formats. Sniff is for access rules (contract 2.1): JSON if the bytes are
// valid JSON and YAML otherwise, in which, other than in a document whose
// format is known to be YAML, yes, no, on and off without quotes are booleans
// too (contract 1.1).
const (
	Sniff Format = iota
	JSON
	YAML
	TOML
)

// Bounds on what is read.
const (
	// MaxSize bounds documents, in bytes. Ten thousand access rules are some
	// five megabytes.
	MaxSize = 64 << 20
	// maxDepth bounds how deep lists and maps stand in each other.
	maxDepth = 1000
)

// Document is a parsed file and what is needed to find its values again.
type Document struct {
	Name  string // as the operator named the file
	Value any
	// Warnings name what is read in one of several possible ways, such as a
	// key that is there twice.
	Warnings []Problem

	source []byte
	format Format
	places func() *place // made when first asked for: only mistakes need it
}

// Parse reads one document. Of several YAML documents it reads the first. A
// document without any value, such as a file of zero bytes, has *Empty as its
// error; every other error is a Problem with the line of the mistake.
func Parse(name string, source []byte, format Format) (*Document, error) {
	source = bytes.TrimPrefix(source, []byte("\ufeff"))
	d := &Document{Name: name, source: source, format: format}
	if len(source) > MaxSize {
		return nil, d.problem(0, fmt.Sprintf("the file is longer than the %d bytes that are read", MaxSize))
	}
	if len(bytes.TrimSpace(source)) == 0 {
		return nil, &Empty{Name: name}
	}
	if format == Sniff && json.Valid(source) {
		d.format = JSON
	}
	if err := d.parse(); err != nil {
		if d.format == Sniff && looksLikeJSON(source) {
			// Broken JSON is no YAML either; the JSON parser says it better.
			if _, better := (&jsonReader{document: d}).read(); better != nil {
				return nil, better
			}
		}
		return nil, err
	}
	return d, nil
}

func (d *Document) parse() (err error) {
	switch d.format {
	case JSON:
		d.places = sync.OnceValue(d.placesJSON)
		d.Value, err = (&jsonReader{document: d}).read()
	case TOML:
		d.places = sync.OnceValue(d.placesTOML)
		d.Value, err = d.parseTOML()
	case Sniff, YAML:
		d.Value, err = d.parseYAML()
	}
	return err
}

// Empty says that a document holds nothing at all: a file that was truncated
// and not yet written again looks like that.
type Empty struct{ Name string }

func (e *Empty) Error() string { return e.Name + ": the file is empty" }

func looksLikeJSON(source []byte) bool {
	first := bytes.TrimLeft(source, " \t\r\n")
	return len(first) > 0 && (first[0] == '{' || first[0] == '[')
}

func (d *Document) problem(line int, message string) error {
	return Problem{File: d.Name, Line: line, Message: message}
}

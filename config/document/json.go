package document

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonReader reads a value token by token, because the decoder by itself
// neither tells of a key that is there twice nor bounds a number.
type jsonReader struct {
	document *Document
	decoder  *json.Decoder
	lines    lines
	depth    int
}

func (r *jsonReader) read() (any, error) {
	r.decoder = json.NewDecoder(bytes.NewReader(r.document.source))
	r.decoder.UseNumber()
	value, err := r.value()
	if err != nil {
		return nil, err
	}
	if _, err := r.decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, r.problem(r.decoder.InputOffset(), "more text behind the value")
	}
	return value, nil
}

func (r *jsonReader) value() (any, error) {
	token, err := r.token()
	if err != nil {
		return nil, err
	}
	switch t := token.(type) {
	case json.Delim:
		if r.depth++; r.depth > maxDepth {
			return nil, r.problem(r.decoder.InputOffset(), fmt.Sprintf("values stand more than %d deep in each other", maxDepth))
		}
		defer func() { r.depth-- }()
		if t == '{' {
			return r.object()
		}
		return r.array()
	case json.Number:
		n, ok := number(t.String())
		if !ok {
			return nil, r.problem(r.decoder.InputOffset(), "a number is too long or out of range")
		}
		return n, nil
	default:
		return t, nil
	}
}

func (r *jsonReader) object() (any, error) {
	into := map[string]any{}
	for r.decoder.More() {
		token, err := r.token()
		if err != nil {
			return nil, err
		}
		key, _ := token.(string)
		value, err := r.value()
		if err != nil {
			return nil, err
		}
		if _, twice := into[key]; twice {
			r.document.Warnings = append(r.document.Warnings, Problem{
				File: r.document.Name, Line: r.line(r.decoder.InputOffset()),
				Message: fmt.Sprintf("the key %q is there twice; the last one counts", shortened(key)),
			})
		}
		into[key] = value
	}
	_, err := r.token()
	return into, err
}

func (r *jsonReader) array() (any, error) {
	list := []any{}
	for r.decoder.More() {
		value, err := r.value()
		if err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	_, err := r.token()
	return list, err
}

func (r *jsonReader) token() (json.Token, error) {
	token, err := r.decoder.Token()
	if err == nil {
		return token, nil
	}
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return nil, r.problem(syntax.Offset, syntax.Error())
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, r.problem(int64(len(bytes.TrimSpace(r.document.source))), "the file ends in the middle of a value")
	}
	return nil, r.problem(r.decoder.InputOffset(), err.Error())
}

func (r *jsonReader) problem(offset int64, message string) error {
	return r.document.problem(r.line(offset), "invalid JSON: "+message)
}

func (r *jsonReader) line(offset int64) int {
	if r.lines == nil {
		r.lines = linesOf(r.document.source)
	}
	return r.lines.at(offset)
}

// jsonPlaces walks the tokens of a document that parses.
type jsonPlaces struct {
	source  []byte
	decoder *json.Decoder
	lines   lines
}

func (d *Document) placesJSON() *place {
	w := &jsonPlaces{source: d.source, decoder: json.NewDecoder(bytes.NewReader(d.source)), lines: linesOf(d.source)}
	root := &place{line: w.next()}
	w.walk(root)
	return root
}

func (w *jsonPlaces) walk(at *place) {
	token, err := w.decoder.Token()
	if err != nil {
		return
	}
	at.keys, at.items = nil, nil // of two equal keys the last one counts
	switch token {
	case json.Delim('{'):
		for w.decoder.More() {
			line := w.next()
			key, _ := w.decoder.Token()
			name, _ := key.(string)
			inner := at.key(name, line)
			inner.line = line
			w.walk(inner)
		}
		_, _ = w.decoder.Token()
	case json.Delim('['):
		for w.decoder.More() {
			inner := &place{line: w.next()}
			at.items = append(at.items, inner)
			w.walk(inner)
		}
		_, _ = w.decoder.Token()
	}
}

// next is the line of the token that follows.
func (w *jsonPlaces) next() int {
	offset := w.decoder.InputOffset()
	rest := w.source[offset:]
	return w.lines.at(offset + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n:,"))))
}

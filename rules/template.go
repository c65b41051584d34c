package rules

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// segment is a part of a URL template: literal text, or a pattern of the
// matching strategy that stood in angle brackets (contract 3.2).
type segment struct {
	text    string
	pattern bool
}

// String is the segment as it stands in a template.
func (s segment) String() string {
	if s.pattern {
		return "<" + s.text + ">"
	}
	return s.text
}

// splitTemplate cuts a URL template at its outermost angle brackets. Brackets
// inside of brackets are counted, whatever they mean to the pattern.
func splitTemplate(template string) ([]segment, error) {
	var segments []segment
	depth, start := 0, 0
	cut := func(end int, pattern bool) {
		if end > start || pattern {
			segments = append(segments, segment{template[start:end], pattern})
		}
		start = end + 1
	}
	for i := range len(template) {
		switch template[i] {
		case '<':
			if depth == 0 {
				cut(i, false)
			}
			depth++
		case '>':
			depth--
			if depth < 0 {
				return nil, fmt.Errorf("the > at column %d closes no <", i+1)
			}
			if depth == 0 {
				cut(i, true)
			}
		}
	}
	if depth > 0 {
		return nil, errors.New("a < is not closed")
	}
	cut(len(template), false)
	return segments, nil
}

// hostRange finds the segments that make up scheme and host: from the
// beginning to the first slash behind "://". end is the index of the segment
// with that slash: literal text, in which it stands at offset, or a pattern
// that runs on into the path. ok is false if the template does not say where
// its host begins.
func hostRange(segments []segment, strategy Strategy) (end, offset int, ok bool) {
	for i, s := range segments {
		from := 0
		if !ok {
			at := strings.Index(s.text, "://")
			if at < 0 {
				continue
			}
			ok, from = true, at+len("://")
		}
		if s.pattern {
			if strategy.namesSlash(s.text[from:]) {
				return i, 0, true
			}
		} else if slash := strings.IndexByte(s.text[from:], '/'); slash >= 0 {
			return i, from + slash, true
		}
	}
	return len(segments), 0, ok
}

// foldHost makes scheme and host comparable with those of a canonical
// request, which are in lower case (contract 14, host): literal text is
// lowered, and patterns are made to match what is. What runs on into the path
// is left alone, because paths are compared with their case.
func foldHost(segments []segment, strategy Strategy) []segment {
	end, offset, ok := hostRange(segments, strategy)
	if !ok {
		return segments
	}
	folded := slices.Clone(segments)
	for i := range end {
		if s := &folded[i]; s.pattern {
			s.text = strategy.fold(s.text)
		} else {
			s.text = strings.ToLower(s.text)
		}
	}
	if end < len(folded) && !folded[end].pattern {
		s := &folded[end]
		s.text = strings.ToLower(s.text[:offset]) + s.text[offset:]
	}
	return folded
}

package config

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// The beginnings of references to what stands elsewhere: in a file, or in an
// environment variable. Any other ${ is text like all text.
const (
	toFile        = "${file:"
	toEnvironment = "${env:"
)

// reference is one reference in a text.
type reference struct {
	begin string // toFile or toEnvironment
	name  string // of the file or the variable
}

func (r reference) String() string { return r.begin + r.name + "}" }

// piece is a part of a text: some literal text, or a reference.
type piece struct {
	literal   string
	reference *reference
}

// variableName is what environment variables are called that can be referred
// to. It keeps what shells write behind a name, such as :-default, from being
// taken for a part of it.
var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// pieces takes a text apart. A dollar sign before a reference makes it plain
// text: $${env:NAME} is the text ${env:NAME}.
func pieces(text string) ([]piece, error) {
	var all []piece
	literal := func(part string) {
		if part != "" {
			all = append(all, piece{literal: part})
		}
	}
	for {
		at, begin := nextReference(text)
		if begin == "" {
			literal(text)
			return all, nil
		}
		if at > 0 && text[at-1] == '$' {
			literal(text[:at-1] + begin)
			text = text[at+len(begin):]
			continue
		}
		literal(text[:at])
		text = text[at+len(begin):]
		name, rest, ended := strings.Cut(text, "}")
		found := reference{begin, name}
		if !ended {
			return nil, fmt.Errorf("a reference that begins with %s has no }; if it is meant as text, write $%s", begin, begin)
		}
		if err := found.check(); err != nil {
			return nil, err
		}
		all = append(all, piece{reference: &found})
		text = rest
	}
}

// nextReference finds the first reference of a text, escaped or not.
func nextReference(text string) (at int, begin string) {
	for _, candidate := range []string{toFile, toEnvironment} {
		if found := strings.Index(text, candidate); found >= 0 && (begin == "" || found < at) {
			at, begin = found, candidate
		}
	}
	return at, begin
}

// check finds out whether the name can be one.
func (r reference) check() error {
	switch {
	case r.name == "" && r.begin == toFile:
		return errors.New("${file:} names no file; write ${file:/path/to/it}")
	case strings.Contains(r.name, "${"):
		return fmt.Errorf("the reference %s has another one in it; a reference is one name, as it is written", r)
	case strings.ContainsFunc(r.name, isControl):
		return errors.New("a reference has control characters in its name")
	case r.begin == toEnvironment && !variableName.MatchString(r.name):
		return fmt.Errorf("%s names no environment variable: its name has letters, digits and _ only, and there are no defaults", r)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// refers tells whether a text has references in it, or what must be written
// otherwise because it looks like one.
func refers(text string) bool {
	_, begin := nextReference(text)
	return begin != ""
}

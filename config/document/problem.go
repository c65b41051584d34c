package document

import (
	"fmt"
	"strings"
)

// Problem is one mistake in a document: where it is and what to do about it.
type Problem struct {
	File    string // as the operator named it; empty if the value is in no file
	Line    int    // counted from 1; 0 if unknown
	Subject string // what the mistake is in, such as `rule "billing"`; may be empty
	Path    Path   // from the subject to the value
	Message string
}

// String writes the problem on one line: file:line: subject: path: message.
func (p Problem) String() string {
	var b strings.Builder
	if p.File != "" {
		b.WriteString(p.File)
		if p.Line > 0 {
			fmt.Fprintf(&b, ":%d", p.Line)
		}
		b.WriteString(": ")
	}
	if p.Subject != "" {
		b.WriteString(p.Subject + ": ")
	}
	if len(p.Path) > 0 {
		b.WriteString(p.Path.String() + ": ")
	}
	b.WriteString(p.Message)
	return oneLine.Replace(b.String())
}

var oneLine = strings.NewReplacer("\r\n", " ", "\n", " ", "\r", " ")

// Error makes a problem an error.
func (p Problem) Error() string { return p.String() }

// Problems are all the mistakes that were found in one go, an error as a whole.
type Problems []Problem

// Error lists the problems, one on each line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.String()
	}
	return strings.Join(lines, "\n")
}

// Err is nil when there are no problems.
func (p Problems) Err() error {
	if len(p) == 0 {
		return nil
	}
	return p
}

// Package template compiles the text templates of handler configurations and
// renders them for a session (contract 2.5). It does not know what the text is
// for.
package template

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"text/template"
	"text/template/parse"

	"github.com/Masterminds/sprig/v3"

	"ostiary/pipeline"
)

const (
	// maxOutput bounds what a template may render, in bytes, and what each function
	// in it may give, in bytes of a text and members of a list: a loop in a rule
	// must not be able to fill the memory.
	maxOutput = 1 << 20

	// maxSteps bounds how often a template may go through a loop and write, all
	// loops together: they go over what a client or a service has put into the
	// session, and one within another goes over it that many times.
	maxSteps = 100_000
)

// Template is a compiled template. It is safe for concurrent use.
type Template struct {
	constant bool
	text     string // what a constant template renders
	subject  bool   // it renders the subject and nothing else
	compiled *template.Template
}

var functions = func() template.FuncMap {
	all := sprig.TxtFuncMap()
	for name, own := range map[string]any{
		"printf": fmt.Sprintf, "println": fmt.Sprintln, "html": template.HTMLEscaper, "js": template.JSEscaper, "urlquery": template.URLQueryEscaper,
	} { // of text/template, which has no bounds
		all[name] = own
	}
	bound(all)
	all["print"] = printValue
	all["printIndex"] = printIndex
	return all
}()

// printValue shows a value, and nothing for one that is not there.
func printValue(value any) (string, error) {
	if value == nil {
		return "", nil
	}
	text := fmt.Sprint(value)
	return text, fits("print", len(text))
}

// printIndex shows an element of a list, and nothing if there is none.
func printIndex(list any, index int) (string, error) {
	value := reflect.ValueOf(list)
	if list == nil || (value.Kind() != reflect.Slice && value.Kind() != reflect.Array) || index < 0 || index >= value.Len() {
		return "", nil
	}
	text := fmt.Sprint(value.Index(index).Interface())
	return text, fits("printIndex", len(text))
}

// Compile reads a template. The name appears in its errors.
func Compile(name, text string) (*Template, error) {
	compiled, err := template.New(name).Option("missingkey=zero").Funcs(functions).Parse(text)
	if err != nil {
		return nil, errors.New(strings.TrimPrefix(err.Error(), "template: "))
	}
	constant := true
	var rendered strings.Builder // less than the text: comments and definitions render nothing
	for _, node := range compiled.Root.Nodes {
		text, isText := node.(*parse.TextNode)
		if constant = isText; !constant {
			break
		}
		rendered.Write(text.Text)
	}
	made := &Template{constant: constant, text: rendered.String(), subject: isSubject(compiled.Root.Nodes), compiled: compiled}
	if !made.constant && !made.subject {
		for _, defined := range compiled.Templates() {
			countSteps(defined.Root, true)
		}
	}
	return made, nil
}

// isSubject reports whether a template is the one that most rules have:
// {{ .Subject }} or {{ print .Subject }}.
func isSubject(nodes []parse.Node) bool {
	if len(nodes) != 1 {
		return false
	}
	action, ok := nodes[0].(*parse.ActionNode)
	if !ok || len(action.Pipe.Decl) > 0 || len(action.Pipe.Cmds) != 1 {
		return false
	}
	args := action.Pipe.Cmds[0].Args
	if function, ok := args[0].(*parse.IdentifierNode); ok && function.Ident == "print" {
		args = args[1:]
	}
	if len(args) != 1 {
		return false
	}
	field, ok := args[0].(*parse.FieldNode)
	return ok && len(field.Ident) == 1 && field.Ident[0] == "Subject"
}

var buffers = sync.Pool{New: func() any { return new(limited) }}

// Render executes the template for a session. A value that is missing inside a
// missing value, an index out of range or a function that fails is an error:
// a header made of half a truth is worse than none.
func (t *Template) Render(session *pipeline.Session) (string, error) {
	switch {
	case t.constant:
		return t.text, nil
	case t.subject && len(session.Subject) <= maxOutput:
		return session.Subject, nil
	}
	buffer, _ := buffers.Get().(*limited)
	defer buffers.Put(buffer)
	buffer.reset()
	if err := t.compiled.Execute(buffer, session); err != nil {
		return "", err
	}
	return buffer.String(), nil
}

// limited fails to write more than maxOutput bytes, or more often than maxSteps.
type limited struct {
	bytes.Buffer

	steps int
}

func (l *limited) reset() {
	l.Reset()
	l.steps = 0
}

func (l *limited) Write(p []byte) (int, error) {
	if l.steps++; l.steps > maxSteps {
		return 0, fmt.Errorf("the template takes more than %d steps", maxSteps)
	}
	if l.Len()+len(p) > maxOutput {
		return 0, fmt.Errorf("the template renders more than %d bytes", maxOutput)
	}
	return l.Buffer.Write(p)
}

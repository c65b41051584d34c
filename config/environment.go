package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"ostiary/config/document"
)

// variable is an environment variable that sets a value of the configuration.
type variable struct {
	name string
	text string
	path document.Path
}

func (v variable) file() string { return "environment variable " + v.name }

// stray tells whether the variable may have nothing to do with us: its name is
// a single word that any program might use, such as VERSION or LOG.
func (v variable) stray() bool { return !strings.Contains(v.name, "_") }

// readEnvironment lays the environment over the files. The name of a variable
// is the path of what it sets, in capitals and with _ between the words
// (contract 1.3). Variables for whole maps come before those for parts of
// them, and those for single items of lists come last.
func (l *loading) readEnvironment() error {
	paths, err := environmentNames(l.schema)
	if err != nil {
		return err
	}
	whole, items := l.find(paths)
	var overlay any = map[string]any{}
	for _, v := range whole {
		value, ok := l.read(v)
		if !ok {
			continue
		}
		value = marked(value, "")
		overlay = document.Merge(overlay, nest(v.path, value), nil)
		l.layers = append(l.layers, layer{name: v.file(), at: v.path, value: value})
	}
	l.merged = document.Merge(l.merged, overlay, l.schema.Replaces)
	for _, v := range items {
		l.setItem(v)
	}
	return nil
}

// environmentNames are the paths of all settings by the names of their
// variables, in small letters.
func environmentNames(schema *document.Schema) (map[string]document.Path, error) {
	names := make(map[string]document.Path)
	for _, path := range schema.Paths() {
		name := strings.ToLower(strings.Join(path, "_"))
		if other, twice := names[name]; twice {
			return nil, fmt.Errorf("the settings %s and %s have the same environment variable", other, path)
		}
		names[name] = path
	}
	return names, nil
}

// item is the name of a variable for one item of a list.
var item = regexp.MustCompile(`^(.+)_([0-9]{1,4})$`)

// find picks the variables that set something, in the order in which they are
// to be applied. Capitals do not matter, but they win.
func (l *loading) find(paths map[string]document.Path) (whole, items []variable) {
	for name, text := range pairs(l.source.Environ) {
		key := strings.ToLower(name)
		if path, ok := paths[key]; ok {
			whole = append(whole, variable{name, text, path})
			continue
		}
		if parts := item.FindStringSubmatch(key); parts != nil {
			if path, ok := paths[parts[1]]; ok && slices.Contains(l.schema.Types(path), "array") {
				index, _ := strconv.Atoi(parts[2])
				items = append(items, variable{name, text, path.With(strconv.Itoa(index))})
				continue
			}
		}
		if advice := unmatched(l.schema, key, paths); advice != "" {
			l.warnings = append(l.warnings, document.Problem{File: variable{name: name}.file(), Message: advice})
		}
	}
	inOrder := func(a, b variable) int {
		// Capitals sort before small letters, and are to be applied after them.
		return cmp.Or(len(a.path)-len(b.path), document.ComparePaths(a.path, b.path), -strings.Compare(a.name, b.name))
	}
	slices.SortFunc(whole, inOrder)
	slices.SortFunc(items, inOrder)
	return whole, items
}

// pairs are the variables by their names; of several with the same name the
// last one counts.
func pairs(environ []string) map[string]string {
	texts := make(map[string]string, len(environ))
	for _, pair := range environ {
		if name, text, ok := strings.Cut(pair, "="); ok {
			texts[name] = text
		}
	}
	return texts
}

// read makes a value of a variable. What is no value is a mistake, unless the
// variable is a stray.
func (l *loading) read(v variable) (any, bool) {
	value, err := valueOf(l.schema, v.path, v.text)
	if err != nil {
		l.refuse(v, err.Error())
		return nil, false
	}
	if v.stray() && !l.isOurs(v.path, value) {
		checked := document.Merge(l.schema.Defaults(), nest(v.path, value), nil)
		for _, violation := range l.schema.Check(checked) {
			if !violation.Missing {
				l.refuse(v, violation.Message)
				return nil, false
			}
		}
	}
	return value, true
}

func (l *loading) refuse(v variable, message string) {
	problem := document.Problem{File: v.file(), Path: v.path, Message: message}
	if v.stray() {
		problem.Message = "ignored, because it is not for this program or is mistaken: " + message
		l.warnings = append(l.warnings, problem)
		return
	}
	l.problems = append(l.problems, problem)
}

// isOurs tells whether a value can only be meant for us: it is a map with at
// least one key that belongs there. Mistakes in it are mistakes.
func (l *loading) isOurs(path document.Path, value any) bool {
	object, _ := value.(map[string]any)
	for key := range object {
		if l.schema.At(path.With(key)) != nil {
			return true
		}
	}
	return false
}

// setItem replaces one item of a list, or adds one at its end.
func (l *loading) setItem(v variable) {
	value, err := valueOf(l.schema, v.path, v.text)
	if err != nil {
		l.refuse(v, err.Error())
		return
	}
	at, last := v.path[:len(v.path)-1], v.path[len(v.path)-1]
	found, _ := document.Lookup(document.Merge(l.schema.Defaults(), l.merged, nil), at)
	list, _ := found.([]any)
	index, _ := strconv.Atoi(last)
	if index > len(list) {
		l.refuse(v, fmt.Sprintf("the list has only %d items, to which this one cannot be added; count from 0", len(list)))
		return
	}
	value = marked(value, "")
	list = append(slices.Clone(list[:index]), append([]any{value}, list[min(index+1, len(list)):]...)...)
	l.merged = document.Merge(l.merged, nest(at, list), nil)
	l.layers = append(l.layers, layer{name: v.file(), at: v.path, value: value})
}

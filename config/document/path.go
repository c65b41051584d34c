package document

import (
	"strconv"
	"strings"
	"unicode"
)

// Path leads from the root of a document to one of its values: keys of maps
// and, in decimal, indices of lists.
type Path []string

// With returns the path some steps further. The receiver is not changed.
func (p Path) With(step ...string) Path {
	return append(append(Path(nil), p...), step...)
}

// String writes the path the way an operator would:
// serve.proxy.cors.allowed_origins[1].
func (p Path) String() string {
	var b strings.Builder
	for _, step := range p {
		switch {
		case isIndex(step):
			b.WriteString("[" + step + "]")
		case step == "" || strings.ContainsFunc(step, needsQuotes):
			b.WriteString("[" + strconv.Quote(step) + "]")
		default:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(step)
		}
	}
	return b.String()
}

func isIndex(step string) bool {
	_, err := strconv.ParseUint(step, 10, 31)
	return err == nil
}

func needsQuotes(r rune) bool {
	return strings.ContainsRune(`. []":`, r) || !unicode.IsPrint(r)
}

// ComparePaths orders paths as their values follow each other: step by step,
// indices as numbers.
func ComparePaths(a, b Path) int {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			continue
		}
		if isIndex(a[i]) && isIndex(b[i]) && len(a[i]) != len(b[i]) {
			return len(a[i]) - len(b[i])
		}
		return strings.Compare(a[i], b[i])
	}
	return len(a) - len(b)
}

// Lookup follows the path through value and reports whether it leads anywhere.
func Lookup(value any, path Path) (any, bool) {
	for _, step := range path {
		switch v := value.(type) {
		case map[string]any:
			next, ok := v[step]
			if !ok {
				return nil, false
			}
			value = next
		case []any:
			i, ok := index(step, len(v))
			if !ok {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// index reads a step as a place in a list of that length.
func index(step string, length int) (int, bool) {
	i, err := strconv.Atoi(step)
	return i, err == nil && i >= 0 && i < length
}

package document_test

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ostiary/config/document"
)

// FuzzParse: whatever the bytes, parsing ends with plain values or with an
// error that has a line, and every value stands somewhere.
func FuzzParse(f *testing.F) {
	for _, folder := range []string{"good", "bad"} {
		files, err := filepath.Glob("../../testdata/config/" + folder + "/*")
		if err != nil || len(files) == 0 {
			f.Fatal(files, err)
		}
		for _, name := range files {
			format, known := formats[filepath.Ext(name)]
			if !known {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(text, int(format))
		}
	}
	f.Fuzz(func(t *testing.T, text []byte, format int) {
		parsed, err := document.Parse("f", text, document.Format(uint(format)%4))
		if err != nil {
			var empty *document.Empty
			var problem document.Problem
			if errors.As(err, &problem) == errors.As(err, &empty) || parsed != nil {
				t.Fatalf("the error is a %T: %v", err, err)
			}
			return
		}
		mustBePlain(t, parsed.Value)
		// YAML knows more line breaks, and a value that is left out stands in
		// the line behind the last.
		lines := 2 + strings.Count(string(text), "\n") + strings.Count(string(text), "\r") +
			strings.Count(string(text), "\u0085") + strings.Count(string(text), "\u2028") + strings.Count(string(text), "\u2029")
		walk(parsed.Value, nil, func(path document.Path) {
			if line := parsed.Line(path); line < 1 || line > lines {
				t.Fatalf("%s is at line %d of %d", path, line, lines)
			}
			_ = path.String()
			parsed.Line(path.With("absent", "7"))
		})
		schema.Check(parsed.Value)
		document.Merge(schema.Defaults(), parsed.Value, schema.Replaces)
	})
}

// walk visits every value, as long as there are not too many.
func walk(value any, path document.Path, visit func(document.Path)) {
	visit(path)
	if len(path) > 12 {
		return
	}
	switch v := value.(type) {
	case map[string]any:
		for key, item := range v {
			walk(item, path.With(key), visit)
		}
	case []any:
		for i, item := range v {
			walk(item, path.With(strconv.Itoa(i)), visit)
		}
	}
}

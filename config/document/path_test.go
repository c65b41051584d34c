package document_test

import (
	"slices"
	"testing"

	"ostiary/config/document"
)

func TestPathString(t *testing.T) {
	for _, test := range []struct {
		path document.Path
		want string
	}{
		{nil, ""},
		{document.Path{"serve", "proxy", "port"}, "serve.proxy.port"},
		{document.Path{"repositories", "1"}, "repositories[1]"},
		{document.Path{"0", "match", "methods", "10"}, "[0].match.methods[10]"},
		{document.Path{"headers", "X-User"}, "headers.X-User"},
		{document.Path{"headers", "a.b"}, `headers["a.b"]`},
		{document.Path{"headers", "a b", "c"}, `headers["a b"].c`},
		{document.Path{"headers", ""}, `headers[""]`},
		{document.Path{"headers", "a\nb"}, `headers["a\nb"]`},
		{document.Path{"headers", "-1"}, "headers.-1"},
		{document.Path{"ключ"}, "ключ"},
	} {
		if got := test.path.String(); got != test.want {
			t.Errorf("%q is %s, want %s", []string(test.path), got, test.want)
		}
	}
}

func TestPathWithKeepsTheReceiver(t *testing.T) {
	path := append(make(document.Path, 0, 8), "a")
	first, second := path.With("b"), path.With("c", "d")
	if first.String() != "a.b" || second.String() != "a.c.d" || path.String() != "a" {
		t.Errorf("%s, %s, %s", path, first, second)
	}
}

func TestComparePaths(t *testing.T) {
	sorted := []document.Path{nil, {"a"}, {"a", "2"}, {"a", "10"}, {"a", "10", "b"}, {"a", "b"}, {"b"}}
	if !slices.IsSortedFunc(sorted, document.ComparePaths) {
		t.Error("the order is another one")
	}
}

func TestLookup(t *testing.T) {
	value := map[string]any{"a": []any{"x", map[string]any{"b": nil}}}
	for path, want := range map[string]bool{"a": true, "a/0": true, "a/1/b": true, "a/2": false, "a/-1": false, "a/x": false, "a/0/b": false, "b": false} {
		steps := document.Path(split(path))
		if _, ok := document.Lookup(value, steps); ok != want {
			t.Errorf("%s: %v", path, ok)
		}
	}
	if got, ok := document.Lookup(value, nil); !ok || got == nil {
		t.Error("the root is not there")
	}
}

package main_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const modulePath = "ostiary"

// room is a package, or with /* at its end every package below one, and what of ours it may import.
type room struct {
	name string
	may  []string
}

// rooms says, for each of our packages, which others of ours it may import. A package
// that has no line here may not exist.
var rooms = []room{
	{"cmd/*", []string{"handlers", "rules", "rules/*", "config", "config/*", "pipeline", "pipeline/*"}},
	{"handlers", []string{"pipeline"}},
	{"rules", []string{"pipeline", "rules/automaton", "rules/repository", "config/document"}},
	{"rules/repository", []string{"config/document"}},
	{"rules/automaton", nil},
	{"pipeline", []string{"config/document"}},
	{"pipeline/authn", []string{"pipeline", "pipeline/internal/*", "config/document"}},
	{"pipeline/authz", []string{"pipeline", "pipeline/internal/*", "config/document"}},
	{"pipeline/mutate", []string{"pipeline", "pipeline/internal/*", "config/document"}},
	{"pipeline/onerror", []string{"pipeline", "pipeline/internal/*", "config/document"}},
	{"pipeline/internal/*", []string{"pipeline", "pipeline/internal/*", "config/document"}},
	{"config", []string{"config/document"}},
	{"config/document", nil},
}

// keepers are the only packages that may import these modules, so that each can be replaced in one place.
var keepers = map[string]string{
	"github.com/dlclark/regexp2":      "rules",
	"github.com/fsnotify/fsnotify":    "rules",
	"github.com/ory/kratos-client-go": "pipeline/authn",
	"github.com/go-chi/chi":           "handlers",
}

// source is a Go file that is no test.
type source struct {
	file  string // relative to the root
	room  string // its directory
	lines int
	tree  *ast.File
}

func TestImportsRunOneWay(t *testing.T) {
	for _, s := range readSources(t) {
		i := slices.IndexFunc(rooms, func(r room) bool { return inRoom(s.room, r.name) })
		if i < 0 {
			t.Errorf("%s: %s has no place in the order of imports", s.file, s.room)
			continue
		}
		for _, imported := range s.imports(t) {
			ours, isOurs := strings.CutPrefix(imported, modulePath+"/")
			if isOurs && !slices.ContainsFunc(rooms[i].may, func(name string) bool { return inRoom(ours, name) }) {
				t.Errorf("%s: %s must not import %s", s.file, s.room, ours)
			}
			for module, keeper := range keepers {
				if s.room != keeper && (inRoom(imported, module) || inRoom(imported, module+"/*")) {
					t.Errorf("%s: only %s may import %s", s.file, keeper, module)
				}
			}
		}
	}
}

// inRoom tells whether a package is the one that a room names, or with /* at its end, one below it.
func inRoom(pkg, name string) bool {
	if above, ok := strings.CutSuffix(name, "/*"); ok {
		return strings.HasPrefix(pkg, above+"/")
	}
	return pkg == name
}

func (s source) imports(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, spec := range s.tree.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatalf("%s: %v", s.file, err)
		}
		paths = append(paths, imported)
	}
	return paths
}

// readSources reads the heads of the module's Go files. Directories that the go command passes over are passed over.
func readSources(t *testing.T) []source {
	t.Helper()
	root := moduleRoot(t)
	var sources []source
	err := filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() {
			if file != root && (name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_")) {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		tree, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		sources = append(sources, source{relative, path.Dir(relative), strings.Count(string(text), "\n"), tree})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(sources) == 0 {
		t.Fatalf("no Go files below %s", root)
	}
	return sources
}

// moduleRoot is the nearest directory above the test that holds a go.mod.
func moduleRoot(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			t.Fatal("no go.mod above the test")
		}
		dir = parent
	}
}

package config_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"ostiary/config"
	"ostiary/config/document"
)

// FuzzLoad: whatever a file holds, loading it ends with a configuration or
// with problems of that file, the same ones each time.
func FuzzLoad(f *testing.F) {
	extensions := []string{".yaml", ".yml", ".json", ".toml"}
	for _, folder := range []string{"good", "bad"} {
		files, err := filepath.Glob("../testdata/config/" + folder + "/*")
		if err != nil || len(files) == 0 {
			f.Fatal(files, err)
		}
		for _, name := range files {
			for i, extension := range extensions {
				if filepath.Ext(name) != extension {
					continue
				}
				text, err := os.ReadFile(name)
				if err != nil {
					f.Fatal(err)
				}
				f.Add(text, i)
			}
		}
	}
	paths := composed(f, handlers).Paths()
	folder := f.TempDir()
	f.Fuzz(func(t *testing.T, text []byte, extension int) {
		name := filepath.Join(folder, "c"+extensions[uint(extension)%4])
		if err := os.WriteFile(name, text, 0o600); err != nil {
			t.Fatal(err)
		}
		source := config.Source{Files: []string{name}}
		loaded, err := attempt(source)
		if err == nil {
			for _, path := range paths {
				loaded.Where(path)
			}
			mustBeInOrder(t, loaded.Warnings)
			return
		}
		problems := mustBeProblems(t, err)
		for _, problem := range problems {
			if problem.File != name {
				t.Errorf("a problem of no file: %s", problem)
			}
		}
		if _, again := attempt(source); again == nil || again.Error() != err.Error() {
			t.Errorf("first %v, then %v", err, again)
		}
	})
}

// FuzzEnvironment: whatever a variable holds, it is used, ignored, or an error
// that names it.
func FuzzEnvironment(f *testing.F) {
	for i, path := range composed(f, handlers).Paths() {
		name := strings.ToUpper(strings.Join(path, "_"))
		texts := []string{"", "1", "true", "a,b", `["a"]`, `{"enabled":true}`, "5s", "null", "http://a/"}
		f.Add(name, texts[i%len(texts)])
		f.Add(name+"_0", texts[(i+1)%len(texts)])
	}
	f.Add("AUTHENTICATORS", `{"noop":{"enabled":true},"jwt":{"config":[]}}`)
	f.Add("MUTATORS_HEADER_CONFIG_HEADERS_X", "x")
	f.Fuzz(func(t *testing.T, name, text string) {
		if strings.Contains(name, "PATH") {
			return // would read any file
		}
		source := config.Source{Environ: []string{name + "=" + text}}
		loaded, err := attempt(source)
		if err == nil {
			mustBeInOrder(t, loaded.Warnings)
			return
		}
		name, _, _ = strings.Cut(name, "=")
		for _, problem := range mustBeProblems(t, err) {
			if problem.File != "environment variable "+name {
				t.Errorf("a problem of no variable: %s", problem)
			}
		}
		if _, again := attempt(source); again == nil || again.Error() != err.Error() {
			t.Errorf("first %v, then %v", err, again)
		}
	})
}

func mustBeProblems(t *testing.T, err error) document.Problems {
	t.Helper()
	var problems document.Problems
	if !errors.As(err, &problems) || len(problems) == 0 {
		t.Fatalf("the error is a %T: %v", err, err)
	}
	mustBeInOrder(t, problems)
	return problems
}

// mustBeInOrder looks for problems that are there twice, or without a message
// of one line.
func mustBeInOrder(t *testing.T, problems document.Problems) {
	t.Helper()
	seen := make(map[string]bool)
	for i, problem := range problems {
		text := problem.String()
		if seen[text] || problem.Message == "" || strings.ContainsAny(text, "\r\n") {
			t.Errorf("problem: %q", text)
		}
		seen[text] = true
		if i > 0 && problem.File == problems[i-1].File && problem.Line < problems[i-1].Line {
			t.Errorf("%s comes after %s", problem, problems[i-1])
		}
	}
}

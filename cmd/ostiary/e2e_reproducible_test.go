//go:build e2e

package main_test

import (
	"bytes"
	"crypto/sha256"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestE2EReproducibleBuild: the same sources make the same bytes, whatever directory they are in, and whether or not git
// knows them. The bill of materials is the same, too, and names every module of the binary.
func TestE2EReproducibleBuild(t *testing.T) {
	t.Parallel()
	first, second := newSourceCopy(t, "one"), newSourceCopy(t, "another/with a name/that is longer")
	for _, arguments := range [][]string{
		{"init", "--quiet"}, {"add", "--all"}, {"-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "--quiet", "--message", "m"},
	} {
		second.run(t, "git", arguments...)
	}

	// What is in Go's cache would be the same in both. Compiling with another number of threads makes it compile anew, and
	// nothing else.
	compiled, again := first.compiled(t, 1), second.compiled(t, 2)
	if compiled == "" || compiled != again {
		t.Errorf("the packages are compiled to\n%s\nand elsewhere to\n%s", compiled, again)
	}

	var binaries, bills [][]byte
	for _, c := range []sourceCopy{first, second} {
		c.run(t, "make", "sbom", "VERSION=v1.2.3", "COMMIT=0123abc", "COMMITTED=2020-01-01T00:00:00Z")
		for _, made := range []struct {
			name string
			all  *[][]byte
		}{{"ostiary", &binaries}, {"ostiary.cdx.json", &bills}} {
			content, err := os.ReadFile(filepath.Join(c.root, made.name))
			if err != nil {
				t.Fatal(err)
			}
			*made.all = append(*made.all, content)
		}
	}
	if one, other := sha256.Sum256(binaries[0]), sha256.Sum256(binaries[1]); one != other {
		t.Errorf("the binaries are %x and %x", one, other)
	}
	if !bytes.Equal(bills[0], bills[1]) {
		t.Errorf("the bills of materials differ:\n%s\n%s", bills[0], bills[1])
	}
	mustNameEveryModule(t, bills[0], filepath.Join(first.root, "ostiary"))
	told := first.run(t, filepath.Join(first.root, "ostiary"), "version")
	if want := "Version:    v1.2.3\nGit Hash:   0123abc\nBuild Time: 2020-01-01T00:00:00Z\n"; told != want {
		t.Errorf("it says\n%s\nof itself, want\n%s", told, want)
	}
}

func mustNameEveryModule(t *testing.T, text []byte, binary string) {
	t.Helper()
	var bill struct {
		BomFormat, SpecVersion string
		Components             []struct{ Name, Version, Purl string }
	}
	if err := json.Unmarshal(text, &bill); err != nil {
		t.Fatal(err)
	}
	var named []string
	for _, c := range bill.Components {
		named = append(named, c.Name+" "+c.Version)
		if !strings.HasPrefix(c.Purl, "pkg:golang/"+c.Name+"@") {
			t.Errorf("%s has the package URL %s", c.Name, c.Purl)
		}
	}
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		t.Fatal(err)
	}
	inside := []string{"std " + strings.TrimPrefix(info.GoVersion, "go")}
	for _, module := range info.Deps {
		if module.Replace != nil {
			module = module.Replace
		}
		inside = append(inside, module.Path+" "+module.Version)
	}
	slices.Sort(inside)
	slices.Sort(named)
	if bill.BomFormat != "CycloneDX" || bill.SpecVersion != "1.6" || len(inside) < 20 || !slices.Equal(inside, named) {
		t.Errorf("%s %s names\n%v\nand the binary has\n%v", bill.BomFormat, bill.SpecVersion, named, inside)
	}
}

// sourceCopy is a copy of what the program is built from.
type sourceCopy struct{ root string }

func newSourceCopy(t *testing.T, name string) sourceCopy {
	t.Helper()
	c, from := sourceCopy{filepath.Join(t.TempDir(), name)}, moduleRoot(t)
	if err := os.MkdirAll(c.root, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{".ci/sbom", ".gitignore", "Makefile", "cmd", "config", "go.mod", "go.sum", "handlers", "pipeline", "rules"} {
		err := filepath.WalkDir(filepath.Join(from, part), func(path string, entry fs.DirEntry, err error) error {
			relative, _ := filepath.Rel(from, path)
			to := filepath.Join(c.root, relative)
			switch {
			case err != nil:
				return err
			case entry.IsDir() && entry.Name() == "testdata":
				return filepath.SkipDir
			case entry.IsDir():
				return os.MkdirAll(to, 0o755)
			case strings.HasSuffix(path, "_test.go"):
				return nil
			}
			content, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			return os.WriteFile(to, content, 0o600)
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// compiled are the contents of all packages as they are compiled by so many threads: the second half of a build id is a
// digest of them.
func (c sourceCopy) compiled(t *testing.T, threads int) string {
	t.Helper()
	flags := fmt.Sprintf("-gcflags=ostiary/...=-c=%d", threads)
	listed := c.run(t, "go", "list", "-export", "-trimpath", "-buildvcs=false", flags, "-f", "{{.ImportPath}} {{.BuildID}}", "./...")
	var contents strings.Builder
	for line := range strings.Lines(listed) {
		path, id, _ := strings.Cut(line, " ")
		contents.WriteString(path + " " + id[strings.LastIndex(id, "/")+1:])
	}
	return contents.String()
}

func (c sourceCopy) run(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), name, arguments...)
	command.Dir, command.Env = c.root, append(os.Environ(), "GOFLAGS=", "GOWORK=off", "CGO_ENABLED=0")
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.Output()
	if err != nil {
		t.Fatalf("%s %v: %v\n%s%s", name, arguments, err, output, &problems)
	}
	return string(output)
}

// Command sbom writes what is in a Go binary as a software bill of materials (CycloneDX, in JSON): the modules that the
// linker noted, and the standard library. The same binary has the same bytes written about it: there is neither a time
// nor a serial number in them.
//
//	go run .ci/sbom/main.go BINARY VERSION
package main

import (
	"cmp"
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"runtime/debug"
	"slices"
	"strings"
)

// bill is a document of CycloneDX 1.6, as far as it is used here.
type bill struct {
	Format       string       `json:"bomFormat"`
	Spec         string       `json:"specVersion"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Reference  string     `json:"bom-ref"`
	Type       string     `json:"type"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Package    string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Reference string   `json:"ref"`
	On        []string `json:"dependsOn"`
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: sbom BINARY VERSION")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2], os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "sbom: %v\n", err)
		os.Exit(1)
	}
}

func write(binary, version string, out io.Writer) error {
	info, err := buildinfo.ReadFile(binary)
	if err != nil {
		return fmt.Errorf("reading what is in the binary: %w", err)
	}
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(billOf(info, version))
}

func billOf(info *buildinfo.BuildInfo, version string) bill {
	program := componentOf("application", info.Main.Path, version)
	for _, setting := range info.Settings {
		program.Properties = append(program.Properties, property{"go:build:" + setting.Key, setting.Value})
	}
	all := []component{componentOf("library", "std", strings.TrimPrefix(info.GoVersion, "go"))}
	for _, module := range info.Deps {
		all = append(all, componentOfModule(module))
	}
	slices.SortFunc(all, func(a, b component) int { return cmp.Compare(a.Reference, b.Reference) })
	needs := dependency{Reference: program.Reference}
	for _, c := range all {
		needs.On = append(needs.On, c.Reference)
	}
	return bill{
		Format: "CycloneDX", Spec: "1.6", Version: 1, Metadata: metadata{program}, Components: all, Dependencies: []dependency{needs},
	}
}

func componentOfModule(module *debug.Module) component {
	if module.Replace != nil {
		module = module.Replace
	}
	c := componentOf("library", module.Path, module.Version)
	if module.Sum != "" {
		c.Properties = []property{{"go:sum", module.Sum}}
	}
	return c
}

// componentOf names a module as package URLs do.
func componentOf(kind, path, version string) component {
	address := "pkg:golang/" + path + "@" + url.QueryEscape(version)
	return component{Reference: address, Type: kind, Name: path, Version: version, Package: address}
}

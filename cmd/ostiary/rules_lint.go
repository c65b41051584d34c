package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ostiary/config"
	"ostiary/config/document"
	"ostiary/rules"
)

func lintCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "lint [FILE…]",
		Short: "Look for rules that overlap, never answer, or match more than they seem to",
		Long: `Looks for rules that overlap, never answer, or match more than they seem to, and
for handlers that are not used as they should be. What it says of patterns is
proved, by a request that shows it.

It reads the rules that the configuration names, or the files that are named
here. Without a configuration it leaves out what depends on it.

The exit status is 1 if anything was found, notes aside.`,
		Example: `  ostiary rules lint --config config.yaml
  ostiary rules lint --config config.yaml --format sarif > lint.sarif
  ostiary rules lint access-rules.json
  ostiary rules lint --checks`,
		RunE: lintRules,
	}
	command.Flags().String("format", "text", "how findings are written: text, json or sarif")
	command.Flags().String("level", "warning", "lowest level that makes the exit status 1: error, warning or note")
	command.Flags().Bool("checks", false, "list what it looks for, and look for nothing")
	return command
}

// findingsFormats write findings.
var findingsFormats = map[string]func(io.Writer, []rules.Finding) error{
	"text": writeFindings, "json": writeFindingsJSON, "sarif": writeFindingsSARIF,
}

func lintRules(command *cobra.Command, files []string) error {
	format, _ := command.Flags().GetString("format")
	write, known := findingsFormats[format]
	if !known {
		return &usageError{fmt.Sprintf("--format: %q is none of text, json and sarif", format)}
	}
	named, _ := command.Flags().GetString("level")
	level, err := rules.ParseLevel(named)
	if err != nil {
		return &usageError{"--level: " + err.Error()}
	}
	if list, _ := command.Flags().GetBool("checks"); list {
		return writeChecks(command.OutOrStdout(), format)
	}
	findings, err := findingsIn(command.Context(), config.Source{Files: configFiles(command), Environ: os.Environ(), Handlers: configurable()}, files)
	if err != nil {
		return err
	}
	if err := write(command.OutOrStdout(), findings); err != nil {
		return err
	}
	if slices.ContainsFunc(findings, func(f rules.Finding) bool { return f.Level >= level }) {
		return errReported
	}
	return nil
}

// findingsIn looks at rule files, or at the rules of a configuration if none
// are named.
func findingsIn(ctx context.Context, source config.Source, files []string) ([]rules.Finding, error) {
	if len(source.Files) == 0 && len(files) > 0 {
		return rules.Lint(ctx, rules.Settings{Repositories: repositories(files), Strategy: rules.Regexp, Handlers: allHandlers}, rules.RulesAlone)
	}
	c, err := config.Load(source)
	if err != nil {
		return nil, unusable(err)
	}
	settings, err := ruleSettings(c, http.DefaultTransport)
	if err != nil {
		return nil, unusable(located(c, err))
	}
	settings.CacheDirectory = "" // what is there now is looked at
	scope := rules.Deployment
	if len(files) > 0 {
		settings.Repositories, scope = repositories(files), rules.SomeRules
	}
	if len(settings.Repositories) == 0 {
		return nil, &usageError{"there are no rules to look at; name a configuration by --config, or rule files"}
	}
	findings, err := rules.Lint(ctx, settings, scope)
	if err != nil {
		return nil, unusable(located(c, err))
	}
	for i := range findings {
		if f := &findings[i]; len(f.Setting) > 0 {
			f.File, f.Line = c.Where(f.Setting)
		}
		findings[i].File, findings[i].Message = c.Redact(findings[i].File), c.Redact(findings[i].Message)
	}
	return findings, nil
}

// repositories are files as the configuration names them.
func repositories(files []string) []string {
	all := make([]string, len(files))
	for i, file := range files {
		all[i] = "file://" + (&url.URL{Path: file}).EscapedPath()
	}
	return all
}

// unusable makes the problems of a configuration an error that lists them.
func unusable(err error) error {
	var problems document.Problems
	if errors.As(err, &problems) {
		return fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	return err
}

var levelColours = map[rules.Level]string{rules.Failure: red, rules.Warning: yellow, rules.Note: blue}

func writeFindings(w io.Writer, findings []rules.Finding) error {
	out := newPaper(w)
	counts := map[rules.Level]int{}
	for _, f := range findings {
		out.line(levelColours[f.Level], f.Level.String(), f.String())
		counts[f.Level]++
	}
	if len(findings) == 0 {
		out.line(green, "good", "nothing found")
		return nil
	}
	var parts []string
	for _, level := range []rules.Level{rules.Failure, rules.Warning, rules.Note} {
		if n := counts[level]; n > 0 {
			parts = append(parts, count(n, level.String()))
		}
	}
	fmt.Fprintf(out, "\n%s\n", strings.Join(parts, ", "))
	return nil
}

func writeFindingsJSON(w io.Writer, findings []rules.Finding) error {
	if findings == nil {
		findings = []rules.Finding{}
	}
	return writeJSON(w, findings)
}

// writeJSON writes a document with the characters of URLs and patterns as they
// are.
func writeJSON(w io.Writer, value any) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(value); err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}

func writeChecks(w io.Writer, format string) error {
	if format != "text" {
		return writeJSON(w, rules.Checks())
	}
	out := newPaper(w)
	for _, check := range rules.Checks() {
		out.line(levelColours[check.Level], check.Level.String(), fmt.Sprintf("%-18s %s", check.ID, check.Description))
	}
	return nil
}

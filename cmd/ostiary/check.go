package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/spf13/cobra"

	"ostiary/config"
	"ostiary/config/document"
)

func checkCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "check",
		Short: "Load configuration and rules as serve would, and print every problem",
		Args:  cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			source := config.Source{Files: configFiles(command), Environ: os.Environ(), Handlers: configurable()}
			return check(command.Context(), source, newPaper(command.OutOrStdout()))
		},
	}
}

// check prints what is wrong, and fails if anything is.
func check(ctx context.Context, source config.Source, out *paper) error {
	_, c, report, err := open(ctx, source, func(config.Log, *discretion) *slog.Logger { return slog.New(slog.DiscardHandler) }, false)
	var problems document.Problems
	switch {
	case errors.As(err, &problems):
	case err != nil:
		return err
	default:
		problems = append(problems, report.Rejected...)
		problems = append(problems, report.Refused...)
		problems = append(problems, report.Flaws...)
		for _, warning := range append(c.Warnings, report.Warnings...) {
			out.line(yellow, "warning", warning.String())
		}
	}
	for _, problem := range problems {
		out.line(red, "problem", problem.String())
	}
	if len(problems) > 0 {
		fmt.Fprintf(out, "\n%s\n", count(len(problems), "problem"))
		return errReported
	}
	out.line(green, "good", fmt.Sprintf("%s from %s", count(report.Rules, "access rule"), count(len(c.AccessRules.Repositories), "repository")))
	return nil
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	if what == "repository" {
		return fmt.Sprintf("%d repositories", n)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// paper is what people read: in colour on a terminal, plain in a pipe.
type paper struct {
	io.Writer
	colours bool
}

// Colours, as terminals know them (ECMA-48).
const (
	red    = "31"
	green  = "32"
	yellow = "33"
	blue   = "34"
)

func newPaper(w io.Writer) *paper {
	p := &paper{Writer: w}
	if file, ok := w.(*os.File); ok && os.Getenv("NO_COLOR") == "" {
		info, err := file.Stat()
		p.colours = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

func (p *paper) line(colour, label, text string) {
	if p.colours {
		fmt.Fprintf(p, "\x1b[1;%sm%-8s\x1b[0m %s\n", colour, label, text)
		return
	}
	fmt.Fprintf(p, "%-8s %s\n", label, text)
}

func (p *paper) bold(text string) string {
	if p.colours {
		return "\x1b[1m" + text + "\x1b[0m"
	}
	return text
}

package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"ostiary/config"
	"ostiary/config/document"
	"ostiary/handlers"
	"ostiary/pipeline"
	"ostiary/rules"
)

func matchCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "match METHOD URL",
		Short: "Tell which rule answers for a request, or why none does",
		Long: `Tells which rule of the configuration answers for a request to the proxy, what
its patterns capture, and which handlers it leads to. If none answers, it shows
where those that are nearest stopped matching.

It reads the rule files and asks no running engine. The exit status is 0 if
exactly one rule answers, and 1 otherwise.`,
		Example: `  ostiary rules match GET https://intern.example.com/reports/2026/q3 --config config.yaml`,
		Args:    cobra.ExactArgs(2),
		RunE:    matchRequest,
	}
	command.Flags().Bool("explain", false, "also show where other rules stopped matching")
	command.Flags().String("format", "text", "how the answer is written: text or json")
	return command
}

// matched is what is said of a request.
type matched struct {
	Method string `json:"method"`
	URL    string `json:"url"` // in canonical form, without the query
	rules.Explanation
}

func matchRequest(command *cobra.Command, arguments []string) error {
	format, _ := command.Flags().GetString("format")
	if format != "text" && format != "json" {
		return &usageError{fmt.Sprintf("--format: %q is none of text and json", format)}
	}
	source := config.Source{Files: configFiles(command), Environ: os.Environ(), Handlers: configurable()}
	d, c, report, err := open(command.Context(), source, func(config.Log, *discretion) *slog.Logger { return slog.New(slog.DiscardHandler) }, false)
	if err != nil {
		return unusable(err)
	}
	if len(c.AccessRules.Repositories) == 0 {
		return &usageError{"there are no rules to match; name a configuration by --config"}
	}
	problems := newPaper(command.ErrOrStderr())
	for _, list := range []document.Problems{report.Rejected, report.Refused} {
		for _, problem := range list {
			problems.line(red, "problem", problem.String())
		}
	}
	explain, _ := command.Flags().GetBool("explain")
	answer := answerFor(d.engine, arguments[0], arguments[1], explain)
	if format == "json" {
		if err := writeJSON(command.OutOrStdout(), answer); err != nil {
			return err
		}
	} else {
		writeAnswer(newPaper(command.OutOrStdout()), answer)
	}
	if answer.Status != 0 {
		return errReported
	}
	return nil
}

// answerFor says what becomes of a request. Without a rule it says why.
func answerFor(engine *rules.Engine, method, url string, explain bool) matched {
	request, err := handlers.Canonical(method, url)
	if err != nil {
		reason := err.Error()
		var refusal *pipeline.Error
		if errors.As(err, &refusal) && refusal.Reason != "" {
			reason = refusal.Reason
		}
		return matched{method, url, rules.Explanation{Rules: []rules.Outline{}, Captures: []string{}, Status: pipeline.KindOf(err).Status(), Refusal: reason}}
	}
	answer := matched{method, request.Target(), engine.Explain(method, request.Target(), explain)}
	if answer.Status != 0 && len(answer.Rules) == 0 && !explain {
		answer.Explanation = engine.Explain(method, request.Target(), true)
	}
	return answer
}

func writeAnswer(out *paper, answer matched) {
	fmt.Fprintf(out, "%s %s\n", answer.Method, answer.URL)
	if answer.Status != 0 {
		out.line(red, "refused", fmt.Sprintf("with a %d: %s", answer.Status, answer.Refusal))
	}
	for _, rule := range answer.Rules {
		colour, label := green, "rule"
		if answer.Status != 0 {
			colour = yellow
		}
		out.line(colour, label, title(rule))
		fmt.Fprintf(out, "  %-9s %s\n", "pattern", rule.URL)
		if answer.Status == 0 {
			for i, text := range answer.Captures {
				fmt.Fprintf(out, "  %-9s %d: %q\n", "captured", i, text)
			}
		}
		if answer.Status == 0 && answer.Refusal != "" {
			fmt.Fprintf(out, "  %-9s nothing: %s\n", "captured", answer.Refusal)
		}
		fmt.Fprintf(out, "  %-9s %s\n", "pipeline", rule.Pipeline)
		if rule.Broken {
			fmt.Fprintf(out, "  %-9s it denies everything; `ostiary check` says why\n", "broken")
		}
	}
	if len(answer.Near) > 0 {
		fmt.Fprint(out, "\nnearest\n")
	}
	for _, miss := range answer.Near {
		fmt.Fprintf(out, "\n  %s\n", title(miss.Outline))
		fmt.Fprintf(out, "    %s\n", miss.URL)
		fmt.Fprintf(out, "    %s\n", answer.URL)
		caret := ""
		if miss.Reach < len(answer.URL) {
			caret = strings.Repeat(" ", utf8.RuneCountInString(answer.URL[:miss.Reach])) + "^ "
		}
		fmt.Fprintf(out, "    %s%s\n", caret, miss.Reason)
	}
}

// title names a rule: "reports" (access-rules.json:3), priority 10.
func title(rule rules.Outline) string {
	text := fmt.Sprintf("%q (%s:%d)", rule.ID, rule.File, rule.Line)
	if rule.Priority != 0 {
		text += fmt.Sprintf(", priority %d", rule.Priority)
	}
	return text
}

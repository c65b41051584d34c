package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ostiary/config"
	"ostiary/config/document"
)

func handlersCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "handlers [NAME]",
		Short: "Print what handlers there are, or the reference of one",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(command *cobra.Command, arguments []string) error {
			out := newPaper(command.OutOrStdout())
			if len(arguments) == 0 {
				listHandlers(out)
				return nil
			}
			return showHandler(out, arguments[0])
		},
	}
}

// stageTitles are the stages as rules and people call them.
var stageTitles = []struct {
	stage config.Stage
	title string
}{
	{config.Authenticators, "authenticators"},
	{config.Authorizers, "authorizers"},
	{config.Mutators, "mutators"},
	{config.ErrorHandlers, "error handlers"},
}

func listHandlers(out *paper) {
	for _, s := range stageTitles {
		fmt.Fprintf(out, "%s\n", out.bold(s.title))
		for _, h := range everyHandler() {
			if h.Stage == s.stage {
				fmt.Fprintf(out, "  %-28s %s\n", h.ID, h.description)
			}
		}
		fmt.Fprintln(out)
	}
	fmt.Fprintln(out, "ostiary handlers NAME prints the reference of one.")
}

// showHandler prints the reference of every handler with the name: noop is
// one in two stages.
func showHandler(out *paper, name string) error {
	found := false
	var names []string
	for _, h := range everyHandler() {
		names = append(names, h.ID)
		if h.ID != name {
			continue
		}
		if found {
			fmt.Fprintln(out)
		}
		found = true
		showReference(out, h)
	}
	if !found {
		return fmt.Errorf("there is no handler %q%s", name, document.Suggest(name, names))
	}
	return nil
}

func showReference(out *paper, h described) {
	fmt.Fprintf(out, "%s (%s)\n\n%s\n", out.bold(h.ID), h.Stage, h.description)
	if h.Schema == nil {
		fmt.Fprintln(out, "\nIt has no configuration.")
		return
	}
	fmt.Fprintln(out)
	showKeys(out, h.Schema.At(nil), "")
	if examples, _ := h.Schema.At(nil)["examples"].([]any); len(examples) > 0 {
		fmt.Fprintf(out, "\nexample\n\n%s\n", indentJSON(map[string]any{"handler": h.ID, "config": examples[0]}))
	}
}

// showKeys prints a key on a line, and what it means on the next.
func showKeys(out *paper, schema map[string]any, prefix string) {
	properties, _ := schema["properties"].(map[string]any)
	required, _ := schema["required"].([]any)
	for _, key := range slices.Sorted(maps.Keys(properties)) {
		property, _ := properties[key].(map[string]any)
		notes := []string{typeOf(property)}
		if value, ok := property["default"]; ok {
			notes = append(notes, "default "+compactJSON(value))
		}
		if slices.Contains(required, any(key)) {
			notes = append(notes, "required")
		}
		fmt.Fprintf(out, "  %s  %s\n      %v\n", out.bold(prefix+key), strings.Join(notes, ", "), property["description"])
		showKeys(out, property, prefix+key+".")
		if items, ok := property["items"].(map[string]any); ok {
			showKeys(out, items, prefix+key+"[].")
		}
	}
}

func typeOf(property map[string]any) string {
	if options, ok := property["enum"].([]any); ok {
		return "one of " + strings.Trim(compactJSON(options), "[]")
	}
	switch t := property["type"].(type) {
	case string:
		return t
	case []any:
		return strings.Trim(strings.ReplaceAll(compactJSON(t), `"`, ""), "[]")
	default:
		return "any"
	}
}

func compactJSON(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(value) // it came from JSON
	return strings.TrimSpace(b.String())
}

func indentJSON(value any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("  ", "  ")
	_ = encoder.Encode(value) // it came from JSON
	return "  " + strings.TrimSpace(b.String())
}

package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"ostiary/config"
)

// gatewayLists write the identity headers as each gateway wants to be told
// which ones to copy from a decision to the request.
var gatewayLists = []struct {
	gateway string
	write   func(out io.Writer, names []string)
}{
	{"traefik", func(out io.Writer, names []string) {
		fmt.Fprintln(out, "authResponseHeaders:")
		for _, name := range names {
			fmt.Fprintf(out, "  - %s\n", name)
		}
	}},
	{"nginx", func(out io.Writer, names []string) {
		set := ""
		for _, name := range names {
			variable := strings.ReplaceAll(strings.ToLower(name), "-", "_")
			fmt.Fprintf(out, "auth_request_set $auth_%s $upstream_http_%[1]s;\n", variable)
			set += fmt.Sprintf("proxy_set_header %s $auth_%s;\n", name, variable)
		}
		fmt.Fprint(out, set)
	}},
	{"caddy", func(out io.Writer, names []string) {
		fmt.Fprintf(out, "copy_headers %s\n", strings.Join(names, " "))
	}},
	{"haproxy", func(out io.Writer, names []string) {
		fmt.Fprintf(out, "local identity = { %s }\n", joined(names, func(name string) string { return fmt.Sprintf("[%q] = true", strings.ToLower(name)) }))
	}},
	{"envoy", func(out io.Writer, names []string) {
		fmt.Fprintln(out, "allowed_upstream_headers:\n  patterns:")
		for _, name := range names {
			fmt.Fprintf(out, "    - exact: %s\n", strings.ToLower(name))
		}
	}},
	{"istio", func(out io.Writer, names []string) {
		fmt.Fprintf(out, "headersToUpstreamOnAllow: [%s]\n", joined(names, func(name string) string { return fmt.Sprintf("%q", strings.ToLower(name)) }))
	}},
}

func joined(names []string, written func(name string) string) string {
	all := make([]string, len(names))
	for i, name := range names {
		all[i] = written(name)
	}
	return strings.Join(all, ", ")
}

func headersCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "headers",
		Short: "Print the headers that gateways have to copy, ready to paste",
		Long: `Prints the headers by which the rules of the configuration tell services who a
request is from, as the configuration of each gateway wants them. What else a
gateway needs, to let no client set any of them, is in the files that the README
shows.

It reads the rule files and asks no running engine. What a service such as a
hydrator sets under names of its own choice is not known in advance.`,
		Example: `  ostiary rules headers --for nginx --config config.yaml`,
		Args:    cobra.NoArgs,
		RunE:    printHeaders,
	}
	command.Flags().String("for", "", "only for one gateway: "+strings.Join(gatewayNames(), ", "))
	return command
}

func gatewayNames() []string {
	names := make([]string, len(gatewayLists))
	for i, list := range gatewayLists {
		names[i] = list.gateway
	}
	return names
}

func printHeaders(command *cobra.Command, _ []string) error {
	only, _ := command.Flags().GetString("for")
	if only != "" && !slices.Contains(gatewayNames(), only) {
		return &usageError{fmt.Sprintf("--for: %q is none of %s", only, strings.Join(gatewayNames(), ", "))}
	}
	source := config.Source{Files: configFiles(command), Environ: os.Environ(), Handlers: configurable()}
	d, c, report, err := open(command.Context(), source, func(config.Log, *discretion) *slog.Logger { return slog.New(slog.DiscardHandler) }, false)
	if err != nil {
		return unusable(err)
	}
	if len(c.AccessRules.Repositories) == 0 {
		return &usageError{"there are no rules to look at; name a configuration by --config"}
	}
	problems := newPaper(command.ErrOrStderr())
	wrong := slices.Concat(report.Rejected, report.Refused, report.Flaws)
	for _, problem := range wrong {
		problems.line(red, "problem", problem.String())
	}
	names := d.engine.IdentityHeaders()
	if len(names) == 0 {
		fmt.Fprintln(command.ErrOrStderr(), "No rule sets a header.")
	}
	out := newPaper(command.OutOrStdout())
	for i, list := range gatewayLists {
		switch {
		case len(names) == 0:
		case only == list.gateway:
			list.write(out, names)
		case only == "":
			if i > 0 {
				fmt.Fprintln(out)
			}
			fmt.Fprintln(out, "# "+list.gateway)
			list.write(out, names)
		}
	}
	if len(wrong) > 0 {
		return errReported // what is missing from the rules may be missing here
	}
	return nil
}

// Command ostiary decides, by access rules, whether a request may pass: as a
// reverse proxy in front of services that have no login of their own, and as
// the decision API behind a gateway. It is the only place where configuration,
// rules, handlers and front ends meet.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// version is set by the linker.
var version = "dev"

// Exit codes (contract 14, CLI errors).
const (
	exitFailure = 1
	exitUsage   = 2
)

// usageError is a fault in how the program was called.
type usageError struct{ message string }

func (e *usageError) Error() string { return e.message }

// errReported is for failures that have been printed already.
var errReported = errors.New("reported")

func main() {
	os.Exit(run(os.Args[1:]))
}

func run(arguments []string) int {
	understood := false
	root := rootCommand()
	root.PersistentPreRun = func(*cobra.Command, []string) { understood = true }
	root.SetArgs(arguments)
	err := root.Execute()
	switch {
	case err == nil:
		return 0
	case !understood, errors.As(err, new(*usageError)):
		fmt.Fprintf(os.Stderr, "ostiary: %v\nRun 'ostiary --help' for what there is.\n", err)
		return exitUsage
	case !errors.Is(err, errReported):
		fmt.Fprintf(os.Stderr, "ostiary: %v\n", err)
	}
	return exitFailure
}

func rootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "ostiary",
		Short: "A doorkeeper for services without a login of their own",
		Long: `Ostiary decides, by access rules, whether a request may pass.

It proxies the requests that may, and it answers a decision API for gateways
that proxy themselves. Rules and configuration are those of Ory Oathkeeper, and
both are reloaded while it runs.`,
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	root.PersistentFlags().StringSliceP("config", "c", nil, "configuration file (.yaml, .yml, .json or .toml); may be given more than once, the last counts most")
	root.AddCommand(serveCommand(), checkCommand(), quickstartCommand(), rulesCommand(), healthCommand(),
		handlersCommand(), schemaCommand(), credentialsCommand(), versionCommand())
	return root
}

func configFiles(command *cobra.Command) []string {
	files, _ := command.Flags().GetStringSlice("config")
	return files
}

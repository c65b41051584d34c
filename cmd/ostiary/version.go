package main

import (
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  cobra.NoArgs,
		Run: func(command *cobra.Command, _ []string) {
			revision, built := buildInfo()
			fmt.Fprintf(command.OutOrStdout(), "Version:    %s\nGit Hash:   %s\nBuild Time: %s\n", version, revision, built)
		},
	}
}

// buildInfo is what the Go linker noted of the commit.
func buildInfo() (revision, built string) {
	revision, built = "undefined", "undefined"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return revision, built
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			revision = setting.Value
		case "vcs.time":
			built = setting.Value
		}
	}
	return revision, built
}

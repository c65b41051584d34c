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
			revision, built := origin()
			fmt.Fprintf(command.OutOrStdout(), "Version:    %s\nGit Hash:   %s\nBuild Time: %s\n", version, revision, built)
		},
	}
}

// commit and committed are set by the linker.
var commit, committed string

// origin is the commit that the program was built from, and its time: what the
// linker was told, or else what Go found out by itself.
func origin() (revision, built string) {
	if commit != "" {
		return commit, committed
	}
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

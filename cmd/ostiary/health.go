package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
)

func healthCommand() *cobra.Command {
	command := &cobra.Command{Use: "health", Short: "Ask a running engine how it is", Args: cobra.NoArgs, RunE: showHelp}
	addEndpoint(command)
	for _, kind := range []struct{ name, question string }{
		{"alive", "Does the process answer?"},
		{"ready", "Are there rules to decide by?"},
	} {
		command.AddCommand(&cobra.Command{Use: kind.name, Short: kind.question, Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
			return askHealth(command, kind.name)
		}})
	}
	return command
}

func askHealth(command *cobra.Command, kind string) error {
	engine, err := endpointOf(command)
	if err != nil {
		return err
	}
	var answer map[string]any
	status, err := engine.get(command, "/health/"+kind, &answer)
	switch {
	case errors.Is(err, errMissing):
		return fmt.Errorf("%s is not the API of an engine", engine.url)
	case err != nil:
		return err
	case answer["status"] != "ok":
		return fmt.Errorf("the engine is not %s: it answered %d", kind, status)
	}
	return printJSON(command.OutOrStdout(), answer)
}

package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"ostiary/config"
	"ostiary/rules"
)

func schemaCommand() *cobra.Command {
	command := &cobra.Command{Use: "schema", Short: "Print JSON Schemas, for editors and checks", Args: cobra.NoArgs, RunE: showHelp}
	for _, kind := range []struct {
		name, short string
		text        func() ([]byte, error)
	}{
		{"config", "Print the schema of the configuration file", func() ([]byte, error) { return config.Schema(configurable()) }},
		{"rules", "Print the schema of access rules", func() ([]byte, error) { return rules.Schema(allHandlers) }},
	} {
		command.AddCommand(&cobra.Command{Use: kind.name, Short: kind.short, Args: cobra.NoArgs, RunE: func(command *cobra.Command, _ []string) error {
			text, err := kind.text()
			if err != nil {
				return err
			}
			var pretty bytes.Buffer
			if err := json.Indent(&pretty, text, "", "  "); err != nil {
				return fmt.Errorf("schema: %w", err)
			}
			fmt.Fprintln(command.OutOrStdout(), pretty.String())
			return nil
		}})
	}
	return command
}

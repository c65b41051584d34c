package main

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/spf13/cobra"
)

func rulesCommand() *cobra.Command {
	command := &cobra.Command{Use: "rules", Short: "Check rules, and look at those of a running engine", Args: cobra.NoArgs, RunE: showHelp}
	addEndpoint(command)
	list := &cobra.Command{Use: "list", Short: "List the rules", Args: cobra.NoArgs, RunE: listRules}
	list.Flags().Int("limit", 20, "how many rules a page has")
	list.Flags().Int("page", 1, "which page")
	command.AddCommand(lintCommand(), matchCommand(), headersCommand(), list, &cobra.Command{Use: "get ID", Short: "Show one rule", Args: cobra.ExactArgs(1), RunE: getRule})
	return command
}

func showHelp(command *cobra.Command, _ []string) error {
	return command.Help()
}

func listRules(command *cobra.Command, _ []string) error {
	engine, err := endpointOf(command)
	if err != nil {
		return err
	}
	limit, _ := command.Flags().GetInt("limit")
	page, _ := command.Flags().GetInt("page")
	if limit < 1 || page < 1 {
		return errors.New("--limit and --page count from 1")
	}
	query := url.Values{"limit": {strconv.Itoa(limit)}, "offset": {strconv.Itoa((page - 1) * limit)}}
	var rules []map[string]any
	if _, err := engine.get(command, "/rules?"+query.Encode(), &rules); err != nil {
		return err
	}
	for i := range rules {
		rules[i], _ = withoutEmpty(rules[i]).(map[string]any)
	}
	return printJSON(command.OutOrStdout(), rules)
}

func getRule(command *cobra.Command, arguments []string) error {
	engine, err := endpointOf(command)
	if err != nil {
		return err
	}
	var rule map[string]any
	if _, err := engine.get(command, "/rules/"+url.PathEscape(arguments[0]), &rule); err != nil {
		if errors.Is(err, errMissing) {
			return fmt.Errorf("there is no rule with the id %q", arguments[0])
		}
		return err
	}
	return printJSON(command.OutOrStdout(), withoutEmpty(rule))
}

// withoutEmpty leaves out the fields of a rule that say nothing (contract 12).
func withoutEmpty(value any) any {
	switch value := value.(type) {
	case map[string]any:
		kept := map[string]any{}
		for key, item := range value {
			switch item := withoutEmpty(item).(type) {
			case nil:
			case string:
				if item != "" {
					kept[key] = item
				}
			case bool:
				if item {
					kept[key] = item
				}
			default:
				kept[key] = item
			}
		}
		return kept
	case []any:
		for i := range value {
			value[i] = withoutEmpty(value[i])
		}
		return value
	default:
		return value
	}
}

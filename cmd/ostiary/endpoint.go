package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// endpoint is the API of a running engine that a command asks.
type endpoint struct{ url string }

// errMissing says that the engine does not have what was asked for.
var errMissing = errors.New("not found")

// addEndpoint gives a command and its subcommands the flag that names the API.
func addEndpoint(command *cobra.Command) {
	command.PersistentFlags().StringP("endpoint", "e", "", "address of the engine's API, such as http://127.0.0.1:4456")
}

func endpointOf(command *cobra.Command) (*endpoint, error) {
	url, _ := command.Flags().GetString("endpoint")
	if url == "" {
		return nil, errors.New("name the engine's API with --endpoint, such as --endpoint http://127.0.0.1:4456")
	}
	return &endpoint{url: strings.TrimRight(url, "/")}, nil
}

// get reads a JSON document from the API, whatever its status.
func (e *endpoint) get(command *cobra.Command, path string, into any) (status int, err error) {
	request, err := http.NewRequestWithContext(command.Context(), http.MethodGet, e.url+path, nil)
	if err != nil {
		return 0, fmt.Errorf("--endpoint: %w", err)
	}
	request.Header.Set("Accept", "application/json")
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return 0, fmt.Errorf("the engine does not answer: %w", err)
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<20))
	if err != nil {
		return 0, fmt.Errorf("the engine's answer broke off: %w", err)
	}
	if response.StatusCode == http.StatusNotFound {
		return response.StatusCode, errMissing
	}
	if err := json.Unmarshal(body, into); err != nil {
		return response.StatusCode, fmt.Errorf("%s%s answered %s with something that is not JSON", e.url, path, response.Status)
	}
	return response.StatusCode, nil
}

// printJSON writes a document for people.
func printJSON(w io.Writer, value any) error {
	text, err := json.MarshalIndent(value, "", "\t")
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	_, err = fmt.Fprintf(w, "%s\n", text)
	return err
}

package main

import (
	"context"
	"embed"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ostiary/config"
)

//go:embed quickstart/config.yaml quickstart/rules.json
var quickstartFiles embed.FS

func quickstartCommand() *cobra.Command {
	var directory string
	command := &cobra.Command{
		Use:   "quickstart",
		Short: "Try everything on this machine: an upstream, a login page, and rules to edit",
		Long: `Starts the real engine on loopback, with an upstream to protect, a session
service with a login page, and a file of access rules that can be edited while
it runs. It prints what to open and what to call. Nothing else is needed, and
nothing is left behind when it ends.`,
		Args: cobra.NoArgs,
		RunE: func(command *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(command.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			if directory == "" {
				temporary, err := os.MkdirTemp("", "ostiary-quickstart-")
				if err != nil {
					return fmt.Errorf("quickstart: %w", err)
				}
				defer func() { _ = os.RemoveAll(temporary) }() // or the system does it some day
				directory = temporary
			}
			return quickstart(ctx, directory, command.OutOrStdout())
		},
	}
	command.Flags().StringVar(&directory, "directory", "", "where to write configuration and rules, and leave them (default: a temporary directory)")
	return command
}

// tour is where everything of a quickstart is.
type tour struct {
	proxy, api, metrics string // host:port
	upstream, login     string // URLs
	rules               string // path of the file
}

// quickstart runs the engine and the two services around it until the context
// ends.
func quickstart(ctx context.Context, directory string, out io.Writer) error {
	t := &tour{rules: filepath.Join(directory, "rules.json")}
	for port, address := range map[int]*string{4455: &t.proxy, 4456: &t.api, 9000: &t.metrics} {
		free, err := freeAddress(ctx, port)
		if err != nil {
			return err
		}
		*address = free
	}
	sessions := &sessionService{proxy: "http://" + t.proxy, sessions: make(map[string]string)}
	stopUpstream, err := startService(ctx, protected(func() string { return t.login }), &t.upstream)
	if err != nil {
		return err
	}
	defer stopUpstream()
	stopSessions, err := startService(ctx, sessions.handler(), &t.login)
	if err != nil {
		return err
	}
	defer stopSessions()
	configFile, err := t.write(directory)
	if err != nil {
		return err
	}
	source := config.Source{Files: []string{configFile}, Environ: t.environment(), Handlers: configurable()}
	return serve(ctx, source, func() { t.print(newPaper(out)) })
}

// freeAddress is the port that people know, or another one if it is taken.
func freeAddress(ctx context.Context, port int) (string, error) {
	for _, wanted := range []int{port, 0} {
		socket, err := new(net.ListenConfig).Listen(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", wanted))
		if err == nil {
			_ = socket.Close() // it was only asked whether it is free
			return socket.Addr().String(), nil
		}
	}
	return "", fmt.Errorf("quickstart: there is no free port on 127.0.0.1")
}

func startService(ctx context.Context, handler http.Handler, url *string) (stop func(), err error) {
	socket, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("quickstart: %w", err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go server.Serve(socket) //nolint:errcheck // it ends when it is closed
	*url = "http://" + socket.Addr().String()
	return func() { _ = server.Close() }, nil
}

// write puts configuration and rules where they can be edited.
func (t *tour) write(directory string) (configFile string, err error) {
	configFile = filepath.Join(directory, "config.yaml")
	for name, path := range map[string]string{"config.yaml": configFile, "rules.json": t.rules} {
		content, err := quickstartFiles.ReadFile("quickstart/" + name)
		if err != nil {
			return "", fmt.Errorf("quickstart: %w", err)
		}
		text := strings.ReplaceAll(string(content), "UPSTREAM", t.upstream)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			return "", fmt.Errorf("quickstart: %w", err)
		}
	}
	return configFile, nil
}

// environment sets what the configuration file leaves open. The process's own
// environment takes no part, so that the tour is the same everywhere.
func (t *tour) environment() []string {
	variables := []string{
		"ACCESS_RULES_REPOSITORIES=file://" + t.rules,
		"AUTHENTICATORS_COOKIE_SESSION_CONFIG_CHECK_SESSION_URL=" + t.login + "/sessions/whoami",
		"ERRORS_HANDLERS_REDIRECT_CONFIG_TO=" + t.login + "/login",
	}
	for name, address := range map[string]string{"PROXY": t.proxy, "API": t.api, "PROMETHEUS": t.metrics} {
		host, port, _ := net.SplitHostPort(address)
		variables = append(variables, "SERVE_"+name+"_HOST="+host, "SERVE_"+name+"_PORT="+port)
	}
	return variables
}

// print is the guide through the tour.
func (t *tour) print(out *paper) {
	fmt.Fprintf(out, "\nOstiary is up. Open in a browser:\n\n  http://%s/\n\nOr call, one after the other:\n", t.proxy)
	for i, step := range []struct{ what, call string }{
		{"refused: no session (401)", fmt.Sprintf("curl -i http://%s/reports", t.proxy)},
		{"a browser is redirected to log in instead (302)", fmt.Sprintf("curl -i -H 'Accept: text/html' http://%s/reports", t.proxy)},
		{"log in as ada", fmt.Sprintf("curl -c %s -d user=ada %s/login", t.jar(), t.login)},
		{"allowed, and the upstream sees X-User: ada (200)", fmt.Sprintf("curl -b %s http://%s/reports", t.jar(), t.proxy)},
		{"the same as a decision, as a gateway asks for it (200, X-User)", fmt.Sprintf("curl -i -b %s -H 'Host: %s' http://%s/decisions/reports", t.jar(), t.proxy, t.api)},
		{"edit the rules while it runs: nobody may see the reports any more", fmt.Sprintf(`sed -i.bak '/"id": "reports"/,/"authorizer"/ s/"allow"/"deny"/' %s`, t.rules)},
		{"refused, though there is a session (403)", fmt.Sprintf("curl -i -b %s http://%s/reports", t.jar(), t.proxy)},
		{"what is in force, and what was counted", fmt.Sprintf("curl http://%s/rules; curl -s http://%s/metrics | grep ostiary_", t.api, t.metrics)},
	} {
		fmt.Fprintf(out, "\n  %d. %s\n     %s\n", i+1, step.what, out.bold(step.call))
	}
	fmt.Fprintf(out, "\nThe rules are in %s. Ctrl-C ends it.\n\n", t.rules)
}

func (t *tour) jar() string { return filepath.Join(filepath.Dir(t.rules), "cookies.txt") }

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ostiary/config"
	"ostiary/handlers"
)

func serveCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "serve",
		Short: "Decide and proxy",
		Long:  "Runs the proxy (port 4455), the API (4456) and the metrics (9000) in one process, until it is told to stop.",
		Args:  cobra.ArbitraryArgs, // "serve proxy" and "serve all" are what old deployments say
		RunE: func(command *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(command.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return serve(ctx, config.Source{Files: configFiles(command), Environ: os.Environ(), Handlers: configurable()}, func() {})
		},
	}
	for _, flag := range []string{"sqa-opt-out", "disable-telemetry"} {
		command.Flags().Bool(flag, false, "without effect: there is no telemetry to turn off")
	}
	return command
}

// shutdownTimeout bounds how long requests that are under way may take to end
// when the process is told to stop.
const shutdownTimeout = 25 * time.Second

// listener is one of the ports, ready to serve.
type listener struct {
	name   string
	socket net.Listener
	// serve returns when the listener is shut down, with no error then.
	serve func(socket net.Listener) error
	// shutdown lets requests that are under way end, as long as the context does
	// not.
	shutdown func(ctx context.Context) error
}

// serve runs everything until the context ends or a port fails. It calls up when
// the ports are open.
func serve(ctx context.Context, source config.Source, up func()) error {
	d, c, report, err := open(source, func(c config.Log) *slog.Logger { return newLogger(c, os.Stderr) })
	if err != nil {
		return fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	manageMemory(d.log)
	d.warn(c.Warnings)
	listeners, err := d.listen(ctx, c)
	if err != nil {
		return err
	}
	d.publish(report)
	for _, problem := range report.Rejected {
		d.log.Error("a rule source has no rules to give: " + problem.String())
	}
	if len(report.Refused) > 0 {
		d.log.Error("the access rules are refused as a whole, and there are none in force", "problems", report.Refused.Error())
	}
	up()
	following, stopFollowing := context.WithCancel(ctx)
	defer stopFollowing()
	go d.follow(following)
	return d.run(ctx, listeners)
}

// port is one to listen on.
type port struct {
	name, address string
	certificate   *tls.Certificate
	listener      func(certificate *tls.Certificate) listener
}

// listen opens the ports, all of them or none.
func (d *deployment) listen(ctx context.Context, c *config.Config) ([]listener, error) {
	proxyCertificate, err1 := c.Serve.Proxy.TLS.Certificate()
	apiCertificate, err2 := c.Serve.API.TLS.Certificate()
	grpcCertificate, err3 := c.Serve.GRPC.TLS.Certificate()
	if err := errors.Join(err1, err2, err3); err != nil {
		return nil, fmt.Errorf("TLS: %w", err)
	}
	metrics := config.Timeout{Read: 10 * time.Second, Write: time.Minute, Idle: 2 * time.Minute}
	ports := []port{
		{"proxy", c.Serve.Proxy.Address(), proxyCertificate, d.overHTTP(&d.proxy, c.Serve.Proxy.Timeout)},
		{"api", c.Serve.API.Address(), apiCertificate, d.overHTTP(&d.api, c.Serve.API.Timeout)},
		{"metrics", c.Serve.Prometheus.Address(), nil, d.overHTTP(d.metrics.Handler(), metrics)},
	}
	if c.Serve.GRPC.Enabled {
		ports = append(ports, port{"grpc", c.Serve.GRPC.Address(), grpcCertificate, d.overGRPC})
	}
	var listeners []listener
	for _, port := range ports {
		socket, err := new(net.ListenConfig).Listen(ctx, "tcp", port.address)
		if err != nil {
			for _, open := range listeners {
				_ = open.socket.Close()
			}
			return nil, fmt.Errorf("serve.%s: %w", port.name, err)
		}
		if port.certificate != nil {
			d.log.Info("listening with TLS", "service", port.name, "address", socket.Addr().String())
		} else {
			d.log.Info("listening", "service", port.name, "address", socket.Addr().String())
		}
		l := port.listener(port.certificate)
		l.name, l.socket = port.name, socket
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func (d *deployment) overHTTP(handler http.Handler, timeouts config.Timeout) func(*tls.Certificate) listener {
	return func(certificate *tls.Certificate) listener {
		server := handlers.NewServer(handler, handlers.Timeouts(timeouts), certificate, d.log)
		serve := func(socket net.Listener) error {
			var err error
			if certificate != nil {
				err = server.ServeTLS(socket, "", "")
			} else {
				err = server.Serve(socket)
			}
			if errors.Is(err, http.ErrServerClosed) {
				return nil
			}
			return fmt.Errorf("HTTP: %w", err)
		}
		return listener{serve: serve, shutdown: server.Shutdown}
	}
}

func (d *deployment) overGRPC(certificate *tls.Certificate) listener {
	server := handlers.NewGRPCServer(&d.extAuthz, d.engine.Ready, certificate)
	return listener{serve: server.Serve, shutdown: server.Shutdown}
}

// run serves until the context ends or a port fails, and then lets the
// requests that are under way come to their end.
func (d *deployment) run(ctx context.Context, listeners []listener) error {
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() {
			if err := l.serve(l.socket); err != nil {
				failed <- fmt.Errorf("serve.%s: %w", l.name, err)
			}
		}()
	}
	var cause error
	select {
	case <-ctx.Done():
		d.log.Info("stopping", "timeout", shutdownTimeout)
	case cause = <-failed:
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	ended := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { ended <- l.shutdown(ending) }()
	}
	for range listeners {
		if err := <-ended; err != nil {
			d.log.Warn("requests were cut off", "error", err.Error())
		}
	}
	d.log.Info("stopped")
	return cause
}

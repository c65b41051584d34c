package main

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"ostiary/config"
	"ostiary/handlers"
)

func serveCommand() *cobra.Command {
	command := &cobra.Command{
		Use:   "serve",
		Short: "Decide and proxy",
		Long: "Runs the proxy (port 4455), the API (4456) and the metrics (9000) in one process, until it is told to stop by SIGTERM or SIGINT." +
			" SIGHUP reloads configuration, rules and certificates.",
		Args: cobra.ArbitraryArgs, // "serve proxy" and "serve all" are what old deployments say
		RunE: func(command *cobra.Command, _ []string) error {
			return serve(command.Context(), config.Source{Files: configFiles(command), Environ: os.Environ(), Handlers: configurable()}, func() {})
		},
	}
	for _, flag := range []string{"sqa-opt-out", "disable-telemetry"} {
		command.Flags().Bool(flag, false, "without effect: there is no telemetry to turn off")
	}
	return command
}

// listener is one of the ports, ready to serve.
type listener struct {
	name   string
	socket net.Listener
	// serve returns when the listener is shut down, with no error then.
	serve func(socket net.Listener) error
	// shutdown closes the port and lets requests that are under way end, as long
	// as the context does not.
	shutdown func(ctx context.Context)
	// cut breaks off what is left.
	cut func()
}

// serve runs everything until a signal or the context ends it, or a port fails.
// It calls up when the ports are open.
func serve(ctx context.Context, source config.Source, up func()) error {
	told, release := takeOrders(ctx)
	defer release()
	d, c, report, err := open(told.stop, source, func(c config.Log, secrets *discretion) *slog.Logger { return newLogger(c, secrets.writer(os.Stderr)) }, true)
	if err != nil {
		return fmt.Errorf("the configuration cannot be used:\n%w", err)
	}
	d.life.reload = told.reload
	// Some libraries print past any logger, such as what an upstream sends unasked.
	stdlog.SetFlags(0)
	stdlog.SetOutput(slog.NewLogLogger(d.log.Handler(), slog.LevelDebug).Writer())
	manageMemory(d.log)
	d.warn(c.Warnings)
	listeners, err := d.listen(told.stop, c)
	if err != nil {
		return d.discretion.error(err)
	}
	d.publish(report)
	for _, problem := range report.Rejected {
		d.log.Error("a rule source has no rules to give: " + problem.String())
	}
	if len(report.Refused) > 0 {
		d.log.Error("the access rules are refused as a whole; those that were kept are in force, if there are any",
			"rules", report.Rules, "problems", report.Refused.Error())
	}
	up()
	following, stopFollowing := context.WithCancel(ctx)
	defer stopFollowing()
	go d.follow(following)
	return d.discretion.error(d.run(told, listeners))
}

// port is one to listen on.
type port struct {
	name, address string
	tls           config.TLS
	limits        handlers.Limits
	listener      func(certificate *handlers.Certificate, limits handlers.Limits) listener
}

// ports are those that the configuration asks for.
func (d *deployment) ports(serve config.Serve) []port {
	metrics := config.Timeout{Read: 10 * time.Second, Write: time.Minute, Idle: 2 * time.Minute}
	ports := []port{
		{"proxy", serve.Proxy.Address(), serve.Proxy.TLS, handlers.Limits(serve.Proxy.Limits), d.overHTTP(d.life.proxy.Handler(&d.proxy), serve.Proxy.Timeout)},
		{"api", serve.API.Address(), serve.API.TLS, handlers.Limits(serve.API.Limits), d.overHTTP(d.life.api.Handler(&d.api), serve.API.Timeout)},
		// Few ask for metrics, and with short requests.
		{"metrics", serve.Prometheus.Address(), config.TLS{}, handlers.Limits{HeaderBytes: 32 << 10, Connections: 256}, d.overHTTP(d.metrics.Handler(), metrics)},
	}
	if serve.Admin.Enabled {
		ports = append(ports, port{"admin", serve.Admin.Address(), serve.Admin.TLS, adminLimits, d.overHTTP(d.life.admin.Handler(&d.admin), metrics)})
	}
	if serve.GRPC.Enabled {
		ports = append(ports, port{"grpc", serve.GRPC.Address(), serve.GRPC.TLS, handlers.Limits(serve.GRPC.Limits), d.overGRPC})
	}
	return ports
}

// adminLimits are those of a listener that few ask.
var adminLimits = handlers.Limits{HeaderBytes: 32 << 10, HeaderLines: 200, TargetBytes: 16 << 10, BodyBytes: 64 << 10, Connections: 256}

// listen opens the ports, all of them or none.
func (d *deployment) listen(ctx context.Context, c *config.Config) (listeners []listener, err error) {
	defer func() {
		if err != nil {
			for _, open := range listeners {
				_ = open.socket.Close()
			}
		}
	}()
	for _, port := range d.ports(c.Serve) {
		certificate, err := d.life.certificates.open(port.name, port.tls)
		if err != nil {
			return listeners, fmt.Errorf("serve.%s.tls: %w", port.name, err)
		}
		if port.name == "admin" && certificate != nil {
			if certificate.Callers, err = c.Serve.Admin.Callers(); err != nil {
				return listeners, fmt.Errorf("serve.admin: %w", err)
			}
		}
		socket, err := new(net.ListenConfig).Listen(ctx, "tcp", port.address)
		if err != nil {
			return listeners, fmt.Errorf("serve.%s: %w", port.name, err)
		}
		if certificate != nil {
			d.log.Info("listening with TLS", "service", port.name, "address", socket.Addr().String())
			d.certificateExpires(port.name, certificate.InForce())
		} else {
			d.log.Info("listening", "service", port.name, "address", socket.Addr().String())
		}
		if address, ok := socket.Addr().(*net.TCPAddr); ok && port.name == "admin" {
			d.life.adminAddress.Store(new(address.AddrPort()))
		}
		l := port.listener(certificate, port.limits)
		l.name, l.socket = port.name, handlers.Bounded(socket, port.limits.Connections)
		listeners = append(listeners, l)
	}
	return listeners, nil
}

func (d *deployment) overHTTP(handler http.Handler, timeouts config.Timeout) func(*handlers.Certificate, handlers.Limits) listener {
	return func(certificate *handlers.Certificate, limits handlers.Limits) listener {
		server := handlers.NewServer(handler, handlers.Timeouts(timeouts), certificate, d.log)
		limits.Bind(server)
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
		return listener{
			serve:    serve,
			shutdown: func(ctx context.Context) { _ = server.Shutdown(ctx) }, // what it says of the time is to be seen at the door
			cut:      func() { _ = server.Close() },
		}
	}
}

func (d *deployment) overGRPC(certificate *handlers.Certificate, limits handlers.Limits) listener {
	ready := func() bool { return d.engine.Ready() && !d.extAuthz.Door.Leaving() }
	server := handlers.NewGRPCServer(&d.extAuthz, ready, certificate, limits)
	return listener{serve: server.Serve, shutdown: server.Shutdown, cut: server.Stop}
}

// run serves until it is told to stop or a port fails. When it is told, it says
// so to whoever asks for its health, serves for a while longer, and then lets
// what is under way come to its end.
func (d *deployment) run(told orders, listeners []listener) (cause error) {
	failed := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() {
			if err := l.serve(l.socket); err != nil {
				failed <- fmt.Errorf("serve.%s: %w", l.name, err)
			}
		}()
	}
	select {
	case <-told.stop.Done():
		ending := d.life.shutdown.Load()
		d.log.Info("stopping", "delay", ending.Delay, "timeout", ending.Timeout)
		d.leave()
		select {
		case <-time.After(ending.Delay):
		case <-told.atOnce.Done():
		case cause = <-failed:
		}
	case cause = <-failed:
		d.leave()
	}
	d.end(told.atOnce, listeners)
	d.log.Info("stopped")
	return cause
}

// end lets what is under way come to its end when the ports are to be closed.
// What does not in time, or until the process is told to end at once, is cut
// off.
func (d *deployment) end(atOnce context.Context, listeners []listener) {
	ending, cancel := context.WithTimeout(atOnce, d.life.shutdown.Load().Timeout)
	defer cancel()
	d.life.upgrades.Leave()
	var closing sync.WaitGroup
	for _, l := range listeners {
		closing.Go(func() { l.shutdown(ending) })
	}
	closing.Wait()
	left := 0
	for _, door := range d.doors() {
		if door.Empty(ending) != nil {
			left += door.Inside()
		}
	}
	if left > 0 {
		d.log.Warn("what was still under way was cut off; serve.shutdown.timeout says how long it may take", "requests", left)
	}
	d.life.upgrades.Close()
	for _, l := range listeners {
		l.cut()
	}
	recording, done := context.WithTimeout(context.WithoutCancel(atOnce), recordingTime)
	defer done()
	for _, door := range d.doors() {
		_ = door.Empty(recording) // then their records are lost
	}
}

// recordingTime is what requests that were cut off have to be recorded in.
const recordingTime = time.Second

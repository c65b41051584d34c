package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"os"
	"sync"

	"ostiary/config"
	"ostiary/config/document"
	"ostiary/handlers"
	"ostiary/pipeline"
	"ostiary/rules"
)

// deployment is the engine with everything around it that can change while it
// runs: the configuration, the rules, and the handlers of the listeners.
type deployment struct {
	source     config.Source
	serves     bool // requests; or else it is only to be looked at
	log        *slog.Logger
	discretion *discretion
	metrics    *handlers.Metrics
	engine     *rules.Engine
	loader     *rules.Loader
	watcher    *rules.Watcher
	life       lifecycle

	proxy, api  handlers.Switch
	admin       handlers.Switch
	extAuthz    handlers.ExtAuthz
	revocations *pipeline.Revocations
	upstreams   *http.Transport // to upstreams
	services    *http.Transport // to the services that handlers ask

	mutex    sync.Mutex
	digest   [sha256.Size]byte            // of the configuration files that were read last
	referred map[string][sha256.Size]byte // likewise of the files that references name, by their paths
	rejected error                        // why the configuration in the files is not in force
	reported []string                     // the problems that are in the log already
	recalled map[string]bool              // sources whose rules are those that were kept; the log says so
	unkept   []string                     // why rules cannot be kept; likewise
}

// open loads everything as it is at the start. Every mistake in the
// configuration is an error; mistakes in rule files are in the report. Only what
// is going to serve keeps rules, and begins with those that were kept.
func open(ctx context.Context, source config.Source, log func(config.Log, *discretion) *slog.Logger, serves bool) (*deployment, *config.Config, *rules.Report, error) {
	c, err := config.Load(source)
	if err != nil {
		return nil, nil, nil, err
	}
	secrets := new(discretion)
	secrets.try(c)
	d := &deployment{
		source:      source,
		serves:      serves,
		discretion:  secrets,
		log:         log(c.Log, secrets),
		metrics:     handlers.NewMetrics(c.Serve.Prometheus.MetricNamePrefix),
		engine:      rules.NewEngine(),
		revocations: pipeline.NewRevocations(),
		services:    newTransport(),
		recalled:    map[string]bool{},
	}
	d.upstreams = d.newUpstreamTransport()
	d.loader = rules.NewLoader(d.engine)
	d.digest, d.referred = d.filesDigest(), c.Referred()
	report, err := d.apply(ctx, c)
	if err != nil {
		return nil, nil, nil, err
	}
	return d, c, secrets.report(report), nil
}

// apply puts a configuration in force: rules and handlers first, then the
// front ends. With an error nothing has changed.
func (d *deployment) apply(ctx context.Context, c *config.Config) (*rules.Report, error) {
	d.discretion.try(c)
	settings, err := ruleSettings(c, d.services)
	if err != nil {
		return nil, located(c, err)
	}
	settings.Waiting = func(reason string) { d.log.Warn(reason) }
	if !d.serves {
		settings.CacheDirectory = ""
		settings.Waiting = func(reason string) { fmt.Fprintln(os.Stderr, d.discretion.redact(reason)) }
	}
	settings.Environment.Revocations = d.revocations
	settings.Environment.Upstreams = handlers.Upstreams{New: d.newUpstreamTransport, Control: d.life.checkUpstream}.Transport
	report, err := d.loader.Configure(ctx, settings)
	if err != nil {
		return nil, located(c, err)
	}
	recorder := handlers.Recorders{d.metrics, handlers.DecisionLog{Log: d.log}}
	d.proxy.Set(handlers.Frontend(d.log, cors(c.Serve.Proxy.CORS), &handlers.Proxy{
		Decider:  d.engine,
		Recorder: recorder,
		Trust:    trust(c.Serve.Proxy.TrustForwardedHeaders, c.Serve.Proxy.TrustedProxies),
		Timeouts: handlers.Timeouts(c.Serve.Proxy.Timeout),
		Forwarder: &handlers.Forwarder{
			Transport: d.upstreams, AppendForwarded: c.Serve.Proxy.ForwardedHeaders == "append", Log: d.log,
			Upgrades: &d.life.upgrades,
		},
	}))
	d.extAuthz.Set(&handlers.Checks{
		Decider: d.engine, Recorder: recorder, Log: d.log,
		Trust: trust(c.Serve.GRPC.TrustForwardedHeaders, c.Serve.GRPC.TrustedProxies),
	})
	rulebook := discreetRulebook{d.engine, d.discretion}
	admin := &handlers.Admin{
		Rulebook: rulebook,
		Purge:    handlers.Purge{Revoker: d.revocations, Token: c.Sessions.PurgeToken},
		Token:    c.Serve.Admin.Token,
		Recorder: d.metrics,
	}
	api := handlers.API{
		Decisions: d.decisions(c.Serve.API, recorder),
		Rulebook:  rulebook,
		Recorder:  d.metrics,
		Version:   version,
		Leaving:   d.life.api.Leaving,
	}
	separate := c.Serve.Admin.Enabled
	if started := d.life.started.Load(); started != nil {
		separate = started.Serve.Admin.Enabled // a port is not opened later
	}
	if separate {
		d.admin.Set(handlers.Frontend(d.log, handlers.CORS{}, admin.Handler()))
	} else {
		api.Admin = admin
	}
	d.api.Set(handlers.Frontend(d.log, cors(c.Serve.API.CORS), api.Handler()))
	d.adopt(c)
	d.discretion.adopt(c)
	return report, nil
}

func trust(everybody bool, networks []netip.Prefix) handlers.Trust {
	return handlers.Trust{Everybody: everybody, Networks: networks}
}

// decisions are the decision APIs: one in the configured dialect, and one for
// each dialect by name.
func (d *deployment) decisions(c config.Listener, recorder handlers.Recorder) []*handlers.Decisions {
	at := func(path string, dialect handlers.Dialect) *handlers.Decisions {
		return &handlers.Decisions{
			Decider: d.engine, Recorder: recorder, Trust: trust(c.TrustForwardedHeaders, c.TrustedProxies), Dialect: dialect, Path: path,
			Limits: handlers.Limits(c.Limits),
		}
	}
	configured, _ := handlers.DialectNamed(c.Dialect) // the schema knows them all
	all := []*handlers.Decisions{at("/decisions", configured)}
	for _, dialect := range handlers.Dialects {
		all = append(all, at("/auth/"+dialect.Name, dialect))
	}
	return all
}

func cors(c config.CORS) handlers.CORS {
	return handlers.CORS{
		Enabled: c.Enabled, AllowedOrigins: c.AllowedOrigins, AllowedMethods: c.AllowedMethods, AllowedHeaders: c.AllowedHeaders,
		ExposedHeaders: c.ExposedHeaders, AllowCredentials: c.AllowCredentials, MaxAge: c.MaxAge, Debug: c.Debug,
	}
}

// located says in which file the configuration is wrong.
func located(c *config.Config, err error) error {
	var problems document.Problems
	if !errors.As(err, &problems) {
		return err
	}
	for i := range problems {
		if problems[i].File == "" {
			problems[i].File, problems[i].Line = c.Where(problems[i].Path)
		}
		problems[i].File, problems[i].Message = c.Redact(problems[i].File), c.Redact(problems[i].Message)
	}
	return problems
}

package main

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"ostiary/config"
	"ostiary/config/document"
	"ostiary/handlers"
	"ostiary/pipeline"
	"ostiary/rules"
)

// deployment is the engine with everything around it that can change while it
// runs: the configuration, the rules, and the handlers of the listeners.
type deployment struct {
	source  config.Source
	log     *slog.Logger
	metrics *handlers.Metrics
	engine  *rules.Engine
	loader  *rules.Loader
	watcher *rules.Watcher

	proxy, api  handlers.Switch
	extAuthz    handlers.ExtAuthz
	revocations *pipeline.Revocations
	upstreams   *http.Transport // to upstreams
	services    *http.Transport // to the services that handlers ask

	mutex    sync.Mutex
	digest   [sha256.Size]byte // of the configuration files that were read last
	rejected error             // why the configuration in the files is not in force
	reported string            // the problems that are in the log already
}

// settle is how long a file may be in pieces before that is called a problem:
// a writer that truncates and then writes needs a moment.
const settle = 250 * time.Millisecond

// open loads everything as it is at the start. Every mistake in the
// configuration is an error; mistakes in rule files are in the report.
func open(source config.Source, log func(config.Log) *slog.Logger) (*deployment, *config.Config, *rules.Report, error) {
	c, err := config.Load(source)
	if err != nil {
		return nil, nil, nil, err
	}
	d := &deployment{
		source:      source,
		log:         log(c.Log),
		metrics:     handlers.NewMetrics(c.Serve.Prometheus.MetricNamePrefix),
		engine:      rules.NewEngine(),
		revocations: pipeline.NewRevocations(),
		upstreams:   newUpstreamTransport(),
		services:    newTransport(),
	}
	d.loader = rules.NewLoader(d.engine)
	d.digest = d.filesDigest()
	report, err := d.apply(c)
	if err != nil {
		return nil, nil, nil, err
	}
	return d, c, report, nil
}

// newTransport makes a pool of connections for many requests to few hosts.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 30 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   10 * time.Second,
		ExpectContinueTimeout: time.Second,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConnsPerHost:   512,
		ForceAttemptHTTP2:     true,
	}
}

// newUpstreamTransport makes one for upstreams: the bytes of their answers are
// the client's to unpack.
func newUpstreamTransport() *http.Transport {
	transport := newTransport()
	transport.DisableCompression = true
	return transport
}

// apply puts a configuration in force: rules and handlers first, then the
// front ends. With an error nothing has changed.
func (d *deployment) apply(c *config.Config) (*rules.Report, error) {
	settings := ruleSettings(c, d.services)
	settings.Environment.Revocations = d.revocations
	settings.Environment.Upstreams = handlers.Upstreams{New: newUpstreamTransport}.Transport
	report, err := d.loader.Configure(settings)
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
		},
	}))
	d.extAuthz.Set(&handlers.Checks{
		Decider: d.engine, Recorder: recorder, Log: d.log,
		Trust: trust(c.Serve.GRPC.TrustForwardedHeaders, c.Serve.GRPC.TrustedProxies),
	})
	api := handlers.API{
		Decisions: d.decisions(c.Serve.API, recorder),
		Purge:     handlers.Purge{Revoker: d.revocations, Token: c.Sessions.PurgeToken},
		Rulebook:  d.engine,
		Recorder:  d.metrics,
		Version:   version,
	}
	d.api.Set(handlers.Frontend(d.log, cors(c.Serve.API.CORS), api.Handler()))
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
		}
	}
	configured, _ := handlers.DialectNamed(c.Dialect) // the schema knows them all
	all := []*handlers.Decisions{at("/decisions", configured)}
	for _, dialect := range handlers.Dialects {
		all = append(all, at("/auth/"+dialect.Name, dialect))
	}
	return all
}

// ruleSettings are what the configuration says about rules. Their handlers ask
// other services through the transport.
func ruleSettings(c *config.Config, services http.RoundTripper) rules.Settings {
	return rules.Settings{
		Repositories:   c.AccessRules.Repositories,
		Strategy:       rules.Strategy(c.AccessRules.MatchingStrategy),
		Strict:         c.AccessRules.Strict,
		NoMatch:        c.AccessRules.NoMatch,
		RefuseOverlaps: c.AccessRules.OnOverlap == "error",
		GuardIdentity:  c.AccessRules.IdentityHeaders == "all",
		Handlers:       allHandlers,
		Pipeline:       pipelineSettings(c),
		Environment:    pipeline.Environment{Transport: services, Now: time.Now, Globs: c.AccessRules.MatchingStrategy == string(rules.Glob)},
	}
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
	}
	return problems
}

// follow keeps the deployment up to date with its files until the context
// ends.
func (d *deployment) follow(ctx context.Context) {
	watcher, err := rules.NewWatcher()
	if err != nil {
		d.log.Warn(err.Error())
	}
	d.watcher = watcher
	d.watch()
	d.refresh() // what changed between the start and now
	watcher.Run(ctx, d.refresh)
}

func (d *deployment) watch() {
	d.watcher.Follow(append(append([]string(nil), d.source.Files...), d.loader.Files()...))
}

// refresh reads again what may have changed. A problem is only reported when
// it is still there a moment later.
func (d *deployment) refresh() {
	problems := d.reload()
	if d.known(problems) {
		return
	}
	time.AfterFunc(settle, func() {
		if again := d.reload(); again == problems {
			d.report(again)
		}
	})
}

// known reports whether there are no problems, or none that are not in the log
// already.
func (d *deployment) known(problems string) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if problems == "" {
		d.reported = ""
	}
	return problems == d.reported
}

func (d *deployment) report(problems string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if problems != d.reported {
		d.reported = problems
		d.log.Error("a change is not in force; what was in force before still is", "problems", problems)
		subject := handlers.RulesSubject
		if d.rejected != nil {
			subject = handlers.ConfigurationSubject
		}
		d.metrics.Reloaded(subject, false)
	}
}

// reload puts in force what is new and good, and returns what is not good.
func (d *deployment) reload() (problems string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	report := &rules.Report{}
	if digest := d.filesDigest(); digest != d.digest {
		d.digest = digest
		report, d.rejected = d.reconfigure()
	}
	if again := d.loader.Reload(); again.Published || !report.Published {
		report = again
	}
	d.publish(report)
	if d.rejected != nil {
		problems = d.rejected.Error() + "\n"
	}
	for _, p := range slices.Concat(report.Rejected, report.Refused) {
		problems += p.String() + "\n"
	}
	return problems
}

func (d *deployment) reconfigure() (*rules.Report, error) {
	c, err := config.Load(d.source)
	if err != nil {
		return &rules.Report{}, fmt.Errorf("configuration: %w", err)
	}
	report, err := d.apply(c)
	if err != nil {
		return &rules.Report{}, fmt.Errorf("configuration: %w", err)
	}
	d.watch()
	d.warn(c.Warnings)
	d.log.Info("configuration reloaded")
	d.metrics.Reloaded(handlers.ConfigurationSubject, true)
	return report, nil
}

// publish tells log and metrics about a new set of rules.
func (d *deployment) publish(report *rules.Report) {
	if !report.Published {
		return
	}
	d.warn(report.Warnings)
	for _, flaw := range report.Flaws {
		d.log.Error("a rule denies everything that it matches: " + flaw.String())
	}
	d.log.Info("access rules in force", "generation", report.Generation, "rules", report.Rules, "broken", report.Broken,
		"added", report.Added, "removed", report.Removed, "changed", report.Changed)
	d.metrics.Reloaded(handlers.RulesSubject, true)
	d.metrics.Rules(report.Generation, report.Rules-report.Broken, report.Broken, report.Overlaps, len(report.Rejected))
}

func (d *deployment) warn(warnings []document.Problem) {
	for _, warning := range warnings {
		d.log.Warn(warning.String())
	}
}

// filesDigest tells whether the configuration files have changed.
func (d *deployment) filesDigest() [sha256.Size]byte {
	hash := sha256.New()
	for _, name := range d.source.Files {
		content, err := os.ReadFile(name) //nolint:gosec // the operator names the files
		fmt.Fprintf(hash, "%d %v\n", len(content), err)
		hash.Write(content)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

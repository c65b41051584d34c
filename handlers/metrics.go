package handlers

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ostiary/pipeline"
)

// Metrics counts what happens. Oathkeeper's names stay, so that dashboards
// keep working, but no label carries a path, a query or anything else that a
// client may choose (contract 11.7 and 14).
type Metrics struct {
	registry   *prometheus.Registry
	requests   *prometheus.CounterVec
	durations  *prometheus.HistogramVec
	decisions  *prometheus.CounterVec
	requestsBy series[requestLabels, requestSeries]
	decisionBy series[decisionLabels, prometheus.Counter]
	stale      prometheus.Counter
	reloads    *prometheus.CounterVec
	rules      *prometheus.GaugeVec
	overlaps   prometheus.Gauge
	generation prometheus.Gauge
	digest     *prometheus.GaugeVec
	sources    *prometheus.GaugeVec
	unsettled  prometheus.Gauge
	refused    prometheus.Gauge
	expiry     *prometheus.GaugeVec
}

// NewMetrics makes the metrics; the prefix is that of Oathkeeper's own.
func NewMetrics(prefix string) *Metrics {
	classic := []string{"service", "method", "request", "status_code"}
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: prefix + "requests_total", Help: "Requests that were answered.",
		}, classic),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: prefix + "requests_duration_seconds", Help: "Time from a request to the end of its answer.",
		}, classic),
		decisions: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ostiary_decisions_total",
			Help: "Decisions by rule and verdict; of refusals, the stage, the handler and the kind of error.",
		}, []string{"service", "rule", "verdict", "stage", "handler", "error"}),
		stale: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ostiary_stale_sessions_total",
			Help: "Requests allowed by a remembered session after its time, because the session service was out of order.",
		}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "ostiary_reloads_total", Help: "Changes of the rules or the configuration that were put in force or rejected.",
		}, []string{"subject", "result"}),
		rules: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ostiary_rules", Help: "Access rules in force; broken ones deny what they match.",
		}, []string{"state"}),
		overlaps: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ostiary_rules_overlaps", Help: "Pairs of access rules in force that match the same request with the same priority.",
		}),
		generation: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ostiary_rules_generation", Help: "How many sets of rules have been in force since the start.",
		}),
		digest: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ostiary_rules_info", Help: "What tells the set of rules in force from others: instances of the same digest have the same rules.",
		}, []string{"digest"}),
		sources: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ostiary_rule_sources",
			Help: "Rule sources: live ones, stale ones whose last good rules are in force, cached ones not read since the start, missing ones without rules.",
		}, []string{"state"}),
		unsettled: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ostiary_rule_sources_stale", Help: "Rule sources that cannot be read, or hold what cannot be used.",
		}),
		refused: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "ostiary_rules_refused", Help: "1 while what the rule sources hold is good by itself and refused together: the rules before stay in force.",
		}),
		expiry: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "ostiary_certificate_expiry_seconds", Help: "When the certificate in force of a listener expires, in seconds since 1970.",
		}, []string{"service"}),
	}
	m.registry.MustRegister(m.expiry, m.requests, m.durations, m.decisions, m.reloads, m.rules, m.overlaps, m.generation, m.digest, m.stale, m.sources, m.unsettled, m.refused,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler exposes the metrics, whatever the path (contract 11.7).
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

type requestLabels struct {
	service Service
	method  string
	status  int
}

type requestSeries struct {
	count    prometheus.Counter
	duration prometheus.Observer
}

type decisionLabels struct {
	service Service
	rule    string
	allowed bool
	stage   pipeline.Stage
	handler string
	kind    pipeline.Kind
}

// Record counts a request.
func (m *Metrics) Record(record *Record) {
	request := m.requestsBy.get(requestLabels{record.Service, methodLabel(record.method()), record.Status}, m.requestSeries)
	request.count.Inc()
	request.duration.Observe(record.Took.Seconds())
	if d := record.Decision; d != nil {
		labels := decisionLabels{service: record.Service, rule: d.Rule, allowed: d.Allowed, stage: d.Stage, handler: d.Handler}
		if !d.Allowed {
			labels.kind = pipeline.KindOf(d.Err)
			if errors.Is(labels.kind, pipeline.NoRule) {
				labels.kind = pipeline.NoRule // the series is the same, whatever status it is answered with
			}
		}
		m.decisionBy.get(labels, m.decisionSeries).Inc()
		if d.Session != nil && d.Session.Stale > 0 {
			m.stale.Inc()
		}
	}
}

func (m *Metrics) requestSeries(l requestLabels) requestSeries {
	labels := []string{string(l.service), l.method, "", strconv.Itoa(l.status)}
	return requestSeries{m.requests.WithLabelValues(labels...), m.durations.WithLabelValues(labels...)}
}

func (m *Metrics) decisionSeries(l decisionLabels) prometheus.Counter {
	verdict, kind := "granted", ""
	if !l.allowed {
		verdict, kind = "denied", l.kind.Name()
	}
	return m.decisions.WithLabelValues(string(l.service), l.rule, verdict, string(l.stage), l.handler, kind)
}

// methodLabel bounds what clients can make of the label.
func methodLabel(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
		http.MethodOptions, http.MethodConnect, http.MethodTrace:
		return method
	}
	return "other"
}

// What can be reloaded.
const (
	RulesSubject         = "rules"
	ConfigurationSubject = "configuration"
	CertificatesSubject  = "certificates"
)

// Reloaded counts a change that was put in force, or rejected.
func (m *Metrics) Reloaded(subject string, inForce bool) {
	result := "published"
	if !inForce {
		result = "rejected"
	}
	m.reloads.WithLabelValues(subject, result).Inc()
}

// CertificateExpires tells when the certificate in force of a listener expires.
func (m *Metrics) CertificateExpires(listener string, at time.Time) {
	m.expiry.WithLabelValues(listener).Set(float64(at.Unix()))
}

// Rules tells about the set of rules in force.
func (m *Metrics) Rules(generation uint64, digest string, working, broken, overlaps int) {
	m.overlaps.Set(float64(overlaps))
	m.generation.Set(float64(generation))
	m.digest.Reset()
	m.digest.WithLabelValues(digest).Set(1)
	m.rules.WithLabelValues("working").Set(float64(working))
	m.rules.WithLabelValues("broken").Set(float64(broken))
}

// Sources tells how many rule sources are in each state, and whether what they
// hold is refused together. Those with a problem are also counted together.
func (m *Metrics) Sources(states map[string]int, problematic int, refused bool) {
	m.refused.Set(0)
	if refused {
		m.refused.Set(1)
	}
	for state, count := range states {
		m.sources.WithLabelValues(state).Set(float64(count))
	}
	m.unsettled.Set(float64(problematic))
}

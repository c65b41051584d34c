//go:build e2e

package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"

	"ostiary/pipeline"
)

var (
	ownMetric     = regexp.MustCompile(`\bostiary_\w+`)
	selectedLabel = regexp.MustCompile(`(\w+)=~?"([^"]*)"`)
	groupedBy     = regexp.MustCompile(`\bby \(([^)]*)\)`)
)

// TestE2EKubernetesAlerts holds the alerts to the metrics that there are. VictoriaMetrics, which reads Prometheus'
// expressions, evaluates them over those of a real engine: one alert goes off when its reason is there, the others
// do not, and none is misspelt.
func TestE2EKubernetesAlerts(t *testing.T) {
	t.Parallel()
	rules := get[*monitoringv1.PrometheusRule](t, render(t, manifestsDir+"/monitoring", "ostiary"), "PrometheusRule/ostiary")
	d := deploy(t, scenarioRules(t))
	if _, err := d.send(t.Context(), "proxy", http.MethodGet, "http://vmagent.localhost.com/", nil, ""); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(d.mount, "access-rules.json")); err != nil {
		t.Fatal(err)
	}
	var metrics string
	eventually(t, "the rules are stale and a change is rejected", func() (string, bool) {
		metrics = body(t, "http://"+d.ports.address("prometheus")+"/metrics")
		return "not so", strings.Contains(metrics, "\nostiary_rule_sources_stale 1\n") && strings.Contains(metrics, `result="rejected"`)
	})
	v := startVictoriaMetrics(t)
	answer, err := plainClient.Post(v.url("/api/v1/import/prometheus?extra_label=namespace=ostiary&extra_label=pod=ostiary-0"), "text/plain", strings.NewReader(metrics))
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	firing := func(expression string) bool {
		var found struct {
			Status, Error string
			Data          struct{ Result []any }
		}
		text := body(t, v.url("/api/v1/query?nocache=1&query="+url.QueryEscape(expression)))
		if err := json.Unmarshal([]byte(text), &found); err != nil || found.Status != "success" {
			t.Fatalf("%s: %v %s", expression, err, text)
		}
		return len(found.Data.Result) > 0
	}
	eventually(t, "the metrics can be asked for", func() (string, bool) { return "not yet", firing("ostiary_rules_generation") })

	for _, group := range rules.Spec.Groups {
		for _, alert := range group.Rules {
			expression := alert.Expr.String()
			names := ownMetric.FindAllString(expression, -1)
			for _, name := range names {
				if !strings.Contains(metrics, "\n# TYPE "+name+" ") {
					t.Errorf("%s is about %s, which is no metric", alert.Alert, name)
				}
			}
			if len(names) == 0 || alert.Annotations["summary"] == "" || alert.Labels["severity"] == "" {
				t.Errorf("%s is about nothing, or says nothing", alert.Alert)
			}
			for _, label := range selectedLabel.FindAllStringSubmatch(expression, -1) {
				for value := range strings.SplitSeq(label[2], "|") {
					if label[1] == "error" && !slices.Contains(kindNames(), value) ||
						label[1] != "error" && !strings.Contains(metrics, label[1]+`="`+value+`"`) {
						t.Errorf("%s is about %s=%q, which no series has", alert.Alert, label[1], value)
					}
				}
			}
			for _, by := range groupedBy.FindAllStringSubmatch(expression, -1) {
				for label := range strings.SplitSeq(by[1], ", ") {
					if label != "namespace" && label != "pod" && !strings.Contains(metrics, label+`="`) {
						t.Errorf("%s is by %s, which no series has", alert.Alert, label)
					}
				}
			}
			// What is counted over time is not there yet.
			if got, want := firing(expression), alert.Alert == "OstiaryRuleSourcesStale"; got != want && !strings.Contains(expression, "[") {
				t.Errorf("%s goes off: %v, expected %v", alert.Alert, got, want)
			}
		}
	}
}

// kindNames are the names of all kinds of errors.
func kindNames() []string {
	var names []string
	for kind := range pipeline.Kind(64) { // those that are not there are called as the first one
		names = append(names, kind.Name())
	}
	return names
}

func body(t *testing.T, address string) string {
	t.Helper()
	answer, err := plainClient.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

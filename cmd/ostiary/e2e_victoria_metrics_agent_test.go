//go:build e2e

package main_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"sync/atomic"
	"testing"
	"time"
)

// The target that vmagent scrapes has this many values in each of so many rounds, and none after them.
const (
	scrapedSeries = 500
	scrapedRounds = 12
)

// startScraped is a target whose values are the number of the round.
func startScraped(t *testing.T) (address string) {
	t.Helper()
	var rounds atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		round := rounds.Add(1)
		for n := range scrapedSeries {
			if round <= scrapedRounds {
				_, _ = fmt.Fprintf(w, "scraped_round{series=\"%d\"} %d\n", n, round)
			}
		}
	}))
	t.Cleanup(server.Close)
	return server.Listener.Addr().String()
}

// agent is vmagent, which scrapes targets and writes what it finds to VictoriaMetrics.
type agent struct {
	*server
	address string
}

// startAgent starts vmagent, which writes with a token to whoever listens at an address.
func startAgent(t *testing.T, to, token, target string) *agent {
	t.Helper()
	a := &agent{openServer(t, component{name: "vmagent"}, nil), "127.0.0.1:" + strconv.Itoa(freePort(t))}
	config := fmt.Sprintf(`{"scrape_configs": [{"job_name": "target", "scrape_interval": "1s", "no_stale_markers": true,
		"static_configs": [{"targets": [%q]}]}]}`, target)
	if err := os.WriteFile(filepath.Join(a.dir, "scrape.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	a.args = []string{
		"-httpListenAddr=" + a.address, "-promscrape.config=" + filepath.Join(a.dir, "scrape.yml"), "-loggerLevel=WARN",
		"-memory.allowedBytes=128MB", "-remoteWrite.url=http://" + to + "/api/v1/write", "-remoteWrite.headers=Host:" + metricsHost,
		"-remoteWrite.bearerToken=" + token, "-remoteWrite.tmpDataPath=" + filepath.Join(a.dir, "queue"),
	}
	a.ready = []string{"http://" + a.address + "/health"}
	a.start(t)
	return a
}

func (a *agent) metrics(t *testing.T) string {
	t.Helper()
	response, err := plainClient.Get("http://" + a.address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// TestE2EVictoriaMetricsAgent has vmagent write through the proxy for some seconds, with a token.
func TestE2EVictoriaMetricsAgent(t *testing.T) {
	t.Parallel()
	token := rand.Text()
	v := startVictoriaMetrics(t)
	wire := startWire(t, v.address)
	g := startMetricsGate(t, startTokens(t, token), `[{"handler": "bearer_token"}]`, "http://"+wire.address)
	a := startAgent(t, g.ports.address("proxy"), token, startScraped(t))

	const want = scrapedSeries * scrapedRounds
	now := func() int { return int(time.Now().Unix()) + 1 }
	deadline := time.Now().Add(serverLimit)
	for {
		v.settle(t)
		got := v.number(t, "sum(count_over_time(scraped_round[1h]))", now())
		if got == strconv.Itoa(want) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("VictoriaMetrics has %s samples, expected %d", got, want)
		}
		time.Sleep(200 * time.Millisecond)
	}
	// Of each series it has every round, once.
	for query, want := range map[string]int{
		"count(last_over_time(scraped_round[1h]))":   scrapedSeries,
		"min(distinct_over_time(scraped_round[1h]))": scrapedRounds,
		"min(min_over_time(scraped_round[1h]))":      1,
		"max(max_over_time(scraped_round[1h]))":      scrapedRounds,
	} {
		if got := v.number(t, query, now()); got != strconv.Itoa(want) {
			t.Errorf("%s is %s, expected %d", query, got, want)
		}
	}

	a.lostNothing(t)
	if got := wire.count("POST /api/v1/write "); got == 0 {
		t.Error("VictoriaMetrics was written to past the engine")
	}
	if got := wire.count(token); got > 0 {
		t.Errorf("VictoriaMetrics got the token %d times", got)
	}
	got := hashed(t, towards(t, g.ports.address("proxy")), http.MethodPost, "/api/v1/write", "Authorization", "Bearer "+rand.Text())
	if got.status != http.StatusUnauthorized {
		t.Errorf("with another token, the answer is %d, expected 401", got.status)
	}
	g.stop(t)
}

// lostNothing checks what vmagent says about its writing.
func (a *agent) lostNothing(t *testing.T) {
	t.Helper()
	page := a.metrics(t)
	for _, name := range []string{
		"vmagent_remotewrite_packets_dropped_total", "vmagent_remotewrite_samples_dropped_total", "vmagent_remotewrite_errors_total",
		"vmagent_remotewrite_retries_count_total",
	} {
		if got := gauge(t, page, name); got != 0 {
			t.Errorf("%s is %v", name, got)
		}
	}
	if got := gauge(t, page, "vmagent_remotewrite_requests_total"); got == 0 {
		t.Error("vmagent says that it wrote nothing")
	}
}

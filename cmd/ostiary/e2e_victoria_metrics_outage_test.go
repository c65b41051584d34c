//go:build e2e

package main_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
)

// TestE2EVictoriaMetricsOutage kills VictoriaMetrics while it answers: nobody takes the beginning for the whole.
func TestE2EVictoriaMetricsOutage(t *testing.T) {
	t.Parallel()
	v := startVictoriaMetrics(t)
	// Much more than the kernel keeps for all connections on the way.
	metricLines{name: "load", series: 20, points: 1000, lines: 100}.send(t, towards(t, v.address))
	v.settle(t)
	g := startMetricsGate(t, "http://127.0.0.1:1", anybody, v.url(""))
	client := towards(t, g.ports.address("proxy"))
	export := func() *http.Response {
		t.Helper()
		response, err := client.Get("http://" + metricsHost + "/api/v1/export?match[]=load")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response
	}
	g.goroutines(t) // this connection counts from now on
	before := g.goroutines(t)

	whole := export()
	size, err := io.Copy(io.Discard, whole.Body)
	if err != nil || whole.StatusCode != http.StatusOK {
		t.Fatalf("the export is %s and ends with %v", whole.Status, err)
	}
	var broken [3]*http.Response
	beginning := make([]byte, 64<<10)
	for n := range broken {
		broken[n] = export()
		if _, err := io.ReadFull(broken[n].Body, beginning); err != nil || !bytes.HasPrefix(beginning, []byte(`{"metric":`)) {
			t.Fatalf("the export begins with %.40q and %v", beginning, err)
		}
	}
	during := g.goroutines(t)
	v.kill()
	for _, response := range broken {
		rest, err := io.Copy(io.Discard, response.Body)
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("the export ends with %v after %d of %d bytes, expected an unexpected EOF", err, int64(len(beginning))+rest, size)
		}
	}
	next := export()
	if next.StatusCode != http.StatusBadGateway {
		t.Errorf("without VictoriaMetrics, the answer is %s, expected 502", next.Status)
	}
	if _, err := io.Copy(io.Discard, next.Body); err != nil {
		t.Error(err)
	}
	client.CloseIdleConnections()
	eventually(t, "the engine's goroutines end", func() (string, bool) {
		after := g.goroutines(t)
		return fmt.Sprintf("%v of %v, and %v before", after, during, before), after <= before
	})
	if during <= before {
		t.Errorf("the engine had %v goroutines during the exports, and %v before", during, before)
	}
	g.stop(t)
}

// goroutines is how many the engine says that it has.
func (g *gate) goroutines(t *testing.T) float64 {
	t.Helper()
	response, err := plainClient.Get("http://" + g.ports.address("prometheus") + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return gauge(t, string(page), "go_goroutines")
}

//go:build e2e

package main_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"
)

// metricsHost is the host that clients know VictoriaMetrics by.
const metricsHost = "metrics.test"

// bulkLimit is how long much data may take to be sent before that counts as hung.
const bulkLimit = 3 * time.Minute

// metricsStore is VictoriaMetrics.
type metricsStore struct {
	*server
	address string
}

func startVictoriaMetrics(t *testing.T) *metricsStore {
	t.Helper()
	v := &metricsStore{openServer(t, component{name: "victoria-metrics"}, nil), "127.0.0.1:" + strconv.Itoa(freePort(t))}
	// Points of any year are kept, and the memory of the machine is not all its own.
	v.args = []string{
		"-httpListenAddr=" + v.address, "-storageDataPath=" + v.dir, "-retentionPeriod=100y", "-memory.allowedBytes=512MB",
		"-loggerLevel=WARN",
	}
	v.ready = []string{v.url("/health")}
	v.start(t)
	return v
}

func (v *metricsStore) url(target string) string { return "http://" + v.address + target }

// startMetricsGate starts the engine in front of VictoriaMetrics with a rule for every request to its host, which
// goes to upstream.
func startMetricsGate(t *testing.T, sessions, authenticators, upstream string) *gate {
	t.Helper()
	return startGate(t, "victoria-metrics/engine.yaml", map[string]string{"SESSIONS": sessions}, []guard{
		metricsGuard(authenticators, upstream),
	})
}

func metricsGuard(authenticators, upstream string) guard {
	return guard{
		id:    "metrics",
		match: fmt.Sprintf(`{"url": "http://%s/<.*>", "methods": ["GET", "HEAD", "POST"]}`, metricsHost), authenticators: authenticators,
		upstream: upstream,
	}
}

const (
	anybody     = `[{"handler": "noop"}]`
	withSession = `[{"handler": "cookie_session"}]`
)

// towards is a client that finds every host at this address. It follows no redirects and undoes no compression.
func towards(t *testing.T, address string) *http.Client {
	t.Helper()
	var dialer net.Dialer
	transport := &http.Transport{
		DisableCompression: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "tcp", address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: bulkLimit, CheckRedirect: plainClient.CheckRedirect}
}

// metricLines are series in the format of VictoriaMetrics' own import, one on each line. The point number n of each is
// n, and a minute after the one before.
type metricLines struct {
	name   string
	series int
	points int // in each line
	lines  int // of each series
}

// firstPoint is the time of all first points, in milliseconds: the first of January 2025.
const firstPoint = 1735689600000

func (m metricLines) total() int { return m.series * m.points * m.lines }

// last is the time of the last points, in seconds.
func (m metricLines) last() int { return firstPoint/1000 + 60*(m.points*m.lines-1) }

// writeTo writes line after line, so that there is never more than one in memory.
func (m metricLines) writeTo(w io.Writer) error {
	var line []byte
	for l := range m.lines {
		for s := range m.series {
			line = fmt.Appendf(line[:0], `{"metric":{"__name__":%q,"series":"%d"},"values":[`, m.name, s)
			for p := range m.points {
				line = append(strconv.AppendInt(line, int64(l*m.points+p), 10), ',')
			}
			line = append(line[:len(line)-1], `],"timestamps":[`...)
			for p := range m.points {
				line = append(strconv.AppendInt(line, firstPoint+60000*int64(l*m.points+p), 10), ',')
			}
			line = append(line[:len(line)-1], "]}\n"...)
			if _, err := w.Write(line); err != nil {
				return err
			}
		}
	}
	return nil
}

// counted passes on what is written and counts it.
type counted struct {
	io.Writer
	bytes int
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.Writer.Write(p)
	c.bytes += n
	return n, err
}

// send imports lines with this client. It returns how many bytes they were.
func (m metricLines) send(t *testing.T, client *http.Client) (bytes int) {
	t.Helper()
	reader, writer := io.Pipe()
	to := &counted{Writer: writer}
	written := make(chan struct{})
	go func() {
		defer close(written)
		writer.CloseWithError(m.writeTo(to))
	}()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+metricsHost+"/api/v1/import", reader)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	reader.Close()
	<-written
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Fatalf("the import of %s is answered with %s", m.name, response.Status)
	}
	return to.bytes
}

// settle makes what was imported visible.
func (v *metricsStore) settle(t *testing.T) {
	t.Helper()
	v.await(t, v.url("/internal/force_flush"))
}

// number is the value of a query at a time, of which there has to be one.
func (v *metricsStore) number(t *testing.T, query string, at int) string {
	t.Helper()
	var answer struct {
		Data struct {
			Result []struct{ Value [2]any }
		}
	}
	fetchJSON(t, http.MethodGet, v.url("/api/v1/query?nocache=1&time="+strconv.Itoa(at)+"&query="+url.QueryEscape(query)),
		nil, http.StatusOK, &answer)
	if len(answer.Data.Result) != 1 {
		return fmt.Sprintf("%d results", len(answer.Data.Result))
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

// startTokens is a session service that knows one token.
func startTokens(t *testing.T, token string) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/token" || r.Header.Get("Authorization") != "Bearer "+token {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"sub": "agent"}`)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// gauge is the sum of a metric over its labels on a page of metrics.
func gauge(t *testing.T, page, name string) float64 {
	t.Helper()
	sum, found := 0.0, false
	for line := range strings.Lines(page) {
		rest, is := strings.CutPrefix(line, name)
		if !is || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		sum, found = sum+value, true
	}
	if !found {
		t.Fatalf("there is no metric %s", name)
	}
	return sum
}

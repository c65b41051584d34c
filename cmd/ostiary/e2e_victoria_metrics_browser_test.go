//go:build e2e

package main_test

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// drawn is what the page of a graph has to show: the text of its legend, how many of the graph's pixels have the colour
// of a series and not the grey of its grid, and what became of each request that the page made.
type drawn struct {
	Legend   string
	Coloured int
	Requests []struct {
		Address string
		Status  int
	}
}

const lookAtGraph = `(() => {
	const canvas = document.querySelector(".u-wrap canvas"), legend = document.querySelector("[class*=vm-legend]");
	let coloured = 0;
	if (canvas && canvas.width > 0 && canvas.height > 0) {
		const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
		for (let i = 0; i < pixels.length; i += 4) {
			const rgb = pixels.slice(i, i + 3);
			if (pixels[i + 3] > 128 && Math.max(...rgb) - Math.min(...rgb) > 60) coloured++;
		}
	}
	const entries = ["navigation", "resource"].flatMap(type => performance.getEntriesByType(type));
	return {
		Legend: legend ? legend.innerText : "", Coloured: coloured,
		Requests: entries.map(entry => ({Address: entry.name, Status: entry.responseStatus})),
	};
})()`

// TestE2EVictoriaMetricsInBrowser opens the UI of VictoriaMetrics through the proxy, with a session and without.
func TestE2EVictoriaMetricsInBrowser(t *testing.T) {
	t.Parallel()
	v, sessions := startVictoriaMetrics(t), startSessionStore(t)
	house := metricLines{name: "temperature", series: 2, points: 500, lines: 1}
	house.send(t, towards(t, v.address))
	v.settle(t)
	wire, who := startWire(t, v.address), visit{rand.Text(), rand.Text()}
	sessions.owners.Store(who.session, "u-1")
	g := startMetricsGate(t, sessions.server.URL, withSession, "http://"+wire.address)
	const origin = "http://" + metricsHost

	t.Run("the way to the UI ends there", func(t *testing.T) {
		client, steps := *towards(t, g.ports.address("proxy")), 0
		client.CheckRedirect = func(request *http.Request, _ []*http.Request) error {
			if steps++; steps > 5 {
				return fmt.Errorf("redirected to %s for the %d. time", request.URL, steps)
			}
			return nil
		}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, origin+"/vmui", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Cookie", "ory_kratos_session="+who.session)
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if at := response.Request.URL.Path; response.StatusCode != http.StatusOK || at != "/vmui/" || steps != 1 {
			t.Errorf("after %d redirects, %s is answered with %s", steps, at, response.Status)
		}
	})
	b := startBrowser(t, "MAP "+metricsHost+":80 "+g.ports.address("proxy"))
	t.Run("who has no session sees none of it", func(t *testing.T) {
		before := wire.count("GET ")
		b.open(t, origin+"/vmui")
		b.isAsked(t, origin, `"code":401`)
		if after := wire.count("GET "); after != before {
			t.Errorf("%d requests reached the service", after-before)
		}
	})
	t.Run("who has one sees a graph", func(t *testing.T) {
		for name, value := range map[string]string{"ory_kratos_session": who.session, "theme": who.theme} {
			do(t, b, chromedp.Evaluate[string](fmt.Sprintf(`document.cookie = "%s=%s; path=/"`, name, value)))
		}
		query := url.QueryEscape(`temperature{series=~"0|1"}`)
		b.open(t, fmt.Sprintf("%s/vmui/#/?g0.expr=%s&g0.range_input=6h&g0.end_input=%s&g0.relative_time=none",
			origin, query, url.QueryEscape("2025-01-01T07:00:00")))
		seen := b.awaitGraph(t, `series="1"`)
		for _, text := range []string{`series="0"`, `series="1"`} {
			if !strings.Contains(seen.Legend, text) {
				t.Errorf("the legend is %q, without %s", seen.Legend, text)
			}
		}
		queries := 0
		for _, request := range seen.Requests {
			if request.Status != http.StatusOK {
				t.Errorf("the page's request for %s failed with %d", request.Address, request.Status)
			}
			if strings.Contains(request.Address, "/api/v1/query_range") {
				queries++
			}
		}
		if len(seen.Requests) < 8 || queries == 0 {
			t.Errorf("the page made only these requests: %+v", seen.Requests)
		}
		t.Logf("%d pixels are coloured after %d requests", seen.Coloured, len(seen.Requests))
	})
	wire.keepsTheSession(t, who, 8)
	g.stop(t)
}

// awaitGraph waits until the page shows a graph with this in its legend.
func (b *browser) awaitGraph(t *testing.T, legend string) drawn {
	t.Helper()
	deadline := time.Now().Add(browserLimit)
	for {
		// Between two pages there is none to look at.
		seen, err := did(b, chromedp.Evaluate[drawn](lookAtGraph))
		if err == nil && seen.Coloured > 500 && strings.Contains(seen.Legend, legend) {
			return seen
		}
		if time.Now().After(deadline) {
			t.Fatalf("the page shows %+v (%v), expected a graph of %s", seen, err, legend)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

//go:build e2e

package main_test

import (
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestE2EVictoriaMetricsURLs asks for whatever the UI of VictoriaMetrics asks for, and for that in unusual ways: who
// goes through the proxy gets what everybody else gets.
func TestE2EVictoriaMetricsURLs(t *testing.T) {
	t.Parallel()
	v, sessions := startVictoriaMetrics(t), startSessionStore(t)
	house := metricLines{name: "temperature", series: 3, points: 500, lines: 1}
	house.send(t, towards(t, v.address))
	v.settle(t)
	wire, who := startWire(t, v.address), visit{rand.Text(), rand.Text()}
	sessions.owners.Store(who.session, "u-1")
	g := startMetricsGate(t, sessions.server.URL, withSession, "http://"+wire.address)

	direct, proxied := towards(t, v.address), towards(t, g.ports.address("proxy"))
	targets := v.targets(t, house)
	if len(targets) < 200 {
		t.Fatalf("there are %d targets, expected 200", len(targets))
	}
	statuses := map[int]int{}
	for n, target := range targets {
		method, encoding := http.MethodGet, []string{"identity", "gzip"}[n%2]
		if n%10 == 9 {
			method = http.MethodHead
		}
		want, got := who.look(t, direct, method, target, encoding), who.look(t, proxied, method, target, encoding)
		// What a query answers has the milliseconds in it that it took.
		for again := 0; again < 20 && strings.Contains(target, "/query") && want.body != got.body; again++ {
			want, got = who.look(t, direct, method, target, encoding), who.look(t, proxied, method, target, encoding)
		}
		if want.status != got.status || want.body != got.body {
			t.Errorf("%s %s is %d with %s, and by the proxy %d with %s", method, target, want.status, want.body, got.status, got.body)
		}
		if !maps.EqualFunc(want.header, got.header, slices.Equal) {
			t.Errorf("%s %s has the headers %v, and by the proxy %v", method, target, want.header, got.header)
		}
		if line := method + " " + target + " HTTP/1.1\r\n"; wire.count(line) == 0 {
			t.Errorf("the service was not asked for %s %s as it was written", method, target)
		}
		statuses[want.status]++
	}
	t.Logf("of %d answers there are %v", len(targets), statuses)
	if statuses[http.StatusOK] < 150 || statuses[http.StatusFound] == 0 || statuses[http.StatusNotFound] == 0 ||
		statuses[http.StatusBadRequest] == 0 {
		t.Errorf("the statuses are %v, expected most to be 200 and some to be others", statuses)
	}
	wire.keepsTheSession(t, who, len(targets))

	// Nobody else gets any of it.
	before := wire.count(" HTTP/1.1\r\n")
	for _, target := range targets[:20] {
		stranger := visit{session: "guessed"}
		if got := stranger.look(t, proxied, http.MethodGet, target, "identity"); got.status != http.StatusUnauthorized {
			t.Errorf("without a session, %s is %d", target, got.status)
		}
	}
	if after := wire.count(" HTTP/1.1\r\n"); after != before {
		t.Errorf("%d requests without a session reached the service", after-before)
	}
	g.stop(t)
}

// look is an answer to somebody with these cookies.
func (v visit) look(t *testing.T, client *http.Client, method, target, encoding string) reply {
	t.Helper()
	return hashed(t, client, method, target, "Cookie", "theme="+v.theme+"; ory_kratos_session="+v.session, "Accept-Encoding", encoding)
}

// hashed is an answer with the hash of its body, and without the time that it was made at. headers are names and values
// in turn.
func hashed(t *testing.T, client *http.Client, method, target string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, "http://"+metricsHost+target, nil)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		request.Header.Set(pair[0], pair[1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	hash := sha256.New()
	size, err := io.Copy(hash, response.Body)
	if err != nil {
		t.Fatalf("%s: %v", target, err)
	}
	response.Header.Del("Date")
	return reply{response.StatusCode, response.Header, fmt.Sprintf("%d bytes %x", size, hash.Sum(nil))}
}

var (
	assetPattern = regexp.MustCompile(`(?:href|src|content)="\./([^"]+)"`)
	callPattern  = regexp.MustCompile("[`\"}](/(?:api|vmui|vmalert)/[a-z0-9_/.]+|/(?:expand-with-exprs|metric-relabel-debug|prettify-query))")
)

// targets are what the UI's page refers to, what its script calls, with parameters for what they are for, and ways to
// write those that proxies like to tidy up.
func (v *metricsStore) targets(t *testing.T, house metricLines) []string {
	t.Helper()
	page := v.text(t, "/vmui/")
	var paths []string
	for _, found := range assetPattern.FindAllStringSubmatch(page, -1) {
		paths = append(paths, "/vmui/"+found[1])
		if strings.HasSuffix(found[1], ".js") {
			for _, call := range callPattern.FindAllStringSubmatch(v.text(t, "/vmui/"+found[1]), -1) {
				paths = append(paths, call[1])
			}
		}
	}
	// Two slashes in a row are one to the engine.
	paths = slices.DeleteFunc(paths, func(path string) bool { return strings.HasSuffix(path, "/") })
	slices.Sort(paths)
	paths = slices.Compact(paths)
	if len(paths) < 20 {
		t.Fatalf("the UI asks for no more than %q", paths)
	}
	all := []string{
		"/", "/vmui", "/vmui/", "/vmui/missing", "/vmui/assets/", "/vmui%2F", "/prometheus/vmui", "/prometheus/vmui/", "/health",
		"/api%2Fv1%2Flabels", "/api/v1/label/series%2Fx/values", "/api/v1/label/a%20b%2525/values", "/graphite/metrics/find?query=*",
		"/tags/autoComplete/tags?expr=a%3Db&expr=c", "/favicon.ico?", "/vmui?a=%2F", "/nothing/at/all;v=1",
	}
	for _, path := range paths {
		for _, ending := range []string{"", "/", "?", "?a=1&a=2&b&=c", "?a=b;c=d&e=f;", "?p=%2F..%2f&q=a+b%20c&%5B%5D="} {
			all = append(all, path+ending)
		}
	}
	times := fmt.Sprintf("&start=%d&end=%d&step=300", firstPoint/1000, house.last())
	for _, selector := range []string{
		`temperature{series="1"}`, `{__name__=~"temp.*",series="2"}`, `temperature{series=~"0|x;y"}`, `temperature{series="a/b"}`,
		`{"temperature",series!~"[12]"}`, `temperature{series="ü"}`,
	} {
		for _, encoded := range []string{url.QueryEscape(selector), url.PathEscape(selector)} {
			all = append(all,
				"/api/v1/query?nocache=1&query=sum("+encoded+")&time="+fmt.Sprint(house.last()),
				"/api/v1/query_range?query=rate("+encoded+")"+times,
				"/prometheus/api/v1/query_range?query="+encoded+times+"&query=ignored",
				"/api/v1/series?match[]="+encoded+"&match%5B%5D=other"+times,
				"/api/v1/export?match[]="+encoded+times, "/api/v1/export/native?match[]="+encoded,
				"/api/v1/labels?match[]="+encoded+";"+times,
			)
		}
	}
	return all
}

// text is a page of VictoriaMetrics itself.
func (v *metricsStore) text(t *testing.T, target string) string {
	t.Helper()
	response, err := plainClient.Get(v.url(target))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s is %s (%v)", target, response.Status, err)
	}
	return string(body)
}

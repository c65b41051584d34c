package handlers

import (
	"bufio"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// FuzzWithhold: nobody who reads the request behind the engine finds a
// credential that was to be kept from them, and everything else is there as it
// was written.
func FuzzWithhold(f *testing.F) {
	f.Add("a=1; sid=secret ;sid = 2", "sid", "q=1&%74oken=x&token", "token")
	f.Add("_proxy_0=x; theme=dark", "_proxy*", "a;token=1", "token")
	f.Fuzz(func(t *testing.T, line, cookie, query, parameter string) {
		out := &http.Request{URL: &url.URL{RawQuery: query}, Header: http.Header{"Cookie": {line, "other=1"}, "X-Api-Key": {"k"}}}
		before := cookiePairs(out.Header)
		withhold(out, &pipeline.Withheld{Headers: []string{"X-Api-Key"}, Cookies: []string{cookie}, QueryParameters: []string{parameter}})
		if out.Header["X-Api-Key"] != nil {
			t.Error("the header is there")
		}
		var want []string
		for _, pair := range before {
			if name, _, _ := strings.Cut(pair, "="); !pipeline.CookiesCover([]string{cookie}, strings.TrimSpace(name)) {
				want = append(want, pair)
			}
		}
		if got := cookiePairs(out.Header); !slices.Equal(got, want) {
			t.Errorf("without %q, %q has become %q", cookie, before, got)
		}
		for _, read := range out.Cookies() {
			if pipeline.CookiesCover([]string{cookie}, read.Name) {
				t.Errorf("the upstream reads the cookie %q in %q", read.Name, out.Header["Cookie"])
			}
		}
		if values, _ := url.ParseQuery(out.URL.RawQuery); values.Has(parameter) { // what can be read of it
			t.Errorf("the upstream reads the parameter %q in %q", parameter, out.URL.RawQuery)
		}
		for pair := range strings.SplitSeq(out.URL.RawQuery, "&") {
			if !slices.Contains(strings.Split(query, "&"), pair) && pair != "" {
				t.Errorf("%q is in the query, and was not in %q", pair, query)
			}
		}
	})
}

func cookiePairs(header http.Header) []string {
	var pairs []string
	for _, line := range header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if pair = strings.TrimSpace(pair); pair != "" {
				pairs = append(pairs, pair)
			}
		}
	}
	return pairs
}

// FuzzRefuseHTTPUpgrade: no request asks an upstream for another version of
// HTTP, on which it could send what nobody decided on.
func FuzzRefuseHTTPUpgrade(f *testing.F) {
	f.Add("websocket, H2C", "")
	f.Add("HTTP/2.0", "tls/1.2")
	f.Fuzz(func(t *testing.T, first, second string) {
		header := http.Header{"Upgrade": {first, second}, "Connection": {"Upgrade, HTTP2-Settings"}, "Http2-Settings": {"AAMAAABk"}}
		refuseHTTPUpgrade(header)
		asked := strings.ToLower(strings.Join(header["Upgrade"], ","))
		for protocol := range strings.SplitSeq(asked, ",") {
			protocol = strings.TrimSpace(protocol)
			if strings.HasPrefix(protocol, "h2") || strings.HasPrefix(protocol, "http/") || strings.HasPrefix(protocol, "tls/") {
				t.Errorf("the upstream is asked for %q", protocol)
			}
		}
		if len(header["Upgrade"]) == 0 && (header["Connection"] != nil || header["Http2-Settings"] != nil) {
			t.Errorf("half of it is left: %v", header)
		}
	})
}

// FuzzUpstreamURL: the target that goes over the wire is the path that was
// decided on, below the upstream's own and without what is to be stripped, byte
// for byte; it is a path, and never leads to another host.
func FuzzUpstreamURL(f *testing.F) {
	f.Add("http://up.test/base/", "/api", "/api/a%2Fb/x", "q=1")
	f.Add("http://up.test", "api", "/apiadmin", "")
	f.Add("https://up.test:8443", "/a b/", "/a%20b//evil.test/", "a=%zz")
	f.Fuzz(func(t *testing.T, base, strip, raw, query string) {
		upstream, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: base, StripPath: strip}, pipeline.Environment{})
		if err != nil || upstream == nil {
			return
		}
		path, rawPath, err := canonicalPath(raw)
		if err != nil || checkQuery(query) != nil || strings.Contains(raw, "?") { // which is where a path ends
			return
		}
		request := &pipeline.Request{Path: path, RawPath: rawPath, RawQuery: query}
		target := upstreamURL(request, &pipeline.Decision{Upstream: upstream})
		if target.Host != upstream.Host || target.Scheme != upstream.Scheme || target.User != nil {
			t.Errorf("it goes to %s", target)
		}
		sent := target.RequestURI()
		if want := upstream.Path(rawPath); sent != want && sent != want+"?"+query {
			t.Errorf("%q is sent for %q", sent, want)
		}
		read, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + sent + " HTTP/1.1\r\nHost: " + upstream.Host + "\r\n\r\n")))
		if err != nil || read.RequestURI != sent {
			t.Fatalf("%q is read as %v, %v", sent, read, err)
		}
		kept := strings.TrimPrefix(sent, strings.TrimRight(mustParse(t, base).EscapedPath(), "/"))
		kept, _, _ = strings.Cut(kept, "?")
		if kept != "" && kept != "/" && !strings.HasSuffix(rawPath, kept) {
			t.Errorf("%q is left of %q", kept, rawPath)
		}
		if strings.Contains(kept, "//") || strings.HasPrefix(kept, "/../") || strings.Contains(kept, "/./") {
			t.Errorf("%q is sent, which is not canonical below the base", sent)
		}
		if kept != "" && kept[0] != '/' {
			t.Errorf("%q of %q does not begin a segment", kept, rawPath)
		}
	})
}

func mustParse(t *testing.T, text string) *url.URL {
	t.Helper()
	parsed, err := url.ParseRequestURI(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

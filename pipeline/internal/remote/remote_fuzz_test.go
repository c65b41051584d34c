package remote

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http/httpguts"

	"ostiary/pipeline"
)

// FuzzParseURL: an address of a service is one of the web, and what is joined to
// its path stays with its host.
func FuzzParseURL(f *testing.F) {
	for _, text := range []string{
		"http://h", "https://u:p@h:8443/a?b#c", "HTTP://h", "http:///x", "http://h@evil.test", "file:///etc/passwd", "http://[::1]:80/", "http://h\r\n", "//h", "http:h",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		service, err := ParseURL(text, "url")
		if err != nil {
			if mistake, ok := err.(*pipeline.Mistake); !ok || strings.Contains(mistake.Message, text) && len(text) > 30 { //nolint:errorlint // it is returned unwrapped
				t.Errorf("%q: %v", text, err)
			}
			return
		}
		if service.Host == "" || service.Scheme != "http" && service.Scheme != "https" || service.Path == "" {
			t.Errorf("%q is taken for %q", text, service)
		}
		sent := service.JoinPath("check")
		read, err := url.Parse(sent.String())
		if err != nil || read.Host != service.Host || read.Scheme != service.Scheme || !strings.HasPrefix(sent.RequestURI(), "/") || strings.ContainsAny(sent.RequestURI(), " \r\n\x00") {
			t.Errorf("%q: asked at %q of %v, %v", text, sent.RequestURI(), read, err)
		}
	})
}

// FuzzLimited: of an answer that asks to slow down, the client gets what says
// for how long and nothing else; and no service has anybody wait for longer than
// the configuration allows.
func FuzzLimited(f *testing.F) {
	f.Add(429, "Retry-After", "3600", 1)
	f.Add(503, "retry-after", "99999999999999999999", 0)
	f.Add(429, "Set-Cookie", "Fri, 31 Dec 9999 23:59:59 GMT", 7)
	f.Fuzz(func(t *testing.T, status int, name, value string, attempt int) {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return // no client reads it
		}
		header := http.Header{"Retry-After": {value}}
		header.Add(name, value)
		const shortest, longest = 50 * time.Millisecond, 100 * time.Millisecond
		response := &http.Response{StatusCode: status, Header: header}
		if wait := backoff(shortest, longest, max(0, attempt%64), response); wait > longest {
			t.Errorf("%d with Retry-After %q has everybody wait for %v", status, value, wait)
		}
		answer := &Answer{Status: status, Header: header}
		refusal, ok := answer.Limited().(*pipeline.Error) //nolint:errorlint // it is returned unwrapped
		if !ok || refusal.Kind != pipeline.Limited {
			t.Fatalf("%v", refusal)
		}
		for passed, values := range refusal.Header {
			if strings.HasPrefix(passed, "X-Ratelimit-") || passed == "Retry-After" {
				continue
			}
			t.Errorf("the client gets %s: %q", passed, values)
		}
	})
}

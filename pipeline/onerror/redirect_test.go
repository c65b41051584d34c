package onerror

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// location is where a client is sent that asked for this address.
func location(t *testing.T, config, address string) string {
	t.Helper()
	handler := pipelinetest.New(t, redirect, config, pipeline.Environment{})
	request := pipelinetest.Request()
	request.Address = address
	return handler.Respond(request, pipeline.NoCredential).Header.Get("Location")
}

func TestRedirectSendsTheClient(t *testing.T) {
	t.Parallel()
	const address = "https://shop.test/orders?page=2"
	tests := map[string]struct{ config, want string }{
		"to the target as it is written": {
			`{"to": "https://sso.test/in?z=1&a=2"}`, "https://sso.test/in?z=1&a=2",
		},
		"with its address, and the query in order": {
			`{"to": "https://sso.test/in?z=1&a=2", "return_to_query_param": "return_to"}`,
			"https://sso.test/in?a=2&return_to=https%3A%2F%2Fshop.test%2Forders%3Fpage%3D2&z=1",
		},
		"with its address instead of what the target had there": {
			`{"to": "https://sso.test/in?next=home&next=x", "return_to_query_param": "next"}`,
			"https://sso.test/in?next=https%3A%2F%2Fshop.test%2Forders%3Fpage%3D2",
		},
		"keeping the target's fragment": {
			`{"to": "https://sso.test/in#form", "return_to_query_param": "next"}`,
			"https://sso.test/in?next=https%3A%2F%2Fshop.test%2Forders%3Fpage%3D2#form",
		},
		"to a path of its own host": {
			`{"to": "/signin", "return_to_query_param": "next"}`, "/signin?next=https%3A%2F%2Fshop.test%2Forders%3Fpage%3D2",
		},
		"to a host by the scheme it came with": {`{"to": "//sso.test/in"}`, "//sso.test/in"},
		"to a neighbour of the path that it asked for": {
			`{"to": "signin"}`, "/orders/a%20b/signin",
		},
		"to a neighbour, with its address": {
			`{"to": "signin", "return_to_query_param": "next"}`, "/orders/a%20b/signin?next=https%3A%2F%2Fshop.test%2Forders%3Fpage%3D2",
		},
		"to the same page with another query": {`{"to": "?login=1"}`, "?login=1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := location(t, test.config, address); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestRedirectResolvesARelativeTarget(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, `{"to": "signin"}`, pipeline.Environment{})
	for path, want := range map[string]string{
		"/":          "/signin",
		"/a":         "/signin",
		"/a/":        "/a/signin",
		"/a/b":       "/a/signin",
		"/a%2Fb/c":   "/a%2Fb/signin",
		"/a/b%20c/d": "/a/b%20c/signin",
	} {
		request := pipelinetest.Request()
		request.RawPath = path
		if got := handler.Respond(request, pipeline.NoCredential).Header.Get("Location"); got != want {
			t.Errorf("from %s: got %s, want %s", path, got, want)
		}
	}
}

func TestRedirectTellsTheExactAddress(t *testing.T) {
	t.Parallel()
	const config = `{"to": "https://sso.test/in?app=shop", "return_to_query_param": "return_to"}`
	for _, address := range []string{
		"http://shop.test/",
		"http://shop.test:8443/account/orders/",
		"https://shop.test/a%2Fb/%C3%BC?q=a%2Fb+c&x=1;y=2",
		"https://shop.test/?return_to=https://evil.test/&app=other#f",
		"https://shop.test/%0d%0aSet-Cookie:%20a=b",
		"https://shop.test/ä ö\r\nX: y",
	} {
		sent := location(t, config, address)
		if strings.ContainsAny(sent, "\r\n ") {
			t.Errorf("%q: the header would be %q", address, sent)
		}
		target, err := url.Parse(sent)
		if err != nil {
			t.Fatal(err)
		}
		want := url.Values{"app": {"shop"}, "return_to": {address}}
		if diff := cmp.Diff(want, target.Query()); diff != "" {
			t.Errorf("%q: %s", address, diff)
		}
	}
	if got := location(t, config, ""); got != "https://sso.test/in?app=shop" {
		t.Errorf("an address that is not known: got %s", got)
	}
}

func TestRedirectHasABodyForBrowsers(t *testing.T) {
	t.Parallel()
	const html = "text/html; charset=utf-8"
	tests := map[string]struct {
		method, config string
		want           pipeline.Response
	}{
		"GET has a link": {"GET", `{"to": "https://sso.test/in"}`, pipeline.Response{
			Status: 302,
			Header: http.Header{"Location": {"https://sso.test/in"}, "Content-Type": {html}},
			Body:   []byte("<a href=\"https://sso.test/in\">Found</a>.\n\n"),
		}},
		"a link that remains one": {"GET", `{"to": "https://sso.test/in?a='b'&c=<d>\"", "code": 301}`, pipeline.Response{
			Status: 301,
			Header: http.Header{"Location": {`https://sso.test/in?a='b'&c=<d>"`}, "Content-Type": {html}},
			Body:   []byte("<a href=\"https://sso.test/in?a=&#39;b&#39;&amp;c=&lt;d&gt;&#34;\">Moved Permanently</a>.\n\n"),
		}},
		"HEAD has only its header": {"HEAD", `{"to": "https://sso.test/in"}`, pipeline.Response{
			Status: 302,
			Header: http.Header{"Location": {"https://sso.test/in"}, "Content-Type": {html}},
		}},
		"POST has neither": {"POST", `{"to": "https://sso.test/in", "code": 301}`, pipeline.Response{
			Status: 301,
			Header: http.Header{"Location": {"https://sso.test/in"}, "Cache-Control": {"no-store"}},
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := pipelinetest.New(t, redirect, test.config, pipeline.Environment{})
			request := pipelinetest.Request()
			request.Method = test.method
			if diff := cmp.Diff(test.want, handler.Respond(request, pipeline.NoCredential)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRedirectRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		want   []string
	}{
		"no target":                  {`{}`, []string{"to: is required"}},
		"an empty target":            {`{"to": ""}`, []string{"to: is not a URL"}},
		"a target that is no URL":    {`{"to": "http://[::1"}`, []string{`to: "http://[::1" is not a URL`}},
		"a target that ends a line":  {`{"to": "https://sso.test/\r\nX: y"}`, []string{`to: "https://sso.test/\r\nX: y" is not a URL`}},
		"a status that is another":   {`{"to": "/x", "code": 307}`, []string{"code: 307 is not one of 301, 302"}},
		"a parameter with a bracket": {`{"to": "/x", "return_to_query_param": "a[b]"}`, []string{`return_to_query_param: "a[b]" may only have letters, digits and , . _ ~ -`}},
		"a network that is none": {
			`{"to": "/x", "when": [{}, {"request": {"cidr": ["10.0.0.1"]}}]}`,
			[]string{`when[1].request.cidr[0]: "10.0.0.1" is not a network such as 10.0.0.0/8`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, redirect, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

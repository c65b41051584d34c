package onerror

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// What browsers of 2024 and older ones send when they go to a page.
const (
	acceptOfBrowsers = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
	acceptOfOldOnes  = "image/gif, image/jpeg, text/html, */*"
)

func TestOnlyBrowsersThatGoToAPageAreSentAway(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		method  string // GET if empty
		headers []string
		want    bool
	}{
		"a browser that goes to a page":       {"", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "document", "Accept", acceptOfBrowsers}, true},
		"in a frame":                          {"", []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Dest", "iframe", "Accept", acceptOfBrowsers}, true},
		"that does not tell":                  {"", []string{"Accept", acceptOfBrowsers}, true},
		"of long ago":                         {"", []string{"Accept", acceptOfOldOnes}, true},
		"that takes XHTML":                    {"", []string{"Accept", "application/xhtml+xml"}, true},
		"in capitals":                         {"", []string{"Accept", "TEXT/HTML"}, true},
		"on a second line":                    {"", []string{"Accept", "image/png", "Accept", "text/html"}, true},
		"that asks for the header alone":      {"HEAD", []string{"Accept", acceptOfBrowsers}, true},
		"from an app":                         {"", []string{"Sec-Fetch-Mode", "navigate", "Accept", acceptOfBrowsers, "X-Requested-With", "com.example.app"}, true},
		"fetch":                               {"", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", "*/*"}, false},
		"fetch that asks for HTML":            {"", []string{"Sec-Fetch-Mode", "cors", "Sec-Fetch-Dest", "empty", "Accept", "text/html"}, false},
		"fetch of its own host":               {"", []string{"Sec-Fetch-Mode", "same-origin", "Accept", "text/html"}, false},
		"fetch without reading":               {"", []string{"Sec-Fetch-Mode", "no-cors", "Accept", "text/html"}, false},
		"an image":                            {"", []string{"Sec-Fetch-Mode", "no-cors", "Sec-Fetch-Dest", "image", "Accept", "image/avif,image/webp,*/*;q=0.8"}, false},
		"an unknown mode":                     {"", []string{"Sec-Fetch-Mode", "Navigate", "Accept", acceptOfBrowsers}, false},
		"XMLHttpRequest":                      {"", []string{"X-Requested-With", "XMLHttpRequest", "Accept", acceptOfBrowsers}, false},
		"XMLHttpRequest in small letters":     {"", []string{"X-Requested-With", "xmlhttprequest", "Accept", acceptOfBrowsers}, false},
		"a program for JSON":                  {"", []string{"Accept", "application/json"}, false},
		"a program for anything":              {"", []string{"Accept", "*/*"}, false},
		"a program for any text":              {"", []string{"Accept", "text/*"}, false},
		"a program that does not say":         {"", nil, false},
		"one that says nothing":               {"", []string{"Accept", ""}, false},
		"one that names HTML in a parameter":  {"", []string{"Accept", "application/json;profile=text/html"}, false},
		"a browser's program for JSON":        {"", []string{"Sec-Fetch-Mode", "navigate", "Accept", "application/json"}, false},
		"a form that is sent":                 {"POST", []string{"Sec-Fetch-Mode", "navigate", "Accept", acceptOfBrowsers}, false},
		"PUT":                                 {"PUT", []string{"Accept", acceptOfBrowsers}, false},
		"DELETE":                              {"DELETE", []string{"Accept", acceptOfBrowsers}, false},
		"OPTIONS":                             {"OPTIONS", []string{"Accept", acceptOfBrowsers}, false},
		"a method like GET":                   {"get", []string{"Accept", acceptOfBrowsers}, false},
		"a browser's WebSocket":               {"", []string{"Sec-Fetch-Mode", "websocket", "Connection", "Upgrade", "Upgrade", "websocket", "Accept", "*/*"}, false},
		"a WebSocket of a browser's long ago": {"", []string{"Connection", "Upgrade", "Upgrade", "websocket", "Sec-WebSocket-Key", "x"}, false},
		"events":                              {"", []string{"Sec-Fetch-Mode", "cors", "Accept", "text/event-stream"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := pipelinetest.Request(append(test.headers, "X-Request-Id", "id-1")...)
			if test.method != "" {
				request.Method = test.method
			}
			all := pipelinetest.New(t, redirect, `{"to": "https://sso.test/", "loop_guard": false}`, pipeline.Environment{})
			if got := all.Respond(request, pipeline.NoCredential); got.Status != 302 || got.Header.Get("Location") != "https://sso.test/" {
				t.Errorf("where all are sent away: got %d to %s", got.Status, got.Header.Get("Location"))
			}
			browsers := pipelinetest.New(t, redirect, `{"to": "https://sso.test/", "on_browser_only": true, "loop_guard": false}`, pipeline.Environment{})
			got := browsers.Respond(request, pipeline.NoCredential.Because("no cookie"))
			if test.want {
				if got.Status != 302 || got.Header.Get("Location") != "https://sso.test/" {
					t.Errorf("got %+v, want a redirect", got)
				}
				return
			}
			want := pipeline.Response{
				Status: 401,
				Header: http.Header{"Content-Type": {"application/json"}, "Ory-Error-Id": {""}},
				Body:   []byte(`{"error":{"code":401,"status":"Unauthorized","request":"id-1","message":"The request could not be authorized"}}` + "\n"),
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestProgramsAreToldWhatIsMissing: without a redirect they would not know
// where to go on.
func TestProgramsAreToldWhatIsMissing(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, `{"to": "https://sso.test/", "on_browser_only": true}`, pipeline.Environment{})
	request := pipelinetest.Request("Accept", "application/json")
	limited := pipeline.Limited.Because("a reason")
	limited.Header = http.Header{"Retry-After": {"7"}}
	for _, test := range []struct {
		refusal error
		status  int
		body    string
	}{
		{&pipeline.Error{Kind: pipeline.SecondFactor, Continue: "https://sso.test/aal2"}, 401, `{"error":{"id":"session_aal2_required","code":401,"status":"Unauthorized","message":"The request could not be authorized"}}`},
		{pipeline.Outdated, 401, `{"error":{"id":"session_refresh_required","code":401,"status":"Unauthorized","message":"The request could not be authorized"}}`},
		{pipeline.Forbidden, 403, `{"error":{"code":403,"status":"Forbidden","message":"The requested action was forbidden"}}`},
		{limited, 429, `{"error":{"code":429,"status":"Too Many Requests","message":"Too many requests"}}`},
	} {
		got := handler.Respond(request, test.refusal)
		if got.Status != test.status || string(got.Body) != test.body+"\n" || got.Header["Set-Cookie"] != nil || got.Header["Location"] != nil {
			t.Errorf("%v: got %d %v %s", test.refusal, got.Status, got.Header, got.Body)
		}
		if want := pipeline.KindOf(test.refusal) == pipeline.Limited; (got.Header.Get("Retry-After") == "7") != want {
			t.Errorf("%v: headers %v", test.refusal, got.Header)
		}
	}
}

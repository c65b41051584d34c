package handlers

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestOriginsAreAllowedByPattern(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		patterns       []string
		allowed, other []string
	}{
		{nil, []string{"https://any.test", "null", "http://localhost:3000"}, nil},
		{[]string{"*"}, []string{"https://any.test", "null"}, nil},
		{[]string{"https://a.test", "*"}, []string{"https://any.test"}, nil},
		{
			[]string{"https://a.test"},
			[]string{"https://a.test"},
			[]string{"http://a.test", "https://a.test:8443", "https://b.a.test", "https://a.test.evil.test", "https://a.test/", "null", "", "HTTPS://A.TEST", "https://evil.test"},
		},
		{[]string{"HTTPS://A.test"}, []string{"https://a.test"}, []string{"HTTPS://A.test"}}, // browsers send lower case
		{[]string{"http://localhost:3000"}, []string{"http://localhost:3000"}, []string{"http://localhost", "http://localhost:30000"}},
		{[]string{"https://a.test", "https://b.test"}, []string{"https://a.test", "https://b.test"}, []string{"https://c.test"}},
		{
			[]string{"https://*.example.com"},
			[]string{"https://a.example.com", "https://a.b.example.com", "https://x-y.example.com"},
			[]string{
				"https://example.com", "https://.example.com", "http://a.example.com", "https://a.example.com:8443", "https://evilexample.com",
				"https://a.example.com.evil.test", "https://evil.test/.example.com", "https://evil.test:80.example.com", "https://evil.test@a.example.com",
				"https://evil.test?.example.com", "https://evil.test#.example.com", "https://a.example.org", "null", "",
			},
		},
		{[]string{"https://*.example.com:8443"}, []string{"https://a.example.com:8443"}, []string{"https://a.example.com", "https://a.example.com:844", "https://b:1.example.com:8443"}},
		{[]string{"https://app-*.example.co.uk"}, []string{"https://app-1.example.co.uk", "https://app-1.b.example.co.uk"}, []string{"https://app-.example.co.uk", "https://app.example.co.uk"}},
		{[]string{"https://*.b.example.com"}, []string{"https://a.b.example.com"}, []string{"https://a.example.com"}},
		// What follows these wildcards is nobody's own domain.
		{[]string{"https://*.com"}, nil, []string{"https://a.com", "https://a.b.com", "https://evil.com"}},
		{[]string{"https://*.co.uk"}, nil, []string{"https://evil.co.uk"}},
		{[]string{"https://*.github.io"}, nil, []string{"https://evil.github.io"}},
		{[]string{"https://*example.com"}, nil, []string{"https://a.example.com", "https://evilexample.com", "https://example.com"}},
		{[]string{"https://*"}, nil, []string{"https://a.test"}},
		{[]string{"https://a.*"}, nil, []string{"https://a.test"}},
		{[]string{"https://*.*.example.com"}, nil, []string{"https://a.b.example.com", "https://a.*.example.com"}},
		{[]string{"https://*.example.com*"}, nil, []string{"https://a.example.com", "https://a.example.com.evil.test"}},
		{[]string{"https://www.*.com"}, nil, []string{"https://www.evil.com"}},
		{[]string{"*.example.com"}, nil, []string{"https://a.example.com"}}, // a pattern names its scheme
		{[]string{"https://*."}, nil, []string{"https://a."}},
		{[]string{"https://*.[::1]x"}, nil, []string{"https://a.[::1]x"}},
	} {
		origins := newOrigins(test.patterns)
		for _, origin := range test.allowed {
			if !origins.allow(origin) {
				t.Errorf("%q does not allow %q", test.patterns, origin)
			}
		}
		for _, origin := range test.other {
			if origins.allow(origin) {
				t.Errorf("%q allows %q", test.patterns, origin)
			}
		}
	}
}

var pageCORS = CORS{
	Enabled: true, AllowedOrigins: []string{"https://page.test"}, AllowedMethods: []string{"GET", "PUT"},
	AllowedHeaders: []string{"Authorization", "X-Own"}, ExposedHeaders: []string{"X-Told", "Content-Type"}, AllowCredentials: true, MaxAge: 60,
}

// corsOf is what an answer says about other origins.
func corsOf(response *http.Response) http.Header {
	header := http.Header{}
	for name, values := range response.Header {
		if name == "Vary" || strings.HasPrefix(name, "Access-Control-") {
			header[name] = values
		}
	}
	return header
}

func TestPreflightsAreAnsweredBeforeAnyRule(t *testing.T) {
	t.Parallel()
	g := openGateWithCORS(t, pageCORS, ruling(func(*pipeline.Request) pipeline.Decision {
		t.Error("a preflight was decided on")
		return pipeline.Decision{}
	}))
	vary := []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
	for name, test := range map[string]struct {
		lines string
		want  http.Header
	}{
		"allowed": {
			"Origin: https://page.test\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: authorization,x-own\r\n",
			http.Header{
				"Vary": vary, "Access-Control-Allow-Origin": {"https://page.test"}, "Access-Control-Allow-Methods": {"PUT"},
				"Access-Control-Allow-Headers": {"authorization,x-own"}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Max-Age": {"60"},
			},
		},
		"another origin":   {"Origin: https://evil.test\r\nAccess-Control-Request-Method: PUT\r\n", http.Header{"Vary": vary}},
		"another method":   {"Origin: https://page.test\r\nAccess-Control-Request-Method: DELETE\r\n", http.Header{"Vary": vary}},
		"another header":   {"Origin: https://page.test\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: x-other\r\n", http.Header{"Vary": vary}},
		"no origin at all": {"Access-Control-Request-Method: PUT\r\n", http.Header{"Vary": vary}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, body := ask(t, g.address, "OPTIONS /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n"+test.lines+"\r\n")
			if diff := cmp.Diff(test.want, corsOf(response)); diff != "" || response.StatusCode != http.StatusNoContent || body != "" {
				t.Errorf("got %d with %q, and headers (-want +got):\n%s", response.StatusCode, body, diff)
			}
		})
	}
}

func TestOtherOPTIONSRequestsAreDecidedOn(t *testing.T) {
	t.Parallel()
	g := openGateWithCORS(t, pageCORS, ruling(func(*pipeline.Request) pipeline.Decision { return refused(pipeline.NoCredential) }))
	for _, lines := range []string{"", "Origin: https://page.test\r\n"} {
		response, _ := ask(t, g.address, "OPTIONS /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n"+lines+"\r\n")
		if response.StatusCode != http.StatusUnauthorized {
			t.Errorf("with %q: got %d", lines, response.StatusCode)
		}
	}
}

func TestAnswersSayWhichPageMayReadThem(t *testing.T) {
	t.Parallel()
	refusing := ruling(func(*pipeline.Request) pipeline.Decision { return refused(pipeline.NoCredential) })
	everybody := pageCORS
	everybody.AllowedOrigins = []string{"*"}
	for name, test := range map[string]struct {
		cors           CORS
		method, origin string
		want           http.Header
	}{
		"the page": {pageCORS, "GET", "https://page.test", http.Header{
			"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"https://page.test"}, "Access-Control-Expose-Headers": {"X-Told, Content-Type"},
			"Access-Control-Allow-Credentials": {"true"},
		}},
		"another page":   {pageCORS, "GET", "https://evil.test", http.Header{"Vary": {"Origin"}}},
		"no page":        {pageCORS, "GET", "", http.Header{"Vary": {"Origin"}}},
		"another method": {pageCORS, "DELETE", "https://page.test", http.Header{"Vary": {"Origin"}}},
		"any page, and then without credentials": {everybody, "GET", "https://any.test", http.Header{
			"Vary": {"Origin"}, "Access-Control-Allow-Origin": {"https://any.test"}, "Access-Control-Expose-Headers": {"X-Told, Content-Type"},
		}},
		"not enabled": {CORS{AllowedOrigins: []string{"*"}}, "GET", "https://page.test", http.Header{}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := openGateWithCORS(t, test.cors, refusing)
			request := test.method + " /x HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n"
			if test.origin != "" {
				request += "Origin: " + test.origin + "\r\n"
			}
			response, _ := ask(t, g.address, request+"\r\n")
			if diff := cmp.Diff(test.want, corsOf(response)); diff != "" || response.StatusCode != http.StatusUnauthorized {
				t.Errorf("got %d, and headers (-want +got):\n%s", response.StatusCode, diff)
			}
		})
	}
}

func TestTheEnginesCORSHeadersReplaceTheUpstreams(t *testing.T) {
	t.Parallel()
	upstream := record(t, "HTTP/1.1 200 OK\r\nAccess-Control-Allow-Origin: *\r\nAccess-Control-Allow-Credentials: true\r\nAccess-Control-Allow-Methods: DELETE\r\n"+
		"Access-Control-Expose-Headers: X-Secret\r\nVary: Accept\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok")
	theirs := http.Header{
		"Access-Control-Allow-Origin": {"*"}, "Access-Control-Allow-Credentials": {"true"}, "Access-Control-Allow-Methods": {"DELETE"},
		"Access-Control-Expose-Headers": {"X-Secret"}, "Vary": {"Accept"},
	}
	kept := theirs.Clone()
	kept["Vary"] = []string{"Origin", "Accept"}
	for name, test := range map[string]struct {
		cors CORS
		want http.Header
	}{
		"enabled": {CORS{Enabled: true, AllowedOrigins: []string{"https://page.test"}, AllowedMethods: []string{"GET"}}, http.Header{
			"Vary": {"Origin", "Accept"}, "Access-Control-Allow-Origin": {"https://page.test"},
		}},
		"enabled, for another page": {CORS{Enabled: true, AllowedOrigins: []string{"https://other.test"}, AllowedMethods: []string{"GET"}}, kept},
		"not enabled":               {CORS{}, theirs},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := openGateWithCORS(t, test.cors, permitted(to(t, upstream.here())))
			response, _ := ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nOrigin: https://page.test\r\nConnection: close\r\n\r\n")
			if diff := cmp.Diff(test.want, corsOf(response)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// FuzzOrigins holds a wildcard to the domain that it is below, whatever a page
// calls itself.
func FuzzOrigins(f *testing.F) {
	for _, seed := range []string{"https://a.example.com", "https://a.example.com:1", "https://evil.test/.example.com", "null", "https://.example.com", "https://a@b.example.com"} {
		f.Add(seed)
	}
	allowed := newOrigins([]string{"https://*.example.com"})
	f.Fuzz(func(t *testing.T, origin string) {
		if !allowed.allow(origin) {
			return
		}
		page, err := url.Parse(origin)
		if err == nil && (page.Scheme != "https" || !strings.HasSuffix(page.Host, ".example.com") || page.User != nil || page.Path != "") {
			t.Errorf("%q is allowed, which is a page of %q", origin, page.Host)
		}
	})
}

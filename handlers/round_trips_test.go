package handlers

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// cookieLines are Cookie headers of a browser, what is left of them without
// the engine's own cookie, and what that one counts.
var cookieLines = map[string]struct {
	sent, left []string
	count      int
}{
	"none":                      {nil, nil, 0},
	"no cookie of its own":      {[]string{`sid=1; json={"a":1}`}, []string{`sid=1; json={"a":1}`}, 0},
	"its own alone":             {[]string{"ostiary_round_trips=3-od7kk2"}, nil, 3},
	"its own first":             {[]string{"ostiary_round_trips=3-od7kk2; sid=1"}, []string{"sid=1"}, 3},
	"its own last":              {[]string{"sid=1; ostiary_round_trips=3-od7kk2"}, []string{"sid=1"}, 3},
	"its own among others":      {[]string{`a="b c"; ostiary_round_trips=3-od7kk2; json={"a":1}; odd name=1`}, []string{`a="b c"; json={"a":1}; odd name=1`}, 3},
	"on a line of its own":      {[]string{"sid=1", "ostiary_round_trips=3-od7kk2", "theme=dark"}, []string{"sid=1", "theme=dark"}, 3},
	"of two paths, nearest one": {[]string{"ostiary_round_trips=2-od7kk2; sid=1; ostiary_round_trips=4-od7kk2"}, []string{"sid=1"}, 2},
	"of two lines":              {[]string{"ostiary_round_trips=2-od7kk2", "ostiary_round_trips=4-od7kk2; sid=1"}, []string{"sid=1"}, 2},
	"without spaces":            {[]string{"sid=1;ostiary_round_trips=5-od7kk2;b=2"}, []string{"sid=1;b=2"}, 5},
	"with more of them":         {[]string{"sid=1;\tostiary_round_trips =5-od7kk2 ; b=2"}, []string{"sid=1; b=2"}, 5},
	"in quotes":                 {[]string{`ostiary_round_trips="3-od7kk2"`}, nil, 3},
	"of a path above":           {[]string{"ostiary_round_trips=4-1; sid=1; ostiary_round_trips=2-od7kk2"}, []string{"sid=1"}, 2},
	"no number":                 {[]string{"ostiary_round_trips=many; sid=1"}, []string{"sid=1"}, 0},
	"no value":                  {[]string{"ostiary_round_trips; sid=1"}, []string{"sid=1"}, 0},
	"a number too high":         {[]string{"ostiary_round_trips=1000-od7kk2; sid=1"}, []string{"sid=1"}, 0},
	"a name like it":            {[]string{"xostiary_round_trips=3-od7kk2; ostiary_round_trips2=4; Ostiary_Round_Trips=5"}, []string{"xostiary_round_trips=3-od7kk2; ostiary_round_trips2=4; Ostiary_Round_Trips=5"}, 0},
	"a value like it":           {[]string{"last=ostiary_round_trips=3-od7kk2"}, []string{"last=ostiary_round_trips=3-od7kk2"}, 0},
}

// counting notes what it is asked to decide about, and sends it upstream.
func counting(requests chan *pipeline.Request, changes ...func(*pipeline.Decision)) ruling {
	return func(request *pipeline.Request) pipeline.Decision {
		requests <- request
		return permitted(changes...)(request)
	}
}

func headOf(line string, cookies []string) string {
	head := line + " HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\nX-Stays: 1\r\n"
	for _, line := range cookies {
		head += "Cookie: " + line + "\r\n"
	}
	return head + "\r\n"
}

func expectRoundTrips(t *testing.T, name string, request *pipeline.Request, left []string, count int) {
	t.Helper()
	if diff := cmp.Diff(left, request.Header["Cookie"]); diff != "" {
		t.Errorf("%s: handlers would see (-want +got):\n%s", name, diff)
	}
	if request.RoundTrips != count || request.Header.Get("X-Stays") != "1" {
		t.Errorf("%s: counts %d, want %d; headers %v", name, request.RoundTrips, count, request.Header)
	}
}

func TestTheProxyKeepsItsOwnCookieToItself(t *testing.T) {
	t.Parallel()
	upstream := record(t, plainAnswer)
	requests := make(chan *pipeline.Request, 1)
	g := openGate(t, counting(requests, to(t, upstream.here())))
	for name, test := range cookieLines {
		ask(t, g.address, headOf("GET /x", test.sent))
		expectRoundTrips(t, name, <-requests, test.left, test.count)
		var want []string
		for _, line := range test.left {
			want = append(want, "Cookie: "+line)
		}
		var got []string
		for line := range strings.SplitSeq(upstream.head(t), "\r\n") {
			if strings.HasPrefix(line, "Cookie:") {
				got = append(got, line)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the upstream's lines (-want +got):\n%s", name, diff)
		}
	}
}

func TestTheProxyKeepsItsOwnCookieFromUpgradedConnections(t *testing.T) {
	t.Parallel()
	upstream := record(t, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
	g := openGate(t, permitted(to(t, upstream.here())))
	ask(t, g.address, "GET /x HTTP/1.1\r\nHost: app.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nCookie: ostiary_round_trips=1; sid=1\r\n\r\n")
	if head := upstream.head(t); strings.Contains(head, pipeline.RoundTripsCookie) || !strings.Contains(head, "Cookie: sid=1\r\n") {
		t.Errorf("the upstream got %q", head)
	}
}

func TestDecisionsKeepTheEnginesOwnCookieToThemselves(t *testing.T) {
	t.Parallel()
	requests := make(chan *pipeline.Request, 1)
	address, _ := openDecisions(t, counting(requests, echoes))
	for name, test := range cookieLines {
		response, _ := ask(t, address, headOf("GET /decisions/x", test.sent))
		expectRoundTrips(t, name, <-requests, test.left, test.count)
		for header, values := range response.Header {
			if strings.Contains(strings.Join(values, ";"), pipeline.RoundTripsCookie) {
				t.Errorf("%s: the gateway gets %s: %q", name, header, values)
			}
		}
	}
}

// TestARequestThatIsMalformedHasNoPathToCountFor: but the cookie goes no further.
func TestARequestThatIsMalformedHasNoPathToCountFor(t *testing.T) {
	t.Parallel()
	g := openGate(t, permitted())
	ask(t, g.address, headOf("GET /%2e%2e/x", []string{"ostiary_round_trips=3; sid=1"}))
	expectRoundTrips(t, "malformed", g.notes.next(t).Request, []string{"sid=1"}, 0)
}

// TestABrowserIsNotSentRoundForEver goes the whole way: the cookie that the
// engine sets is the one that it reads, whatever its path.
func TestABrowserIsNotSentRoundForEver(t *testing.T) {
	t.Parallel()
	sendsAway := ruling(func(request *pipeline.Request) pipeline.Decision {
		if request.RoundTrips >= 5 {
			return refused(pipeline.NoCredential)
		}
		return pipeline.Decision{Err: pipeline.NoCredential, Response: pipeline.Response{Status: 302, Header: http.Header{
			"Location": {"https://sso.test/"}, "Set-Cookie": {pipeline.RoundTrips(request, request.RoundTrips+1)},
		}}}
	})
	proxy := openGate(t, sendsAway)
	api, _ := openDecisions(t, sendsAway)
	for target, address := range map[string]string{"GET /orders/a%2Fb": proxy.address, "GET /decisions/orders/a%2Fb": api} {
		var statuses []int
		cookies := []string{"sid=1"}
		for range 6 {
			response, _ := ask(t, address, headOf(target, cookies))
			statuses = append(statuses, response.StatusCode)
			for _, cookie := range response.Cookies() {
				if cookie.Path != "/orders/a%2Fb" {
					t.Errorf("%s: the cookie is for %s", target, cookie.Path)
				}
				cookies = []string{fmt.Sprintf("%s=%s; sid=1", cookie.Name, cookie.Value)}
			}
		}
		if !slices.Equal(statuses, []int{302, 302, 302, 302, 302, 401}) {
			t.Errorf("%s: got %v", target, statuses)
		}
	}
}

// TestARequestWithoutItsCookieCostsNothing is not parallel: it counts what is
// allocated.
func TestARequestWithoutItsCookieCostsNothing(t *testing.T) {
	r := &http.Request{Header: http.Header{"Cookie": {"sid=1; theme=dark"}}}
	if n := testing.AllocsPerRun(100, func() { takeRoundTrips(r.Header) }); n != 0 {
		t.Errorf("it allocates %v times", n)
	}
}

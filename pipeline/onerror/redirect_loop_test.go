package onerror

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

const toSSO = `{"to": "https://sso.test/in?a=1&b=2", "return_to_query_param": "return_to"}`

// visit is a browser's request for a page after so many round trips.
func visit(roundTrips int) *pipeline.Request {
	request := pipelinetest.Request("Accept", "text/html", "Sec-Fetch-Mode", "navigate")
	request.RoundTrips = roundTrips
	return request
}

func TestABrowserIsSentAwayFiveTimesInARow(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, toSSO, pipeline.Environment{})
	roundTrips := 0
	for trip := 1; trip <= 5; trip++ {
		response := handler.Respond(visit(roundTrips), pipeline.NoCredential)
		cookie, err := http.ParseSetCookie(response.Header.Get("Set-Cookie"))
		if err != nil || response.Status != 302 || response.Header.Get("Location") == "" {
			t.Fatalf("trip %d: got %+v, %v", trip, response, err)
		}
		want := http.Cookie{
			Name: "ostiary_round_trips", Value: string(rune('0'+trip)) + "-ya4kw4", Path: "/orders/a%20b/7", MaxAge: 30,
			HttpOnly: true, Secure: true, SameSite: http.SameSiteLaxMode,
		}
		cookie.Raw = ""
		if diff := cmp.Diff(&want, cookie); diff != "" {
			t.Errorf("trip %d: %s", trip, diff)
		}
		roundTrips = pipeline.CountRoundTrips([]string{cookie.Value}, "/orders/a%20b/7")
	}
	want := pipeline.Response{
		Status: 401,
		Header: http.Header{
			"Content-Type": {"text/html; charset=utf-8"}, "Cache-Control": {"no-store"},
			"Set-Cookie": {"ostiary_round_trips=0-ya4kw4; Path=/orders/a%20b/7; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
		},
		Body: []byte(`<!DOCTYPE html>
<html lang="en">
<title>Logging in does not help</title>
<p>You were sent to log in 5 times in a row, and came back without a session that counts here.
It may help to <a href="https://sso.test/in?a=1&amp;b=2&amp;return_to=https%3A%2F%2Fapi.example.test%2Forders%2Fa%2520b%2F7%3Fpage%3D2%26access_token%3Din-query">log in once more</a> or to remove this site's cookies; if it does not, please tell its operator.
</html>
`),
	}
	if diff := cmp.Diff(want, handler.Respond(visit(roundTrips), pipeline.NoCredential)); diff != "" {
		t.Errorf("the sixth time: %s", diff)
	}
}

func TestTheLoopGuardBeginsAnewAfterItsPage(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, toSSO, pipeline.Environment{})
	stopped := handler.Respond(visit(5), pipeline.NoCredential)
	cookie, err := http.ParseSetCookie(stopped.Header.Get("Set-Cookie"))
	if err != nil || cookie.MaxAge >= 0 {
		t.Fatalf("the browser is to forget the count: %v, %v", cookie, err)
	}
	if again := handler.Respond(visit(0), pipeline.NoCredential); again.Status != 302 || !strings.HasPrefix(again.Header.Get("Set-Cookie"), "ostiary_round_trips=1-ya4kw4;") {
		t.Errorf("got %+v", again)
	}
}

func TestTheLoopGuardStopsAtAnyHigherCount(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, toSSO, pipeline.Environment{})
	for roundTrips, want := range map[int]int{4: 302, 5: 401, 6: 401, 127: 401} {
		if got := handler.Respond(visit(roundTrips), pipeline.NoCredential).Status; got != want {
			t.Errorf("after %d: got %d, want %d", roundTrips, got, want)
		}
	}
}

func TestTheLoopGuardKeepsTheStatusOfTheError(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, toSSO, pipeline.Environment{})
	for kind, want := range map[pipeline.Kind]int{
		pipeline.BadCredential: 401, pipeline.SecondFactor: 401, pipeline.Outdated: 401, pipeline.Forbidden: 403, pipeline.Unavailable: 503,
	} {
		if got := handler.Respond(visit(5), kind).Status; got != want {
			t.Errorf("%s: got %d, want %d", kind.Name(), got, want)
		}
	}
}

func TestTheLoopGuardsPageLeadsToWhatIsMissing(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, `{"to": "https://sso.test/in"}`, pipeline.Environment{})
	refusal := &pipeline.Error{Kind: pipeline.SecondFactor, Continue: `https://kratos.test/?a="><script>&b='`}
	body := string(handler.Respond(visit(5), refusal).Body)
	if want := `<a href="https://kratos.test/?a=&#34;&gt;&lt;script&gt;&amp;b=&#39;">`; !strings.Contains(body, want) {
		t.Errorf("there is no %s in %s", want, body)
	}
}

func TestTheLoopGuardsPageHasNoBodyForHEAD(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, toSSO, pipeline.Environment{})
	request := visit(5)
	request.Method = http.MethodHead
	if got := handler.Respond(request, pipeline.NoCredential); got.Status != 401 || got.Body != nil || got.Header.Get("Content-Type") == "" {
		t.Errorf("got %+v", got)
	}
}

func TestTheLoopGuardCountsBrowsersOnly(t *testing.T) {
	t.Parallel()
	form := visit(9)
	form.Method = http.MethodPost
	program := pipelinetest.Request("Accept", "*/*")
	script := pipelinetest.Request("Accept", "text/html", "Sec-Fetch-Mode", "cors")
	program.RoundTrips, script.RoundTrips = 9, 9
	for name, test := range map[string]struct {
		config  string
		request *pipeline.Request
	}{
		"a program":                      {toSSO, program},
		"a script":                       {toSSO, script},
		"a form":                         {toSSO, form},
		"anybody, if it is off":          {`{"to": "https://sso.test/in", "loop_guard": false}`, visit(9)},
		"a browser, alone, if it is off": {`{"to": "https://sso.test/in", "loop_guard": false, "on_browser_only": true}`, visit(9)},
	} {
		handler := pipelinetest.New(t, redirect, test.config, pipeline.Environment{})
		response := handler.Respond(test.request, pipeline.NoCredential)
		if cookie, set := response.Header["Set-Cookie"]; set || response.Status != 302 {
			t.Errorf("%s: got %d with the cookie %s", name, response.Status, cookie)
		}
	}
}

func TestTheLoopGuardCountsWhereOnlyBrowsersAreSentAway(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, `{"to": "https://sso.test/in", "on_browser_only": true}`, pipeline.Environment{})
	if got := handler.Respond(visit(4), pipeline.NoCredential); got.Status != 302 || !strings.HasPrefix(got.Header.Get("Set-Cookie"), "ostiary_round_trips=5-ya4kw4;") {
		t.Errorf("got %+v", got)
	}
	if got := handler.Respond(visit(5), pipeline.NoCredential); got.Status != 401 || got.Header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("got %+v", got)
	}
}

func TestTheLoopGuardsCookieIsNotOnlyForHTTPSWithoutIt(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, redirect, toSSO, pipeline.Environment{})
	request := visit(0)
	request.Scheme = "http"
	const want = "ostiary_round_trips=1-ya4kw4; Path=/orders/a%20b/7; Max-Age=30; HttpOnly; SameSite=Lax"
	if got := handler.Respond(request, pipeline.NoCredential).Header.Get("Set-Cookie"); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

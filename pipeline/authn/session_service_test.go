package authn

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// html is an answer that is a page.
func html(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "<html>It works!</html>")
	}
}

// TestSessionServicesAnswersAreToldApart is the table of what a session
// service may say: which kind of refusal each answer is, for the generic
// authenticators and for the one that knows Kratos, and what a client of
// verbose error handlers reads.
func TestSessionServicesAnswersAreToldApart(t *testing.T) {
	t.Parallel()
	const (
		bad, slow, down = pipeline.BadCredential, pipeline.Slow, pipeline.Unavailable
		strange         = pipeline.Unusable
		notJSON         = "the session service answered with something that is not JSON"
		nobody          = "the session service's answer names no subject"
		factor          = "the session service asks for a second factor"
	)
	type outcome struct {
		kind   error
		reason string
	}
	answered := func(kind pipeline.Kind, status string) [2]outcome {
		return [2]outcome{{kind, "the session service answered " + status}, {kind, "Kratos answered " + status}}
	}
	tests := map[string]struct {
		answer http.HandlerFunc
		want   [2]outcome // of the generic ones, and of the one for Kratos
	}{
		"a session":                     {good("ada"), [2]outcome{}},
		"a session, re-issued":          {withHeader("Set-Cookie", "ory_kratos_session=2", good("ada")), [2]outcome{}},
		"no session":                    {noSession, answered(bad, "401")},
		"a second factor, first":        {lacksFactor, [2]outcome{{pipeline.SecondFactor, factor}, {pipeline.SecondFactor, factor}}},
		"a refusal for another reason":  {pipelinetest.Answer(403, `{"error":{"id":"forbidden"}}`), answered(bad, "403")},
		"a refusal without a reason":    {pipelinetest.Answer(403, ``), answered(bad, "403")},
		"a refusal that is a page":      {html(403), [2]outcome{{bad, "the session service answered 403"}, {strange, ""}}},
		"a page that says no":           {html(401), [2]outcome{{bad, "the session service answered 401"}, {strange, ""}}},
		"a second factor as a bad 401":  {pipelinetest.Answer(401, `{"error":{"id":"session_aal2_required"}}`), answered(bad, "401")},
		"a mistake of ours":             {pipelinetest.Answer(400, `{}`), [2]outcome{{bad, "the session service answered 400"}, {strange, ""}}},
		"a conflict":                    {pipelinetest.Answer(409, `{}`), [2]outcome{{bad, "the session service answered 409"}, {strange, ""}}},
		"a fault":                       {pipelinetest.Answer(500, `{}`), answered(down, "500")},
		"a fault of a gateway before":   {html(502), answered(down, "502")},
		"maintenance":                   {html(503), answered(down, "503")},
		"a slow gateway before it":      {html(504), answered(down, "504")},
		"nothing in time":               {func(_ http.ResponseWriter, r *http.Request) { hangOn(r) }, [2]outcome{{slow, ""}, {slow, ""}}},
		"half a session in time":        {func(w http.ResponseWriter, r *http.Request) { beginAnswer(w); hangOn(r) }, [2]outcome{{slow, ""}, {slow, ""}}},
		"nothing at all":                {breakOff, [2]outcome{{down, ""}, {down, ""}}},
		"too much":                      {answerTooLong, [2]outcome{{down, ""}, {down, ""}}},
		"a page":                        {html(200), [2]outcome{{bad, notJSON}, {strange, ""}}},
		"a page that says it is JSON":   {pipelinetest.Answer(200, `<html>`), [2]outcome{{bad, notJSON}, {strange, ""}}},
		"an empty body":                 {pipelinetest.Answer(200, ``), [2]outcome{{bad, notJSON}, {strange, ""}}},
		"a body that is cut off":        {pipelinetest.Answer(200, sessionOf("ada")[:100]), [2]outcome{{bad, notJSON}, {strange, ""}}},
		"null":                          {pipelinetest.Answer(200, `null`), [2]outcome{{bad, nobody}, {strange, ""}}},
		"an empty object":               {pipelinetest.Answer(200, `{}`), [2]outcome{{bad, nobody}, {strange, ""}}},
		"a list":                        {pipelinetest.Answer(200, `[`+sessionOf("ada")+`]`), [2]outcome{{bad, nobody}, {strange, ""}}},
		"a session of nobody":           {good("ada", change{"identity": nil}), [2]outcome{{bad, nobody}, {strange, ""}}},
		"a session of an empty name":    {good(""), [2]outcome{{bad, nobody}, {strange, ""}}},
		"a session of a number":         {good("ada", change{"identity.id": 7}), [2]outcome{{pipeline.Forbidden, "subject_from does not lead to a text in the session service's answer"}, {strange, ""}}},
		"201":                           {pipelinetest.Answer(201, sessionOf("ada")), [2]outcome{{bad, "the session service answered 201"}, {strange, ""}}},
		"204":                           {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, [2]outcome{{bad, "the session service answered 204"}, {strange, ""}}},
		"a redirect":                    {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/login", http.StatusFound) }, [2]outcome{{bad, "the session service answered 302"}, {strange, ""}}},
		"that it is somewhere else":     {html(404), [2]outcome{{bad, "the session service answered 404"}, {strange, ""}}},
		"that it does not know to read": {html(405), [2]outcome{{bad, "the session service answered 405"}, {strange, ""}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			everyChecker(t, func(t *testing.T, c checker) {
				want := test.want[0]
				if c.definition.ID == "kratos_session" {
					want = test.want[1]
				}
				kratos := serveKratos(t, test.answer)
				config := `{}`
				if want.kind == slow { //nolint:errorlint // kinds are values
					config = shortTimeout
				}
				handler := c.with(t, newWorld(t).Environment, kratos.URL, config)
				session, err := pass(t, handler, c.bearing("secret"))
				if got := kindOf(t, err); got != want.kind || pipelinetest.ReasonOf(err) != want.reason { //nolint:errorlint // kinds are values
					t.Errorf("got %v (%q), want %v (%q)", err, pipelinetest.ReasonOf(err), want.kind, want.reason)
				}
				if subject := map[bool]string{true: "ada"}[want.kind == nil]; session.Subject != subject || session.SetCookie != nil {
					t.Errorf("got the session %+v", session)
				}
				if err != nil && strings.Contains(err.Error(), "secret") {
					t.Errorf("the log would say %q", err)
				}
				// On a busy machine it may be too late before the call begins.
				if calls := kratos.calls(); calls != 1 && (calls != 0 || want.kind != slow) { //nolint:errorlint // kinds are values
					t.Errorf("%d calls", calls)
				}
			})
		})
	}
}

func TestSessionServicesLimitIsPassedOn(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		kratos := serveKratos(t, busy)
		_, err := pass(t, c.with(t, newWorld(t).Environment, kratos.URL, `{}`), c.bearing("1"))
		wantSlowDown(t, err)
	})
}

// TestSessionServicesTellWhereToStepUp, as far as a browser can go there.
func TestSessionServicesTellWhereToStepUp(t *testing.T) {
	t.Parallel()
	const error403 = `{"error":{"id":"session_aal2_required","code":403}`
	for body, want := range map[string]string{
		error403 + `,"redirect_browser_to":"https://kratos.test/login?aal=aal2"}`:           "https://kratos.test/login?aal=aal2",
		error403 + `,"redirect_browser_to":"http://127.0.0.1:4433/login?aal=aal2&b=a%20b"}`: "http://127.0.0.1:4433/login?aal=aal2&b=a%20b",
		error403 + `}`: "",
		error403 + `,"redirect_browser_to":null}`:                         "",
		error403 + `,"redirect_browser_to":""}`:                           "",
		error403 + `,"redirect_browser_to":7}`:                            "",
		error403 + `,"redirect_browser_to":"/login?aal=aal2"}`:            "",
		error403 + `,"redirect_browser_to":"//kratos.test/login"}`:        "",
		error403 + `,"redirect_browser_to":"javascript:alert(1)"}`:        "",
		error403 + `,"redirect_browser_to":"https:///login"}`:             "",
		error403 + `,"redirect_browser_to":"https://a.test/\r\nX-Evil:"}`: "",
		error403 + `,"redirect_browser_to":{"a":"https://a.test"}}`:       "",
	} {
		for id, c := range checkers {
			kratos := serveKratos(t, pipelinetest.Answer(403, body))
			_, err := pass(t, c.with(t, newWorld(t).Environment, kratos.URL, `{}`), c.bearing("1"))
			refusal, ok := err.(*pipeline.Error) //nolint:errorlint // handlers return it unwrapped
			if !ok || refusal.Kind != pipeline.SecondFactor || refusal.Continue != want {
				t.Errorf("%s: %s: got %+v, want %s", id, body, err, want)
			}
		}
	}
}

// TestSessionServicesAreAskedWithGET about a request of any method, without
// its body, at their own address, and see no more than the credential.
func TestSessionServicesAreAskedWithGET(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		kratos := serveKratos(t, good("ada"))
		config := `{}`
		if c.definition.ID == "cookie_session" {
			config = `{"send_only": true}`
		}
		handler := c.with(t, newWorld(t).Environment, kratos.URL, config)
		request := c.bearing("1")
		request.Method = http.MethodPost
		request.Body = pipeline.NewBody(io.NopCloser(strings.NewReader("amount=7")))
		for name, value := range map[string]string{
			"X-Other": "1", "Content-Type": "text/plain", "Content-Length": "8", "Accept": "text/html", "Origin": "https://evil.test", "X-Forwarded-For": "1.1.1.1",
			"User-Agent": "browser", "Referer": "https://shop.test", "Accept-Language": "da", "Accept-Encoding": "br", "If-None-Match": `"x"`,
		} {
			request.Header.Set(name, value)
		}
		if c.header == "Cookie" {
			request.Header.Set("Authorization", "Basic eA==")
			request.Header.Set("Cookie", "theme=dark; ory_kratos_session=1; csrf=x")
		} else {
			request.Header.Set("Cookie", "theme=dark")
		}
		expect(t, handler, request, "ada", nil)
		asked := kratos.Asked()
		if len(asked) != 1 {
			t.Fatalf("%d calls", len(asked))
		}
		got := asked[0]
		if got.Method != "GET" || got.Target != "/sessions/whoami" || "http://"+got.Host != kratos.URL || got.Body != "" {
			t.Errorf("it was asked %s %s at %s with %q", got.Method, got.Target, got.Host, got.Body)
		}
		for _, name := range []string{"Accept", "Accept-Encoding", "User-Agent"} { // of the network's, or of the client's making
			if value := got.Header.Get(name); value == request.Header.Get(name) {
				t.Errorf("%s: %s is the client's own", name, value)
			}
			got.Header.Del(name)
		}
		if diff := cmp.Diff(http.Header{c.sentAs: {c.prefix + "1"}}, got.Header); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}

// TestRequestsWithoutACredentialAreLeftToOthers: nobody is asked about them.
func TestRequestsWithoutACredentialAreLeftToOthers(t *testing.T) {
	t.Parallel()
	everyChecker(t, func(t *testing.T, c checker) {
		kratos := serveKratos(t, good("ada"))
		handler := c.with(t, newWorld(t).Environment, kratos.URL, cached(``))
		for _, request := range []*pipeline.Request{
			pipelinetest.Request(), pipelinetest.Request("Cookie", "theme=dark"), pipelinetest.Request("Authorization", "Basic eA=="), pipelinetest.Request("Cookie", ""),
		} {
			expect(t, handler, request, "", pipeline.ErrNotResponsible)
		}
		if calls := kratos.calls(); calls != 0 {
			t.Errorf("%d calls", calls)
		}
	})
}

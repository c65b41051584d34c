package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

const (
	plainJSON   = "application/json"
	textJSON    = "application/json; charset=utf-8"
	notFound404 = `{"error":{"code":404,"status":"Not Found","message":"The requested resource could not be found"}}` + "\n"
)

// openAPI serves the API about a rulebook and returns its address.
func openAPI(t testing.TB, book rulebook) (address string, recorded notes) {
	t.Helper()
	recorded = newNotes()
	api := API{
		Decisions: []*Decisions{{Decider: permitted(), Recorder: recorded, Dialect: Oathkeeper, Path: "/decisions"}}, Rulebook: book, Recorder: recorded, Version: "v1.2.3",
		Admin: &Admin{Rulebook: book, Recorder: recorded},
	}
	return serve(t, Frontend(quiet, CORS{}, api.Handler())), recorded
}

func get(t testing.TB, address, target string, lines ...string) (*http.Response, string) {
	t.Helper()
	return ask(t, address, "GET "+target+" HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n"+strings.Join(append(lines, "\r\n"), "\r\n"))
}

func expectAnswer(t testing.TB, response *http.Response, body string, status int, contentType, want string) {
	t.Helper()
	if response.StatusCode != status || body != want || response.Header.Get("Content-Type") != contentType {
		t.Errorf("got %d %s with %s\nwant %d %s with %s", response.StatusCode, response.Header.Get("Content-Type"), body, status, contentType, want)
	}
}

// numbered is a rulebook of n rules.
func numbered(n int) rulebook {
	var book rulebook
	for i := range n {
		book.pages = append(book.pages, page{fmt.Sprint(i), fmt.Sprintf(`{"id":"%d"}`, i)})
	}
	return book
}

func TestRulesAreListedInPages(t *testing.T) {
	t.Parallel()
	address, _ := openAPI(t, numbered(600))
	for query, want := range map[string]struct{ first, count int }{
		"":                                    {0, 50},
		"?limit=2":                            {0, 2},
		"?limit=2&offset=3":                   {3, 2},
		"?offset=580":                         {580, 20},
		"?limit=500":                          {0, 500},
		"?limit=501":                          {0, 500},
		"?limit=9000&offset=100":              {100, 500},
		"?limit=0":                            {0, 0},
		"?limit=-1":                           {0, 0},
		"?limit=x":                            {0, 50},
		"?limit=":                             {0, 50},
		"?limit=1e2":                          {0, 50},
		"?limit=99999999999999999999":         {0, 50},
		"?offset=-5":                          {0, 50},
		"?offset=x":                           {0, 50},
		"?offset=600":                         {0, 0},
		"?offset=9223372036854775807":         {0, 0},
		"?offset=9223372036854775807&limit=1": {0, 0},
		"?limit=3&limit=4":                    {0, 3},
	} {
		response, body := get(t, address, "/rules"+query)
		var ids []struct{ ID string }
		if err := json.Unmarshal([]byte(body), &ids); err != nil || response.StatusCode != http.StatusOK || ids == nil {
			t.Errorf("%s: got %d with %s, %v", query, response.StatusCode, body, err)
			continue
		}
		if len(ids) != want.count || (want.count > 0 && ids[0].ID != fmt.Sprint(want.first)) {
			t.Errorf("%s: got %d rules %v, want %d from %d", query, len(ids), ids, want.count, want.first)
		}
	}
}

func TestRulesAreShownAsTheyAre(t *testing.T) {
	t.Parallel()
	const a, b = `{"id":"a/b","match":{"url":"<https?>://app.test/<.*>"},"upstream":null}`, `{"id":"a/b","second":true}`
	address, recorded := openAPI(t, rulebook{pages: []page{{"a/b", a}, {"a/b", b}, {"a%2Fb", `{"escaped":true}`}, {"ü d", `{"text":true}`}, {"", `{"unnamed":true}`}}})
	response, body := get(t, address, "/rules?limit=2")
	expectAnswer(t, response, body, http.StatusOK, textJSON, "["+a+","+b+"]\n")
	if got := recorded.next(t); got.Service != APIService || got.Status != http.StatusOK || got.Size != int64(len(body)) || got.Decision != nil {
		t.Errorf("recorded: %+v", got)
	}
	for id, want := range map[string]string{
		"a%2Fb": a, "a%2fb": a, "%61%2Fb": a, "a%252Fb": `{"escaped":true}`, "%C3%BC%20d": `{"text":true}`, "ü%20d": `{"text":true}`,
	} {
		response, body := get(t, address, "/rules/"+id)
		expectAnswer(t, response, body, http.StatusOK, textJSON, want+"\n")
	}
	for _, id := range []string{"a", "A%2Fb", "b", "a%2Fb%20", "%2F"} {
		response, body := get(t, address, "/rules/"+id)
		expectAnswer(t, response, body, http.StatusNotFound, plainJSON, notFound404)
	}
	response, body = get(t, address, "/rules/none", "X-Request-Id: 7")
	expectAnswer(t, response, body, http.StatusNotFound, plainJSON, strings.Replace(notFound404, `"message"`, `"request":"7","message"`, 1))
}

func TestARuleThatIsNoDocumentIsAFault(t *testing.T) {
	t.Parallel()
	address, _ := openAPI(t, rulebook{pages: []page{{"a", `{"id":`}}})
	for _, target := range []string{"/rules", "/rules/a"} {
		response, body := get(t, address, target)
		expectAnswer(t, response, body, http.StatusInternalServerError, plainJSON, bare500)
	}
}

func TestHealthIsToldWithoutBeingCounted(t *testing.T) {
	t.Parallel()
	ready, recorded := openAPI(t, rulebook{ready: true})
	unready, alsoRecorded := openAPI(t, rulebook{})
	const ok = `{"status":"ok"}` + "\n"
	for _, target := range []string{"/health/alive", "/health/ready", "/health/ready?x"} {
		response, body := get(t, ready, target)
		expectAnswer(t, response, body, http.StatusOK, textJSON, ok)
	}
	response, body := get(t, unready, "/health/alive")
	expectAnswer(t, response, body, http.StatusOK, textJSON, ok)
	response, body = get(t, unready, "/health/ready")
	expectAnswer(t, response, body, http.StatusServiceUnavailable, plainJSON,
		`{"error":{"code":500,"status":"Internal Server Error","message":"The requested resource could not be found"}}`+"\n")
	_, body = get(t, unready, "/health/ready", `X-Request-Id: "7"`)
	if want := `{"error":{"code":500,"status":"Internal Server Error","request":"\"7\"","message":"The requested resource could not be found"}}` + "\n"; body != want {
		t.Errorf("got %s, want %s", body, want)
	}
	response, body = get(t, ready, "/health/ready?verbose")
	expectAnswer(t, response, body, http.StatusOK, textJSON, `{"status":"ok","rules":{"sources":[]}}`+"\n")
	response, body = get(t, unready, "/health/ready?verbose=true")
	expectAnswer(t, response, body, http.StatusServiceUnavailable, textJSON, `{"status":"not ready","rules":{"sources":[]}}`+"\n")
	if len(recorded)+len(alsoRecorded) > 0 {
		t.Error("probes were recorded")
	}
}

// TestWhoLeavesIsNotReady, whatever its rules are, but alive.
func TestWhoLeavesIsNotReady(t *testing.T) {
	t.Parallel()
	api := API{Rulebook: rulebook{ready: true}, Recorder: Recorders{}, Leaving: func() bool { return true }}
	address := serve(t, api.Handler())
	for target, want := range map[string]int{"/health/alive": http.StatusOK, "/health/ready": http.StatusServiceUnavailable} {
		if response, body := get(t, address, target); response.StatusCode != want {
			t.Errorf("%s: %d %s", target, response.StatusCode, body)
		}
	}
	response, body := get(t, address, "/health/ready?verbose")
	expectAnswer(t, response, body, http.StatusServiceUnavailable, textJSON, `{"status":"shutting down","rules":{"sources":[]}}`+"\n")
}

func TestChangesOfTheRulesAreListed(t *testing.T) {
	t.Parallel()
	address, recorded := openAPI(t, rulebook{pages: []page{{"a", `{"id":"a"}`}}})
	response, body := get(t, address, "/rules/generations")
	expectAnswer(t, response, body, http.StatusOK, textJSON, `[{"generation":7},{"generation":6}]`+"\n")
	if got := recorded.next(t); got.Status != http.StatusOK || got.Service != APIService {
		t.Errorf("recorded: %+v", got)
	}
	for _, target := range []string{"/rules", "/rules/a"} {
		response, _ := get(t, address, target)
		if number, digest := response.Header.Get("Ostiary-Rules-Generation"), response.Header.Get("Ostiary-Rules-Digest"); number != "7" || digest != "d1" {
			t.Errorf("%s is about generation %q with the digest %q", target, number, digest)
		}
	}
}

func TestTheVersionIsTold(t *testing.T) {
	t.Parallel()
	address, recorded := openAPI(t, rulebook{})
	response, body := get(t, address, "/version")
	expectAnswer(t, response, body, http.StatusOK, textJSON, `{"version":"v1.2.3"}`+"\n")
	if got := recorded.next(t); got.Status != http.StatusOK || got.Service != APIService {
		t.Errorf("recorded: %+v", got)
	}
}

func TestPublicKeysAreTold(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		book              rulebook
		status            int
		contentType, want string
	}{
		"two":  {rulebook{keys: []json.RawMessage{[]byte(`{"kty":"EC"}`), []byte(`{"kty":"OKP"}`)}}, 200, textJSON, `{"keys":[{"kty":"EC"},{"kty":"OKP"}]}` + "\n"},
		"none": {rulebook{keys: []json.RawMessage{}}, 200, textJSON, `{"keys":[]}` + "\n"},
		"not obtainable": {
			rulebook{unreachable: errors.New("the store at 10.0.0.1 is down")},
			500, plainJSON,
			string(pipeline.ErrorResponse(pipeline.Internal, "", false).Body),
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, _ := openAPI(t, test.book)
			response, body := get(t, address, "/.well-known/jwks.json")
			expectAnswer(t, response, body, test.status, test.contentType, test.want)
		})
	}
}

func TestHEADIsGETWithoutABody(t *testing.T) {
	t.Parallel()
	address, _ := openAPI(t, rulebook{ready: true, pages: []page{{"a", `{"id":"a"}`}}})
	for _, target := range []string{"/rules", "/rules/a", "/rules/none", "/version", "/health/alive", "/health/ready", "/.well-known/jwks.json", "/nothing"} {
		want, body := get(t, address, target)
		got, none := ask(t, address, "HEAD "+target+" HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n")
		want.Header.Del("Date")
		got.Header.Del("Date")
		if diff := cmp.Diff(want.Header, got.Header); diff != "" || got.StatusCode != want.StatusCode || none != "" || got.Header.Get("Content-Length") != fmt.Sprint(len(body)) {
			t.Errorf("HEAD %s: got %d with %q, and headers (-GET +HEAD):\n%s", target, got.StatusCode, none, diff)
		}
	}
}

func TestWhatTheAPIDoesNotHaveIsA404(t *testing.T) {
	t.Parallel()
	address, recorded := openAPI(t, rulebook{ready: true, pages: []page{{"a", `{}`}}})
	for _, line := range []string{
		"GET /", "GET /nothing", "GET /rules/", "GET /rules/a/b", "GET //rules", "GET /rules/../rules", "GET /Rules", "GET /%72ules", "GET /health", "GET /health/",
		"GET /health/alive/", "GET /health/%61live", "GET /version/", "GET /metrics", "GET /debug/pprof/", "GET /.well-known/", "GET /?decisions", "POST /decisionsfoo",
		"POST /rules", "PUT /rules/a", "DELETE /rules/a", "PATCH /version", "OPTIONS /rules", "POST /health/alive", "TRACE /health/ready", "PROPFIND /rules",
		"get /rules", "CONNECT api.test:443",
	} {
		response, body := ask(t, address, line+" HTTP/1.1\r\nHost: api.test\r\nAccept: application/json\r\nConnection: close\r\n\r\n")
		t.Run(line, func(t *testing.T) {
			expectAnswer(t, response, body, http.StatusNotFound, plainJSON, notFound404)
			if allow := response.Header.Get("Allow"); allow != "" {
				t.Errorf("the answer tells of %s", allow)
			}
		})
		if got := recorded.next(t); got.Status != http.StatusNotFound || got.Service != APIService || got.Decision != nil {
			t.Errorf("%s: recorded %+v", line, got)
		}
	}
}

func TestAQuestionAboutTheWholeServerIsA400(t *testing.T) {
	t.Parallel()
	address, recorded := openAPI(t, rulebook{ready: true})
	response, body := ask(t, address, "OPTIONS * HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\n\r\n")
	if response.StatusCode != http.StatusBadRequest || !strings.Contains(body, `"code":400`) {
		t.Errorf("got %d with %s", response.StatusCode, body)
	}
	if got := recorded.next(t); got.Status != http.StatusBadRequest || got.Decision != nil {
		t.Errorf("recorded %+v", got)
	}
}

func TestThe404IsInTheFormThatTheClientAsksFor(t *testing.T) {
	t.Parallel()
	address, _ := openAPI(t, rulebook{})
	const text, html = "404 Not Found\n", "text/html; charset=utf-8"
	for accept, want := range map[string]struct{ contentType, body string }{
		"":                                    {html, notFoundPage},
		"*/*":                                 {html, notFoundPage},
		"text/html":                           {html, notFoundPage},
		"image/png":                           {html, notFoundPage},
		"text/html, text/plain;q=0.5":         {html, notFoundPage},
		"text/plain":                          {"text/plain; charset=utf-8", text},
		"text/plain;q=0.5, image/png":         {"text/plain; charset=utf-8", text},
		"application/json":                    {plainJSON, notFound404},
		"text/html, application/json;q=0.9":   {plainJSON, notFound404},
		"application/json;charset=utf-8, */*": {plainJSON, notFound404},
	} {
		response, body := get(t, address, "/nothing", "Accept: "+accept)
		t.Run(accept, func(t *testing.T) { expectAnswer(t, response, body, http.StatusNotFound, want.contentType, want.body) })
	}
}

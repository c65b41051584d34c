package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// ended are the revocations that were asked for.
type ended struct {
	mutex sync.Mutex
	all   []string
}

func (e *ended) Revoke(session, subject string, all bool) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	e.all = append(e.all, fmt.Sprintf("session %q, subject %q, all %t", session, subject, all))
}

func (e *ended) take() []string {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	taken := e.all
	e.all = nil
	return taken
}

const purgeToken = "s3cret token"

// openPurge serves an API on which sessions can be purged with that token.
func openPurge(t testing.TB, token string) (address string, revoked *ended, recorded notes) {
	t.Helper()
	revoked, recorded = &ended{}, newNotes()
	api := API{
		Decisions: []*Decisions{{Decider: permitted(), Recorder: recorded, Dialect: Oathkeeper, Path: "/decisions"}}, Rulebook: rulebook{}, Recorder: recorded,
		Admin: &Admin{Rulebook: rulebook{}, Recorder: recorded, Purge: Purge{Revoker: revoked, Token: token}},
	}
	return serve(t, Frontend(quiet, CORS{}, api.Handler())), revoked, recorded
}

// purgeWith sends a body with these header lines.
func purgeWith(t testing.TB, address, body string, lines ...string) (*http.Response, string) {
	t.Helper()
	head := append([]string{"POST /sessions/purge HTTP/1.1", "Host: api.test", "Connection: close", fmt.Sprintf("Content-Length: %d", len(body))}, lines...)
	return ask(t, address, strings.Join(head, "\r\n")+"\r\n\r\n"+body)
}

const (
	bearing = "Authorization: Bearer " + purgeToken
	asJSON  = "Content-Type: application/json"
)

func TestPurgeEndsWhatTheBodyNames(t *testing.T) {
	t.Parallel()
	address, revoked, recorded := openPurge(t, purgeToken)
	for body, want := range map[string]string{
		`{"session": "s-1"}`:               `session "s-1", subject "", all false`,
		`{"subject": "ada"}`:               `session "", subject "ada", all false`,
		`{"all": true}`:                    `session "", subject "", all true`,
		" \r\n{\"session\":\"\\u00fc\"}\n": `session "ü", subject "", all false`,
		`{"subject": "` + strings.Repeat("a", maxPurge-len(`{"subject": ""}`)) + `"}`: `session "", subject "` + strings.Repeat("a", maxPurge-len(`{"subject": ""}`)) + `", all false`,
	} {
		response, answer := purgeWith(t, address, body, bearing, asJSON)
		if response.StatusCode != http.StatusNoContent || answer != "" {
			t.Errorf("%.60s: got %d with %q", body, response.StatusCode, answer)
		}
		if diff := cmp.Diff([]string{want}, revoked.take()); diff != "" {
			t.Errorf("%.60s: %s", body, diff)
		}
		if got := recorded.next(t); got.Status != http.StatusNoContent || got.Service != APIService || got.Decision != nil {
			t.Errorf("%.60s: recorded %+v", body, got)
		}
	}
}

func TestPurgeRefusesWhatItDoesNotUnderstand(t *testing.T) {
	t.Parallel()
	const (
		noJSON  = "the Content-Type has to be application/json"
		noNames = `the body has to be {"session": ID}, {"subject": SUBJECT} or {"all": true}`
	)
	address, revoked, recorded := openPurge(t, purgeToken)
	tests := map[string]struct{ body, contentType, reason string }{
		"nothing":                      {``, asJSON, noNames},
		"an empty object":              {`{}`, asJSON, noNames},
		"null":                         {`null`, asJSON, noNames},
		"a list":                       {`[{"all": true}]`, asJSON, noNames},
		"a text":                       {`"all"`, asJSON, noNames},
		"a misspelt name":              {`{"sessions": "s-1"}`, asJSON, noNames},
		"a name too many":              {`{"session": "s-1", "reason": "logout"}`, asJSON, noNames},
		"two names":                    {`{"session": "s-1", "subject": "ada"}`, asJSON, noNames},
		"all and one":                  {`{"session": "s-1", "all": true}`, asJSON, noNames},
		"an empty session":             {`{"session": ""}`, asJSON, noNames},
		"an empty subject":             {`{"subject": ""}`, asJSON, noNames},
		"null for a session":           {`{"session": null}`, asJSON, noNames},
		"not all":                      {`{"all": false}`, asJSON, noNames},
		"all as a text":                {`{"all": "true"}`, asJSON, noNames},
		"all as a number":              {`{"all": 1}`, asJSON, noNames},
		"a number as the session":      {`{"session": 1}`, asJSON, noNames},
		"several sessions":             {`{"session": ["s-1", "s-2"]}`, asJSON, noNames},
		"a body that is cut off":       {`{"session": "s-1"`, asJSON, noNames},
		"two documents":                {`{"session": "s-1"}{"all": true}`, asJSON, noNames},
		"a document and something":     {`{"session": "s-1"} x`, asJSON, noNames},
		"a form":                       {`all=true`, "Content-Type: application/x-www-form-urlencoded", noJSON},
		"a form of a page elsewhere":   {`{"all": true}`, "Content-Type: text/plain", noJSON},
		"a type that cannot be read":   {`{"all": true}`, "Content-Type: application/json; charset", noJSON},
		"a type like JSON":             {`{"all": true}`, "Content-Type: application/problem+json", noJSON},
		"a body without a type":        {`{"all": true}`, "X-Other: 1", noJSON},
		"a body that is too long":      {`{"subject": "` + strings.Repeat("a", maxPurge) + `"}`, asJSON, noNames},
		"a body with too long a tail":  {`{"subject": "ada"}` + strings.Repeat(" ", maxPurge), asJSON, noNames},
		"a body that nests deep":       {strings.Repeat(`[`, maxPurge), asJSON, noNames},
		"a session that is misspelt":   {`{"session": "s-1`, asJSON, noNames},
		"a session beside a bad value": {`{"session": "s-1", "all": "no"}`, asJSON, noNames},
	}
	for name, test := range tests {
		response, answer := purgeWith(t, address, test.body, bearing, test.contentType, "X-Request-Id: id-1")
		want := string(pipeline.ErrorResponse(pipeline.Malformed.Because("%s", test.reason), "id-1", true).Body)
		if answer != want || response.StatusCode != http.StatusBadRequest || response.Header.Get("Content-Type") != plainJSON {
			t.Errorf("%s: got %d with %s, want %s", name, response.StatusCode, answer, want)
		}
		if got := recorded.next(t); got.Status != http.StatusBadRequest {
			t.Errorf("%s: recorded %d", name, got.Status)
		}
	}
	if got := revoked.take(); got != nil {
		t.Errorf("it ended %v", got)
	}
}

func TestPurgeTakesParametersOfItsType(t *testing.T) {
	t.Parallel()
	address, revoked, _ := openPurge(t, purgeToken)
	for _, line := range []string{"Content-Type: application/json; charset=utf-8", "Content-Type: Application/JSON", "content-type:application/json;charset=UTF-8"} {
		if response, answer := purgeWith(t, address, `{"all": true}`, bearing, line); response.StatusCode != http.StatusNoContent {
			t.Errorf("%s: got %d with %s", line, response.StatusCode, answer)
		}
	}
	if got := len(revoked.take()); got != 3 {
		t.Errorf("%d revocations", got)
	}
}

func TestPurgeIsForWhoHasTheToken(t *testing.T) {
	t.Parallel()
	address, revoked, recorded := openPurge(t, purgeToken)
	for name, test := range map[string]struct {
		lines []string
		want  int
	}{
		"the token":                {[]string{"Authorization: Bearer " + purgeToken}, 204},
		"the scheme in any case":   {[]string{"Authorization: bEARER " + purgeToken}, 204},
		"none":                     {nil, 401},
		"an empty header":          {[]string{"Authorization:"}, 401},
		"an empty token":           {[]string{"Authorization: Bearer "}, 401},
		"no token":                 {[]string{"Authorization: Bearer"}, 401},
		"no scheme":                {[]string{"Authorization: " + purgeToken}, 401},
		"another scheme":           {[]string{"Authorization: Basic " + purgeToken}, 401},
		"another token":            {[]string{"Authorization: Bearer other"}, 401},
		"a part of it":             {[]string{"Authorization: Bearer " + purgeToken[:8]}, 401},
		"more than it":             {[]string{"Authorization: Bearer " + purgeToken + "x"}, 401},
		"its case":                 {[]string{"Authorization: Bearer " + strings.ToUpper(purgeToken)}, 401},
		"two blanks before it":     {[]string{"Authorization: Bearer  " + purgeToken}, 401},
		"two headers":              {[]string{"Authorization: Bearer " + purgeToken, "Authorization: Bearer " + purgeToken}, 401},
		"a header before it":       {[]string{"Authorization: Basic eA==", "Authorization: Bearer " + purgeToken}, 401},
		"a cookie":                 {[]string{"Cookie: Authorization=Bearer " + purgeToken}, 401},
		"a header of another name": {[]string{"Proxy-Authorization: Bearer " + purgeToken}, 401},
	} {
		response, answer := purgeWith(t, address, `{"all": true}`, append(test.lines, asJSON, "X-Request-Id: id-1")...)
		if response.StatusCode != test.want || recorded.next(t).Status != test.want || len(revoked.take()) != map[int]int{204: 1}[test.want] {
			t.Errorf("%s: got %d with %s, want %d", name, response.StatusCode, answer, test.want)
		}
		if test.want != 401 {
			continue
		}
		want := string(pipeline.ErrorResponse(pipeline.BadCredential, "id-1", false).Body)
		if got := response.Header.Get("Www-Authenticate"); answer != want || got != `Bearer realm="sessions"` {
			t.Errorf("%s: got %s and %s", name, answer, got)
		}
	}
}

// TestPurgeDoesNotReadTheBodiesOfStrangers: they are told so before it comes.
func TestPurgeDoesNotReadTheBodiesOfStrangers(t *testing.T) {
	t.Parallel()
	address, revoked, _ := openPurge(t, purgeToken)
	w := dial(t, address)
	w.send("POST /sessions/purge HTTP/1.1\r\nHost: api.test\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n" + asJSON + "\r\n\r\n")
	if got := w.answer(http.MethodPost).StatusCode; got != http.StatusUnauthorized {
		t.Errorf("got %d", got)
	}
	if got := revoked.take(); got != nil {
		t.Errorf("it ended %v", got)
	}
}

func TestPurgeIsNotThereWithoutAToken(t *testing.T) {
	t.Parallel()
	address, revoked, _ := openPurge(t, "")
	for _, line := range []string{"Authorization: Bearer ", "Authorization: Bearer", "Authorization: Bearer x", "X-Other: 1"} {
		response, body := purgeWith(t, address, `{"all": true}`, line, asJSON, "Accept: application/json")
		expectAnswer(t, response, body, http.StatusNotFound, plainJSON, notFound404)
	}
	if got := revoked.take(); got != nil {
		t.Errorf("it ended %v", got)
	}
}

func TestPurgeIsThereForPOSTAndAtItsOwnPathOnly(t *testing.T) {
	t.Parallel()
	address, revoked, _ := openPurge(t, purgeToken)
	for _, line := range []string{
		"GET /sessions/purge", "HEAD /sessions/purge", "PUT /sessions/purge", "DELETE /sessions/purge", "PATCH /sessions/purge", "OPTIONS /sessions/purge",
		"post /sessions/purge", "POST /sessions/purge/", "POST /sessions", "POST /sessions/purge/s-1", "POST /Sessions/purge", "POST /sessions/%70urge", "POST //sessions/purge",
	} {
		body := `{"all": true}`
		request := fmt.Sprintf("%s HTTP/1.1\r\nHost: api.test\r\nConnection: close\r\nAccept: application/json\r\n%s\r\n%s\r\nContent-Length: %d\r\n\r\n%s", line, bearing, asJSON, len(body), body)
		response, answer := ask(t, address, request)
		if strings.HasPrefix(line, "HEAD") {
			answer = notFound404
		}
		expectAnswer(t, response, answer, http.StatusNotFound, plainJSON, notFound404)
	}
	if got := revoked.take(); got != nil {
		t.Errorf("it ended %v", got)
	}
}

// TestPurgesAtTheSameTimeAllCount runs with the list that authenticators look
// at.
func TestPurgesAtTheSameTimeAllCount(t *testing.T) {
	t.Parallel()
	const many = 16
	revocations := pipeline.NewRevocations()
	before := revocations.Latest()
	api := API{Decisions: []*Decisions{{Dialect: Oathkeeper, Path: "/decisions"}}, Rulebook: rulebook{}, Recorder: Recorders{}, Admin: &Admin{Rulebook: rulebook{}, Recorder: Recorders{}, Purge: Purge{Revoker: revocations, Token: purgeToken}}}
	address := serve(t, Frontend(quiet, CORS{}, api.Handler()))
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			session := fmt.Sprintf("s-%d", i)
			if response, answer := purgeWith(t, address, `{"session": "`+session+`"}`, bearing, asJSON); response.StatusCode != http.StatusNoContent {
				t.Errorf("got %d with %s", response.StatusCode, answer)
			}
			if _, over := before.Since(session, ""); !over {
				t.Errorf("session %s goes on when the answer is there", session)
			}
		})
	}
	group.Wait()
	if _, over := before.Since(fmt.Sprintf("s-%d", many), ""); over {
		t.Error("a session is over that nobody purged")
	}
}

package authn

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// kratosServer is a stand-in for Ory Kratos whose answers a test changes. It
// serves the generic authenticators as well.
type kratosServer struct {
	*pipelinetest.Service
	answer atomic.Pointer[http.HandlerFunc]
}

func serveKratos(t testing.TB, answer http.HandlerFunc) *kratosServer {
	t.Helper()
	k := &kratosServer{}
	k.says(answer)
	k.Service = pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) { (*k.answer.Load())(w, r) })
	return k
}

func (k *kratosServer) says(answer http.HandlerFunc) { k.answer.Store(&answer) }

func (k *kratosServer) calls() int { return len(k.Asked()) }

// world is what handlers of these tests live in.
type world struct {
	pipeline.Environment
	clock *movable
}

func newWorld(t testing.TB) world {
	t.Helper()
	clock := &movable{}
	environment := clock.at(t)
	environment.Revocations = pipeline.NewRevocations()
	return world{environment, clock}
}

// change is what makes a document differ from the usual one: values by their
// places; nil takes the place away.
type change map[string]any

// sessionOf is the document of a good session, as Kratos writes it.
func sessionOf(subject string, changes ...change) string {
	document := map[string]any{
		"id": "session-of-" + subject, "active": true, "expires_at": "2023-11-15T22:13:20Z",
		"authenticated_at": "2023-11-14T22:03:20Z", "authenticator_assurance_level": "aal1",
		"authentication_methods": []any{}, "issued_at": "2023-11-14T22:03:20Z", "devices": []any{},
		"identity": map[string]any{
			"id": subject, "schema_id": "default", "schema_url": "http://kratos/schemas/default", "state": "active",
			"traits": map[string]any{"email": subject + "@example.test"},
		},
	}
	for _, c := range changes {
		for place, value := range c {
			at := document
			inner, name, nested := strings.Cut(place, ".")
			if !nested {
				name = inner
			} else {
				at, _ = document[inner].(map[string]any)
			}
			if at[name] = value; value == nil {
				delete(at, name)
			}
		}
	}
	text, err := json.Marshal(document)
	if err != nil {
		panic(err) // it is made of what JSON knows
	}
	return string(text)
}

// good is the answer to who has a session.
func good(subject string, changes ...change) http.HandlerFunc {
	return pipelinetest.Answer(http.StatusOK, sessionOf(subject, changes...))
}

// withHeader is an answer with one more line.
func withHeader(name, value string, answer http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Add(name, value)
		answer(w, r)
	}
}

// noSession is what Kratos says to who has none.
var noSession = pipelinetest.Answer(http.StatusUnauthorized,
	`{"error":{"code":401,"status":"Unauthorized","reason":"No valid session credentials found in the request.","message":"The request could not be authorized"}}`)

// lacksFactor is what Kratos says if it demands a second factor itself.
var lacksFactor = pipelinetest.Answer(http.StatusForbidden,
	`{"error":{"id":"session_aal2_required","code":403,"status":"Forbidden","reason":"An active session was found but it does not fulfil the requested Authenticator Assurance Level."},
	"redirect_browser_to":"https://kratos.test/self-service/login/browser?aal=aal2"}`)

// whose answers each credential with the session of somebody of that name.
func whose(w http.ResponseWriter, r *http.Request) {
	for _, value := range []string{r.Header.Get("X-Session-Token"), r.Header.Get("Authorization"), r.Header.Get("Cookie")} {
		if value != "" {
			_, name, _ := strings.Cut(strings.TrimPrefix(value, "Bearer "), "=")
			if name == "" {
				name = strings.TrimPrefix(strings.TrimPrefix(value, "Bearer "), "ory_st_")
			}
			good(name)(w, r)
			return
		}
	}
	noSession(w, r)
}

// checker is an authenticator that asks Kratos, with one of its credentials.
type checker struct {
	definition pipeline.Definition[pipeline.Authenticator]
	config     func(address string) string
	header     string // that has the credential
	prefix     string // of the credential there
	sentAs     string // the header of the question that has it
}

// scenario are the keys of the deployment that cookie_session is known from.
const scenario = `"preserve_path": true, "preserve_query": true, "force_method": "GET", "subject_from": "identity.id", "extra_from": "@this"`

// checkers are all of them, by how they are called in access rules.
var checkers = map[string]checker{
	"cookie_session": {
		cookieSession,
		func(address string) string {
			return `{"check_session_url": "` + address + `/sessions/whoami", "only": ["ory_kratos_session"], ` + scenario + `}`
		},
		"Cookie", "ory_kratos_session=", "Cookie",
	},
	"bearer_token": {
		bearerToken,
		func(address string) string {
			return `{"check_session_url": "` + address + `/sessions/whoami", ` + scenario + `}`
		},
		"Authorization", "Bearer ory_st_", "Authorization",
	},
	"kratos_session": {
		kratosSession,
		func(address string) string { return `{"public_url": "` + address + `"}` },
		"Cookie", "ory_kratos_session=", "Cookie",
	},
}

// with makes the authenticator for that address, with these keys too. It has
// more time than usual: a machine that is busy with other tests is no outage.
func (c checker) with(t testing.TB, environment pipeline.Environment, address, config string) pipeline.Authenticator {
	t.Helper()
	return pipelinetest.New(t, c.definition, layered(t, c.config(address), `{"timeout": "1m"}`, config), environment)
}

// bearing is a request with the credential, which is a word.
func (c checker) bearing(word string) *pipeline.Request {
	return pipelinetest.Request(c.header, c.prefix+word)
}

// everyChecker runs a test for each of them.
func everyChecker(t *testing.T, run func(t *testing.T, c checker)) {
	t.Helper()
	for id, c := range checkers {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			run(t, c)
		})
	}
}

// answering is a service without a network before it: what tests
// that ask very often use.
type answering func(*http.Request) (status int, header http.Header, body string)

// RoundTrip answers at once.
func (a answering) RoundTrip(request *http.Request) (*http.Response, error) {
	status, header, body := a(request)
	if header == nil {
		header = http.Header{}
	}
	if header["Content-Type"] == nil {
		header.Set("Content-Type", "application/json")
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: request,
	}, nil
}

// laming is a network on which nothing arrives in time any more once it is
// slow.
type laming struct {
	http.RoundTripper
	slow atomic.Bool
}

func (l *laming) RoundTrip(request *http.Request) (*http.Response, error) {
	if l.slow.Load() {
		return nil, os.ErrDeadlineExceeded
	}
	return l.RoundTripper.RoundTrip(request)
}

// cached switches the cache on, with these keys too.
func cached(keys string) string {
	if keys != "" {
		keys = ", " + keys
	}
	return `{"cache": {"enabled": true` + keys + `}}`
}

// expect checks whose session a request gets, or what kind of refusal.
func expect(t testing.TB, handler pipeline.Authenticator, request *pipeline.Request, subject string, kind error) pipeline.Session {
	t.Helper()
	session, err := pass(t, handler, request)
	if got := kindOf(t, err); got != kind || session.Subject != subject { //nolint:errorlint // kinds are values
		t.Errorf("got %q, %v; want %q, %v", session.Subject, err, subject, kind)
	}
	return session
}

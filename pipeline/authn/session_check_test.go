package authn

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// askAbout asks a service with this behaviour about a request with a cookie.
func askAbout(t *testing.T, config string, answer http.HandlerFunc) (pipeline.Session, error) {
	t.Helper()
	service := pipelinetest.Serve(t, answer)
	handler := pipelinetest.New(t, cookieSession, atAddress(t, service.URL, config), pipelinetest.Environment(t))
	var session pipeline.Session
	err := handler.Authenticate(t.Context(), pipelinetest.Request("Cookie", "sid=1"), &session)
	if asked := len(service.Asked()); asked != 1 {
		t.Errorf("the service was asked %d times", asked)
	}
	return session, err
}

// atAddress adds the address of the service to a configuration.
func atAddress(t *testing.T, address, config string) string {
	t.Helper()
	var whole map[string]any
	if err := json.Unmarshal([]byte(config), &whole); err != nil {
		t.Fatal(err)
	}
	whole["check_session_url"] = address
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestSessionCheckReadsTheAnswer(t *testing.T) {
	t.Parallel()
	const answer = `{"subject": "ada", "extra": {"role": "editor", "n": 1}, "identity": {"id": "u-7", "traits": {"langs": ["da"]}}, "none": null, "empty": ""}`
	tests := map[string]struct {
		config, body string
		want         pipeline.Session
	}{
		"at the usual places":            {`{}`, answer, pipelinetest.Session("ada", map[string]any{"role": "editor", "n": 1.0})},
		"at other places":                {`{"subject_from": "identity.id", "extra_from": "identity.traits"}`, answer, pipelinetest.Session("u-7", map[string]any{"langs": []any{"da"}})},
		"with the whole answer as extra": {`{"extra_from": "@this"}`, `{"subject": "bo", "a": {"b": true}}`, pipelinetest.Session("bo", map[string]any{"subject": "bo", "a": map[string]any{"b": true}})},
		"without extra":                  {`{}`, `{"subject": "bo"}`, pipeline.Session{Subject: "bo"}},
		"with an extra that is null": {`{"extra_from": "none"}`, answer, pipeline.Session{
			Subject: "ada",
		}},
		"with an empty extra":                {`{}`, `{"subject": "bo", "extra": {}}`, pipelinetest.Session("bo", map[string]any{})},
		"with blanks around it":              {`{}`, " \n{\"subject\": \"bo\"}\r\n\t", pipeline.Session{Subject: "bo"}},
		"with escapes in it":                 {`{}`, `{"subject": "b\u00f8\n"}`, pipeline.Session{Subject: "bø\n"}},
		"and takes the first of two":         {`{}`, `{"subject": "a", "subject": "b"}`, pipeline.Session{Subject: "a"}},
		"about nobody, if that will do":      {`{"allow_empty_subject": true}`, `{"extra": {"a": 1}}`, pipelinetest.Session("", map[string]any{"a": 1.0})},
		"about null, if that will do":        {`{"allow_empty_subject": true}`, `{"subject": null}`, pipeline.Session{}},
		"about an empty name, if it will do": {`{"allow_empty_subject": true, "subject_from": "empty"}`, answer, pipelinetest.Session("", map[string]any{"role": "editor", "n": 1.0})},
		"without a body, if that will do":    {`{"allow_empty_subject": true}`, "", pipeline.Session{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, err := askAbout(t, test.config, pipelinetest.Answer(http.StatusOK, test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := pipelinetest.DiffSessions(test.want, session); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSessionCheckRefusesAnswersThatProveNoSession(t *testing.T) {
	t.Parallel()
	const notJSON = "the session service answered with something that is not JSON"
	const nobody = "the session service's answer names no subject"
	const noText = "subject_from does not lead to a text in the session service's answer"
	const noObject = "extra_from does not lead to an object in the session service's answer"
	tests := map[string]struct {
		config, body string
		kind         pipeline.Kind
		reason       string
	}{
		"no body":                        {`{}`, ``, pipeline.BadCredential, notJSON},
		"blanks":                         {`{"allow_empty_subject": true}`, ` `, pipeline.BadCredential, notJSON},
		"a page":                         {`{"allow_empty_subject": true}`, `<html>"subject": "ada"</html>`, pipeline.BadCredential, notJSON},
		"an answer that was cut off":     {`{}`, `{"subject": "ada"`, pipeline.BadCredential, notJSON},
		"two documents":                  {`{}`, `{"subject": "ada"}{}`, pipeline.BadCredential, notJSON},
		"a byte order mark":              {`{}`, "\ufeff" + `{"subject": "ada"}`, pipeline.BadCredential, notJSON},
		"an answer that nests too deep":  {`{"extra_from": "none"}`, `{"subject": "ada", "x": ` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, pipeline.BadCredential, notJSON},
		"no subject":                     {`{}`, `{"extra": {}}`, pipeline.BadCredential, nobody},
		"a subject of null":              {`{}`, `{"subject": null}`, pipeline.BadCredential, nobody},
		"an empty subject":               {`{}`, `{"subject": ""}`, pipeline.BadCredential, nobody},
		"a list instead of an object":    {`{}`, `["ada"]`, pipeline.BadCredential, nobody},
		"a text instead of an object":    {`{}`, `"subject"`, pipeline.BadCredential, nobody},
		"no place to look for a subject": {`{"subject_from": ""}`, `{"subject": "ada"}`, pipeline.BadCredential, nobody},
		"a number as the subject":        {`{}`, `{"subject": 7}`, pipeline.Forbidden, noText},
		"a truth as the subject":         {`{"allow_empty_subject": true}`, `{"subject": true}`, pipeline.Forbidden, noText},
		"a list as the subject":          {`{}`, `{"subject": ["ada"]}`, pipeline.Forbidden, noText},
		"an object as the subject":       {`{}`, `{"subject": {"id": "ada"}}`, pipeline.Forbidden, noText},
		"a text as extra":                {`{}`, `{"subject": "ada", "extra": "x"}`, pipeline.Forbidden, noObject},
		"a list as extra":                {`{}`, `{"subject": "ada", "extra": [{}]}`, pipeline.Forbidden, noObject},
		"a truth as extra":               {`{}`, `{"subject": "ada", "extra": false}`, pipeline.Forbidden, noObject},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := askAbout(t, test.config, pipelinetest.Answer(http.StatusOK, test.body))
			if !errors.Is(err, test.kind) || pipelinetest.ReasonOf(err) != test.reason {
				t.Errorf("got %v (%q), want %v (%q)", err, pipelinetest.ReasonOf(err), test.kind, test.reason)
			}
		})
	}
}

func TestSessionCheckJudgesTheStatus(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		status int
		kind   pipeline.Kind
		reason string
	}{
		"201 is no session":                 {`{}`, 201, pipeline.BadCredential, "the session service answered 201"},
		"204 is no session":                 {`{}`, 204, pipeline.BadCredential, "the session service answered 204"},
		"304 is no session":                 {`{}`, 304, pipeline.BadCredential, "the session service answered 304"},
		"400 is no session":                 {`{}`, 400, pipeline.BadCredential, "the session service answered 400"},
		"401 is no session":                 {`{}`, 401, pipeline.BadCredential, "the session service answered 401"},
		"403 is no session":                 {`{}`, 403, pipeline.BadCredential, "the session service answered 403"},
		"404 is no session":                 {`{}`, 404, pipeline.BadCredential, "the session service answered 404"},
		"499 is no session":                 {`{}`, 499, pipeline.BadCredential, "the session service answered 499"},
		"500 is an outage":                  {`{}`, 500, pipeline.Unavailable, "the session service answered 500"},
		"502 is an outage":                  {`{}`, 502, pipeline.Unavailable, "the session service answered 502"},
		"503 is an outage":                  {`{}`, 503, pipeline.Unavailable, "the session service answered 503"},
		"599 is an outage":                  {`{}`, 599, pipeline.Unavailable, "the session service answered 599"},
		"200 is none if others are listed":  {`{"valid_status": [203]}`, 200, pipeline.BadCredential, "the session service answered 200"},
		"403 is a refusal if it is listed":  {`{"forbidden_status": [403]}`, 403, pipeline.Forbidden, "the session service answered 403"},
		"403 is none if others are listed":  {`{"forbidden_status": [404]}`, 403, pipeline.BadCredential, "the session service answered 403"},
		"401 may be listed, too":            {`{"forbidden_status": [401, 403]}`, 401, pipeline.Forbidden, "the session service answered 401"},
		"429 is a limit all the same":       {`{"forbidden_status": [429]}`, 429, pipeline.Limited, "a service that this request depends on asks to slow down"},
		"204 has nothing to read a name in": {`{"valid_status": [204]}`, 204, pipeline.BadCredential, "the session service answered with something that is not JSON"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := askAbout(t, test.config, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				if test.status != 204 && test.status != 304 {
					_, _ = io.WriteString(w, `{"subject": "ada"}`)
				}
			})
			if !errors.Is(err, test.kind) || pipelinetest.ReasonOf(err) != test.reason {
				t.Errorf("got %v (%q), want %v (%q)", err, pipelinetest.ReasonOf(err), test.kind, test.reason)
			}
		})
	}
}

func TestSessionCheckTakesTheStatusesThatAreListed(t *testing.T) {
	t.Parallel()
	session, err := askAbout(t, `{"valid_status": [200, 203]}`, pipelinetest.Answer(203, `{"subject": "ada"}`))
	if err != nil || session.Subject != "ada" {
		t.Errorf("203: got %q, %v", session.Subject, err)
	}
	session, err = askAbout(t, `{"valid_status": [204], "allow_empty_subject": true}`, pipelinetest.Answer(204, ""))
	if err != nil || session.Subject != "" {
		t.Errorf("204: got %q, %v", session.Subject, err)
	}
}

// TestSessionCheckStepsUpWhateverIsForbidden: to log in once more does help.
func TestSessionCheckStepsUpWhateverIsForbidden(t *testing.T) {
	t.Parallel()
	if _, err := askAbout(t, `{"forbidden_status": [403]}`, lacksFactor); !errors.Is(err, pipeline.SecondFactor) {
		t.Errorf("got %v", err)
	}
}

func TestSessionCheckDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		_, err := askAbout(t, `{}`, func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/login" {
				_, _ = io.WriteString(w, `{"subject": "somebody"}`)
				return
			}
			http.Redirect(w, r, "/login", status)
		})
		if !errors.Is(err, pipeline.BadCredential) {
			t.Errorf("%d: got %v, want a bad credential", status, err)
		}
	}
}

func TestSessionCheckPassesOnARequestToSlowDown(t *testing.T) {
	t.Parallel()
	_, err := askAbout(t, `{}`, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "17")
		w.Header().Set("X-RateLimit-Limit", "100")
		w.Header().Set("Set-Cookie", "sid=2")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	var refusal *pipeline.Error
	if !errors.Is(err, pipeline.Limited) || !errors.As(err, &refusal) {
		t.Fatalf("got %v, want a limit", err)
	}
	if diff := cmp.Diff(http.Header{"Retry-After": {"17"}, "X-Ratelimit-Limit": {"100"}}, refusal.Header); diff != "" {
		t.Error(diff)
	}
}

func TestSessionCheckUnpacksAnswers(t *testing.T) {
	t.Parallel()
	session, err := askAbout(t, `{"forward_http_headers": ["Accept-Encoding"]}`, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "gzip" {
			t.Errorf("it asks for %q", got)
		}
		var packed bytes.Buffer
		writer := gzip.NewWriter(&packed)
		_, _ = io.WriteString(writer, `{"subject": "ada"}`)
		_ = writer.Close()
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	if err != nil || session.Subject != "ada" {
		t.Errorf("got %q, %v", session.Subject, err)
	}
}

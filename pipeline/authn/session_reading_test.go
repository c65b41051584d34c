package authn

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// said is an answer with these header lines, names and values in turn.
func said(body string, lines ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(lines); i += 2 {
			w.Header().Add(lines[i], lines[i+1])
		}
		_, _ = io.WriteString(w, body)
	}
}

func TestSessionReadingTakesTheSubjectFromAHeader(t *testing.T) {
	t.Parallel()
	const (
		byHeader = `{"subject_from_header": "x-auth-request-email"}`
		nobody   = "the session service's answer names no subject"
	)
	tests := map[string]struct {
		config string
		answer http.HandlerFunc
		want   pipeline.Session
		reason string // of a refusal
	}{
		"without a body":              {byHeader, said("", "X-Auth-Request-Email", "ada@example.test"), pipeline.Session{Subject: "ada@example.test"}, ""},
		"with a body that is a page":  {byHeader, said("<html>", "X-Auth-Request-Email", "ada@example.test"), pipeline.Session{Subject: "ada@example.test"}, ""},
		"with a body of somebody":     {byHeader, said(`{"subject": "bob", "extra": {"a": 1}}`, "X-Auth-Request-Email", "ada"), pipelinetest.Session("ada", map[string]any{"a": 1.0}), ""},
		"with a subject that is none": {byHeader, said(`{"subject": 7}`, "X-Auth-Request-Email", "ada"), pipeline.Session{Subject: "ada"}, ""},
		"the first of two":            {byHeader, said("", "X-Auth-Request-Email", "ada", "X-Auth-Request-Email", "bob"), pipeline.Session{Subject: "ada"}, ""},
		"not if it is not there":      {byHeader, said(`{"subject": "bob"}`), pipeline.Session{}, nobody},
		"not if it is empty":          {byHeader, said(`{"subject": "bob"}`, "X-Auth-Request-Email", ""), pipeline.Session{}, nobody},
		"not from another one":        {byHeader, said("", "X-Auth-Request-User", "ada"), pipeline.Session{}, nobody},
		"unless nobody will do":       {`{"subject_from_header": "X-Auth-Request-Email", "allow_empty_subject": true}`, said(""), pipeline.Session{}, ""},
		"only if it is told to":       {`{}`, said("", "X-Auth-Request-Email", "ada"), pipeline.Session{}, "the session service answered with something that is not JSON"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, err := askAbout(t, test.config, test.answer)
			if pipelinetest.ReasonOf(err) != test.reason || (err == nil) != (test.reason == "") || err != nil && !errors.Is(err, pipeline.BadCredential) {
				t.Fatalf("got %v, want %q", err, test.reason)
			}
			if diff := pipelinetest.DiffSessions(test.want, session); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSessionReadingHandsHeadersOn(t *testing.T) {
	t.Parallel()
	const two = `{"answer_headers": ["x-role", "X-Team"]}`
	body := `{"subject": "ada"}`
	tests := map[string]struct {
		config string
		answer http.HandlerFunc
		want   http.Header
	}{
		"none unless they are listed": {`{}`, said(body, "X-Role", "editor"), nil},
		"those that are listed":       {two, said(body, "X-Role", "editor", "X-Other", "1", "Set-Cookie", "a=b"), http.Header{"X-Role": {"editor"}}},
		"in any case":                 {two, said(body, "X-ROLE", "editor"), http.Header{"X-Role": {"editor"}}},
		"all of their values":         {two, said(body, "X-Team", "red", "X-Team", "blue", "X-Role", ""), http.Header{"X-Team": {"red", "blue"}, "X-Role": {""}}},
		"for the one that is there":   {two, said(body, "X-Team", "red"), http.Header{"X-Team": {"red"}}},
		"none that is not there":      {two, said(body), nil},
		"a credential of its own":     {`{"answer_headers": ["Authorization"]}`, said(body, "Authorization", "Bearer own"), http.Header{"Authorization": {"Bearer own"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			session, err := askAbout(t, test.config, test.answer)
			if diff := cmp.Diff(test.want, session.Header); err != nil || diff != "" {
				t.Errorf("%v, %s", err, diff)
			}
		})
	}
}

// TestSessionReadingAnnouncesTheHeadersThatItHandsOn, so that a client's own
// never reach the upstream, whether the service says anything or not.
func TestSessionReadingAnnouncesTheHeadersThatItHandsOn(t *testing.T) {
	t.Parallel()
	for _, definition := range []pipeline.Definition[pipeline.Authenticator]{cookieSession, bearerToken} {
		for config, want := range map[string][]string{`{}`: nil, `{"answer_headers": ["x-role", "X-TEAM"]}`: {"X-Role", "X-Team"}} {
			handler := pipelinetest.New(t, definition, atAddress(t, "http://sessions.test", config), pipelinetest.Environment(t))
			setter, ok := handler.(pipeline.HeaderSetter)
			if !ok {
				t.Fatalf("%s announces nothing", definition.ID)
			}
			if diff := cmp.Diff(want, setter.SetsHeaders()); diff != "" {
				t.Errorf("%s: %s", definition.ID, diff)
			}
		}
	}
}

// TestClientsCannotForgeWhatASessionServiceSays, not even where it says
// nothing: the rule owns the header.
func TestClientsCannotForgeWhatASessionServiceSays(t *testing.T) {
	t.Parallel()
	kratos := serveKratos(t, said(`{"subject": "ada"}`))
	rules := rulesOf(t, newWorld(t).Environment, cookieSession, `{"check_session_url": "`+kratos.URL+`"}`, `{"answer_headers": ["X-Role"]}`, `{}`)
	request := pipelinetest.Request("Cookie", "sid=1", "X-Role", "admin")
	for i, owned := range []bool{true, false} {
		decision := rules[i].Run(t.Context(), request, nil)
		if !decision.Allowed || decision.Identity.Cover("X-Role") != owned {
			t.Errorf("rule %d: allowed %t, owns %v", i, decision.Allowed, decision.Identity)
		}
	}
}

func TestSessionReadingNeedsNamesOfHeaders(t *testing.T) {
	t.Parallel()
	for config, want := range map[string][]string{
		`{"answer_headers": ["X-Role", "X Role"]}`:                    {"answer_headers[1]: is no name for a header"},
		`{"answer_headers": ["X-Role:"]}`:                             {"answer_headers[0]: is no name for a header"},
		`{"answer_headers": ["set-cookie"]}`:                          {"answer_headers[0]: is for the client that asks alone; set pass_set_cookie: true"},
		`{"answer_headers": ["Connection"]}`:                          {"answer_headers[0]: is about the connection to the session service alone"},
		`{"answer_headers": [""]}`:                                    {"answer_headers[0]: must not be empty"},
		`{"answer_headers": "X-Role"}`:                                {"answer_headers: expected array, got string"},
		`{"subject_from_header": "X User"}`:                           {"subject_from_header: is no name for a header"},
		`{"subject_from_header": 7}`:                                  {"subject_from_header: expected string, got integer"},
		`{"cache": {"ttl": "10"}}`:                                    {`cache.ttl: "10" is not a duration such as 500ms, 5s or 10m`},
		`{"cache": {"enabled": true, "ttl": "99999999999h"}}`:         {"cache.ttl: is not a duration such as 500ms, 5s or 10m"},
		`{"cache": {"enabled": true, "negative_ttl": "9999999999h"}}`: {"cache.negative_ttl: is not a duration such as 500ms, 5s or 10m"},
		`{"cache": {"enabled": true, "stale": "9999999999h"}}`:        {"cache.stale: is not a duration such as 500ms, 5s or 10m"},
		`{"cache": {"max_cost": 0}}`:                                  {"cache.max_cost: 0 is less than 1"},
		`{"cache": {"size": 1}}`:                                      {"cache.size: unknown key; known are enabled, max_cost, negative_ttl, stale, ttl"},
		`{"circuit_breaker": {"failures": 0}}`:                        {"circuit_breaker.failures: 0 is less than 1"},
		`{"circuit_breaker": {"pause": "0s"}}`:                        {"circuit_breaker.pause: has to be longer than 0s, or the service is never left alone"},
		`{"pass_set_cookie": "yes"}`:                                  {"pass_set_cookie: expected boolean, got string"},
	} {
		for _, definition := range []pipeline.Definition[pipeline.Authenticator]{cookieSession, bearerToken} {
			if diff := cmp.Diff(want, pipelinetest.Mistakes(t, definition, atAddress(t, "http://sessions.test", config))); diff != "" {
				t.Errorf("%s: %s: %s", definition.ID, config, diff)
			}
		}
	}
}

package authn

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestBearerToken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config  string
		headers []string
		asks    bool
	}{
		"asks about a bearer token":                      {`{}`, []string{"Authorization", "Bearer t"}, true},
		"leaves a request without one to others":         {`{}`, nil, false},
		"leaves other schemes to others":                 {`{}`, []string{"Authorization", "Basic t"}, false},
		"leaves a scheme without a token to others":      {`{}`, []string{"Authorization", "Bearer "}, false},
		"looks for it in a header that is named":         {`{"token_from": {"header": "X-Token"}}`, []string{"X-Token", "t"}, true},
		"looks nowhere else then":                        {`{"token_from": {"header": "X-Token"}}`, []string{"Authorization", "Bearer t"}, false},
		"looks for it in a parameter that is named":      {`{"token_from": {"query_parameter": "access_token"}}`, nil, true},
		"does not find another parameter":                {`{"token_from": {"query_parameter": "token"}}`, nil, false},
		"looks for it in a cookie that is named":         {`{"token_from": {"cookie": "token"}}`, []string{"Cookie", "a=b; token=t"}, true},
		"does not find another cookie":                   {`{"token_from": {"cookie": "token"}}`, []string{"Cookie", "Token=t"}, false},
		"takes null for the usual place":                 {`{"token_from": null}`, []string{"Authorization", "Bearer t"}, true},
		"asks about a token with its prefix":             {`{"prefix": "ory_"}`, []string{"Authorization", "Bearer ory_t"}, true},
		"asks about a token that is nothing but prefix":  {`{"prefix": "ory_"}`, []string{"Authorization", "Bearer ory_"}, true},
		"leaves a token without its prefix to others":    {`{"prefix": "ory_"}`, []string{"Authorization", "Bearer t_ory_"}, false},
		"does not look for the prefix before the scheme": {`{"prefix": "Bearer"}`, []string{"Authorization", "Bearer t"}, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"sub": "ada", "subject": "other", "extra": {"a": "b"}}`))
			handler := pipelinetest.New(t, bearerToken, atAddress(t, service.URL, test.config), pipelinetest.Environment(t))
			var want, session pipeline.Session
			wantErr := pipeline.ErrNotResponsible
			questions := 0
			if test.asks {
				want, wantErr, questions = pipelinetest.Session("ada", map[string]any{"a": "b"}), nil, 1
			}
			if err := handler.Authenticate(t.Context(), pipelinetest.Request(test.headers...), &session); !errors.Is(err, wantErr) {
				t.Errorf("got error %v, want %v", err, wantErr)
			}
			if diff := pipelinetest.DiffSessions(want, session); diff != "" {
				t.Error(diff)
			}
			if got := len(service.Asked()); got != questions {
				t.Errorf("the service was asked %d times, want %d", got, questions)
			}
		})
	}
}

func TestBearerTokenTellsTheServiceTheAuthorizationHeaderOnly(t *testing.T) {
	t.Parallel()
	request := pipelinetest.Request("Authorization", "bearer t", "Cookie", "token=c", "X-Token", "x")
	tests := map[string]struct {
		config string
		want   http.Header
	}{
		"which holds the token":               {`{"preserve_path": true}`, http.Header{"Authorization": {"bearer t"}}},
		"even if the token is in a header":    {`{"preserve_path": true, "token_from": {"header": "X-Token"}}`, http.Header{"Authorization": {"bearer t"}}},
		"even if the token is in a cookie":    {`{"preserve_path": true, "token_from": {"cookie": "token"}}`, http.Header{"Authorization": {"bearer t"}}},
		"and others that are to be forwarded": {`{"preserve_path": true, "token_from": {"cookie": "token"}, "forward_http_headers": ["Cookie"]}`, http.Header{"Authorization": {"bearer t"}, "Cookie": {"token=c"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := pipelinetest.Question{Method: "GET", Target: "/check?via=gate", Host: "service", Header: test.want}
			if diff := cmp.Diff(want, questionFor(t, bearerToken, test.config, "/check?via=gate", request)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBearerTokenKeepsTheTokenFromTheUpstream(t *testing.T) {
	t.Parallel()
	request := pipelinetest.Request("Authorization", "Bearer t", "Cookie", "token=c", "X-Token", "x")
	tests := map[string]struct {
		config string
		want   pipeline.Withheld
	}{
		"not unless it is told to": {`{}`, pipeline.Withheld{}},
		"the Authorization header": {`{"pass_credentials": false}`, pipeline.Withheld{Headers: []string{"Authorization"}}},
		"another header":           {`{"pass_credentials": false, "token_from": {"header": "X-Token"}}`, pipeline.Withheld{Headers: []string{"X-Token"}}},
		"a parameter":              {`{"pass_credentials": false, "token_from": {"query_parameter": "access_token"}}`, pipeline.Withheld{QueryParameters: []string{"access_token"}}},
		"a cookie":                 {`{"pass_credentials": false, "token_from": {"cookie": "token"}}`, pipeline.Withheld{Cookies: []string{"token"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"sub": "ada"}`))
			handler := pipelinetest.New(t, bearerToken, atAddress(t, service.URL, test.config), pipelinetest.Environment(t))
			var session pipeline.Session
			if err := handler.Authenticate(t.Context(), request, &session); err != nil {
				t.Fatal(err)
			}
			want := pipeline.Session{Subject: "ada", Withheld: test.want}
			if diff := pipelinetest.DiffSessions(want, session); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBearerTokenNeedsAnAddressToAskAt(t *testing.T) {
	t.Parallel()
	for config, want := range map[string]string{
		`{}`:                               "check_session_url: is required",
		`{"check_session_url": "http://"}`: "check_session_url: is not a URL of the form http://host:port/path",
	} {
		if diff := cmp.Diff([]string{want}, pipelinetest.Mistakes(t, bearerToken, config)); diff != "" {
			t.Error(diff)
		}
	}
}

func TestBearerTokenRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	const exactlyOne = "token_from: names exactly one of header, query_parameter and cookie"
	tests := map[string]struct {
		config string
		want   []string
	}{
		"no place for the token":   {`{"token_from": {}}`, []string{exactlyOne}},
		"two places for the token": {`{"token_from": {"header": "X", "cookie": "y"}}`, []string{exactlyOne}},
		"a place that is a text":   {`{"token_from": "header"}`, []string{"token_from: expected object or null, got string"}},
		"an unknown place":         {`{"token_from": {"body": "x"}}`, []string{"token_from.body: unknown key; known are cookie, header, query_parameter"}},
		"a place without a name":   {`{"token_from": {"header": ""}}`, []string{"token_from.header: must not be empty"}},
		"a key of cookie_session":  {`{"only": ["sid"]}`, []string{"only: unknown key"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := atAddress(t, "http://sessions.test", test.config)
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, bearerToken, config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

package authn

import (
	"errors"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestCookieSession(t *testing.T) {
	t.Parallel()
	const only = `{"only": ["sid", "ory_kratos_session"]}`
	tests := map[string]struct {
		config  string
		headers []string
		asks    bool
	}{
		"asks about any cookie":                               {`{}`, []string{"Cookie", "theme=dark"}, true},
		"leaves a request without cookies to others":          {`{}`, nil, false},
		"leaves an empty Cookie header to others":             {`{}`, []string{"Cookie", ""}, false},
		"leaves a Cookie header without a cookie to others":   {`{}`, []string{"Cookie", ";;"}, false},
		"does not take a token for a cookie":                  {`{}`, []string{"Authorization", "Bearer sid=1"}, false},
		"asks about a cookie that is listed":                  {only, []string{"Cookie", "theme=dark; ory_kratos_session=1"}, true},
		"finds it in a second header":                         {only, []string{"Cookie", "theme=dark", "Cookie", "sid=1"}, true},
		"asks about an empty cookie that is listed":           {only, []string{"Cookie", "sid="}, true},
		"leaves other cookies to others":                      {only, []string{"Cookie", "theme=dark; sidx=1; xsid=2"}, false},
		"takes the case of a name seriously":                  {only, []string{"Cookie", "SID=1"}, false},
		"does not take a value for a name":                    {only, []string{"Cookie", "theme=sid"}, false},
		"judges every cookie if the list of names is empty":   {`{"only": []}`, []string{"Cookie", "theme=dark"}, true},
		"leaves a request without cookies to others, as ever": {only, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"subject": "ada"}`))
			handler := pipelinetest.New(t, cookieSession, atAddress(t, service.URL, test.config), pipelinetest.Environment(t))
			var want, session pipeline.Session
			wantErr := pipeline.ErrNotResponsible
			questions := 0
			if test.asks {
				want.Subject, wantErr, questions = "ada", nil, 1
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

func TestCookieSessionKeepsItsCookiesFromTheUpstream(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		want   pipeline.Withheld
	}{
		"not unless it is told to":       {`{}`, pipeline.Withheld{}},
		"all of them if any is enough":   {`{"pass_credentials": false}`, pipeline.Withheld{Headers: []string{"Cookie"}}},
		"those that it judges otherwise": {`{"pass_credentials": false, "only": ["sid", "x"]}`, pipeline.Withheld{Cookies: []string{"sid", "x"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"subject": "ada"}`))
			handler := pipelinetest.New(t, cookieSession, atAddress(t, service.URL, test.config), pipelinetest.Environment(t))
			var session pipeline.Session
			if err := handler.Authenticate(t.Context(), pipelinetest.Request("Cookie", "sid=1"), &session); err != nil {
				t.Fatal(err)
			}
			want := pipeline.Session{Subject: "ada", Withheld: test.want}
			if diff := pipelinetest.DiffSessions(want, session); diff != "" {
				t.Error(diff)
			}
		})
	}
}

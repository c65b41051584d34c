package authn

import (
	"errors"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

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
		"asks about a cookie with a rest":                     {`{"only": ["_proxy*"]}`, []string{"Cookie", "theme=dark; _proxy_1=x"}, true},
		"asks about a cookie without one":                     {`{"only": ["_proxy*"]}`, []string{"Cookie", "_proxy=x"}, true},
		"leaves a cookie with a head to others":               {`{"only": ["_proxy*"]}`, []string{"Cookie", "x_proxy=x"}, false},
		"takes a star in the middle for a star":               {`{"only": ["_*proxy"]}`, []string{"Cookie", "_aproxy=x"}, false},
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

func TestCookieSessionSendsCookies(t *testing.T) {
	t.Parallel()
	const sending = `{"send_only": true, "only": ["sid", "_proxy*"]}`
	tests := map[string]struct {
		config     string
		sent, want []string
	}{
		"all of them":                       {`{}`, []string{"a=1; sid=2", "b=3"}, []string{"a=1; sid=2", "b=3"}},
		"all of them, though it judges one": {`{"only": ["sid"]}`, []string{"a=1; sid=2", "b=3"}, []string{"a=1; sid=2", "b=3"}},
		"only the ones it judges":           {sending, []string{"a=1; sid=2; _proxy_1=x;_proxy=y ; SID=4"}, []string{"sid=2; _proxy_1=x; _proxy=y"}},
		"only those, of every line":         {sending, []string{"a=1", "sid=2", "b=3; _proxy_0=4"}, []string{"sid=2", "_proxy_0=4"}},
		"only those, byte for byte":         {sending, []string{`a=1; sid="2 3,{}"; x`}, []string{`sid="2 3,{}"`}},
		"only those, all of a name":         {sending, []string{"sid=1; sid=2"}, []string{"sid=1; sid=2"}},
		"all of them if none is named":      {`{"send_only": true}`, []string{"a=1; b=2"}, []string{"a=1; b=2"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := pipelinetest.Request()
			request.Header["Cookie"] = test.sent
			got := questionFor(t, cookieSession, test.config, "", request).Header
			if diff := cmp.Diff(http.Header{"Cookie": test.want}, got); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.sent[:1], request.Header["Cookie"][:1]); diff != "" {
				t.Errorf("the upstream would get %s", diff)
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
		"all of them if any is enough":   {`{"pass_credentials": false}`, pipeline.Withheld{Cookies: []string{"*"}}},
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

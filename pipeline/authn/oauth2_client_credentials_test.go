package authn

import (
	"errors"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

const grantedToken = `{"access_token": "t", "token_type": "bearer", "expires_in": 3600, "scope": "whatever"}`

func TestOAuth2ClientCredentialsJudgesBasicCredentials(t *testing.T) {
	t.Parallel()
	const others, bad, asks = "others", "bad", "asks"
	tests := map[string]struct {
		headers []string
		want    string
		subject string
		sent    string // the credentials that the endpoint gets
	}{
		"as they are":                            {[]string{"Authorization", basicOf("billing", "pa55")}, asks, "billing", basicOf("billing", "pa55")},
		"behind the word in any case":            {[]string{"Authorization", "bASIC" + strings.TrimPrefix(basicOf("billing", "pa55"), "Basic")}, asks, "billing", basicOf("billing", "pa55")},
		"in form encoding, which they are in":    {[]string{"Authorization", basicOf("reports%2Feu", "p%26q%3Dr")}, asks, "reports/eu", basicOf("reports%2Feu", "p%26q%3Dr")},
		"with blanks in two spellings":           {[]string{"Authorization", basicOf("a%20b+c", "s")}, asks, "a b c", basicOf("a+b+c", "s")},
		"with colons in the secret":              {[]string{"Authorization", basicOf("id", "a:b:c")}, asks, "id", basicOf("id", "a%3Ab%3Ac")},
		"without a secret":                       {[]string{"Authorization", basicOf("id", "")}, asks, "id", basicOf("id", "")},
		"of names in other scripts":              {[]string{"Authorization", basicOf("k%C3%A6lder", "s")}, asks, "kælder", basicOf("k%C3%A6lder", "s")},
		"and needs some":                         {nil, others, "", ""},
		"of no other scheme":                     {[]string{"Authorization", "Bearer YTpi"}, others, "", ""},
		"that are base64":                        {[]string{"Authorization", "Basic ***"}, others, "", ""},
		"that have a colon":                      {[]string{"Authorization", "Basic YmlsbGluZw=="}, others, "", ""},
		"that follow one blank":                  {[]string{"Authorization", "Basic\tYTpi"}, others, "", ""},
		"with nothing behind":                    {[]string{"Authorization", basicOf("a", "b") + " x"}, others, "", ""},
		"and refuses several of them":            {[]string{"Authorization", basicOf("a", "b"), "Authorization", basicOf("a", "b")}, bad, "", ""},
		"and refuses an id that is not encoded":  {[]string{"Authorization", basicOf("100%zz", "s")}, bad, "", ""},
		"and refuses a secret that is not":       {[]string{"Authorization", basicOf("id", "100%")}, bad, "", ""},
		"and refuses an empty id":                {[]string{"Authorization", basicOf("", "s")}, bad, "", ""},
		"and refuses NUL in an id":               {[]string{"Authorization", basicOf("a%00b", "s")}, bad, "", ""},
		"and refuses line ends in an id":         {[]string{"Authorization", basicOf("a\r\nb", "s")}, bad, "", ""},
		"and refuses control signs in a secret":  {[]string{"Authorization", basicOf("a", "s%7F")}, bad, "", ""},
		"and refuses NUL in a secret as it came": {[]string{"Authorization", basicOf("a", "s\x00")}, bad, "", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, grantedToken))
			session, err := pass(t, granting(t, pipelinetest.Environment(t), service.URL, `{}`), pipelinetest.Request(test.headers...))
			wantErr := map[string]error{others: pipeline.ErrNotResponsible, bad: pipeline.BadCredential, asks: nil}[test.want]
			if !errors.Is(err, wantErr) {
				t.Errorf("got %v, want %v", err, wantErr)
			}
			if diff := pipelinetest.DiffSessions(pipeline.Session{Subject: test.subject}, session); diff != "" {
				t.Error(diff)
			}
			var sent string
			for _, question := range service.Asked() {
				sent += question.Header.Get("Authorization")
			}
			if sent != test.sent {
				t.Errorf("the endpoint got %q, want %q", sent, test.sent)
			}
		})
	}
}

func TestOAuth2ClientCredentialsAsks(t *testing.T) {
	t.Parallel()
	for config, body := range map[string]string{
		`{}`: "grant_type=client_credentials",
		`{"required_scope": ["invoices.read", "a b"]}`: "grant_type=client_credentials&scope=invoices.read+a+b",
	} {
		service := pipelinetest.Serve(t, pipelinetest.Answer(200, grantedToken))
		handler := granting(t, pipelinetest.Environment(t), service.URL+"/oauth2/token?tenant=red", config)
		request := clientRequest("id", "s")
		request.Header.Set("Cookie", "sid=1")
		if _, err := pass(t, handler, request); err != nil {
			t.Fatal(err)
		}
		want := pipelinetest.Question{
			Method: http.MethodPost, Target: "/oauth2/token?tenant=red", Host: strings.TrimPrefix(service.URL, "http://"), Body: body,
			Header: http.Header{"Authorization": {basicOf("id", "s")}, "Content-Type": {"application/x-www-form-urlencoded"}},
		}
		got := service.Asked()
		for _, question := range got {
			maps.DeleteFunc(question.Header, func(name string, _ []string) bool {
				return name == "User-Agent" || name == "Content-Length" || name == "Accept-Encoding"
			})
		}
		if diff := cmp.Diff([]pipelinetest.Question{want}, got); diff != "" {
			t.Error(diff)
		}
	}
}

// TestOAuth2ClientCredentialsReadsTheEndpointsAnswer is the table of contract
// 5.6, with the failures of dependencies as contract 14 has them.
func TestOAuth2ClientCredentialsReadsTheEndpointsAnswer(t *testing.T) {
	t.Parallel()
	const granted, bad, down = pipeline.Kind(255), pipeline.BadCredential, pipeline.Unavailable
	form := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-www-form-urlencoded")
			_, _ = w.Write([]byte(body))
		}
	}
	type said struct {
		config string
		answer http.HandlerFunc
		want   pipeline.Kind
	}
	tests := map[string]said{
		"a token":                     {`{}`, pipelinetest.Answer(200, grantedToken), granted},
		"a token with 201":            {`{}`, pipelinetest.Answer(201, grantedToken), granted},
		"a token of another scope":    {`{"required_scope": ["x"]}`, pipelinetest.Answer(200, grantedToken), granted},
		"a token in form encoding":    {`{}`, form("access_token=abc&token_type=bearer"), granted},
		"no token":                    {`{}`, pipelinetest.Answer(200, `{"token_type": "bearer"}`), down},
		"an empty token":              {`{}`, pipelinetest.Answer(200, `{"access_token": ""}`), down},
		"null":                        {`{}`, pipelinetest.Answer(200, `null`), down},
		"a token that is a number":    {`{}`, pipelinetest.Answer(200, `{"access_token": 7}`), down},
		"a token for a strange time":  {`{}`, pipelinetest.Answer(200, `{"access_token": "t", "expires_in": 1e400}`), down},
		"a page":                      {`{}`, pipelinetest.Answer(200, `<html>hello</html>`), down},
		"a form that is none":         {`{}`, form("%zz"), down},
		"nothing":                     {`{}`, pipelinetest.Answer(204, ``), down},
		"an error with 200":           {`{}`, pipelinetest.Answer(200, `{"error": "invalid_client"}`), bad},
		"an error beside a token":     {`{}`, pipelinetest.Answer(200, `{"error": "x", "access_token": "t"}`), bad},
		"a redirect":                  {`{}`, pipelinetest.Answer(302, ``), bad},
		"400":                         {`{}`, pipelinetest.Answer(400, `{"error": "invalid_request"}`), bad},
		"400 in its own words":        {`{}`, pipelinetest.Answer(400, `no`), bad},
		"401":                         {`{}`, pipelinetest.Answer(401, `{"error": "invalid_client"}`), bad},
		"401 with a token":            {`{}`, pipelinetest.Answer(401, grantedToken), bad},
		"403":                         {`{}`, pipelinetest.Answer(403, ``), bad},
		"404":                         {`{}`, pipelinetest.Answer(404, `{"error": "x"}`), pipeline.Absent},
		"an error of 10000 bytes":     {`{}`, pipelinetest.Answer(400, `{"error": "`+strings.Repeat("x", 10_000)+`"}`), bad},
		"nothing, in time":            {`{"timeout": "100ms"}`, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, pipeline.Slow},
		"that it is asked too often":  {`{}`, busy, pipeline.Limited},
		"that, and is not asked more": {`{"retry": {"give_up_after": "10s"}}`, busy, pipeline.Limited},
	}
	packedBlanks()
	for name, test := range dependencyFailures {
		tests["that it "+name] = said{test.config, test.answer, test.want}
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, test.answer)
			session, err := pass(t, granting(t, pipelinetest.Environment(t), service.URL, test.config), clientRequest("id", "s3cr3t"))
			want := pipeline.Session{}
			var wantErr error = test.want
			if test.want == granted {
				want.Subject, wantErr = "id", nil
			}
			if got := kindOf(t, err); !errors.Is(got, wantErr) {
				t.Errorf("got %v, want %v", err, wantErr)
			}
			if diff := pipelinetest.DiffSessions(want, session); diff != "" {
				t.Error(diff)
			}
			if err == nil {
				return
			}
			if text := err.Error(); strings.Contains(text, "s3cr3t") || len(text) > 500 {
				t.Errorf("the log would say %s", text)
			}
			if reason := pipelinetest.ReasonOf(err); strings.Contains(reason, "127.0.0.1") {
				t.Errorf("clients would read %q", reason)
			}
		})
	}
}

func TestOAuth2ClientCredentialsPassesOnARequestToSlowDown(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, busy)
	_, err := pass(t, granting(t, pipelinetest.Environment(t), service.URL, `{}`), clientRequest("id", "s"))
	wantSlowDown(t, err)
	wantAsked(t, service, 1)
}

func TestOAuth2ClientCredentialsDoesNotFollowRedirects(t *testing.T) {
	t.Parallel()
	elsewhere := pipelinetest.Serve(t, pipelinetest.Answer(200, grantedToken))
	for _, status := range []int{301, 302, 303, 307, 308} {
		service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) })
		_, err := pass(t, granting(t, pipelinetest.Environment(t), service.URL, `{}`), clientRequest("id", "s"))
		if got := kindOf(t, err); !errors.Is(got, pipeline.BadCredential) {
			t.Errorf("%d: got %v", status, err)
		}
	}
	wantAsked(t, elsewhere, 0)
}

func TestOAuth2ClientCredentialsAsksAgainIfItIsToldHowLong(t *testing.T) {
	t.Parallel()
	failures := make(chan struct{}, 2)
	failures <- struct{}{}
	failures <- struct{}{}
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-failures:
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			pipelinetest.Answer(200, grantedToken)(w, r)
		}
	})
	handler := granting(t, pipelinetest.Environment(t), service.URL, `{"retry": {"give_up_after": "10s"}}`)
	if _, err := pass(t, handler, clientRequest("id", "s")); err != nil {
		t.Error(err)
	}
	questions := service.Asked()
	if len(questions) != 3 || questions[2].Body != questions[0].Body || questions[2].Header.Get("Authorization") != basicOf("id", "s") {
		t.Errorf("got the questions %+v", questions)
	}
}

func TestOAuth2ClientCredentialsKeepsThemFromTheUpstream(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, pipelinetest.Answer(200, grantedToken))
	for config, want := range map[string][]string{`{}`: nil, `{"pass_credentials": false}`: {"Authorization"}} {
		session, err := pass(t, granting(t, pipelinetest.Environment(t), service.URL, config), clientRequest("id", "s"))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(pipeline.Withheld{Headers: want}, session.Withheld); diff != "" {
			t.Error(diff)
		}
	}
}

func TestOAuth2ClientCredentialsRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	const noDuration = ` is not a duration such as 500ms, 5s or 10m`
	tests := map[string]struct {
		config string
		want   []string
	}{
		"no endpoint":           {`{"token_url": "http://"}`, []string{"token_url: is not a URL of the form http://host:port/path"}},
		"an endpoint in a file": {`{"token_url": "file:///etc/passwd"}`, []string{"token_url: is not a URL of the form http://host:port/path"}},
		"a ttl in words":        {`{"cache": {"ttl": "long"}}`, []string{`cache.ttl: "long"` + noDuration}},
		"a ttl beyond all time": {`{"cache": {"ttl": "9999999999999999999h"}}`, []string{`cache.ttl: is not a duration such as 500ms, 5s or 10m`}},
		"a cache without room":  {`{"cache": {"max_tokens": 0}}`, []string{"cache.max_tokens: 0 is less than 1"}},
		"no time at all":        {`{"timeout": "0s"}`, []string{`timeout: has to be longer than 0s, or no answer comes in time`}},
		"a wait in two units":   {`{"retry": {"max_delay": "1m30s"}}`, []string{`retry.max_delay: "1m30s"` + noDuration}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := layered(t, `{"token_url": "http://oauth2.test/token"}`, test.config)
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, oauth2ClientCredentials, config)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if diff := cmp.Diff([]string{"token_url: is required"}, pipelinetest.Mistakes(t, oauth2ClientCredentials, `{}`)); diff != "" {
		t.Error(diff)
	}
}

// FuzzBasicCredentials: whatever stands in an Authorization header, nothing
// panics, and a client that is tried has an id without control characters.
func FuzzBasicCredentials(f *testing.F) {
	for _, value := range []string{
		basicOf("id", "s"), basicOf("a%20b", "c%26d"), basicOf("", ""), basicOf("a:b", "c"), basicOf("100%zz", "s"), basicOf("a\x00", "s"), basicOf("\xff", "\xfe"),
		"", "Basic", "Basic ", "basic YTpi", "Basic YTpi=", "Basic\tYTpi", "Basic YTpi YTpi", "Bearer YTpi", "Basic YQ==", "Basic YTpi\n", "Basic =", "Básic YTpi",
	} {
		f.Add(value)
	}
	f.Fuzz(func(t *testing.T, value string) {
		user, password, ok := basic(http.Header{"Authorization": {value}})
		if !ok {
			return
		}
		if !strings.EqualFold(value[:6], "basic ") {
			t.Errorf("%q is taken for Basic credentials", value)
		}
		if strings.Contains(user, ":") {
			t.Errorf("the user %q has a colon", user)
		}
		id, secret, err := client(user, password)
		if err != nil {
			if id != "" || secret != "" || !errors.Is(kindOf(t, err), pipeline.BadCredential) {
				t.Errorf("got %q, %q, %v", id, secret, err)
			}
			return
		}
		if id == "" || strings.ContainsAny(id+secret, "\x00\r\n\t\x7f") {
			t.Errorf("got %q, %q", id, secret)
		}
	})
}

func BenchmarkOAuth2ClientCredentialsFromTheCache(b *testing.B) {
	service := pipelinetest.Serve(b, pipelinetest.Answer(200, grantedToken))
	environment := pipelinetest.Environment(b)
	environment.Now = time.Now
	handler := granting(b, environment, service.URL, `{"cache": {"enabled": true}}`)
	request := clientRequest("billing", "a-secret-of-some-length")
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			var session pipeline.Session
			if err := handler.Authenticate(b.Context(), request, &session); err != nil {
				b.Error(err)
			}
		}
	})
}

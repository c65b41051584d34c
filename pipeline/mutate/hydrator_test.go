package mutate

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func sessionOf(request *pipeline.Request) *pipeline.Session {
	return pipelinetest.Knowing(map[string]any{"plan": "free"}, pipeline.Session{
		Subject:      "ada",
		Header:       http.Header{"X-Early": {"1"}},
		MatchContext: pipeline.NewMatchContext(request, func() ([]string, error) { return []string{"orders"}, nil }),
	})
}

func TestHydratorTakesOverWhatTheServiceSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer string
		extra  map[string]any
		header http.Header
		groups []string
	}{
		"its extra":                          {`{"subject": "ada", "extra": {"plan": "pro"}}`, map[string]any{"plan": "pro"}, http.Header{"X-Early": {"1"}}, []string{"orders"}},
		"no extra if it has none":            {`{"subject": "ada"}`, nil, http.Header{"X-Early": {"1"}}, []string{"orders"}},
		"its headers, beside the others":     {`{"subject": "ada", "header": {"x-late": ["2", "3"]}}`, nil, http.Header{"X-Early": {"1"}, "X-Late": {"2", "3"}}, []string{"orders"}},
		"its headers in place of older ones": {`{"subject": "ada", "header": {"x-EARLY": ["4"]}}`, nil, http.Header{"X-Early": {"4"}}, []string{"orders"}},
		"no header without a value":          {`{"subject": "ada", "header": {"X-None": []}}`, nil, http.Header{"X-Early": {"1"}}, []string{"orders"}},
		"its groups":                         {`{"subject": "ada", "match_context": {"regexp_capture_groups": ["other"]}}`, nil, http.Header{"X-Early": {"1"}}, []string{"other"}},
		"nothing that it does not know":      {`{"subject": "ada", "note": 1, "match_context": {"url": null}}`, nil, http.Header{"X-Early": {"1"}}, []string{"orders"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, test.answer))
			handler := pipelinetest.New(t, hydrator, fmt.Sprintf(`{"api": {"url": %q}}`, service.URL), pipelinetest.Environment(t))
			request := pipelinetest.Request()
			session := sessionOf(request)
			if err := handler.Mutate(t.Context(), request, session); err != nil {
				t.Fatal(err)
			}
			want := *pipelinetest.Knowing(test.extra, pipeline.Session{Subject: "ada", Header: test.header})
			if diff := pipelinetest.DiffSessions(want, *session); diff != "" {
				t.Error(diff)
			}
			groups, _ := session.MatchContext.RegexpCaptureGroups()
			if diff := cmp.Diff(test.groups, groups); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHydratorSendsTheSession(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, `{"subject": "ada"}`))
	config := fmt.Sprintf(`{"api": {"url": "%s/enrich?own=1", "auth": {"basic": {"username": "gate", "password": "p:w"}}}}`, service.URL)
	handler := pipelinetest.New(t, hydrator, config, pipelinetest.Environment(t))
	request := pipelinetest.Request("Authorization", "Bearer own", "X-Trace", "1", "Accept-Encoding", "br", "Connection", "close", "Content-Length", "9")
	request.RawQuery = "b=2&a=1"
	if err := handler.Mutate(t.Context(), request, sessionOf(request)); err != nil {
		t.Fatal(err)
	}
	asked := service.Asked()[0]
	if asked.Method != http.MethodPost || asked.Target != "/enrich?a=1&b=2" {
		t.Errorf("it asked %s %s", asked.Method, asked.Target)
	}
	for name, want := range map[string]string{
		"Authorization": "Basic Z2F0ZTpwOnc=", "X-Trace": "1", "Content-Type": "application/json", "Accept-Encoding": "gzip",
	} {
		if got := asked.Header.Get(name); got != want {
			t.Errorf("%s was %q, want %q", name, got, want)
		}
	}
	var sent map[string]any
	if err := json.Unmarshal([]byte(asked.Body), &sent); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"subject": "ada", "extra": map[string]any{"plan": "free"}, "header": map[string]any{"X-Early": []any{"1"}},
		"match_context": map[string]any{
			"regexp_capture_groups": []any{"orders"}, "method": "GET",
			"header": map[string]any{
				"Authorization": []any{"Bearer own"}, "X-Trace": []any{"1"}, "Accept-Encoding": []any{"br"}, "Content-Length": []any{"9"},
			},
			"url": map[string]any{
				"Scheme": "https", "Opaque": "", "User": nil, "Host": "api.example.test", "Path": "/orders/a b/7", "RawPath": "",
				"RawQuery": "b=2&a=1", "Fragment": "", "RawFragment": "", "ForceQuery": false, "OmitHost": false,
			},
		},
	}
	if diff := cmp.Diff(want, sent); diff != "" {
		t.Error(diff)
	}
}

func TestHydratorFails(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer http.HandlerFunc
		kind   pipeline.Kind
	}{
		"when the answer is about another subject": {pipelinetest.Answer(http.StatusOK, `{"subject": "eve"}`), pipeline.Internal},
		"when the answer is about nobody":          {pipelinetest.Answer(http.StatusOK, `{"extra": {}}`), pipeline.Internal},
		"when the answer is null":                  {pipelinetest.Answer(http.StatusOK, `null`), pipeline.Internal},
		"when the answer is a list":                {pipelinetest.Answer(http.StatusOK, `[]`), pipeline.Internal},
		"when the answer is cut off":               {pipelinetest.Answer(http.StatusOK, `{"subject": "ada"`), pipeline.Internal},
		"when headers are no lists":                {pipelinetest.Answer(http.StatusOK, `{"subject": "ada", "header": {"X": "1"}}`), pipeline.Internal},
		"when a header has two spellings":          {pipelinetest.Answer(http.StatusOK, `{"subject": "ada", "header": {"x-role": ["a"], "X-Role": ["b"]}}`), pipeline.Internal},
		"when it is not let in":                    {pipelinetest.Answer(http.StatusUnauthorized, `{"subject": "ada"}`), pipeline.Internal},
		"when the status is another success":       {pipelinetest.Answer(http.StatusCreated, `{"subject": "ada"}`), pipeline.Internal},
		"when it is sent elsewhere":                {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/", http.StatusFound) }, pipeline.Internal},
		"when it is to slow down":                  {pipelinetest.Answer(http.StatusTooManyRequests, ``), pipeline.Limited},
		"when the service fails":                   {pipelinetest.Answer(http.StatusBadGateway, ``), pipeline.Unavailable},
		"when the service hangs up":                {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, pipeline.Unavailable},
		"when the answer never ends": {func(w http.ResponseWriter, _ *http.Request) {
			for range 2 << 10 {
				_, _ = w.Write([]byte(strings.Repeat(" ", 1<<10)))
			}
		}, pipeline.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, test.answer)
			config := fmt.Sprintf(`{"api": {"url": %q, "retry": {"max_delay": "1ms", "give_up_after": "10s"}}}`, service.URL)
			handler := pipelinetest.New(t, hydrator, config, pipelinetest.Environment(t))
			request := pipelinetest.Request()
			session := sessionOf(request)
			err := handler.Mutate(t.Context(), request, session)
			if pipeline.KindOf(err) != test.kind {
				t.Errorf("got %v", err)
			}
			if diff := pipelinetest.DiffSessions(*sessionOf(request), *session); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHydratorGivesUpOnAServiceThatStalls(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	config := fmt.Sprintf(`{"api": {"url": %q, "retry": {"give_up_after": "50ms"}}}`, server.URL)
	handler := pipelinetest.New(t, hydrator, config, pipelinetest.Environment(t))
	request := pipelinetest.Request()
	if err := handler.Mutate(t.Context(), request, sessionOf(request)); pipeline.KindOf(err) != pipeline.Slow {
		t.Errorf("got %v", err)
	}
}

func TestHydratorRemembersAnswersToTheSameQuestionOnly(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, `{"subject": "ada", "extra": {"n": 1}}`))
	environment := pipelinetest.Environment(t)
	var clock pipelinetest.Clock
	environment.Now = clock.Now
	config := fmt.Sprintf(`{"api": {"url": %q}, "cache": {"enabled": true, "ttl": "10s"}}`, service.URL)
	handler := pipelinetest.New(t, hydrator, config, environment)
	ask := func(change func(*pipeline.Request, *pipeline.Session)) int {
		request := pipelinetest.Request("X-Device", "1")
		session := sessionOf(request)
		change(request, session)
		if err := handler.Mutate(t.Context(), request, session); err != nil {
			t.Fatal(err)
		}
		return len(service.Asked())
	}
	same := func(*pipeline.Request, *pipeline.Session) {}
	if asked := ask(same); asked != 1 {
		t.Fatalf("asked %d times", asked)
	}
	clock.Advance(9 * time.Second)
	if asked := ask(same); asked != 1 {
		t.Errorf("the same question was asked again within the ttl")
	}
	clock.Advance(2 * time.Second)
	if asked := ask(same); asked != 2 {
		t.Errorf("the ttl was prolonged by a hit, or never ended")
	}
	for i, change := range []func(*pipeline.Request, *pipeline.Session){
		func(r *pipeline.Request, _ *pipeline.Session) { r.Header.Set("X-Device", "2") },
		func(r *pipeline.Request, _ *pipeline.Session) { r.Path, r.RawPath = "/other", "/other" },
		func(r *pipeline.Request, _ *pipeline.Session) { r.RawQuery = "page=3" },
		func(r *pipeline.Request, _ *pipeline.Session) { r.Method = http.MethodPost },
		func(_ *pipeline.Request, s *pipeline.Session) { s.SetExtra(map[string]any{"plan": "pro"}) },
		func(_ *pipeline.Request, s *pipeline.Session) { s.SetHeader("X-Early", "2") },
	} {
		if asked := ask(change); asked != 3+i {
			t.Errorf("question %d profited from another one's answer", i)
		}
	}
}

func TestHydratorsOfOtherRulesDoNotProfit(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"subject": "ada", "extra": {"from": %q, "as": %q}}`, r.URL.Path, r.Header.Get("Authorization"))
	})
	partner := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, `{"subject": "ada", "extra": {"from": "the partner"}}`))
	environment := pipelinetest.Environment(t)
	as := func(password string) string {
		return `, "auth": {"basic": {"username": "gate", "password": "` + password + `"}}`
	}
	seen := map[string]string{}
	for name, api := range map[string]string{
		"one":                    `"url": "` + service.URL + `/a"`,
		"at another path":        `"url": "` + service.URL + `/b"`,
		"at another server":      `"url": "` + partner.URL + `/a"`,
		"with credentials":       `"url": "` + service.URL + `/a"` + as("x"),
		"with other credentials": `"url": "` + service.URL + `/a"` + as("y"),
	} {
		handler := pipelinetest.New(t, hydrator, `{"api": {`+api+`}, "cache": {"enabled": true}}`, environment)
		request := pipelinetest.Request()
		session := sessionOf(request)
		if err := handler.Mutate(t.Context(), request, session); err != nil {
			t.Fatal(err)
		}
		answer := fmt.Sprint(pipelinetest.Extra(session))
		if other, there := seen[answer]; there {
			t.Errorf("%q has the answer of %q: %s", name, other, answer)
		}
		seen[answer] = name
	}
}

func TestHydratorRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config string
		want   []string
	}{
		"no service":                 {`{}`, []string{"api.url: is required"}},
		"no address":                 {`{"api": {}}`, []string{"api.url: is required"}},
		"an address that is no host": {`{"api": {"url": "mailto:a@b"}}`, []string{"api.url: is not a URL of the form http://host:port/path"}},
		"half the credentials":       {`{"api": {"url": "http://a/", "auth": {"basic": {"username": "x"}}}}`, []string{"api.auth.basic.password: is required"}},
		"a ttl that is no duration":  {`{"api": {"url": "http://a/"}, "cache": {"ttl": "a while"}}`, []string{`cache.ttl: "a while" is not a duration such as 500ms, 5s or 10m`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, hydrator, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

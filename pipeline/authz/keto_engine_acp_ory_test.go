package authz

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestKetoEngineAsksAboutActionAndResource(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 7, 14, 12, 0, 0, 5, time.FixedZone("", 7200))
	tests := map[string]struct {
		base, config, client string
		target, body         string
	}{
		"as the session's subject, with patterns": {
			"", `{"required_action": "a", "required_resource": "r"}`, "192.0.2.7", "/engines/acp/ory/regex/allowed",
			`{"action":"a","context":{"remoteIpAddress":"192.0.2.7","requestedAt":"2026-07-14T10:00:00.000000005Z"},"resource":"r","subject":"ada"}`,
		},
		"made from templates": {
			"/", `{"required_action": "crates:{{ .MatchContext.Method }}", "required_resource": "rack:{{ printIndex .MatchContext.RegexpCaptureGroups 1 }}:{{ printIndex .MatchContext.RegexpCaptureGroups 5 }}", "subject": "role:{{ .Extra.role }}"}`,
			"2001:db8::1", "/engines/acp/ory/regex/allowed",
			`{"action":"crates:GET","context":{"remoteIpAddress":"2001:db8::1","requestedAt":"2026-07-14T10:00:00.000000005Z"},"resource":"rack:7:","subject":"role:editor"}`,
		},
		"below a path, in another flavor": {
			"/base/path/", `{"required_action": "a", "required_resource": "r", "flavor": "exact"}`, "192.0.2.7", "/base/path/engines/acp/ory/exact/allowed",
			`{"action":"a","context":{"remoteIpAddress":"192.0.2.7","requestedAt":"2026-07-14T10:00:00.000000005Z"},"resource":"r","subject":"ada"}`,
		},
		"below a path without a slash, in the usual flavor": {
			"/base", `{"required_action": "a", "required_resource": "r", "flavor": ""}`, "192.0.2.7", "/base/engines/acp/ory/regex/allowed",
			`{"action":"a","context":{"remoteIpAddress":"192.0.2.7","requestedAt":"2026-07-14T10:00:00.000000005Z"},"resource":"r","subject":"ada"}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"allowed": true}`))
			environment := pipelinetest.Environment(t)
			environment.Now = func() time.Time { return noon }
			handler := pipelinetest.New(t, ketoEngine, at(t, "base_url", service.URL+test.base, test.config), environment)
			request := pipelinetest.Request("Authorization", "Bearer t", "Cookie", "sid=1", "X-Real-Ip", "203.0.113.40", "X-Forwarded-For", "203.0.113.41")
			request.Client = netip.MustParseAddr(test.client)
			if err := handler.Authorize(t.Context(), request, sessionFor(request)); err != nil {
				t.Fatal(err)
			}
			want := []pipelinetest.Question{{Method: "POST", Target: test.target, Body: test.body, Header: http.Header{"Content-Type": {"application/json"}}}}
			asked := service.Asked()
			for i := range asked {
				asked[i].Host, asked[i].Header = "", endToEnd(asked[i].Header)
			}
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestKetoEngineDoesAsKetoSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status    int
		body      string
		kind      pipeline.Kind
		undecided bool
	}{
		"no":                          {200, `{"allowed": false}`, pipeline.Forbidden, false},
		"no, by the status":           {403, `{"allowed": false}`, pipeline.Forbidden, false},
		"something else":              {200, `{"result": true}`, pipeline.Forbidden, true},
		"null":                        {200, `null`, pipeline.Forbidden, true},
		"a text in place of true":     {200, `{"allowed": "true"}`, pipeline.Internal, false},
		"a number in place of true":   {200, `{"allowed": 1}`, pipeline.Internal, false},
		"no JSON":                     {200, `allowed`, pipeline.Internal, false},
		"nothing":                     {200, ``, pipeline.Internal, false},
		"yes, and something after it": {200, `{"allowed": true} {`, pipeline.Internal, false},
		"yes, by another status":      {201, `{"allowed": true}`, pipeline.Internal, false},
		"that there is no such page":  {404, `{"allowed": true}`, pipeline.Internal, false},
		"that it is overloaded":       {429, ``, pipeline.Limited, false},
		"that it is in trouble":       {500, ``, pipeline.Unavailable, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(test.status, test.body))
			handler := pipelinetest.New(t, ketoEngine,
				at(t, "base_url", service.URL, `{"required_action": "a", "required_resource": "r"}`), pipelinetest.Environment(t))
			request := pipelinetest.Request()
			err := handler.Authorize(t.Context(), request, sessionFor(request))
			wantRefusal(t, err, test.kind, test.undecided)
		})
	}
}

func TestKetoEngineRefusesWhatATemplateFailsFor(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"required_action", "required_resource", "subject"} {
		service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"allowed": true}`))
		config := at(t, key, "{{ index .Extra.teams 9 }}", `{"required_action": "a", "required_resource": "r"}`)
		handler := pipelinetest.New(t, ketoEngine, at(t, "base_url", service.URL, config), pipelinetest.Environment(t))
		request := pipelinetest.Request()
		wantRefusal(t, handler.Authorize(t.Context(), request, sessionFor(request)), pipeline.Misconfigured, false)
		if asked := service.Asked(); len(asked) != 0 {
			t.Errorf("%s: Keto was asked: %v", key, asked)
		}
	}
}

func TestKetoEngineSaysAtLoadWhatIsWrong(t *testing.T) {
	t.Parallel()
	const rest = `"required_action": "a", "required_resource": "r"`
	tests := map[string]struct {
		config string
		want   []string
	}{
		"nothing configured":      {`{}`, []string{`base_url: is required`, `required_action: is required`, `required_resource: is required`}},
		"an address of no server": {`{"base_url": "keto:4466", ` + rest + `}`, []string{`base_url: is not a URL of the form http://host:port/path`}},
		"no template":             {`{"base_url": "http://a", "required_action": "{{", "required_resource": "r"}`, []string{`required_action: the template does not parse: required_action:1: unclosed action`}},
		"a flavor that leads away": {
			`{"base_url": "http://a", "flavor": "../../..", ` + rest + `}`, []string{`flavor: "../../.." is no flavor such as exact, glob or regex`},
		},
		"no time to answer": {`{"base_url": "http://a", "timeout": "0s", ` + rest + `}`, []string{`timeout: has to be longer than 0s, or no answer comes in time`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, ketoEngine, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestKetoEngineNeedsPatternsThatAreRegularExpressions(t *testing.T) {
	t.Parallel()
	_, violations := pipelinetest.TryNew(t, ketoEngine,
		`{"base_url": "http://a", "required_action": "a", "required_resource": "r"}`, pipeline.Environment{Globs: true})
	if len(violations) != 1 || violations[0].Message != "works with the matching strategy regexp only" {
		t.Errorf("got %v", violations)
	}
}

// FuzzAllowedBy looks for an answer that allows without saying so.
func FuzzAllowedBy(f *testing.F) {
	for _, seed := range []string{
		``, `null`, `true`, `{"allowed": true}`, `{"allowed": false, "allowed": true}`, `{"allowed": "true"}`, `{"Allowed": true}`, `[{"allowed": true}]`,
		`{"allowed": true}}`, "\ufeff" + `{"allowed": true}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if allowedBy(body) != nil {
			return
		}
		var object map[string]any
		if err := json.Unmarshal(body, &object); err != nil {
			t.Fatalf("%q allows: %v", body, err)
		}
		for name, value := range object {
			if strings.EqualFold(name, "allowed") && value == true {
				return
			}
		}
		t.Fatalf("%q allows", body)
	})
}

package authz

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestKetoAsksWhetherARelationHolds(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		base, config string
		target, body string
		header       http.Header
	}{
		"of the session's subject": {
			"", `{"namespace": "docs", "object": "{{ printIndex .MatchContext.RegexpCaptureGroups 1 }}", "relation": "view"}`,
			"/relation-tuples/check/openapi", `{"namespace":"docs","object":"7","relation":"view","subject_id":"ada"}`, nil,
		},
		"of a subject from a template": {
			"/", `{"namespace": "docs", "object": "o", "relation": "view", "subject_id": "role:{{ .Extra.role }}"}`,
			"/relation-tuples/check/openapi", `{"namespace":"docs","object":"o","relation":"view","subject_id":"role:editor"}`, nil,
		},
		"of a set": {
			"/keto", `{"namespace": "docs", "object": "o", "relation": "view", "subject_set": {"namespace": "teams", "object": "{{ index .Extra.teams 0 }}", "relation": "member"}}`,
			"/keto/relation-tuples/check/openapi",
			`{"namespace":"docs","object":"o","relation":"view","subject_set":{"namespace":"teams","object":"red","relation":"member"}}`, nil,
		},
		"of an object by itself": {
			"", `{"namespace": "docs", "object": "o", "relation": "view", "subject_set": {"namespace": "User", "object": "{{ print .Subject }}", "relation": ""}}`,
			"/relation-tuples/check/openapi",
			`{"namespace":"docs","object":"o","relation":"view","subject_set":{"namespace":"User","object":"ada","relation":""}}`, nil,
		},
		"at no more than some depth": {
			"/keto/?tenant=1", `{"namespace": "docs", "object": "o", "relation": "view", "max_depth": 3}`,
			"/keto/relation-tuples/check/openapi?max-depth=3&tenant=1", `{"namespace":"docs","object":"o","relation":"view","subject_id":"ada"}`, nil,
		},
		"with a key of the engine's own": {
			"", `{"namespace": "docs", "object": "o", "relation": "view", "headers": {"Authorization": "Bearer key", "X-None": ""}}`,
			"/relation-tuples/check/openapi", `{"namespace":"docs","object":"o","relation":"view","subject_id":"ada"}`,
			http.Header{"Authorization": {"Bearer key"}},
		},
		"whatever is in the parts": {
			"", `{"namespace": "docs", "object": "{{ .Extra.mail }}", "relation": "view"}`,
			"/relation-tuples/check/openapi", `{"namespace":"docs","object":"ada\"@example.test","relation":"view","subject_id":"ada"}`, nil,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"allowed": true}`))
			handler := pipelinetest.New(t, keto, at(t, "base_url", service.URL+test.base, test.config), pipelinetest.Environment(t))
			request := pipelinetest.Request("Authorization", "Bearer t", "Cookie", "sid=1")
			if err := handler.Authorize(t.Context(), request, sessionFor(request)); err != nil {
				t.Fatal(err)
			}
			header := http.Header{"Content-Type": {"application/json"}}
			for name, values := range test.header {
				header[name] = values
			}
			asked := service.Asked()
			for i := range asked {
				asked[i].Host, asked[i].Header = "", endToEnd(asked[i].Header)
			}
			want := []pipelinetest.Question{{Method: "POST", Target: test.target, Body: test.body, Header: header}}
			if diff := cmp.Diff(want, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// related is a configuration of keto without its address.
const related = `{"namespace": "docs", "object": "o", "relation": "view"}`

func TestKetoDoesAsKetoSays(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		status    int
		body      string
		kind      pipeline.Kind
		undecided bool
	}{
		"no":                                {200, `{"allowed": false}`, pipeline.Forbidden, false},
		"no, with a status to match":        {403, `{"allowed": false}`, pipeline.Forbidden, false},
		"that the asker may not ask":        {403, `{"error": {"code": 403}}`, pipeline.Forbidden, true},
		"so in a page of its own":           {403, `<html>`, pipeline.Internal, false},
		"yes and no":                        {403, `{"allowed": true}`, pipeline.Internal, false},
		"something else":                    {200, `{}`, pipeline.Forbidden, true},
		"no JSON":                           {200, `allowed`, pipeline.Internal, false},
		"that the question is wrong":        {400, `{"allowed": true}`, pipeline.Internal, false},
		"that somebody else is to be asked": {307, `{"allowed": true}`, pipeline.Internal, false},
		"that it is overloaded":             {429, ``, pipeline.Limited, false},
		"that it is in trouble":             {503, ``, pipeline.Unavailable, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(test.status, test.body))
			handler := pipelinetest.New(t, keto, at(t, "base_url", service.URL, related), pipelinetest.Environment(t))
			request := pipelinetest.Request()
			wantRefusal(t, handler.Authorize(t.Context(), request, sessionFor(request)), test.kind, test.undecided)
		})
	}
}

func TestKetoIsNotAskedAboutNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config    string
		kind      pipeline.Kind
		undecided bool
	}{
		"nobody":           {related, pipeline.Forbidden, true},
		"no namespace":     {`{"namespace": "{{ print .Extra.none }}", "object": "o", "relation": "view", "subject_id": "s"}`, pipeline.Forbidden, true},
		"no object":        {`{"namespace": "docs", "object": "{{ printIndex .MatchContext.RegexpCaptureGroups 9 }}", "relation": "view", "subject_id": "s"}`, pipeline.Forbidden, true},
		"no relation":      {`{"namespace": "docs", "object": "o", "relation": "", "subject_id": "s"}`, pipeline.Forbidden, true},
		"nothing in a set": {`{"namespace": "docs", "object": "o", "relation": "view", "subject_set": {"namespace": "n", "object": "", "relation": "r"}}`, pipeline.Forbidden, true},
		"a set of nobody": {
			`{"namespace": "docs", "object": "o", "relation": "view", "subject_set": {"namespace": "User", "object": "{{ print .Subject }}", "relation": ""}}`,
			pipeline.Forbidden, true,
		},
		"a relation of a set that renders nothing": {
			`{"namespace": "docs", "object": "o", "relation": "view", "subject_set": {"namespace": "n", "object": "o", "relation": "{{ print .Extra.none }}"}}`,
			pipeline.Forbidden, true,
		},
		"a failed template": {`{"namespace": "docs", "object": "{{ index .Extra.teams 9 }}", "relation": "view", "subject_id": "s"}`, pipeline.Misconfigured, false},
		"a forged header":   {`{"namespace": "docs", "object": "o", "relation": "view", "subject_id": "s", "headers": {"X-A": "a\nX-B: b"}}`, pipeline.Internal, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"allowed": true}`))
			handler := pipelinetest.New(t, keto, at(t, "base_url", service.URL, test.config), pipelinetest.Environment(t))
			request := pipelinetest.Request()
			session := sessionFor(request)
			session.Subject = ""
			wantRefusal(t, handler.Authorize(t.Context(), request, session), test.kind, test.undecided)
			if asked := service.Asked(); len(asked) != 0 {
				t.Errorf("Keto was asked: %v", asked)
			}
		})
	}
}

func TestKetoSaysAtLoadWhatIsWrong(t *testing.T) {
	t.Parallel()
	const rest = `"base_url": "http://a", "namespace": "n", "object": "o", "relation": "r"`
	tests := map[string]struct {
		config string
		want   []string
	}{
		"nothing configured":      {`{}`, []string{`base_url: is required`, `namespace: is required`, `object: is required`, `relation: is required`}},
		"an address of no server": {`{"base_url": "grpc://a", "namespace": "n", "object": "o", "relation": "r"}`, []string{`base_url: is not a URL of the form http://host:port/path`}},
		"two subjects":            {`{` + rest + `, "subject_id": "s", "subject_set": {"namespace": "n", "object": "o", "relation": "r"}}`, []string{`subject_set: stands beside subject_id; a subject is one or the other`}},
		"half a set":              {`{` + rest + `, "subject_set": {"namespace": "n"}}`, []string{`subject_set.object: is required`, `subject_set.relation: is required`}},
		"no template":             {`{` + rest + `, "subject_id": "{{ nothing }}"}`, []string{`subject_id: the template does not parse: subject_id:1: function "nothing" not defined`}},
		"no template in a set":    {`{` + rest + `, "subject_set": {"namespace": "n", "object": "{{", "relation": "r"}}`, []string{`subject_set.object: the template does not parse: object:1: unclosed action`}},
		"no depth":                {`{` + rest + `, "max_depth": 0}`, []string{`max_depth: 0 is less than 1`}},
		"no time to answer":       {`{` + rest + `, "timeout": "0s"}`, []string{`timeout: has to be longer than 0s, or no answer comes in time`}},
		"no name for a header":    {`{` + rest + `, "headers": {"": "a"}}`, []string{`headers[""]: is no name for a header`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, keto, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

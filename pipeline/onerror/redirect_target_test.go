package onerror

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// The address that clients of these tests asked for, as a parameter has it.
const (
	askedFor = "https://shop.test/a%2Fb?q=1&r=a+b"
	escaped  = "https%3A%2F%2Fshop.test%2Fa%252Fb%3Fq%3D1%26r%3Da%2Bb"
)

func TestRedirectDependsOnWhatIsMissing(t *testing.T) {
	t.Parallel()
	const (
		plain     = `{"to": "https://sso.test/in?app=shop"}`
		returning = `{"to": "https://sso.test/in?app=shop", "return_to_query_param": "return_to"}`
		named     = `{"to": "https://sso.test/in", "return_to_query_param": "return_to", "to_on": {
			"unauthorized": "https://sso.test/first", "second_factor_required": "https://sso.test/second?x=1", "reauthentication_required": "/again",
			"forbidden": "https://help.test/why", "service_unavailable": "/maintenance.html"}}`
	)
	unknown := pipeline.SecondFactor.Because("it is missing")
	known := &pipeline.Error{Kind: pipeline.SecondFactor, Continue: "https://kratos.test/self-service/login/browser?aal=aal2&x=z"}
	tests := map[string]struct {
		config  string
		refusal error
		want    string
	}{
		"no credential":              {plain, pipeline.NoCredential, "https://sso.test/in?app=shop"},
		"a bad one":                  {returning, pipeline.BadCredential, "https://sso.test/in?app=shop&return_to=" + escaped},
		"no credential, named":       {named, pipeline.NoCredential, "https://sso.test/first?return_to=" + escaped},
		"a bad one, named":           {named, pipeline.BadCredential, "https://sso.test/first?return_to=" + escaped},
		"a permission":               {returning, pipeline.Forbidden, "https://sso.test/in?app=shop&return_to=" + escaped},
		"a permission, named":        {named, pipeline.Forbidden, "https://help.test/why?return_to=" + escaped},
		"a service, named":           {named, pipeline.Unavailable, "/maintenance.html?return_to=" + escaped},
		"a rule, which is not named": {named, pipeline.NoRule, "https://sso.test/in?return_to=" + escaped},

		"a second factor":                                               {plain, unknown, "https://sso.test/in?aal=aal2&app=shop"},
		"a second factor, with the way back":                            {returning, unknown, "https://sso.test/in?aal=aal2&app=shop&return_to=" + escaped},
		"a second factor, where the service says":                       {plain, known, "https://kratos.test/self-service/login/browser?aal=aal2&x=z"},
		"a second factor, there and back":                               {returning, known, "https://kratos.test/self-service/login/browser?aal=aal2&return_to=" + escaped + "&x=z"},
		"a second factor, there and back by the name that Kratos knows": {`{"to": "https://sso.test/in", "return_to_query_param": "next"}`, known, "https://kratos.test/self-service/login/browser?aal=aal2&return_to=" + escaped + "&x=z"},
		"a second factor, and back by the name that the page knows":     {`{"to": "https://sso.test/in", "return_to_query_param": "next"}`, unknown, "https://sso.test/in?aal=aal2&next=" + escaped},
		"a second factor, named":                                        {named, unknown, "https://sso.test/second?return_to=" + escaped + "&x=1"},
		"a second factor, named, whatever a service says":               {named, known, "https://sso.test/second?return_to=" + escaped + "&x=1"},
		"a second factor, wrapped":                                      {plain, fmt.Errorf("at the door: %w", known), "https://kratos.test/self-service/login/browser?aal=aal2&x=z"},
		"a second factor, where a service says badly":                   {plain, &pipeline.Error{Kind: pipeline.SecondFactor, Continue: "https://[::1"}, "https://sso.test/in?aal=aal2&app=shop"},
		"a second factor, of any level that was there":                  {`{"to": "https://sso.test/in?aal=aal1"}`, unknown, "https://sso.test/in?aal=aal2"},
		"a way on is for a second factor only":                          {plain, &pipeline.Error{Kind: pipeline.BadCredential, Continue: "https://kratos.test/"}, "https://sso.test/in?app=shop"},

		"a login not too long ago":                    {plain, pipeline.Outdated, "https://sso.test/in?app=shop&refresh=true"},
		"a login not too long ago, with the way back": {returning, pipeline.Outdated, "https://sso.test/in?app=shop&refresh=true&return_to=" + escaped},
		"a login not too long ago, named":             {named, pipeline.Outdated, "/again?return_to=" + escaped},
		"at a page of its own host":                   {`{"to": "/in", "return_to_query_param": "to"}`, unknown, "/in?aal=aal2&to=" + escaped},
		"at a page next to it":                        {`{"to": "in"}`, pipeline.Outdated, "/orders/a%20b/in?refresh=true"},
		"at a page with a fragment":                   {`{"to": "https://sso.test/#/in"}`, unknown, "https://sso.test/?aal=aal2#/in"},

		"of a condition on unauthorized alone": {`{"to": "https://sso.test/in", "to_on": {"unauthorized": "https://sso.test/first"}}`, unknown, "https://sso.test/in?aal=aal2"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := pipelinetest.New(t, redirect, test.config, pipeline.Environment{})
			request := pipelinetest.Request()
			request.Address = askedFor
			for range 2 { // a handler does not remember the parameters of a request
				if got := handler.Respond(request, test.refusal).Header.Get("Location"); got != test.want {
					t.Errorf("got  %s\nwant %s", got, test.want)
				}
			}
		})
	}
}

func TestRedirectNeedsTargetsThatAreURLs(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		want   []string
	}{
		"a target that is none": {`{"to": "/x", "to_on": {"forbidden": "http://[::1"}}`, []string{`to_on.forbidden: "http://[::1" is not a URL`}},
		"an empty one":          {`{"to": "/x", "to_on": {"not_found": "/n", "forbidden": ""}}`, []string{"to_on.forbidden: is not a URL"}},
		"an error that is none": {`{"to": "/x", "to_on": {"forbiden": "/y"}}`, []string{`to_on.forbiden: unknown key; did you mean "forbidden"?`}},
		"one target for all":    {`{"to": "/x", "to_on": "/y"}`, []string{"to_on: expected object, got string"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, redirect, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRedirectHasATargetForEveryErrorThatConditionsName, and for no other.
func TestRedirectHasATargetForEveryErrorThatConditionsName(t *testing.T) {
	t.Parallel()
	for _, kind := range everyKind {
		config := fmt.Sprintf(`{"to": "/x", "to_on": {%q: "/y"}}`, kind.Name())
		if kind == pipeline.ClientGone || kind == pipeline.TooLarge || kind == pipeline.HeaderTooLong || kind == pipeline.TargetTooLong {
			if len(pipelinetest.Mistakes(t, redirect, config)) == 0 {
				t.Errorf("%s can be named", kind.Name())
			}
			continue
		}
		handler := pipelinetest.New(t, redirect, config, pipeline.Environment{})
		if got := handler.Respond(pipelinetest.Request(), kind).Header.Get("Location"); got != "/y" {
			t.Errorf("%s: got %s", kind.Name(), got)
		}
	}
}

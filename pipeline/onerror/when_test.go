package onerror

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// everyKind that a client can be refused with.
var everyKind = func() []pipeline.Kind {
	var all []pipeline.Kind
	for kind := range pipeline.NoRuleForbidden + 2 {
		all = append(all, kind)
	}
	return all
}()

// responsible tells whether a handler with these conditions answers.
func responsible(t *testing.T, conditions string, request *pipeline.Request, refusal error) bool {
	t.Helper()
	handler := pipelinetest.New(t, jsonDocument, `{"when": `+conditions+`}`, pipeline.Environment{})
	return handler.Responsible(request, refusal)
}

func TestWhenWithoutConditionsAlwaysHolds(t *testing.T) {
	t.Parallel()
	for _, conditions := range []string{`[]`, `[{}]`, `[{"error": []}]`, `[{"request": {}}]`, `[{"error": [], "request": {"cidr": [], "header": {"accept": [], "content_type": []}, "remote_ip": {"match": []}}}]`} {
		for _, kind := range everyKind {
			if !responsible(t, conditions, pipelinetest.Request(), kind) {
				t.Errorf("%s does not hold for %s", conditions, kind.Name())
			}
		}
	}
}

func TestWhenNamesErrors(t *testing.T) {
	t.Parallel()
	tests := map[string][]pipeline.Kind{
		"unauthorized":              {pipeline.NoCredential, pipeline.BadCredential, pipeline.SecondFactor, pipeline.Outdated, pipeline.NoRuleUnauthorized},
		"second_factor_required":    {pipeline.SecondFactor},
		"reauthentication_required": {pipeline.Outdated},
		"forbidden":                 {pipeline.Forbidden, pipeline.NoRuleForbidden},
		"not_found":                 {pipeline.NoRule, pipeline.Absent},
		"internal_server_error":     {pipeline.Internal, pipeline.Misconfigured, pipeline.ManyRules},
		"bad_request":               {pipeline.Malformed},
		"too_many_requests":         {pipeline.Limited},
		"service_unavailable":       {pipeline.Unavailable, pipeline.Overloaded},
		"bad_gateway":               {pipeline.Unusable},
		"gateway_timeout":           {pipeline.Slow},
	}
	for name, kinds := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for kind := pipeline.Internal; kind <= pipeline.NoRuleForbidden; kind++ {
				refusal := fmt.Errorf("at a handler: %w", kind.Because("a reason"))
				got := responsible(t, `[{"error": ["`+name+`"]}]`, pipelinetest.Request(), refusal)
				if want := slices.Contains(kinds, kind); got != want {
					t.Errorf("for %v: got %t, want %t", kind, got, want)
				}
			}
			unknown := responsible(t, `[{"error": ["`+name+`"]}]`, pipelinetest.Request(), errors.New("of no kind"))
			if want := name == "internal_server_error"; unknown != want {
				t.Errorf("for an error of no kind: got %t, want %t", unknown, want)
			}
		})
	}
}

func TestWhenHolds(t *testing.T) {
	t.Parallel()
	const (
		post = "Content-Type"
		form = "application/x-www-form-urlencoded"
	)
	both := `[{"error": ["forbidden"], "request": {"header": {"accept": ["text/html"], "content_type": ["` + form + `"]}}}]`
	tests := map[string]struct {
		conditions string
		headers    []string
		want       bool
	}{
		"if one of several errors is the one":              {`[{"error": ["not_found", "forbidden"]}]`, nil, true},
		"not if none of them is":                           {`[{"error": ["not_found", "unauthorized"]}]`, nil, false},
		"if one of several conditions does":                {`[{"error": ["not_found"]}, {"error": ["forbidden"]}]`, nil, true},
		"not if none of them does":                         {`[{"error": ["not_found"]}, {"error": ["unauthorized"]}]`, nil, false},
		"if all parts of a condition do":                   {both, []string{"Accept", "text/html", post, form}, true},
		"not if one of them does not":                      {both, []string{"Accept", "text/html", post, "text/plain"}, false},
		"not if another one does not":                      {both, []string{"Accept", "text/plain", post, form}, false},
		"not if parts of different conditions do":          {`[{"error": ["not_found"], "request": {"header": {"accept": ["text/html"]}}}, {"error": ["forbidden"], "request": {"header": {"accept": ["text/csv"]}}}]`, []string{"Accept", "text/html"}, false},
		"if the error is right and the address is as well": {`[{"error": ["forbidden"], "request": {"cidr": ["192.0.2.0/24"]}}]`, nil, true},
		"not if only the error is":                         {`[{"error": ["forbidden"], "request": {"cidr": ["10.0.0.0/8"]}}]`, nil, false},
		"not if only the address is":                       {`[{"error": ["not_found"], "request": {"cidr": ["192.0.2.0/24"]}}]`, nil, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := responsible(t, test.conditions, pipelinetest.Request(test.headers...), pipeline.Forbidden); got != test.want {
				t.Errorf("got %t, want %t", got, test.want)
			}
		})
	}
}

// An outage is no reason to log in, and a request that nobody understands
// would not be understood any better afterwards.
func TestWhenHasToNameOutagesForALoginPage(t *testing.T) {
	t.Parallel()
	onlyIfNamed := map[pipeline.Kind]string{
		pipeline.Malformed: "bad_request", pipeline.Limited: "too_many_requests",
		pipeline.Unavailable: "service_unavailable", pipeline.Overloaded: "service_unavailable", pipeline.Slow: "gateway_timeout", pipeline.Unusable: "bad_gateway",
	}
	for kind := pipeline.Internal; kind <= pipeline.NoRuleForbidden; kind++ {
		if kind == pipeline.ClientGone || kind == pipeline.TooLarge || kind == pipeline.HeaderTooLong || kind == pipeline.TargetTooLong {
			continue // no condition can name them
		}
		name, special := onlyIfNamed[kind]
		tests := map[string]bool{
			`[]`:   !special,
			`[{}]`: !special,
			`[{"request": {"header": {"accept": ["*/*"]}}}]`:                                         !special,
			`[{"error": ["` + kind.Name() + `"]}]`:                                                   true,
			`[{"request": {}}, {"error": ["` + kind.Name() + `"]}]`:                                  true,
			`[{"error": ["` + kind.Name() + `"], "request": {"header": {"accept": ["text/html"]}}}]`: false,
		}
		if special {
			tests[`[{"error": ["unauthorized", "forbidden", "internal_server_error", "not_found"]}]`] = false
			tests[`[{"error": ["unauthorized", "`+name+`"]}]`] = true
		}
		for conditions, want := range tests {
			login := pipelinetest.New(t, redirect, `{"to": "/login", "when": `+conditions+`}`, pipeline.Environment{})
			challenge := pipelinetest.New(t, wwwAuthenticate, `{"when": `+conditions+`}`, pipeline.Environment{})
			for id, handler := range map[string]pipeline.ErrorHandler{"redirect": login, "www_authenticate": challenge} {
				if got := handler.Responsible(pipelinetest.Request(), kind.Because("a reason")); got != want {
					t.Errorf("%s for %s when %s: got %t, want %t", id, kind.Name(), conditions, got, want)
				}
			}
		}
	}
}

func TestWhenRefusesConditionsItDoesNotKnow(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		conditions string
		want       []string
	}{
		"a status for a name":     {`[{"error": ["401"]}]`, []string{`when[0].error[0]: "401" is not one of "unauthorized", "second_factor_required", "reauthentication_required", "forbidden", "not_found", "internal_server_error", "bad_request", "too_many_requests", "bad_gateway", "service_unavailable", "gateway_timeout"`}},
		"no list":                 {`{"error": ["forbidden"]}`, []string{"when: expected array, got object"}},
		"one error without list":  {`[{"error": "forbidden"}]`, []string{"when[0].error: expected array, got string"}},
		"an unknown part":         {`[{"errors": ["forbidden"]}]`, []string{`when[0].errors: unknown key; did you mean "error"?`}},
		"an unknown inner part":   {`[{"request": {"headers": {}}}]`, []string{`when[0].request.headers: unknown key; did you mean "header"?`}},
		"an address for networks": {`[{"request": {"cidr": ["192.0.2.1"]}}]`, []string{`when[0].request.cidr[0]: "192.0.2.1" is not a network such as 10.0.0.0/8`}},
		"a network that is none":  {`[{}, {"request": {"remote_ip": {"match": ["192.0.2.0/33"]}}}]`, []string{`when[1].request.remote_ip.match[0]: "192.0.2.0/33" is not a network such as 10.0.0.0/8`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := pipelinetest.Mistakes(t, jsonDocument, `{"when": `+test.conditions+`}`)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

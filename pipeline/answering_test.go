package pipeline_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// answers builds the pipeline of a rule with these error handlers, and this
// fallback. The handlers are called after the kind that they answer; those in
// off are not enabled.
func answers(t *testing.T, rule, fallback string) (*pipeline.Builder, *pipeline.Pipeline) {
	t.Helper()
	define := func(id string, kind pipeline.Kind, status int) pipeline.Definition[pipeline.ErrorHandler] {
		return pipeline.DefinePlain[pipeline.ErrorHandler](id, answerer{kind, status})
	}
	handlers := kit()
	handlers.ErrorHandlers = []pipeline.Definition[pipeline.ErrorHandler]{
		define("forbidden", pipeline.Forbidden, 210), define("forbidden2", pipeline.Forbidden, 211),
		define("limited", pipeline.Limited, 220), define("any", pipeline.Internal, 230), define("any2", pipeline.Internal, 231),
		define("off", pipeline.Internal, 240),
	}
	settings := allEnabled(handlers, nil)
	settings.ErrorHandlers["off"] = pipeline.Setting{}
	settings.Fallback = strings.Fields(fallback)
	builder := pipeline.NewBuilder(handlers, settings, pipeline.Environment{}, nil)
	planned := plan(pipeline.Step{Handler: "anybody"})
	for id := range strings.FieldsSeq(rule) {
		planned.Errors = append(planned.Errors, pipeline.Step{Handler: id})
	}
	p, _ := builder.Build(planned)
	return builder, p
}

func trouble(reason string) string {
	return `{"error":{"code":500,"status":"Internal Server Error","request":"id-1","reason":"` + reason +
		`","message":"An internal server error occurred, please contact the system administrator"}}` + "\n"
}

func TestRefuseLetsOneErrorHandlerAnswer(t *testing.T) {
	t.Parallel()
	const (
		nobody  = "no error handler is responsible for this request"
		several = "more than one error handler of the rule is responsible for this request"
		offRule = `the error handler \"off\" of the rule is unknown, not enabled or misconfigured`
		offAll  = `the error handler \"off\" of errors.fallback is unknown, not enabled or misconfigured`
		lost    = `the error handler \"lost\" of errors.fallback is unknown, not enabled or misconfigured`
	)
	tests := map[string]struct {
		rule, fallback string
		refusal        error
		status         int
		body           string
	}{
		"the rule's own": {"forbidden", "any", pipeline.Forbidden, 210, ""},
		"the one of the rule's that is responsible":             {"limited forbidden", "any", pipeline.Forbidden, 210, ""},
		"the fallback, as the rule has none":                    {"", "any any2", pipeline.Forbidden, 230, ""},
		"the fallback, as the rule's is not":                    {"limited", "any", pipeline.Forbidden, 230, ""},
		"the first of the fallback":                             {"", "limited any2 any", pipeline.Forbidden, 231, ""},
		"the first of several in the fallback":                  {"", "forbidden2 forbidden", pipeline.Forbidden, 211, ""},
		"the rule's although the fallback is broken":            {"any", "off lost", pipeline.Forbidden, 230, ""},
		"the fallback in front of a broken one":                 {"", "any lost", pipeline.Forbidden, 230, ""},
		"two of the rule's are one too many":                    {"forbidden limited any", "any", pipeline.Forbidden, 500, trouble(several)},
		"the same one twice is one too many":                    {"any any", "any2", pipeline.Forbidden, 500, trouble(several)},
		"two in a rule for something else":                      {"forbidden forbidden2", "any", pipeline.NoCredential, 230, ""},
		"one of the rule's is broken":                           {"limited off", "any", pipeline.Forbidden, 500, trouble(offRule)},
		"one of the rule's is broken, behind one that would do": {"any off", "any", pipeline.Forbidden, 500, trouble(offRule)},
		"one of the fallback is broken":                         {"", "limited off any", pipeline.Forbidden, 500, trouble(offAll)},
		"one of the fallback is unknown":                        {"", "lost any", pipeline.Forbidden, 500, trouble(lost)},
		"nobody, neither in the rule nor behind it":             {"limited", "limited", pipeline.Forbidden, 500, trouble(nobody)},
		"nobody at all":                                         {"", "", pipeline.NoRule, 500, trouble(nobody)},
		"nobody, for an outage that stays one": {
			"forbidden", "forbidden", pipeline.Slow.Because("sessions.internal"), 504,
			`{"error":{"code":504,"status":"Gateway Timeout","request":"id-1","message":"A service that this request depends on did not answer in time"}}` + "\n",
		},
		"nobody, for a request that stays malformed": {
			"", "", pipeline.Malformed.Because("a backslash"), 400,
			`{"error":{"code":400,"status":"Bad Request","request":"id-1","message":"The request was malformed or contained invalid parameters"}}` + "\n",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, p := answers(t, test.rule, test.fallback)
			request := &pipeline.Request{Header: http.Header{"X-Request-Id": {"id-1"}}}
			decision := p.Refuse(request, pipeline.Authorize, "scripted", test.refusal)
			response := decision.Response
			decision.Response = pipeline.Response{}
			want := pipeline.Decision{Rule: "r1", Stage: pipeline.Authorize, Handler: "scripted", Err: test.refusal}
			if diff := cmp.Diff(want, decision, cmp.Comparer(errors.Is)); diff != "" {
				t.Error(diff)
			}
			if response.Status != test.status || string(response.Body) != test.body {
				t.Errorf("got  %d %s\nwant %d %s", response.Status, response.Body, test.status, test.body)
			}
		})
	}
}

func TestABrokenRuleIsAnsweredByItsOwnErrorHandlers(t *testing.T) {
	t.Parallel()
	handlers := kit()
	handlers.ErrorHandlers = append(handlers.ErrorHandlers, pipeline.DefinePlain[pipeline.ErrorHandler]("legal", answerer{status: 451}))
	settings := allEnabled(handlers, nil)
	settings.Fallback = []string{"legal"}
	tests := map[string]struct {
		errors []pipeline.Step
		want   int
	}{
		"its own":                          {[]pipeline.Step{{Handler: "teapot"}}, 418},
		"the fallback":                     {nil, 451},
		"its own, which is what is broken": {[]pipeline.Step{{Handler: "teapot"}, {Handler: "kettle"}}, 500},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			planned := plan(pipeline.Step{Handler: "nobody knows"})
			planned.Errors = test.errors
			p, _ := pipeline.NewBuilder(handlers, settings, pipeline.Environment{}, nil).Build(planned)
			decision := run(t, p)
			if decision.Allowed || decision.Rule != "r1" || decision.Stage != pipeline.Matching || decision.Handler != "" || pipeline.KindOf(decision.Err) != pipeline.Misconfigured {
				t.Errorf("got %+v", decision)
			}
			if decision.Response.Status != test.want {
				t.Errorf("got %d, want %d", decision.Response.Status, test.want)
			}
		})
	}
}

func TestRefusalsOfNoRuleAreAnsweredByTheFallback(t *testing.T) {
	t.Parallel()
	builder, _ := answers(t, "forbidden", "limited any")
	decision := builder.Refusals().Refuse(&pipeline.Request{Header: http.Header{}}, pipeline.Matching, "", pipeline.NoRule)
	if decision.Allowed || decision.Rule != "" || decision.Stage != pipeline.Matching || decision.Err != pipeline.NoRule || decision.Response.Status != 230 { //nolint:errorlint // the very same
		t.Errorf("got %+v", decision)
	}
}

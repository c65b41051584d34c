package pipeline_test

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

// The authorizers of these tests, by what they do.
const (
	grants    = "grants"  // allows, and sets the headers X-Grant and X-Last
	grants2   = "grants2" // the same, with other values
	refuses   = "refuses"
	wavers    = "wavers" // cannot tell
	fails     = "fails"  // an outage
	confuses  = "confuses"
	overruled = "overruled" // sets headers and refuses all the same
	leaves    = "leaves"    // sees the client go
)

var errOutage = pipeline.Unavailable.Because("the service is down")

// company is a builder with these authorizers, and the list of those that were
// asked.
func company(leave func()) (*pipeline.Builder, *[]string) {
	var asked []string
	define := func(id string, judge func(*pipeline.Session) error) pipeline.Definition[pipeline.Authorizer] {
		return pipeline.DefinePlain[pipeline.Authorizer](id, announcing{
			authorizer: func(_ context.Context, _ *pipeline.Request, session *pipeline.Session) error {
				asked = append(asked, id)
				return judge(session)
			},
			names: []string{http.CanonicalHeaderKey("X-Of-" + id)},
		})
	}
	grant := func(value string) func(*pipeline.Session) error {
		return func(session *pipeline.Session) error {
			session.SetHeader("X-Grant", value)
			session.SetHeader("X-Of-"+value, value)
			return nil
		}
	}
	handlers := kit()
	handlers.Authorizers = []pipeline.Definition[pipeline.Authorizer]{
		define(grants, grant(grants)),
		define(grants2, grant(grants2)),
		define(refuses, func(*pipeline.Session) error { return pipeline.Forbidden.Because("no") }),
		define(wavers, func(*pipeline.Session) error { return pipeline.Forbidden.From(pipeline.ErrUndecided) }),
		define(fails, func(*pipeline.Session) error { return errOutage }),
		define(confuses, func(*pipeline.Session) error { return errors.New("of no kind") }),
		define(overruled, func(session *pipeline.Session) error {
			_ = grant(overruled)(session)
			return pipeline.Forbidden.Because("no")
		}),
		define(leaves, func(*pipeline.Session) error { leave(); return errOutage }),
	}
	return pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, nil), &asked
}

func one(id string) pipeline.Condition { return pipeline.Condition{Handler: id} }

func allOf(members ...pipeline.Condition) pipeline.Condition {
	return pipeline.Condition{AllOf: members}
}

func anyOf(members ...pipeline.Condition) pipeline.Condition {
	return pipeline.Condition{AnyOf: members}
}

func noneOf(members ...pipeline.Condition) pipeline.Condition {
	return pipeline.Condition{NoneOf: members}
}

// under is a plan whose authorizers are under a condition.
func under(condition pipeline.Condition) pipeline.Plan {
	p := plan(pipeline.Step{Handler: "anybody"})
	p.Authorizer, p.Authorizers = nil, &condition
	return p
}

func TestAuthorizersDecideTogether(t *testing.T) {
	t.Parallel()
	const allowed = "" // the handler that refused
	tests := map[string]struct {
		condition pipeline.Condition
		handler   string
		kind      pipeline.Kind
		asked     string
	}{
		"one alone allows":  {one(grants), allowed, 0, "grants"},
		"one alone refuses": {one(refuses), refuses, pipeline.Forbidden, "refuses"},

		"all of one":                              {allOf(one(grants)), allowed, 0, "grants"},
		"all of several":                          {allOf(one(grants), one(grants2)), allowed, 0, "grants grants2"},
		"all of them, but the first refuses":      {allOf(one(refuses), one(grants)), refuses, pipeline.Forbidden, "refuses"},
		"all of them, but the last refuses":       {allOf(one(grants), one(grants2), one(refuses)), refuses, pipeline.Forbidden, "grants grants2 refuses"},
		"all of them, but one is down":            {allOf(one(grants), one(fails), one(refuses)), fails, pipeline.Unavailable, "grants fails"},
		"all of them, but one cannot tell":        {allOf(one(wavers), one(grants)), wavers, pipeline.Forbidden, "wavers"},
		"all of them, but one is out of its mind": {allOf(one(confuses), one(grants)), confuses, pipeline.Internal, "confuses"},

		"any of one":                               {anyOf(one(grants)), allowed, 0, "grants"},
		"any of several: the first that does":      {anyOf(one(grants), one(grants2)), allowed, 0, "grants"},
		"any of several: those before it do not":   {anyOf(one(refuses), one(fails), one(wavers), one(grants), one(grants2)), allowed, 0, "refuses fails wavers grants"},
		"any of them, but they refuse":             {anyOf(one(refuses), one(overruled)), refuses, pipeline.Forbidden, "refuses overruled"},
		"an outage is heard before a refusal":      {anyOf(one(refuses), one(fails)), fails, pipeline.Unavailable, "refuses fails"},
		"and stays so":                             {anyOf(one(fails), one(refuses)), fails, pipeline.Unavailable, "fails refuses"},
		"of several failures, the first is heard":  {anyOf(one(refuses), one(confuses), one(fails)), confuses, pipeline.Internal, "refuses confuses fails"},
		"who cannot tell is heard before a no":     {anyOf(one(refuses), one(wavers)), wavers, pipeline.Forbidden, "refuses wavers"},
		"who cannot tell, after an outage, is not": {anyOf(one(fails), one(wavers)), fails, pipeline.Unavailable, "fails wavers"},

		"none of one":                              {noneOf(one(refuses)), allowed, 0, "refuses"},
		"none of several":                          {noneOf(one(refuses), one(overruled)), allowed, 0, "refuses overruled"},
		"none of them, but one allows":             {noneOf(one(refuses), one(grants), one(refuses)), grants, pipeline.Forbidden, "refuses grants"},
		"none of them, but one is down":            {noneOf(one(refuses), one(fails), one(refuses)), fails, pipeline.Unavailable, "refuses fails"},
		"none of them, but one cannot tell":        {noneOf(one(wavers), one(refuses)), wavers, pipeline.Forbidden, "wavers"},
		"none of them, but one is out of its mind": {noneOf(one(confuses)), confuses, pipeline.Internal, "confuses"},

		"all of any and none":                  {allOf(anyOf(one(refuses), one(grants)), noneOf(one(refuses))), allowed, 0, "refuses grants refuses"},
		"any of all and none":                  {anyOf(allOf(one(grants), one(refuses)), noneOf(one(refuses))), allowed, 0, "grants refuses refuses"},
		"none of none is all":                  {noneOf(noneOf(one(grants))), allowed, 0, "grants"},
		"none of none that refuses":            {noneOf(noneOf(one(refuses))), refuses, pipeline.Forbidden, "refuses"},
		"none of any, one of which is down":    {noneOf(anyOf(one(refuses), one(fails))), fails, pipeline.Unavailable, "refuses fails"},
		"none of none, one of which is down":   {noneOf(noneOf(one(fails))), fails, pipeline.Unavailable, "fails"},
		"none of all, one of which is no":      {noneOf(allOf(one(grants), one(refuses))), allowed, 0, "grants refuses"},
		"none of any, none of which can tell":  {noneOf(anyOf(one(refuses), one(wavers))), wavers, pipeline.Forbidden, "refuses wavers"},
		"the one at the bottom has the word":   {allOf(one(grants), allOf(anyOf(one(refuses), allOf(one(grants2), one(fails))))), fails, pipeline.Unavailable, "grants refuses grants2 fails"},
		"any of several, when the client goes": {anyOf(one(refuses), one(leaves), one(grants)), leaves, pipeline.ClientGone, "refuses leaves"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, leave := context.WithCancel(t.Context())
			defer leave()
			builder, asked := company(leave)
			decision := built(t, builder, under(test.condition)).Run(ctx, &pipeline.Request{Method: "GET", Header: http.Header{}}, nil)
			if decision.Allowed != (test.handler == allowed) {
				t.Errorf("allowed: %t (%v)", decision.Allowed, decision.Err)
			}
			if !decision.Allowed {
				if decision.Stage != pipeline.Authorize || decision.Handler != test.handler || pipeline.KindOf(decision.Err) != test.kind {
					t.Errorf("refused at %s by %s: %v; want %s: %v", decision.Stage, decision.Handler, decision.Err, test.handler, test.kind)
				}
			}
			if got := strings.Join(*asked, " "); got != test.asked {
				t.Errorf("asked: %s, want %s", got, test.asked)
			}
		})
	}
}

func TestAuthorizersThatRefuseGrantNothing(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		condition pipeline.Condition
		want      http.Header
	}{
		"all that allow it do":                   {allOf(one(grants), one(grants2)), http.Header{"X-Grant": {grants2}, "X-Of-Grants": {grants}, "X-Of-Grants2": {grants2}}},
		"of any, the one that does":              {anyOf(one(overruled), one(grants)), http.Header{"X-Grant": {grants}, "X-Of-Grants": {grants}}},
		"of any, not one that all overruled":     {anyOf(allOf(one(grants2), one(refuses)), one(grants)), http.Header{"X-Grant": {grants}, "X-Of-Grants": {grants}}},
		"of none, nobody":                        {noneOf(one(overruled), allOf(one(grants), one(refuses))), nil},
		"what was granted before stays":          {allOf(one(grants), anyOf(one(overruled), one(grants2))), http.Header{"X-Grant": {grants2}, "X-Of-Grants": {grants}, "X-Of-Grants2": {grants2}}},
		"what was granted before stays, by none": {allOf(one(grants), noneOf(one(overruled))), http.Header{"X-Grant": {grants}, "X-Of-Grants": {grants}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			builder, _ := company(nil)
			decision := run(t, built(t, builder, under(test.condition)))
			if !decision.Allowed {
				t.Fatal(decision.Err)
			}
			if diff := cmp.Diff(test.want, decision.Session.Header); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestHeadersOfAllAuthorizersAreTheRulesOwn(t *testing.T) {
	t.Parallel()
	builder, asked := company(nil)
	decision := run(t, built(t, builder, under(anyOf(one(grants), allOf(one(grants2), noneOf(one(refuses)))))))
	if !decision.Allowed || !slices.Equal(*asked, []string{grants}) {
		t.Fatalf("asked: %v, %v", *asked, decision.Err)
	}
	want := pipeline.Names{"X-Of-Grants", "X-Of-Grants2", "X-Of-Refuses"}
	if diff := cmp.Diff(want, decision.Identity); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkAuthorizersTogether(b *testing.B) {
	handlers := kit()
	builder := pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, nil)
	p := built(b, builder, under(allOf(one("allow"), anyOf(one("allow"), one("allow")), one("allow"))))
	request := &pipeline.Request{Method: "GET", Header: http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		if decision := p.Run(b.Context(), request, nil); !decision.Allowed {
			b.Fatal(decision.Err)
		}
	}
}

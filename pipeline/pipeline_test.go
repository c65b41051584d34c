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

// stages are handlers that a test scripts, by their ids.
type stages struct {
	authenticators map[string]authenticator
	authorizer     authorizer
	mutators       map[string]mutator
}

// pipeline runs the authenticators and mutators that are named, in that order.
func (s stages) pipeline(t testing.TB, authenticators, mutators string, upstream string) *pipeline.Pipeline {
	t.Helper()
	handlers := kit()
	for id, f := range s.authenticators {
		handlers.Authenticators = append(handlers.Authenticators, pipeline.DefinePlain[pipeline.Authenticator](id, f))
	}
	for id, f := range s.mutators {
		handlers.Mutators = append(handlers.Mutators, pipeline.DefinePlain[pipeline.Mutator](id, f))
	}
	p := plan()
	for id := range strings.FieldsSeq(authenticators) {
		p.Authenticators = append(p.Authenticators, pipeline.Step{Handler: id})
	}
	p.Mutators = nil
	for id := range strings.FieldsSeq(mutators) {
		p.Mutators = append(p.Mutators, pipeline.Step{Handler: id})
	}
	if s.authorizer != nil {
		handlers.Authorizers = append(handlers.Authorizers, pipeline.DefinePlain[pipeline.Authorizer]("scripted", s.authorizer))
		p.Authorizer.Handler = "scripted"
	}
	p.Upstream.URL = upstream
	return built(t, pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, nil), p)
}

func TestRunAsksAuthenticatorsUntilOneIsResponsible(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		authenticators string
		asked          string
		subject        string
		kind           pipeline.Kind
		handler        string // that refused
	}{
		"the first one that succeeds":       {"ada bo", "ada", "ada", 0, ""},
		"passing on what others may judge":  {"pass pass2 bo", "pass pass2 bo", "bo", 0, ""},
		"an error is final":                 {"pass bad bo", "pass bad", "", pipeline.BadCredential, "bad"},
		"an outage is final":                {"down bo", "down", "", pipeline.Unavailable, "down"},
		"an error of no kind is final":      {"strange ada", "strange", "", pipeline.Internal, "strange"},
		"passing on, wrapped":               {"wrapped bo", "wrapped bo", "bo", 0, ""},
		"nobody is responsible":             {"pass pass2", "pass pass2", "", pipeline.NoCredential, ""},
		"a success in front of an error":    {"bo bad", "bo", "bo", 0, ""},
		"success without a subject is one":  {"empty bo", "empty", "", 0, ""},
		"the same one twice is asked twice": {"pass pass", "pass pass", "", pipeline.NoCredential, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked []string
			says := func(id, subject string, err error) authenticator {
				return func(_ context.Context, _ *pipeline.Request, s *pipeline.Session) error {
					asked = append(asked, id)
					s.Subject = subject
					return err
				}
			}
			p := stages{authenticators: map[string]authenticator{
				"ada": says("ada", "ada", nil), "bo": says("bo", "bo", nil), "empty": says("empty", "", nil),
				"pass": says("pass", "", pipeline.ErrNotResponsible), "pass2": says("pass2", "", pipeline.ErrNotResponsible),
				"wrapped": says("wrapped", "", errors.Join(errors.New("no token"), pipeline.ErrNotResponsible)),
				"bad":     says("bad", "", pipeline.BadCredential.Because("expired")),
				"down":    says("down", "", pipeline.Unavailable), "strange": says("strange", "", errors.New("oops")),
			}}.pipeline(t, test.authenticators, "noop", "")
			decision := run(t, p)
			if got := strings.Join(asked, " "); got != test.asked {
				t.Errorf("asked %q, want %q", got, test.asked)
			}
			if test.handler != "" || test.kind != 0 {
				want := pipeline.Decision{Rule: "r1", Stage: pipeline.Authenticate, Handler: test.handler}
				got := decision
				got.Err, got.Response = nil, pipeline.Response{}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Error(diff)
				}
				if got := pipeline.KindOf(decision.Err); got != test.kind {
					t.Errorf("got kind %d, want %d", got, test.kind)
				}
				return
			}
			if !decision.Allowed || decision.Rule != "r1" || decision.Session.Subject != test.subject || decision.Err != nil {
				t.Errorf("got %+v", decision)
			}
		})
	}
}

func TestRunHandsTheSessionFromStageToStage(t *testing.T) {
	t.Parallel()
	note := func(text string) func(context.Context, *pipeline.Request, *pipeline.Session) error {
		return func(_ context.Context, _ *pipeline.Request, s *pipeline.Session) error {
			s.Subject += text
			s.SetHeader("X-Seen", s.Subject)
			return nil
		}
	}
	p := stages{
		authenticators: map[string]authenticator{"who": note("who")},
		authorizer:     note(" may"),
		mutators:       map[string]mutator{"first": note(" one"), "second": note(" two")},
	}.pipeline(t, "who", "second first second", "http://up.test/v1")
	decision := run(t, p)
	const want = "who may two one two"
	if !decision.Allowed || decision.Session.Subject != want || decision.Session.Header.Get("X-Seen") != want {
		t.Errorf("got %+v", decision)
	}
	if decision.Upstream == nil || decision.Upstream.Host != "up.test" || decision.Upstream.Path("/a") != "/v1/a" {
		t.Errorf("upstream %+v", decision.Upstream)
	}
}

func TestRunTellsHandlersWhatThePatternCaptured(t *testing.T) {
	t.Parallel()
	var seen []string
	p := stages{mutators: map[string]mutator{"look": func(_ context.Context, _ *pipeline.Request, s *pipeline.Session) error {
		groups, err := s.MatchContext.RegexpCaptureGroups()
		seen = slices.Concat(groups, []string{s.MatchContext.Method(), s.MatchContext.URL().Path})
		return err
	}}}.pipeline(t, "anybody", "look", "")
	request := &pipeline.Request{Method: "PUT", Path: "/orders/7", Header: http.Header{}}
	if decision := p.Run(t.Context(), request, func() ([]string, error) { return []string{"orders", "7"}, nil }); !decision.Allowed {
		t.Fatal(decision.Err)
	}
	if diff := cmp.Diff([]string{"orders", "7", "PUT", "/orders/7"}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestRunDoesNotComputeCapturesThatNobodyAsksFor(t *testing.T) {
	t.Parallel()
	p := stages{}.pipeline(t, "anybody", "noop", "")
	captures := func() ([]string, error) { t.Error("they are computed"); return nil, nil }
	if !p.Run(t.Context(), &pipeline.Request{Header: http.Header{}}, captures).Allowed {
		t.Error("refused")
	}
}

func TestRunStopsAtTheFirstRefusal(t *testing.T) {
	t.Parallel()
	refuse := func(kind pipeline.Kind) func(context.Context, *pipeline.Request, *pipeline.Session) error {
		return func(context.Context, *pipeline.Request, *pipeline.Session) error { return kind }
	}
	never := func(context.Context, *pipeline.Request, *pipeline.Session) error {
		t.Error("a handler runs behind one that refused")
		return nil
	}
	tests := map[string]struct {
		stages   stages
		mutators string
		stage    pipeline.Stage
		handler  string
		kind     pipeline.Kind
	}{
		"the authenticator": {
			stages{authenticators: map[string]authenticator{"who": refuse(pipeline.BadCredential)}, authorizer: never, mutators: map[string]mutator{"m": never}},
			"m", pipeline.Authenticate, "who", pipeline.BadCredential,
		},
		"the authorizer": {
			stages{authenticators: map[string]authenticator{"who": refuseNothing}, authorizer: refuse(pipeline.Forbidden), mutators: map[string]mutator{"m": never}},
			"m", pipeline.Authorize, "scripted", pipeline.Forbidden,
		},
		"a mutator": {
			stages{authenticators: map[string]authenticator{"who": refuseNothing}, mutators: map[string]mutator{"bad": refuse(pipeline.Misconfigured), "m": never}},
			"noop bad m", pipeline.Mutate, "bad", pipeline.Misconfigured,
		},
		// An authorizer has no say in who is responsible.
		"an authorizer that is not responsible": {
			stages{
				authenticators: map[string]authenticator{"who": refuseNothing}, mutators: map[string]mutator{"m": never},
				authorizer: func(context.Context, *pipeline.Request, *pipeline.Session) error { return pipeline.ErrNotResponsible },
			},
			"m", pipeline.Authorize, "scripted", pipeline.Internal,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			decision := run(t, test.stages.pipeline(t, "who", test.mutators, "http://up.test"))
			if decision.Allowed || decision.Session != nil || decision.Upstream != nil || decision.Identity != nil {
				t.Errorf("got %+v", decision)
			}
			if decision.Rule != "r1" || decision.Stage != test.stage || decision.Handler != test.handler || pipeline.KindOf(decision.Err) != test.kind {
				t.Errorf("got rule %q, stage %s, handler %q, %v", decision.Rule, decision.Stage, decision.Handler, decision.Err)
			}
		})
	}
}

func refuseNothing(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }

func TestRunKnowsThatTheClientIsGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	p := stages{authenticators: map[string]authenticator{"who": func(ctx context.Context, _ *pipeline.Request, _ *pipeline.Session) error {
		cancel()
		<-ctx.Done()
		return pipeline.Unavailable.From(ctx.Err())
	}}}.pipeline(t, "who", "noop", "")
	decision := p.Run(ctx, &pipeline.Request{Header: http.Header{}}, nil)
	if decision.Allowed || pipeline.KindOf(decision.Err) != pipeline.ClientGone || !errors.Is(decision.Err, pipeline.Unavailable) {
		t.Errorf("got %v", decision.Err)
	}
	if decision.Stage != pipeline.Authenticate || decision.Handler != "who" {
		t.Errorf("got stage %s, handler %q", decision.Stage, decision.Handler)
	}
}

func TestRunDoesNotTakeADeadlineForAClientThatIsGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(t.Context(), 0)
	defer cancel()
	p := stages{authorizer: func(ctx context.Context, _ *pipeline.Request, _ *pipeline.Session) error {
		<-ctx.Done()
		return pipeline.Slow.From(ctx.Err())
	}}.pipeline(t, "anybody", "noop", "")
	decision := p.Run(ctx, &pipeline.Request{Header: http.Header{}}, nil)
	if got := pipeline.KindOf(decision.Err); got != pipeline.Slow {
		t.Errorf("got %v", decision.Err)
	}
}

func TestRunNeedsAnUpstreamToForwardTo(t *testing.T) {
	t.Parallel()
	ran := false
	s := stages{mutators: map[string]mutator{"m": func(context.Context, *pipeline.Request, *pipeline.Session) error { ran = true; return nil }}}
	forward := &pipeline.Request{Header: http.Header{}, Forward: true}
	decision := s.pipeline(t, "anybody", "m", "").Run(t.Context(), forward, nil)
	if decision.Allowed || decision.Stage != pipeline.Forwarding || decision.Handler != "" || !errors.Is(decision.Err, pipeline.Misconfigured) {
		t.Errorf("got %+v", decision)
	}
	if !ran {
		t.Error("the rest of the pipeline did not run first")
	}
	if decision := s.pipeline(t, "anybody", "m", "").Run(t.Context(), &pipeline.Request{Header: http.Header{}}, nil); !decision.Allowed || decision.Upstream != nil {
		t.Errorf("without forwarding: got %+v", decision)
	}
	if decision := s.pipeline(t, "anybody", "m", "http://up.test").Run(t.Context(), forward, nil); !decision.Allowed {
		t.Errorf("with an upstream: got %v", decision.Err)
	}
}

package authn

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// movable is a clock that only a test moves.
type movable struct{ moved atomic.Int64 }

var launch = time.Unix(1_700_000_000, 0)

func (c *movable) now() time.Time { return launch.Add(time.Duration(c.moved.Load())) }

func (c *movable) move(by time.Duration) { c.moved.Add(int64(by)) }

// at is the world at the time of that clock.
func (c *movable) at(t testing.TB) pipeline.Environment {
	t.Helper()
	environment := pipelinetest.Environment(t)
	environment.Now = c.now
	return environment
}

// layered is a configuration of several layers; the keys of later ones count.
func layered(t testing.TB, layers ...string) string {
	t.Helper()
	whole := map[string]any{}
	for _, layer := range layers {
		var own map[string]any
		if err := json.Unmarshal([]byte(layer), &own); err != nil {
			t.Fatalf("%s: %v", layer, err)
		}
		maps.Copy(whole, own)
	}
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// introspecting is the handler for the endpoint at that address.
func introspecting(t testing.TB, environment pipeline.Environment, address, config string) pipeline.Authenticator {
	t.Helper()
	return pipelinetest.New(t, oauth2Introspection, layered(t, `{"introspection_url": "`+address+`"}`, config), environment)
}

// granting is the handler for the token endpoint at that address.
func granting(t testing.TB, environment pipeline.Environment, address, config string) pipeline.Authenticator {
	t.Helper()
	return pipelinetest.New(t, oauth2ClientCredentials, layered(t, `{"token_url": "`+address+`"}`, config), environment)
}

func opaque(token string) *pipeline.Request {
	return pipelinetest.Request("Authorization", "Bearer "+token)
}

func basicOf(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func clientRequest(id, secret string) *pipeline.Request {
	return pipelinetest.Request("Authorization", basicOf(url.QueryEscape(id), url.QueryEscape(secret)))
}

// pass sends a request through a handler and gives what it found out.
func pass(t testing.TB, handler pipeline.Authenticator, request *pipeline.Request) (pipeline.Session, error) {
	t.Helper()
	var session pipeline.Session
	err := handler.Authenticate(t.Context(), request, &session)
	return session, err
}

// kindOf is nil, pipeline.ErrNotResponsible or the kind of the error, which is
// to be one of these.
func kindOf(t testing.TB, err error) error {
	t.Helper()
	var kind pipeline.Kind
	switch {
	case err == nil, errors.Is(err, pipeline.ErrNotResponsible):
		return err
	case !errors.As(err, &kind):
		t.Errorf("an error without a kind: %v", err)
	}
	return kind
}

// busy asks to slow down.
func busy(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Retry-After", "9")
	w.Header().Set("X-RateLimit-Limit", "5")
	w.Header().Set("X-Other", "1")
	w.WriteHeader(http.StatusTooManyRequests)
}

// wantSlowDown checks that a refusal passes on what busy says.
func wantSlowDown(t *testing.T, err error) {
	t.Helper()
	var refusal *pipeline.Error
	if !errors.As(err, &refusal) || refusal.Kind != pipeline.Limited {
		t.Fatalf("got %v", err)
	}
	want := http.Header{"Retry-After": {"9"}, "X-Ratelimit-Limit": {"5"}}
	if !maps.EqualFunc(refusal.Header, want, func(a, b []string) bool { return len(a) == 1 && a[0] == b[0] }) {
		t.Errorf("it passes on %v, want %v", refusal.Header, want)
	}
}

// crowd sends as many requests at once, each as request makes it, and gives
// what came of them.
func crowd(ctx context.Context, handler pipeline.Authenticator, many int, request func(int) *pipeline.Request) ([]pipeline.Session, []error) {
	sessions, errs := make([]pipeline.Session, many), make([]error, many)
	start, done := make(chan struct{}), make(chan struct{}, many)
	for i := range many {
		go func() {
			<-start
			errs[i] = handler.Authenticate(ctx, request(i), &sessions[i])
			done <- struct{}{}
		}()
	}
	close(start)
	for range many {
		<-done
	}
	return sessions, errs
}

// rulesOf builds the pipelines of rules that differ in the configuration of
// one authenticator, as the engine does.
func rulesOf(t *testing.T, environment pipeline.Environment, definition pipeline.Definition[pipeline.Authenticator], global string, own ...string) []*pipeline.Pipeline {
	t.Helper()
	handlers := pipeline.Handlers{
		Authenticators: []pipeline.Definition[pipeline.Authenticator]{definition},
		Authorizers:    []pipeline.Definition[pipeline.Authorizer]{pipeline.DefinePlain[pipeline.Authorizer]("allow", standIn{})},
		Mutators:       []pipeline.Definition[pipeline.Mutator]{pipeline.DefinePlain[pipeline.Mutator]("noop", standIn{})},
	}
	enabled := func(id string, config map[string]any) map[string]pipeline.Setting {
		return map[string]pipeline.Setting{id: {Enabled: true, Config: config}}
	}
	settings := pipeline.Settings{
		Authenticators: enabled(definition.ID, decoded(t, global)),
		Authorizers:    enabled("allow", nil),
		Mutators:       enabled("noop", nil),
	}
	builder := pipeline.NewBuilder(handlers, settings, environment, nil)
	rules := make([]*pipeline.Pipeline, len(own))
	for i, config := range own {
		var flaws []pipeline.Flaw
		rules[i], flaws = builder.Build(pipeline.Plan{
			Authenticators: []pipeline.Step{{Handler: definition.ID, Config: []byte(config)}},
			Authorizer:     &pipeline.Step{Handler: "allow"},
			Mutators:       []pipeline.Step{{Handler: "noop"}},
			Upstream:       pipeline.UpstreamConfig{URL: "http://upstream.test"},
		})
		if len(flaws) > 0 {
			t.Fatalf("rule %d: %+v", i, flaws)
		}
	}
	return rules
}

// standIn is whatever stands behind an authenticator.
type standIn struct{}

func (standIn) Authorize(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }
func (standIn) Mutate(context.Context, *pipeline.Request, *pipeline.Session) error    { return nil }

func decoded(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatal(err)
	}
	return object
}

package authn

import (
	"context"
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// issuer is a server of keys that come and go, and that may be down.
type issuer struct {
	*pipelinetest.Service
	*jwtClock
	answer atomic.Pointer[http.HandlerFunc]
}

func newIssuer(t testing.TB, keys ...map[string]any) *issuer {
	i := &issuer{jwtClock: newJWTClock()}
	i.publishes(keys...)
	i.Service = pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) { (*i.answer.Load())(w, r) })
	return i
}

func (i *issuer) publishes(keys ...map[string]any) {
	answer := pipelinetest.Answer(http.StatusOK, jwkSet(keys...))
	i.answer.Store(&answer)
}

func (i *issuer) answers(answer http.HandlerFunc) { i.answer.Store(&answer) }

// signedBy is a token of the issuer that names this key.
func signedBy(id string, key *rsa.PrivateKey) string {
	return jwtOf(fmt.Sprintf(`{"alg":"RS256","kid":%q}`, id), `{"sub":"lena"}`, signRS(key, crypto.SHA256))
}

func authenticate(t testing.TB, handler pipeline.Authenticator, token string) error {
	t.Helper()
	return handler.Authenticate(t.Context(), bearingJWT(token), &pipeline.Session{})
}

func TestJWTKeysRotate(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, jwk("2024", issuerRSA()))
	handler := newVerifier(t, i.Service, `{"jwks_ttl": "30s"}`, i.jwtClock)
	old, young := signedBy("2024", issuerRSA()), signedBy("2025", strangeRSA())
	check := func(when, token string, accepted bool) {
		t.Helper()
		err := authenticate(t, handler, token)
		switch {
		case accepted && err != nil:
			t.Errorf("%s: %v", when, err)
		case !accepted && (!errors.Is(err, pipeline.BadCredential) || pipelinetest.ReasonOf(err) != noKey):
			t.Errorf("%s: got %v, want %s", when, err, noKey)
		}
	}
	check("the old key", old, true)
	i.publishes(jwk("2024", issuerRSA()), jwk("2025", strangeRSA()))
	check("the new key, at once", young, true)
	check("the old one, still", old, true)
	i.publishes(jwk("2025", strangeRSA()))
	i.advance(31 * time.Second)
	check("the old key, when it was withdrawn", old, false)
	check("the new one, still", young, true)
	i.publishes(jwk("2025", issuerRSA())) // another key of the same name
	i.advance(31 * time.Second)
	if err := authenticate(t, handler, young); pipelinetest.ReasonOf(err) != badSignature {
		t.Errorf("a key that was replaced: %v", err)
	}
}

func TestJWTWhileTheIssuerIsDown(t *testing.T) {
	t.Parallel()
	down := pipelinetest.Answer(http.StatusServiceUnavailable, "")
	i := newIssuer(t, jwk("rsa", issuerRSA()))
	handler := newVerifier(t, i.Service, `{"jwks_ttl": "30s"}`, i.jwtClock)
	known, unknown := signedBy("rsa", issuerRSA()), signedBy("new", strangeRSA())
	if err := authenticate(t, handler, known); err != nil {
		t.Fatal(err)
	}
	i.answers(down)
	for range 60 { // an hour, less half a minute
		i.advance(time.Minute - 500*time.Millisecond)
		if err := authenticate(t, handler, known); err != nil {
			t.Fatalf("keys that are at hand do not serve: %v", err)
		}
		if err := authenticate(t, handler, unknown); !errors.Is(err, pipeline.Unavailable) {
			t.Fatalf("a key that may be new: %v", err)
		}
	}
	i.advance(time.Minute)
	if err := authenticate(t, handler, known); !errors.Is(err, pipeline.Unavailable) {
		t.Errorf("after an hour: %v", err)
	}
	i.publishes(jwk("rsa", issuerRSA()))
	i.advance(10 * time.Second)
	if err := authenticate(t, handler, known); err != nil {
		t.Errorf("when it is up again: %v", err)
	}
}

func TestJWTWithoutKeys(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(file, []byte("<html>"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		config string
		answer http.HandlerFunc
		kind   pipeline.Kind
	}{
		"the server is down":         {`{}`, pipelinetest.Answer(http.StatusBadGateway, ""), pipeline.Unavailable},
		"it breaks off":              {`{}`, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, pipeline.Unavailable},
		"it does not answer":         {`{"jwks_max_wait": "1ms"}`, nil, pipeline.Slow},
		"nobody may wait for it":     {`{"jwks_max_wait": "0s"}`, nil, pipeline.Slow},
		"it asks to slow down":       {`{}`, pipelinetest.Answer(http.StatusTooManyRequests, ""), pipeline.Limited},
		"it knows of no keys":        {`{}`, pipelinetest.Answer(http.StatusNotFound, ""), pipeline.BadCredential},
		"it has a page instead":      {`{}`, pipelinetest.Answer(http.StatusOK, "<html></html>"), pipeline.BadCredential},
		"it has none at present":     {`{}`, pipelinetest.Answer(http.StatusOK, `{"keys": []}`), pipeline.BadCredential},
		"it has a thousand":          {`{}`, pipelinetest.Answer(http.StatusOK, `{"keys": [`+strings.Repeat("{},", 999)+`{}]}`), pipeline.BadCredential},
		"there is no file":           {`{"jwks_urls": ["file://` + file + `.old"]}`, nil, pipeline.Unavailable},
		"the file is something else": {`{"jwks_urls": ["file://` + file + `"]}`, nil, pipeline.BadCredential},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			i.answers(test.answer)
			if test.answer == nil { // not before the test is over
				gate := make(chan struct{})
				t.Cleanup(func() { close(gate) })
				i.answers(func(http.ResponseWriter, *http.Request) { <-gate })
			}
			handler := newVerifier(t, i.Service, test.config, i.jwtClock)
			err := authenticate(t, handler, signedBy("rsa", issuerRSA()))
			if pipeline.KindOf(err) != test.kind {
				t.Errorf("got %v, want %v", err, test.kind)
			}
			if reason := pipelinetest.ReasonOf(err); strings.Contains(reason, "127.0.0.1") || strings.Contains(reason, "keys.json") {
				t.Errorf("clients would read %q", reason)
			}
		})
	}
}

func TestJWTFloodOfUnknownKeys(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, jwk("rsa", issuerRSA()))
	handler := newVerifier(t, i.Service, `{"jwks_ttl": "1h"}`, i.jwtClock)
	known := signedBy("rsa", issuerRSA())
	if err := authenticate(t, handler, known); err != nil {
		t.Fatal(err)
	}
	for second := range 10 {
		var group sync.WaitGroup
		for sender := range 4 {
			group.Go(func() {
				for n := range 100 {
					made := jwtOf(fmt.Sprintf(`{"alg":"RS256","kid":"%d-%d-%d"}`, second, sender, n), `{}`, noSignature)
					if err := authenticate(t, handler, made); pipelinetest.ReasonOf(err) != noKey {
						t.Errorf("got %v", err)
					}
				}
				if err := authenticate(t, handler, known); err != nil {
					t.Errorf("a good token among them: %v", err)
				}
			})
		}
		group.Wait()
		i.advance(time.Second)
	}
	// Once for the good token, and at the beginning of each five seconds.
	if asked := len(i.Asked()); asked != 3 {
		t.Errorf("the issuer was asked %d times in ten seconds", asked)
	}
}

func TestJWTRulesShareKeySets(t *testing.T) {
	t.Parallel()
	i := newIssuer(t, jwk("rsa", issuerRSA()))
	environment := i.Only(t)
	environment.Now = i.Now
	settings := pipeline.Settings{
		Authenticators: map[string]pipeline.Setting{"jwt": {Enabled: true, Config: map[string]any{"jwks_urls": []any{"https://issuer.test/keys"}, "jwks_max_wait": "1m"}}},
		Authorizers:    map[string]pipeline.Setting{"allow": {Enabled: true}},
		Mutators:       map[string]pipeline.Setting{"noop": {Enabled: true}},
	}
	handlers := pipeline.Handlers{
		Authenticators: Handlers,
		Authorizers:    []pipeline.Definition[pipeline.Authorizer]{pipeline.DefinePlain[pipeline.Authorizer]("allow", allowing{})},
		Mutators:       []pipeline.Definition[pipeline.Mutator]{pipeline.DefinePlain[pipeline.Mutator]("noop", allowing{})},
	}
	var previous *pipeline.Builder
	run := func(config, token string, allowed bool) {
		t.Helper()
		built, flaws := previous.Build(pipeline.Plan{
			Rule:           "r",
			Authenticators: []pipeline.Step{{Handler: "jwt", Config: json.RawMessage(config)}},
			Authorizer:     &pipeline.Step{Handler: "allow"},
			Mutators:       []pipeline.Step{{Handler: "noop"}},
			Upstream:       pipeline.UpstreamConfig{URL: "http://up.test"},
		})
		if len(flaws) > 0 {
			t.Fatalf("%+v", flaws)
		}
		decision := built.Run(t.Context(), bearingJWT(token), func() ([]string, error) { return nil, nil })
		if decision.Allowed != allowed {
			t.Errorf("%s: allowed: %t, %v", config, decision.Allowed, decision.Err)
		}
	}
	token := issuedJWT(`{"scope":"a","aud":"shop"}`)
	for range 2 { // the second time after a reload
		previous = pipeline.NewBuilder(handlers, settings, environment, previous)
		run(`{}`, token, true)
		run(`{"scope_strategy": "exact", "required_scope": ["a"]}`, token, true)
		run(`{"scope_strategy": "exact", "required_scope": ["b"]}`, token, false)
		run(`{"target_audience": ["shop"]}`, token, true)
		run(`{"target_audience": ["stock"]}`, token, false)
		run(`{"trusted_issuers": ["https://id.test"]}`, token, false)
		run(`{"allowed_algorithms": ["ES256"]}`, token, false)
	}
	if asked := len(i.Asked()); asked != 1 {
		t.Errorf("the issuer was asked %d times", asked)
	}
	run(`{"jwks_urls": ["https://issuer.test/other"]}`, token, true)
	run(`{"jwks_ttl": "1s"}`, token, true)
	if asked := len(i.Asked()); asked != 3 {
		t.Errorf("with another address, and another time to live, the issuer was asked %d times", asked)
	}
}

// allowing is an authorizer and a mutator that does nothing.
type allowing struct{}

func (allowing) Authorize(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }

func (allowing) Mutate(context.Context, *pipeline.Request, *pipeline.Session) error { return nil }

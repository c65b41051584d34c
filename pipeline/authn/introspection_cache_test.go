package authn

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// use is one request with the token t, at a time after the one before.
type use struct {
	after time.Duration
	want  error // the kind of the refusal, if it is one
	asked int   // questions so far
}

func TestIntrospectionCache(t *testing.T) {
	t.Parallel()
	const (
		yes   = `{"active": true, "sub": "ada"}`
		dying = `{"active": true, "sub": "ada", "exp": 1700000030}`
		cold  = `{"cache": {"enabled": true}}`
		ten   = `{"cache": {"enabled": true, "ttl": "10s"}}`
		hour  = `{"cache": {"enabled": true, "ttl": "1h"}}`
	)
	tests := map[string]struct {
		config, answer string
		uses           []use
	}{
		"is off unless it is switched on":                    {`{}`, yes, []use{{0, nil, 1}, {0, nil, 2}}},
		"keeps an answer for its ttl":                        {ten, yes, []use{{0, nil, 1}, {10*time.Second - 1, nil, 1}, {1, nil, 2}}},
		"does not keep it longer for those who ask":          {ten, yes, []use{{0, nil, 1}, {5 * time.Second, nil, 1}, {4 * time.Second, nil, 1}, {time.Second, nil, 2}}},
		"keeps an answer without a ttl for long":             {cold, yes, []use{{0, nil, 1}, {8760 * time.Hour, nil, 1}}},
		"keeps no answer past the end of its token":          {cold, dying, []use{{0, nil, 1}, {30*time.Second - 1, nil, 1}, {1, pipeline.BadCredential, 2}}},
		"keeps no answer past that for a longer ttl":         {hour, dying, []use{{0, nil, 1}, {30*time.Second - 1, nil, 1}, {1, pipeline.BadCredential, 2}}},
		"keeps it no longer than a ttl that is over earlier": {ten, dying, []use{{0, nil, 1}, {10*time.Second - 1, nil, 1}, {1, nil, 2}}},
		"with a ttl of nothing keeps nothing":                {`{"cache": {"enabled": true, "ttl": "0s"}}`, yes, []use{{0, nil, 1}, {0, nil, 2}}},
		"keeps no answer about a token that is not good":     {cold, `{"active": false}`, []use{{0, pipeline.BadCredential, 1}, {0, pipeline.BadCredential, 2}}},
		"keeps no answer about a token that is no use here":  {`{"target_audience": ["shop"], "cache": {"enabled": true}}`, yes, []use{{0, pipeline.Forbidden, 1}, {0, pipeline.Forbidden, 2}}},
		"leaves scopes to the endpoint each time":            {`{"required_scope": ["a"], "cache": {"enabled": true}}`, yes, []use{{0, nil, 1}, {0, nil, 2}}},
		"but not if it compares them itself":                 {`{"required_scope": ["a"], "scope_strategy": "exact", "cache": {"enabled": true}}`, `{"active": true, "scope": "a"}`, []use{{0, nil, 1}, {0, nil, 1}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var clock movable
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, test.answer))
			handler := introspecting(t, clock.at(t), service.URL, test.config)
			for i, use := range test.uses {
				clock.move(use.after)
				if _, err := pass(t, handler, opaque("t")); !errors.Is(kindOf(t, err), use.want) {
					t.Errorf("use %d: got %v, want %v", i, err, use.want)
				}
				wantAsked(t, service, use.asked)
			}
		})
	}
}

func wantAsked(t *testing.T, service *pipelinetest.Service, want int) {
	t.Helper()
	if got := len(service.Asked()); got != want {
		t.Errorf("the service was asked %d times, want %d", got, want)
	}
}

func TestIntrospectionCacheDeniesAWithdrawnTokenAfterTheTTL(t *testing.T) {
	t.Parallel()
	var clock movable
	withdrawn := make(chan struct{})
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-withdrawn:
			pipelinetest.Answer(200, `{"active": false}`)(w, r)
		default:
			pipelinetest.Answer(200, `{"active": true}`)(w, r)
		}
	})
	handler := introspecting(t, clock.at(t), service.URL, `{"cache": {"enabled": true, "ttl": "10s"}}`)
	if _, err := pass(t, handler, opaque("t")); err != nil {
		t.Fatal(err)
	}
	close(withdrawn)
	for range 9 { // a use every second
		clock.move(time.Second)
		if _, err := pass(t, handler, opaque("t")); err != nil {
			t.Errorf("before the end: %v", err)
		}
	}
	clock.move(time.Second)
	if _, err := pass(t, handler, opaque("t")); !errors.Is(kindOf(t, err), pipeline.BadCredential) {
		t.Errorf("after the end: %v", err)
	}
}

func TestIntrospectionCacheForgetsFailures(t *testing.T) {
	t.Parallel()
	answers := make(chan http.HandlerFunc, 4)
	answers <- pipelinetest.Answer(500, ``)
	answers <- pipelinetest.Answer(200, `null`)
	answers <- busy
	answers <- pipelinetest.Answer(200, `{"active": true}`)
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) { (<-answers)(w, r) })
	handler := introspecting(t, pipelinetest.Environment(t), service.URL, `{"cache": {"enabled": true}}`)
	for i, want := range []error{pipeline.Unavailable, pipeline.Internal, pipeline.Limited, nil, nil} {
		if _, err := pass(t, handler, opaque("t")); !errors.Is(kindOf(t, err), want) {
			t.Errorf("use %d: got %v, want %v", i, err, want)
		}
	}
}

func TestIntrospectionCacheAsksOnceForACrowdAndMixesNobodyUp(t *testing.T) {
	t.Parallel()
	const many = 200
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		// The body is read by the service already, so the token is told in a header, too.
		user := r.Header.Get("X-Forwarded-Host")
		pipelinetest.Answer(200, `{"active": true, "sub": "`+user+`", "ext": {"of": "`+user+`"}}`)(w, r)
	})
	handler := introspecting(t, pipelinetest.Environment(t), service.URL, `{"preserve_host": true, "cache": {"enabled": true}}`)
	sessions, errs := crowd(t.Context(), handler, many, func(i int) *pipeline.Request {
		request := opaque(fmt.Sprint("token-", i%2))
		request.Host = fmt.Sprint("user-", i%2)
		return request
	})
	for i := range many {
		want := fmt.Sprint("user-", i%2)
		if errs[i] != nil || sessions[i].Subject != want || pipelinetest.Extra(&sessions[i])["of"] != want {
			t.Errorf("%s got subject %q, extra %v, %v", want, sessions[i].Subject, pipelinetest.Extra(&sessions[i]), errs[i])
		}
	}
	wantAsked(t, service, 2)
}

func TestIntrospectionCacheLetsNobodyFailForAClientThatLeft(t *testing.T) {
	t.Parallel()
	asked, left := make(chan struct{}), make(chan struct{})
	calls := make(chan struct{}, 1)
	calls <- struct{}{}
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-calls:
			close(asked)
			<-r.Context().Done()
		default:
			pipelinetest.Answer(200, `{"active": true}`)(w, r)
		}
	})
	handler := introspecting(t, pipelinetest.Environment(t), service.URL, `{"cache": {"enabled": true}}`)
	ctx, leave := context.WithCancel(t.Context())
	go func() {
		defer close(left)
		_ = handler.Authenticate(ctx, opaque("t"), new(pipeline.Session))
	}()
	<-asked
	stayed := make(chan error, 1)
	go func() { stayed <- handler.Authenticate(t.Context(), opaque("t"), new(pipeline.Session)) }()
	leave()
	<-left
	if err := <-stayed; err != nil {
		t.Errorf("who stayed got %v", err)
	}
}

func TestIntrospectionCacheHoldsNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	const tokens = 50
	service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"active": true, "sub": "`+strings.Repeat("x", 1000)+`"}`))
	handler := introspecting(t, pipelinetest.Environment(t), service.URL, `{"cache": {"enabled": true, "max_cost": 5000}}`)
	for deadline := time.Now().Add(10 * time.Second); ; { // what is too much goes in the background
		before := len(service.Asked())
		for i := range tokens {
			if _, err := pass(t, handler, opaque(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		kept := tokens - (len(service.Asked()) - before)
		if before > 0 && kept <= 5 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d answers of 1000 bytes are kept in 5000 bytes", kept)
		}
	}
}

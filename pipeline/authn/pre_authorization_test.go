package authn

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
	"ostiary/pipeline/internal/pipelinetest"
)

// gated is the configuration of an introspection for which the engine needs a
// token of its own, from that issuer.
func gated(issuer, more string) string {
	client := strings.TrimSuffix(strings.TrimPrefix(more, "{"), "}")
	if client != "" {
		client = ", " + client
	}
	return `{"pre_authorization": {"enabled": true, "client_id": "gate 1", "client_secret": "s3cr:et&", "token_url": "` + issuer + `/token"` + client + `}}`
}

// letsIn is an endpoint that answers who brings one of these tokens.
func letsIn(tokens ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		for _, token := range tokens {
			if r.Header.Get("Authorization") == "Bearer "+token {
				pipelinetest.Answer(200, `{"active": true, "sub": "ada"}`)(w, r)
				return
			}
		}
		pipelinetest.Answer(401, `{}`)(w, r)
	}
}

func TestPreAuthorizationGetsATokenForTheEngine(t *testing.T) {
	t.Parallel()
	const token = `{"access_token": "own", "token_type": "bearer", "expires_in": 3600}`
	inHeader := basicOf("gate+1", "s3cr%3Aet%26")
	tests := map[string]struct {
		config string
		issuer http.HandlerFunc
		want   []string // the issuer's questions: credentials and form
	}{
		"by Basic credentials": {
			`{}`, pipelinetest.Answer(200, token),
			[]string{inHeader + " grant_type=client_credentials"},
		},
		"for an audience and scopes": {
			`{"audience": "https://oauth2.test", "scope": ["introspect", "read"]}`, pipelinetest.Answer(200, token),
			[]string{inHeader + " audience=https%3A%2F%2Foauth2.test&grant_type=client_credentials&scope=introspect+read"},
		},
		"in the form, if the issuer wants it there": {
			`{}`,
			func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Authorization") != "" {
					pipelinetest.Answer(401, `{"error": "invalid_client"}`)(w, r)
					return
				}
				pipelinetest.Answer(200, token)(w, r)
			},
			[]string{inHeader + " grant_type=client_credentials", " client_id=gate+1&client_secret=s3cr%3Aet%26&grant_type=client_credentials"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			endpoint := pipelinetest.Serve(t, letsIn("own"))
			issuer := pipelinetest.Serve(t, test.issuer)
			handler := introspecting(t, pipelinetest.Environment(t), endpoint.URL, gated(issuer.URL, test.config))
			for _, user := range []string{"t", "u", "t"} {
				if session, err := pass(t, handler, opaque(user)); err != nil || session.Subject != "ada" {
					t.Errorf("got %q, %v", session.Subject, err)
				}
			}
			var got []string
			for _, question := range issuer.Asked() {
				got = append(got, question.Header.Get("Authorization")+" "+question.Body)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			wantAsked(t, endpoint, 3)
		})
	}
}

func TestPreAuthorizationIsStrongerThanAConfiguredHeader(t *testing.T) {
	t.Parallel()
	endpoint := pipelinetest.Serve(t, letsIn("own"))
	issuer := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"access_token": "own"}`))
	config := layered(t, gated(issuer.URL, `{}`), `{"introspection_request_headers": {"authorization": "Basic Zzpz"}}`)
	if _, err := pass(t, introspecting(t, pipelinetest.Environment(t), endpoint.URL, config), opaque("t")); err != nil {
		t.Error(err)
	}
}

func TestPreAuthorizationThatIsOffAsksNobody(t *testing.T) {
	t.Parallel()
	endpoint := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if _, there := r.Header["Authorization"]; there {
			t.Error("it sends credentials")
		}
		pipelinetest.Answer(200, `{"active": true}`)(w, r)
	})
	issuer := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"access_token": "own"}`))
	config := strings.Replace(gated(issuer.URL, `{}`), `"enabled": true`, `"enabled": false`, 1)
	if _, err := pass(t, introspecting(t, pipelinetest.Environment(t), endpoint.URL, config), opaque("t")); err != nil {
		t.Error(err)
	}
	wantAsked(t, issuer, 0)
}

func TestPreAuthorizationRenewsItsToken(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer string
		moves  []time.Duration
		want   []int // the issuer's questions so far
	}{
		"before its end":               {`{"access_token": "own", "expires_in": 3600}`, []time.Duration{3589 * time.Second, time.Second}, []int{1, 1, 2}},
		"early in proportion":          {`{"access_token": "own", "expires_in": 10}`, []time.Duration{8 * time.Second, time.Second}, []int{1, 1, 2}},
		"whose end is in a text":       {`{"access_token": "own", "expires_in": "10"}`, []time.Duration{8 * time.Second, time.Second}, []int{1, 1, 2}},
		"each time if it is over":      {`{"access_token": "own", "expires_in": -1}`, []time.Duration{0}, []int{1, 2}},
		"never if it has no end":       {`{"access_token": "own"}`, []time.Duration{8760 * time.Hour}, []int{1, 1}},
		"and not later for being used": {`{"access_token": "own", "expires_in": 100}`, []time.Duration{50 * time.Second, 39 * time.Second, time.Second}, []int{1, 1, 1, 2}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var clock movable
			endpoint := pipelinetest.Serve(t, letsIn("own"))
			issuer := pipelinetest.Serve(t, pipelinetest.Answer(200, test.answer))
			handler := introspecting(t, clock.at(t), endpoint.URL, gated(issuer.URL, `{}`))
			for i, want := range test.want {
				if i > 0 {
					clock.move(test.moves[i-1])
				}
				if _, err := pass(t, handler, opaque("t")); err != nil {
					t.Fatal(err)
				}
				wantAsked(t, issuer, want)
			}
		})
	}
}

func TestPreAuthorizationGivesUpATokenThatIsRefused(t *testing.T) {
	t.Parallel()
	tokens := make(chan string, 2)
	tokens <- "withdrawn"
	tokens <- "own"
	endpoint := pipelinetest.Serve(t, letsIn("own"))
	issuer := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		pipelinetest.Answer(200, `{"access_token": "`+<-tokens+`", "expires_in": 3600}`)(w, r)
	})
	handler := introspecting(t, pipelinetest.Environment(t), endpoint.URL, gated(issuer.URL, `{}`))
	for i, want := range []error{pipeline.Internal, nil, nil} {
		if _, err := pass(t, handler, opaque("t")); !errors.Is(kindOf(t, err), want) {
			t.Errorf("use %d: got %v, want %v", i, err, want)
		}
	}
	wantAsked(t, issuer, 2)
}

func TestPreAuthorizationAsksOnceForACrowd(t *testing.T) {
	t.Parallel()
	const many = 100
	endpoint := pipelinetest.Serve(t, letsIn("own"))
	issuer := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"access_token": "own", "expires_in": 3600}`))
	handler := introspecting(t, pipelinetest.Environment(t), endpoint.URL, gated(issuer.URL, `{}`))
	_, errs := crowd(t.Context(), handler, many, func(int) *pipeline.Request { return opaque("t") })
	for _, err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
	wantAsked(t, endpoint, many)
	if asked := len(issuer.Asked()); asked != 1 {
		t.Errorf("the issuer was asked %d times", asked)
	}
}

// TestPreAuthorizationFailsAsADependency: that the engine gets no token is the
// fault of no client, and the endpoint is not asked without one.
func TestPreAuthorizationFailsAsADependency(t *testing.T) {
	t.Parallel()
	packedBlanks()
	type failing struct {
		config string
		issuer http.HandlerFunc
		want   pipeline.Kind
	}
	tests := map[string]failing{
		"the issuer refuses the engine":       {`{}`, pipelinetest.Answer(401, `{"error": "invalid_client"}`), pipeline.Unavailable},
		"the issuer refuses the scope":        {`{}`, pipelinetest.Answer(400, `{"error": "invalid_scope"}`), pipeline.Unavailable},
		"the issuer has no such address":      {`{}`, pipelinetest.Answer(404, `nothing`), pipeline.Unavailable},
		"the issuer sends it elsewhere":       {`{}`, pipelinetest.Answer(302, ``), pipeline.Unavailable},
		"the issuer says no in its own way":   {`{}`, pipelinetest.Answer(200, `{"error": "invalid_client"}`), pipeline.Unavailable},
		"the issuer's answer has no token":    {`{}`, pipelinetest.Answer(200, `{"token_type": "bearer"}`), pipeline.Unavailable},
		"the issuer's answer is a page":       {`{}`, pipelinetest.Answer(200, `<html>`), pipeline.Unavailable},
		"the issuer is asked too often by it": {`{}`, busy, pipeline.Limited},
	}
	for name, test := range dependencyFailures {
		tests["the issuer "+name] = failing{test.config, test.answer, test.want}
	}
	for name, test := range tests {
		t.Run("when "+name, func(t *testing.T) {
			t.Parallel()
			endpoint := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"active": true}`))
			issuer := pipelinetest.Serve(t, test.issuer)
			handler := introspecting(t, pipelinetest.Environment(t), endpoint.URL, layered(t, gated(issuer.URL, `{}`), test.config))
			_, err := pass(t, handler, opaque("t"))
			if got := kindOf(t, err); !errors.Is(got, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if err != nil && strings.Contains(err.Error(), "s3cr") {
				t.Errorf("the log would say %v", err)
			}
			wantAsked(t, endpoint, 0)
		})
	}
}

func TestATokenIsRenewedBeforeItsEnd(t *testing.T) {
	t.Parallel()
	for life, want := range map[time.Duration]time.Duration{
		cache.Forever:    cache.Forever,
		time.Hour:        time.Hour - earliest,
		10 * time.Second: 9 * time.Second,
		0:                0,
	} {
		if got := untilRenewal(life); got != want {
			t.Errorf("of %v: got %v, want %v", life, got, want)
		}
	}
	if got := untilRenewal(-time.Second); got > 0 {
		t.Errorf("one that is over lives for %v", got)
	}
}

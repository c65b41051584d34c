package authn

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestOAuth2ClientCredentialsCache(t *testing.T) {
	t.Parallel()
	const (
		hour    = `{"access_token": "t", "expires_in": 3600}`
		endless = `{"access_token": "t"}`
		over    = `{"access_token": "t", "expires_in": -1}`
		plain   = `{"cache": {"enabled": true}}`
		ten     = `{"cache": {"enabled": true, "ttl": "10s"}}`
		day     = `{"cache": {"enabled": true, "ttl": "24h"}}`
	)
	tests := map[string]struct {
		config, answer string
		uses           []use
	}{
		"is off unless it is switched on":              {`{}`, hour, []use{{0, nil, 1}, {0, nil, 2}}},
		"keeps a client for as long as its token":      {plain, hour, []use{{0, nil, 1}, {3599 * time.Second, nil, 1}, {time.Second, nil, 2}}},
		"keeps it for the ttl if that is shorter":      {ten, hour, []use{{0, nil, 1}, {10*time.Second - 1, nil, 1}, {1, nil, 2}}},
		"does not keep it longer for coming often":     {ten, hour, []use{{0, nil, 1}, {5 * time.Second, nil, 1}, {4 * time.Second, nil, 1}, {time.Second, nil, 2}}},
		"keeps it for its token if that is shorter":    {day, hour, []use{{0, nil, 1}, {3599 * time.Second, nil, 1}, {time.Second, nil, 2}}},
		"keeps it without an end if there is none":     {plain, endless, []use{{0, nil, 1}, {8760 * time.Hour, nil, 1}}},
		"but not if a ttl has nothing to shorten":      {ten, endless, []use{{0, nil, 1}, {0, nil, 2}}},
		"keeps nobody for a token that is over":        {plain, over, []use{{0, nil, 1}, {0, nil, 2}}},
		"keeps nobody for a ttl of nothing":            {`{"cache": {"enabled": true, "ttl": "0s"}}`, hour, []use{{0, nil, 1}, {0, nil, 2}}},
		"keeps nobody who is refused":                  {plain, `{"error": "invalid_client"}`, []use{{0, pipeline.BadCredential, 1}, {0, pipeline.BadCredential, 2}}},
		"keeps nobody because of an answer that fails": {plain, `{}`, []use{{0, pipeline.Unavailable, 1}, {0, pipeline.Unavailable, 2}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var clock movable
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, test.answer))
			handler := granting(t, clock.at(t), service.URL, test.config)
			for i, use := range test.uses {
				clock.move(use.after)
				if _, err := pass(t, handler, clientRequest("id", "s")); !errors.Is(kindOf(t, err), use.want) {
					t.Errorf("use %d: got %v, want %v", i, err, use.want)
				}
				wantAsked(t, service, use.asked)
			}
		})
	}
}

// clients is an endpoint at /a that has a token for every client whose secret
// is its id with "s-" in front.
func clients(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if r.URL.RequestURI() != "/a" || secret != "s-"+id {
		pipelinetest.Answer(401, `{"error": "invalid_client"}`)(w, r)
		return
	}
	pipelinetest.Answer(200, grantedToken)(w, r)
}

func TestOtherClientsAndRulesDoNotProfit(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		second     string // configuration
		id, secret string
		want       error
		asked      int // once by the first rule, then twice by the second if it has to
	}{
		"with the same wishes they may": {`{}`, "one", "s-one", nil, 1},
		"with another secret":           {`{}`, "one", "s-two", pipeline.BadCredential, 3},
		"with no secret":                {`{}`, "one", "", pipeline.BadCredential, 3},
		"by another name":               {`{}`, "two", "s-one", pipeline.BadCredential, 3},
		"as another client":             {`{}`, "two", "s-two", nil, 2},
		"with another boundary":         {`{}`, "ones", "-one", pipeline.BadCredential, 3},
		"at another address":            {`{"token_url": "{{service}}/b"}`, "one", "s-one", pipeline.BadCredential, 3},
		"with another query":            {`{"token_url": "{{service}}/a?tenant=b"}`, "one", "s-one", pipeline.BadCredential, 3},
		"at another server":             {`{"token_url": "{{partner}}/a"}`, "one", "s-one", pipeline.BadCredential, 1},
		"with another scope":            {`{"required_scope": ["admin"]}`, "one", "s-one", nil, 2},
		"without a cache":               {`{"cache": {"enabled": false}}`, "one", "s-one", nil, 3},
		"with another ttl":              {`{"cache": {"ttl": "10s"}}`, "one", "s-one", nil, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, clients)
			partner := pipelinetest.Serve(t, pipelinetest.Answer(401, `{}`))
			rules := rulesOf(t, pipelinetest.Environment(t), oauth2ClientCredentials,
				`{"token_url": "`+service.URL+`/a", "cache": {"enabled": true, "ttl": "10m"}}`,
				`{}`, strings.NewReplacer("{{service}}", service.URL, "{{partner}}", partner.URL).Replace(test.second))
			if decision := rules[0].Run(t.Context(), clientRequest("one", "s-one"), nil); !decision.Allowed {
				t.Fatal(decision.Err)
			}
			for range 2 {
				if decision := rules[1].Run(t.Context(), clientRequest(test.id, test.secret), nil); !errors.Is(kindOf(t, decision.Err), test.want) {
					t.Errorf("got %v, want %v", decision.Err, test.want)
				}
			}
			wantAsked(t, service, test.asked)
		})
	}
}

// TestAnIDAndASecretThatOnlyTogetherLookAlike: client svc with the secret
// admin:x is not client svc:admin with the secret x.
func TestAnIDAndASecretThatOnlyTogetherLookAlike(t *testing.T) {
	t.Parallel()
	service := pipelinetest.Serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == basicOf("svc", "admin%3Ax") {
			pipelinetest.Answer(200, grantedToken)(w, r)
			return
		}
		pipelinetest.Answer(401, `{"error": "invalid_client"}`)(w, r)
	})
	handler := granting(t, pipelinetest.Environment(t), service.URL, `{"cache": {"enabled": true}}`)
	if _, err := pass(t, handler, clientRequest("svc", "admin:x")); err != nil {
		t.Fatal(err)
	}
	if _, err := pass(t, handler, clientRequest("svc:admin", "x")); !errors.Is(kindOf(t, err), pipeline.BadCredential) {
		t.Errorf("got %v", err)
	}
}

func TestOAuth2ClientCredentialsCacheAsksOnceForACrowdAndMixesNobodyUp(t *testing.T) {
	t.Parallel()
	const many = 200
	service := pipelinetest.Serve(t, clients)
	handler := granting(t, pipelinetest.Environment(t), service.URL+"/a", `{"cache": {"enabled": true}}`)
	sessions, errs := crowd(t.Context(), handler, many, func(i int) *pipeline.Request {
		id := fmt.Sprint("client-", i%2)
		return clientRequest(id, "s-"+id)
	})
	for i := range many {
		if want := fmt.Sprint("client-", i%2); errs[i] != nil || sessions[i].Subject != want {
			t.Errorf("%s got %q, %v", want, sessions[i].Subject, errs[i])
		}
	}
	wantAsked(t, service, 2)
}

func TestOAuth2ClientCredentialsCacheHoldsNoMoreThanItMay(t *testing.T) {
	t.Parallel()
	const many = 50
	service := pipelinetest.Serve(t, pipelinetest.Answer(200, grantedToken))
	handler := granting(t, pipelinetest.Environment(t), service.URL, `{"cache": {"enabled": true, "max_tokens": 5}}`)
	for deadline := time.Now().Add(10 * time.Second); ; { // who is too much goes in the background
		before := len(service.Asked())
		for i := range many {
			if _, err := pass(t, handler, clientRequest(fmt.Sprint(i), "s")); err != nil {
				t.Fatal(err)
			}
		}
		kept := many - (len(service.Asked()) - before)
		if before > 0 && kept <= 5 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d clients are kept", kept)
		}
	}
}

package authn

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// TestOtherRulesDoNotProfit: what one rule's question was answered is nothing
// to a rule that asks something else, and what they share is judged by each.
func TestOtherRulesDoNotProfit(t *testing.T) {
	t.Parallel()
	const first = `{}`
	tests := map[string]struct {
		first, second string
		host          string // of the second request, if it is another
		want          error
		asked         int // at the first one's server: by it once, and by the other one if it has to, twice
	}{
		"with the same wishes they may": {first, first, "", nil, 1},
		"with another scope":            {first, `{"required_scope": ["admin"]}`, "", pipeline.Forbidden, 1},
		"with another scope that fits":  {first, `{"required_scope": ["read"]}`, "", nil, 1},
		"with another audience":         {first, `{"target_audience": ["vault"]}`, "", pipeline.Forbidden, 1},
		"with another issuer":           {first, `{"trusted_issuers": ["https://hq.test"]}`, "", pipeline.Forbidden, 1},
		"with another endpoint":         {first, `{"introspection_url": "{{service}}/other"}`, "", pipeline.BadCredential, 3},
		"with another query":            {first, `{"introspection_url": "{{service}}/a?tenant=b"}`, "", pipeline.BadCredential, 3},
		"at another server":             {first, `{"introspection_url": "{{partner}}/a"}`, "", pipeline.BadCredential, 1},
		"for another host":              {`{"preserve_host": true}`, `{"preserve_host": true}`, "b.test", pipeline.BadCredential, 3},
		"for a host at all":             {first, `{"preserve_host": true}`, "b.test", pipeline.BadCredential, 3},
		"as another tenant":             {`{"introspection_request_headers": {"X-Tenant": "a"}}`, `{"introspection_request_headers": {"X-Tenant": "b"}}`, "", pipeline.BadCredential, 3},
		"as another client":             {gateNamed("a"), gateNamed("b"), "", pipeline.BadCredential, 3},
		"with another secret":           {gateNamed("a"), strings.Replace(gateNamed("a"), `"s-a"`, `"s-c"`, 1), "", pipeline.Unavailable, 1},
		"without being a client":        {gateNamed("a"), first, "", nil, 2},
		"with scopes for the endpoint":  {`{"scope_strategy": "none"}`, `{"scope_strategy": "none", "required_scope": ["admin"]}`, "", nil, 3},
		"without a cache":               {first, `{"cache": {"enabled": false}}`, "", nil, 3},
		"with another ttl":              {first, `{"cache": {"ttl": "10s"}}`, "", nil, 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, tenants)
			partner := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"active": false}`))
			issuer := pipelinetest.Serve(t, gates)
			world := strings.NewReplacer("{{service}}", service.URL, "{{partner}}", partner.URL, "{{issuer}}", issuer.URL)
			rules := rulesOf(t, pipelinetest.Environment(t), oauth2Introspection,
				`{"introspection_url": "`+service.URL+`/a", "scope_strategy": "exact", "cache": {"enabled": true, "ttl": "10m"}}`,
				world.Replace(test.first), world.Replace(test.second))
			request := opaque("t")
			request.Host = "a.test"
			if decision := rules[0].Run(t.Context(), request, nil); !decision.Allowed {
				t.Fatal(decision.Err)
			}
			if test.host != "" {
				request.Host = test.host
			}
			for range 2 {
				if decision := rules[1].Run(t.Context(), request, nil); !errors.Is(kindOf(t, decision.Err), test.want) {
					t.Errorf("got %v, want %v", decision.Err, test.want)
				}
			}
			wantAsked(t, service, test.asked)
		})
	}
}

// tenants is an endpoint that knows the token at /a alone, and only for some.
func tenants(w http.ResponseWriter, r *http.Request) {
	other := r.URL.RequestURI() != "/a" || r.Header.Get("X-Tenant") == "b" ||
		r.Header.Get("X-Forwarded-Host") == "b.test" || r.Header.Get("Authorization") == "Bearer token-of-b"
	if other {
		pipelinetest.Answer(200, `{"active": false}`)(w, r)
		return
	}
	pipelinetest.Answer(200, `{"active": true, "sub": "ada", "scope": "read", "aud": ["shop"], "iss": "https://branch.test"}`)(w, r)
}

// gates has a token for each client with its own secret.
func gates(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	if secret != "s-"+id {
		pipelinetest.Answer(401, `{"error": "invalid_client"}`)(w, r)
		return
	}
	pipelinetest.Answer(200, `{"access_token": "token-of-`+id+`", "token_type": "bearer", "expires_in": 3600}`)(w, r)
}

func gateNamed(id string) string {
	return `{"pre_authorization": {"enabled": true, "client_id": "` + id + `", "client_secret": "s-` + id + `", "token_url": "{{issuer}}/token"}}`
}

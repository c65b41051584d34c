package authn

import (
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestOAuth2IntrospectionJudgesTokens(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config  string
		headers []string
		asks    string // about this token; empty: the request is left to others
	}{
		"behind the word Bearer":             {`{}`, []string{"Authorization", "bearer t"}, "t"},
		"that are of any kind":               {`{}`, []string{"Authorization", "Bearer a.b.c"}, "a.b.c"},
		"and needs one":                      {`{}`, nil, ""},
		"of no other scheme":                 {`{}`, []string{"Authorization", "Basic dDp0"}, ""},
		"of no empty kind":                   {`{}`, []string{"Authorization", "Bearer "}, ""},
		"in a header that is named":          {`{"token_from": {"header": "X-Token"}}`, []string{"X-Token", "Bearer t"}, "Bearer t"},
		"nowhere else then":                  {`{"token_from": {"header": "X-Token"}}`, []string{"Authorization", "Bearer t"}, ""},
		"in a parameter that is named":       {`{"token_from": {"query_parameter": "access_token"}}`, nil, "in-query"},
		"in a cookie that is named":          {`{"token_from": {"cookie": "token"}}`, []string{"Cookie", "token=t"}, "t"},
		"with their prefix, which is theirs": {`{"prefix": "ory_"}`, []string{"Authorization", "Bearer ory_t"}, "ory_t"},
		"with no other prefix":               {`{"prefix": "ory_"}`, []string{"Authorization", "Bearer t"}, ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"active": true, "sub": "ada"}`))
			handler := introspecting(t, pipelinetest.Environment(t), service.URL, layered(t, `{"scope_strategy": "exact"}`, test.config))
			session, err := pass(t, handler, pipelinetest.Request(test.headers...))
			questions := service.Asked()
			if test.asks == "" {
				if !errors.Is(err, pipeline.ErrNotResponsible) || len(questions) != 0 {
					t.Errorf("got %v and %d questions", err, len(questions))
				}
				return
			}
			if err != nil || session.Subject != "ada" {
				t.Errorf("got subject %q, %v", session.Subject, err)
			}
			if len(questions) != 1 || questions[0].Body != "token="+url.QueryEscape(test.asks) {
				t.Errorf("got the questions %+v", questions)
			}
		})
	}
}

func TestOAuth2IntrospectionChecks(t *testing.T) {
	t.Parallel()
	const (
		read = `{"active": true, "sub": "ada", "scope": "orders.read profile"}`
		star = `{"active": true, "sub": "ada", "scope": "orders.*"}`
		top  = `{"active": true, "sub": "ada", "scope": "profile orders"}`
		shop = `{"active": true, "sub": "ada", "aud": ["mail", "shop"]}`
		hq   = `{"active": true, "sub": "ada", "iss": "https://id.test/"}`

		wantRead  = `{"scope_strategy": "exact", "required_scope": ["orders.read"]}`
		wantBoth  = `{"scope_strategy": "exact", "required_scope": ["orders.read", "orders.write"]}`
		wantUnder = `{"scope_strategy": "hierarchic", "required_scope": ["orders.read"]}`
		wantLike  = `{"scope_strategy": "wildcard", "required_scope": ["orders.read"]}`
		wantShop  = `{"target_audience": ["shop"]}`
		wantTwo   = `{"target_audience": ["shop", "billing"]}`
		wantHQ    = `{"trusted_issuers": ["https://id.test/", "https://old.test/"]}`
	)
	const active, forbidden, bad = pipeline.Kind(255), pipeline.Forbidden, pipeline.BadCredential
	tests := map[string]struct {
		config, answer string
		want           pipeline.Kind
	}{
		"that the token is active":                       {`{}`, `{"active": true}`, active},
		"that it is not inactive":                        {`{}`, `{"active": false, "sub": "ada"}`, bad},
		"that the endpoint says so":                      {`{}`, `{"sub": "ada"}`, bad},
		"that it does not say null":                      {`{}`, `{"active": null}`, bad},
		"that it says so in these letters":               {`{}`, `{"Active": true, "ACTIVE": true}`, bad},
		"that it is an access token":                     {`{}`, `{"active": true, "token_use": "access_token", "token_type": "mac"}`, active},
		"unless nobody says what it is for":              {`{}`, `{"active": true, "token_use": ""}`, active},
		"that it is no refresh token":                    {`{}`, `{"active": true, "token_use": "refresh_token"}`, forbidden},
		"which counts before all else":                   {`{}`, `{"active": false, "token_use": "refresh_token"}`, forbidden},
		"that it has not expired":                        {`{}`, `{"active": true, "exp": 1700000001}`, active},
		"that this is not its last second's end":         {`{}`, `{"active": true, "exp": 1700000000}`, bad},
		"that it has not expired long ago":               {`{}`, `{"active": true, "exp": 1}`, bad},
		"its end, if it has one":                         {`{}`, `{"active": true, "exp": 0}`, active},
		"an end beyond all time":                         {`{}`, `{"active": true, "exp": 9223372036854775807}`, active},
		"the scope":                                      {wantRead, read, active},
		"all of the scope":                               {wantBoth, read, forbidden},
		"the scope, if the answer has none":              {wantRead, `{"active": true}`, forbidden},
		"the scope with regard to blanks alone":          {wantRead, `{"active": true, "scope": "a,orders.read\torders.read"}`, forbidden},
		"the scope by its parents":                       {wantUnder, top, active},
		"that a star is no parent":                       {wantUnder, star, forbidden},
		"the scope by its stars":                         {wantLike, star, active},
		"that a parent is no star":                       {wantLike, top, forbidden},
		"no scope if the endpoint is to":                 {`{"required_scope": ["orders.write"]}`, read, active},
		"the audience":                                   {wantShop, shop, active},
		"an audience that is a text":                     {wantShop, `{"active": true, "aud": "shop"}`, active},
		"that the text is the audience":                  {wantShop, `{"active": true, "aud": "shop billing"}`, forbidden},
		"all of the audience":                            {wantTwo, shop, forbidden},
		"the audience, if the answer has none":           {wantShop, `{"active": true}`, forbidden},
		"the audience, if the answer has null":           {wantShop, `{"active": true, "aud": null}`, forbidden},
		"no audience if none is wanted":                  {`{}`, `{"active": true, "aud": null}`, active},
		"the issuer":                                     {wantHQ, hq, active},
		"the issuer to the letter":                       {wantHQ, `{"active": true, "iss": "https://id.test"}`, forbidden},
		"the issuer, if the answer has none":             {wantHQ, `{"active": true}`, forbidden},
		"that it is active before it checks the issuer":  {wantHQ, `{"active": false}`, bad},
		"that it is alive before it checks the audience": {wantShop, `{"active": true, "exp": 1}`, bad},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, test.answer))
			session, err := pass(t, introspecting(t, new(movable).at(t), service.URL, test.config), opaque("t"))
			var want error
			if test.want != active {
				want = test.want
			}
			if got := kindOf(t, err); !errors.Is(got, want) {
				t.Errorf("got %v, want %v", err, want)
			}
			if diff := pipelinetest.DiffSessions(pipeline.Session{}, session); err != nil && diff != "" {
				t.Errorf("a refusal leaves something in the session: %s", diff)
			}
		})
	}
}

func TestOAuth2IntrospectionFillsInTheSession(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answer string
		want   pipeline.Session
	}{
		"with all there is": {
			`{"active": true, "sub": "ada", "username": "ada@x.test", "client_id": "app", "scope": "r w", "aud": ["a", "b"], "iss": "i", "ext": {"team": "red", "n": 1}}`,
			pipelinetest.Session("ada", map[string]any{
				"username": "ada@x.test", "client_id": "app", "scope": "r w", "aud": []string{"a", "b"}, "team": "red", "n": 1.0,
			}),
		},
		"with empty texts for what is not there": {
			`{"active": true}`,
			pipelinetest.Session("", map[string]any{"username": "", "client_id": "", "scope": ""}),
		},
		"with a list for a single audience": {
			`{"active": true, "sub": "ada", "aud": "a"}`,
			pipelinetest.Session("ada", map[string]any{"username": "", "client_id": "", "scope": "", "aud": []string{"a"}}),
		},
		"and not with what ext says instead": {
			`{"active": true, "sub": "ada", "client_id": "app", "aud": "a", "ext": {"username": "root", "client_id": "root", "scope": "all", "aud": "root", "sub": "root"}}`,
			pipelinetest.Session("ada", map[string]any{"username": "", "client_id": "app", "scope": "", "aud": []string{"a"}, "sub": "root"}),
		},
		"and not with the username as its subject": {
			`{"active": true, "username": "ada", "ext": null}`,
			pipelinetest.Session("", map[string]any{"username": "ada", "client_id": "", "scope": ""}),
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, test.answer))
			handler := introspecting(t, pipelinetest.Environment(t), service.URL, `{"cache": {"enabled": true}}`)
			for use := range 2 { // the second one from the cache
				session, err := pass(t, handler, opaque("t"))
				if err != nil {
					t.Fatal(err)
				}
				if diff := pipelinetest.DiffSessions(test.want, session); diff != "" {
					t.Errorf("use %d: %s", use, diff)
				}
			}
		})
	}
}

func TestOAuth2IntrospectionKeepsTheTokenFromTheUpstream(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		want   pipeline.Withheld
	}{
		"not unless it is told to": {`{}`, pipeline.Withheld{}},
		"the Authorization header": {`{"pass_credentials": false}`, pipeline.Withheld{Headers: []string{"Authorization"}}},
		"a cookie":                 {`{"pass_credentials": false, "token_from": {"cookie": "token"}}`, pipeline.Withheld{Cookies: []string{"token"}}},
		"a parameter":              {`{"pass_credentials": false, "token_from": {"query_parameter": "access_token"}}`, pipeline.Withheld{QueryParameters: []string{"access_token"}}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"active": true}`))
			request := pipelinetest.Request("Authorization", "Bearer t", "Cookie", "token=c")
			session, err := pass(t, introspecting(t, pipelinetest.Environment(t), service.URL, test.config), request)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, session.Withheld); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestOAuth2IntrospectionRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	const noDuration = ` is not a duration such as 500ms, 5s or 10m`
	tests := map[string]struct {
		config string
		want   []string
	}{
		"no endpoint":              {`{"introspection_url": "http://"}`, []string{"introspection_url: is not a URL of the form http://host:port/path"}},
		"an endpoint in a file":    {`{"introspection_url": "file:///etc/passwd"}`, []string{"introspection_url: is not a URL of the form http://host:port/path"}},
		"a client without a name":  {`{"pre_authorization": {"enabled": true, "token_url": "http://x.test/t"}}`, []string{"pre_authorization.client_id: is required", "pre_authorization.client_secret: is required"}},
		"a client without a place": {`{"pre_authorization": {"enabled": true, "client_id": "c", "client_secret": "s"}}`, []string{"pre_authorization.token_url: is required"}},
		"a place that is none":     {`{"pre_authorization": {"enabled": true, "client_id": "c", "client_secret": "s", "token_url": "mailto:x"}}`, []string{"pre_authorization.token_url: is not a URL of the form http://host:port/path"}},
		"a client nobody uses":     {`{"pre_authorization": {"client_id": "c"}}`, nil},
		"an unknown strategy":      {`{"scope_strategy": "fuzzy"}`, []string{`scope_strategy: "fuzzy" is not one of "hierarchic", "exact", "wildcard", "none"`}},
		"a ttl in words":           {`{"cache": {"enabled": true, "ttl": "five minutes"}}`, []string{`cache.ttl: "five minutes"` + noDuration}},
		"a ttl beyond all time":    {`{"cache": {"enabled": true, "ttl": "9999999999999999999h"}}`, []string{`cache.ttl: is not a duration such as 500ms, 5s or 10m`}},
		"a cache without room":     {`{"cache": {"max_cost": 0}}`, []string{"cache.max_cost: 0 is less than 1"}},
		"a wait in words":          {`{"retry": {"give_up_after": "soon"}}`, []string{`retry.give_up_after: "soon"` + noDuration}},
		"no time at all":           {`{"timeout": "0s"}`, []string{`timeout: has to be longer than 0s, or no answer comes in time`}},
		"a header that is none":    {`{"introspection_request_headers": {"X Y": "1"}}`, []string{`introspection_request_headers["X Y"]: is no header`}},
		"a header of two lines":    {`{"introspection_request_headers": {"X-Y": "1\r\nX-Z: 2"}}`, []string{"introspection_request_headers.X-Y: is no header"}},
		"two places for the token": {`{"token_from": {"header": "X", "cookie": "y"}}`, []string{"token_from: names exactly one of header, query_parameter and cookie"}},
		"an unknown key":           {`{"caching": true}`, []string{`caching: unknown key; did you mean "cache"?`}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := layered(t, `{"introspection_url": "http://oauth2.test/introspect"}`, test.config)
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, oauth2Introspection, config)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if diff := cmp.Diff([]string{"introspection_url: is required"}, pipelinetest.Mistakes(t, oauth2Introspection, `{}`)); diff != "" {
		t.Error(diff)
	}
}

func BenchmarkOAuth2IntrospectionFromTheCache(b *testing.B) {
	for name, answer := range map[string]string{
		"plain": `{"active": true, "sub": "ada", "scope": "orders.read", "exp": 4102444800}`,
		"ext":   `{"active": true, "sub": "ada", "scope": "orders.read", "exp": 4102444800, "aud": ["a"], "ext": {"team": "red", "roles": ["a", "b"], "n": 1}}`,
	} {
		b.Run(name, func(b *testing.B) {
			service := pipelinetest.Serve(b, pipelinetest.Answer(200, answer))
			environment := pipelinetest.Environment(b)
			environment.Now = time.Now
			handler := introspecting(b, environment, service.URL, `{"scope_strategy": "exact", "required_scope": ["orders.read"], "cache": {"enabled": true}}`)
			request := opaque("ory_at_0123456789012345678901234567890123456789")
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					var session pipeline.Session
					if err := handler.Authenticate(b.Context(), request, &session); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

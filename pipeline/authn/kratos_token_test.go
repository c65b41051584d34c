package authn

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// tokenOf is a token with these claims. Nobody here looks at its signature.
func tokenOf(claims string) string {
	return "e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln"
}

// endingIn is a token that ends so long after the launch.
func endingIn(life time.Duration) string {
	return tokenOf(`{"sub": "ada", "exp": ` + strconv.FormatInt(launch.Add(life).Unix(), 10) + `}`)
}

const tokenizing = `{"tokenize_as": "shop jwt/1", "cache": {"ttl": "1h"}}`

func TestKratosTokenIsForTheUpstream(t *testing.T) {
	t.Parallel()
	token := endingIn(time.Minute)
	tests := map[string]struct {
		config string
		want   http.Header
		sets   []string
	}{
		"as a bearer token":              {tokenizing, http.Header{"Authorization": {"Bearer " + token}}, []string{"Authorization"}},
		"in a header of its own":         {layered(t, tokenizing, `{"token_header": "X-Session-Jwt"}`), http.Header{"X-Session-Jwt": {token}}, []string{"X-Session-Jwt"}},
		"in a header, however spelt":     {layered(t, tokenizing, `{"token_header": "x-session-JWT"}`), http.Header{"X-Session-Jwt": {token}}, []string{"X-Session-Jwt"}},
		"as a bearer token, spelt badly": {layered(t, tokenizing, `{"token_header": "authorization"}`), http.Header{"Authorization": {"Bearer " + token}}, []string{"Authorization"}},
		"only if it is asked for":        {`{"token_header": "X-Session-Jwt"}`, nil, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kratos := serveKratos(t, good("ada", change{"tokenized": token}))
			handler := atKratos(t, newWorld(t).Environment, kratos, test.config)
			for range 2 { // from Kratos, and remembered
				session := expect(t, handler, withCookie, "ada", nil)
				if diff := cmp.Diff(test.want, session.Header); diff != "" {
					t.Error(diff)
				}
				session.SetHeader("Authorization", "Basic eA==") // as a mutator may
			}
			target := "/sessions/whoami"
			if test.want != nil {
				target += "?tokenize_as=shop+jwt%2F1"
			}
			if asked := kratos.Asked(); len(asked) != 1 || asked[0].Target != target {
				t.Errorf("it was asked %+v, want %s", asked, target)
			}
			setter, _ := handler.(pipeline.HeaderSetter)
			if diff := cmp.Diff(test.sets, setter.SetsHeaders()); diff != "" {
				t.Errorf("it announces %s", diff)
			}
		})
	}
}

// TestKratosTokenIsRememberedForHalfOfItsLife: the upstream needs the rest.
func TestKratosTokenIsRememberedForHalfOfItsLife(t *testing.T) {
	t.Parallel()
	halfAMinute := []look{{0, 1}, {30*time.Second - 1, 1}, {1, 2}}
	never := []look{{0, 1}, {0, 2}}
	tests := map[string]struct {
		token string
		looks []look
	}{
		"of a minute":               {endingIn(time.Minute), halfAMinute},
		"of more than the ttl":      {endingIn(9 * time.Hour), []look{{0, 1}, {time.Hour - 1, 1}, {1, 2}}},
		"in fractions":              {tokenOf(`{"exp": 1700000060.9}`), halfAMinute},
		"that is over":              {endingIn(-time.Second), never},
		"that ends now":             {endingIn(0), never},
		"without an end":            {tokenOf(`{"sub": "ada"}`), never},
		"with an end of null":       {tokenOf(`{"exp": null}`), never},
		"that is no token":          {"opaque", never},
		"with one part":             {"e30.", never},
		"with claims that are none": {"e30.!!!.c2ln", never},
		"with claims of a list":     {tokenOf(`[1]`), never},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			kratos := serveKratos(t, good("ada", change{"tokenized": test.token}))
			handler := atKratos(t, w.Environment, kratos, tokenizing)
			for i, l := range test.looks {
				w.clock.move(l.after)
				session := expect(t, handler, withCookie, "ada", nil)
				if got := session.Header.Get("Authorization"); kratos.calls() != l.calls || got != "Bearer "+test.token {
					t.Errorf("look %d: %d calls, want %d; the upstream gets %q", i, kratos.calls(), l.calls, got)
				}
			}
		})
	}
}

// TestKratosTokenStandsInNoLongerThanItLives: to the upstream, an old token is
// a session that has ended.
func TestKratosTokenStandsInNoLongerThanItLives(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	kratos := serveKratos(t, good("ada", change{"tokenized": endingIn(time.Minute)}))
	handler := atKratos(t, w.Environment, kratos, layered(t, `{"tokenize_as": "shop"}`, closed, cached(staleForAnHour)))
	expect(t, handler, withCookie, "ada", nil)
	kratos.says(pipelinetest.Answer(503, ""))
	w.clock.move(time.Minute - 1)
	if got := expect(t, handler, withCookie, "ada", nil); got.Stale == 0 || got.Header.Get("Authorization") == "" {
		t.Errorf("got %+v", got)
	}
	w.clock.move(1)
	expect(t, handler, withCookie, "", pipeline.Unavailable)
}

func TestKratosTokenThatIsMissingIsNoAnswer(t *testing.T) {
	t.Parallel()
	want := pipeline.Unusable.Error() + `: the answer of Kratos has no token; there may be no template "shop jwt/1"`
	for name, changes := range map[string]change{"missing": nil, "empty": {"tokenized": ""}} {
		kratos := serveKratos(t, good("ada", changes))
		session, err := pass(t, atKratos(t, newWorld(t).Environment, kratos, tokenizing), withCookie)
		if err == nil || err.Error() != want || session.Subject != "" || session.Header != nil {
			t.Errorf("%s: got %+v, %v; want %s", name, session, err, want)
		}
	}
	// A token of another kind is none either.
	kratos := serveKratos(t, good("ada", change{"tokenized": 7}))
	expect(t, atKratos(t, newWorld(t).Environment, kratos, tokenizing), withCookie, "", pipeline.Unusable)
}

// TestKratosTokenIsNotOfAnotherTemplate: rules that ask for other tokens ask
// for themselves.
func TestKratosTokenIsNotOfAnotherTemplate(t *testing.T) {
	t.Parallel()
	kratos := serveKratos(t, func(w http.ResponseWriter, r *http.Request) {
		good("ada", change{"tokenized": tokenOf(`{"exp": 1700000060, "for": "` + r.URL.Query().Get("tokenize_as") + `"}`)})(w, r)
	})
	environment := pipelinetest.Sharing(t, newWorld(t).Environment)
	shop, bank := atKratos(t, environment, kratos, `{"tokenize_as": "shop"}`), atKratos(t, environment, kratos, `{"tokenize_as": "bank"}`)
	for range 2 {
		for template, handler := range map[string]pipeline.Authenticator{"shop": shop, "bank": bank} {
			session := expect(t, handler, withCookie, "ada", nil)
			if got, want := session.Header.Get("Authorization"), "Bearer "+tokenOf(`{"exp": 1700000060, "for": "`+template+`"}`); got != want {
				t.Errorf("%s: got %s", template, got)
			}
		}
	}
	if calls := kratos.calls(); calls != 2 {
		t.Errorf("%d calls", calls)
	}
}

// TestKratosTokenReplacesTheClientsCredential at the upstream: the rule owns
// the header, and what authenticated the request does not pass.
func TestKratosTokenReplacesTheClientsCredential(t *testing.T) {
	t.Parallel()
	token := endingIn(time.Minute)
	kratos := serveKratos(t, good("ada", change{"tokenized": token}))
	rules := rulesOf(t, newWorld(t).Environment, kratosSession, `{"public_url": "`+kratos.URL+`", "tokenize_as": "shop"}`, `{}`)
	decision := rules[0].Run(t.Context(), pipelinetest.Request("Authorization", "Bearer ory_st_1"), nil)
	if !decision.Allowed || !decision.Identity.Cover("Authorization") || decision.Session.Header.Get("Authorization") != "Bearer "+token {
		t.Errorf("got %+v", decision)
	}
}

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

func TestJWTClaims(t *testing.T) {
	t.Parallel()
	const (
		forShop  = `{"target_audience": ["shop"]}`
		forBoth  = `{"target_audience": ["shop", "stock"]}`
		byIssuer = `{"trusted_issuers": ["https://id.test/", "https://login.test"]}`
	)
	needs := func(strategy, scopes string) string {
		return fmt.Sprintf(`{"scope_strategy": %q, "required_scope": %s}`, strategy, scopes)
	}
	exact := needs("exact", `["orders.read", "orders.list"]`)
	hierarchic := needs("hierarchic", `["orders.read"]`)
	wildcard := needs("wildcard", `["orders.read"]`)
	none := needs("none", `["orders.read"]`)
	tests := map[string]jwtCase{}
	add := func(name, config, claims, reason string) {
		tests[name] = jwtCase{config, issuedJWT(claims), reason, false}
	}
	add("no claims", `{}`, `{}`, "")
	add("exp a second from now", `{}`, `{"exp":1700000001}`, "")
	add("exp now", `{}`, `{"exp":1700000000}`, expired)
	add("exp a second ago", `{}`, `{"exp":1699999999}`, expired)
	add("exp a fraction from now", `{}`, `{"exp":1700000000.001}`, "")
	add("exp a fraction ago", `{}`, `{"exp":1699999999.999}`, expired)
	add("exp with an exponent", `{}`, `{"exp":1.700000001e9}`, "")
	add("exp of zero", `{}`, `{"exp":0}`, expired)
	add("exp at the end of time", `{}`, `{"exp":253402300799}`, "")
	add("exp after the end of time", `{}`, `{"exp":253402300800}`, "the exp of the token is no point in time")
	add("exp of 1e300", `{}`, `{"exp":1e300}`, "the exp of the token is no point in time")
	add("exp of 1e400", `{}`, `{"exp":1e400}`, badClaims)
	add("a negative exp", `{}`, `{"exp":-1}`, "the exp of the token is no point in time")
	add("exp as text", `{}`, `{"exp":"1700000060"}`, "the exp of the token is no point in time")
	add("exp of null", `{}`, `{"exp":null}`, "the exp of the token is no point in time")
	add("exp of true", `{}`, `{"exp":true}`, "the exp of the token is no point in time")
	add("exp in a list", `{}`, `{"exp":[1700000060]}`, "the exp of the token is no point in time")
	add("Exp, which nobody knows", `{}`, `{"Exp":1,"EXP":"x"}`, "")
	add("nbf now", `{}`, `{"nbf":1700000000}`, "")
	add("nbf a second from now", `{}`, `{"nbf":1700000001}`, tooEarly)
	add("nbf a fraction from now", `{}`, `{"nbf":1700000000.001}`, tooEarly)
	add("nbf as text", `{}`, `{"nbf":"1"}`, "the nbf of the token is no point in time")
	add("iat now", `{}`, `{"iat":1700000000}`, "")
	add("iat a second from now", `{}`, `{"iat":1700000001}`, fromTheFuture)
	add("iat as text", `{}`, `{"iat":"1"}`, "the iat of the token is no point in time")
	add("all times at once", `{}`, `{"iat":1699999990,"nbf":1699999990,"exp":1700000060}`, "")

	add("aud as text", forShop, `{"aud":"shop"}`, "")
	add("aud in a list", forShop, `{"aud":["mail","shop"]}`, "")
	add("another aud", forShop, `{"aud":"shop.evil"}`, badAudience)
	add("aud in capitals", forShop, `{"aud":"Shop"}`, badAudience)
	add("no aud", forShop, `{}`, badAudience)
	add("aud of null", forShop, `{"aud":null}`, badAudience)
	add("aud as an object", forShop, `{"aud":{"shop":true}}`, badAudience)
	add("aud with a number among them", forShop, `{"aud":["shop",7]}`, badAudience)
	add("an empty list of aud", forShop, `{"aud":[]}`, badAudience)
	add("aud with blanks between", forBoth, `{"aud":"shop stock"}`, badAudience)
	add("one aud of two", forBoth, `{"aud":["shop"]}`, badAudience)
	add("both aud", forBoth, `{"aud":["stock","x","shop"]}`, "")
	add("aud that nobody asked for", `{}`, `{"aud":[7]}`, "")

	add("a trusted issuer", byIssuer, `{"iss":"https://login.test"}`, "")
	add("another trusted issuer", byIssuer, `{"iss":"https://id.test/"}`, "")
	add("an issuer without the slash", byIssuer, `{"iss":"https://id.test"}`, badIssuer)
	add("an issuer with a slash", byIssuer, `{"iss":"https://login.test/"}`, badIssuer)
	add("an issuer in capitals", byIssuer, `{"iss":"https://LOGIN.test"}`, badIssuer)
	add("no issuer", byIssuer, `{}`, badIssuer)
	add("an issuer of null", byIssuer, `{"iss":null}`, badIssuer)
	add("issuers in a list", byIssuer, `{"iss":["https://login.test"]}`, badIssuer)
	add("any issuer", `{"trusted_issuers": []}`, `{"iss":7}`, "")

	add("exact: scope as text", exact, `{"scope":"x orders.list orders.read"}`, "")
	add("exact: scp as text", exact, `{"scp":"orders.list orders.read"}`, "")
	add("exact: scp as a list", exact, `{"scp":["orders.read","orders.list"]}`, "")
	add("exact: scopes as a list", exact, `{"scopes":["orders.read","orders.list"]}`, "")
	add("exact: a list of things", exact, `{"scopes":["orders.read",7,null,"orders.list"]}`, "")
	add("exact: one is missing", exact, `{"scope":"orders.read"}`, lacksScope)
	add("exact: one text in a list for both", exact, `{"scp":["orders.read orders.list"]}`, lacksScope)
	add("exact: a tab between", exact, `{"scp":"orders.read\torders.list"}`, lacksScope)
	add("exact: none", exact, `{}`, lacksScope)
	add("exact: an object", exact, `{"scp":{"orders.read":1,"orders.list":1}}`, lacksScope)
	add("exact: scp goes before scope", exact, `{"scp":[],"scope":"orders.read orders.list"}`, lacksScope)
	add("exact: even if it is null", exact, `{"scp":null,"scope":"orders.read orders.list"}`, lacksScope)
	add("exact: scope goes before scopes", exact, `{"scope":"","scopes":["orders.read","orders.list"]}`, lacksScope)
	add("exact: a parent", exact, `{"scope":"orders"}`, lacksScope)
	add("exact: a star", exact, `{"scope":"*"}`, lacksScope)
	add("exact: capitals", exact, `{"scope":"Orders.read Orders.list"}`, lacksScope)
	add("hierarchic: itself", hierarchic, `{"scope":"orders.read"}`, "")
	add("hierarchic: a parent", hierarchic, `{"scope":"mail orders"}`, "")
	add("hierarchic: a child", hierarchic, `{"scope":"orders.read.own"}`, lacksScope)
	add("hierarchic: half a word", hierarchic, `{"scope":"order"}`, lacksScope)
	add("hierarchic: nothing at all", hierarchic, `{"scope":""}`, lacksScope)
	add("wildcard: a star at the end", wildcard, `{"scope":"orders.*"}`, "")
	add("wildcard: a star in front", wildcard, `{"scope":"*.read"}`, "")
	add("wildcard: a star alone", wildcard, `{"scope":"*"}`, "")
	add("wildcard: a parent", wildcard, `{"scope":"orders"}`, lacksScope)
	add("wildcard: half a word", wildcard, `{"scope":"orders.re*"}`, lacksScope)
	add("none: what is required is never there", none, `{"scope":"orders.read"}`, lacksScope)
	add("none: nothing is required", `{"scope_strategy": "none"}`, `{"scope":"orders.read"}`, "")

	add("an empty subject", `{}`, `{"sub":""}`, "")
	add("a subject that is a number", `{}`, `{"sub":99}`, badSubject)
	add("a subject of null", `{}`, `{"sub":null}`, badSubject)
	add("a subject that is a list", `{}`, `{"sub":["lena"]}`, badSubject)
	add("a subject with a NUL", `{}`, `{"sub":"lena\u0000"}`, badSubject)
	add("a subject with a line break", `{}`, `{"sub":"lena\r\nX-Role: admin"}`, badSubject)

	add("claims that are no JSON", `{}`, `sub=root`, badClaims)
	add("claims that are a list", `{}`, `[]`, badClaims)
	add("claims that are a text", `{}`, `"lena"`, badClaims)
	add("claims of null", `{}`, `null`, badClaims)
	add("no text at all", `{}`, ``, badClaims)
	add("something after the claims", `{}`, `{"sub":"lena"}{}`, badClaims)
	add("a NUL after the claims", `{}`, "{\"sub\":\"lena\"}\x00", badClaims)
	add("a NUL in the claims", `{}`, "{\"sub\":\"le\x00na\"}", badClaims)
	add("sub twice", `{}`, `{"sub":"lena","sub":"root"}`, badClaims)
	add("exp twice, escaped", `{}`, `{"exp":1,"e\u0078p":1700000060}`, badClaims)
	add("a name twice further down", `{}`, `{"a":{"b":1,"b":2}}`, badClaims)
	add("what is not UTF-8", `{}`, "{\"sub\":\"\xff\"}", badClaims)
	add("a byte order mark", `{}`, "\ufeff{}", badClaims)
	add("claims that nest as deep as they may", `{}`, nested(maxNesting), "")
	add("claims that nest deeper", `{}`, nested(maxNesting+1), badClaims)
	add("claims that nest very deep", `{}`, nested(5000), badClaims)
	add("brackets in a text", `{}`, `{"x":"`+strings.Repeat(`\"[{`, 50)+`"}`, "")
	add("many claims side by side", `{}`, `{"x":[`+strings.Repeat("{},[],", 500)+`{}]}`, "")
	judge(t, tests)
}

// nested is an object that nests that deep.
func nested(depth int) string {
	return `{"x":` + strings.Repeat("[", depth-1) + strings.Repeat("]", depth-1) + `}`
}

func TestJWTFillsInTheSession(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		claims string
		want   pipeline.Session
	}{
		"subject and claims": {
			`{"sub":"lena","exp":1700000060,"profile":{"name":"Lena"},"groups":["a",1]}`,
			pipelinetest.Session("lena", map[string]any{
				"sub": "lena", "exp": 1700000060.0, "profile": map[string]any{"name": "Lena"}, "groups": []any{"a", 1.0}, "scp": []string{},
			}),
		},
		"no claims":         {`{}`, pipelinetest.Session("", map[string]any{"scp": []string{}})},
		"scope as text":     {`{"scope":"a b"}`, pipelinetest.Session("", map[string]any{"scp": []string{"a", "b"}})},
		"two blanks":        {`{"scope":"a  b"}`, pipelinetest.Session("", map[string]any{"scp": []string{"a", "", "b"}})},
		"an empty text":     {`{"scp":""}`, pipelinetest.Session("", map[string]any{"scp": []string{""}})},
		"scopes as a list":  {`{"scopes":["a",1,"b"]}`, pipelinetest.Session("", map[string]any{"scp": []string{"a", "", "b"}})},
		"scp as an object":  {`{"scp":{"a":1}}`, pipelinetest.Session("", map[string]any{"scp": []string{}})},
		"several of a kind": {`{"scope":"a","scopes":["b"]}`, pipelinetest.Session("", map[string]any{"scp": []string{"a"}, "scopes": []any{"b"}})},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			service := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, issuerKeys()))
			handler := newVerifier(t, service, `{}`, newJWTClock())
			var session pipeline.Session
			if err := handler.Authenticate(t.Context(), bearingJWT(issuedJWT(test.claims)), &session); err != nil {
				t.Fatal(err)
			}
			if diff := pipelinetest.DiffSessions(test.want, session); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestJWTExpiresWhileItIsInUse(t *testing.T) {
	t.Parallel()
	service, clock := pipelinetest.Serve(t, pipelinetest.Answer(http.StatusOK, issuerKeys())), newJWTClock()
	handler := newVerifier(t, service, `{}`, clock)
	request := bearingJWT(issuedJWT(lena))
	clock.advance(time.Minute - time.Millisecond)
	if err := handler.Authenticate(t.Context(), request, &pipeline.Session{}); err != nil {
		t.Errorf("a moment before: %v", err)
	}
	clock.advance(time.Millisecond)
	err := handler.Authenticate(t.Context(), request, &pipeline.Session{})
	if !errors.Is(err, pipeline.BadCredential) || pipelinetest.ReasonOf(err) != expired {
		t.Errorf("then: %v", err)
	}
}

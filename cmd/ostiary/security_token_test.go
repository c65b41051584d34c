package main_test

import (
	"cmp"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"
)

// mint signs tokens, and publishes the keys for them.
type mint struct {
	url   string
	key   *rsa.PrivateKey
	asked atomic.Int64 // how often for the keys
	set   atomic.Pointer[string]
}

// startMint starts one that publishes its key under the name main.
func startMint(t testing.TB) *mint {
	t.Helper()
	m := &mint{key: newRSA(t)}
	m.publish(t, publicJWK("main", &m.key.PublicKey))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		m.asked.Add(1)
		_, _ = w.Write([]byte(*m.set.Load()))
	}))
	t.Cleanup(server.Close)
	m.url = server.URL
	return m
}

// publish puts these keys in the place of those that were published.
func (m *mint) publish(t testing.TB, keys ...object) {
	t.Helper()
	text, err := json.Marshal(object{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	set := string(text)
	m.set.Store(&set)
}

// token is one with these claims, as they are written.
func (m *mint) token(claims string) string { return m.headed(object{}, claims) }

// headed is one with further members of its header, or others.
func (m *mint) headed(header object, claims string) string {
	whole := object{"alg": "RS256", "kid": "main"}
	for name, value := range header {
		whole[name] = value
	}
	return signed(whole, claims, byRSA(m.key))
}

func newRSA(t testing.TB) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func publicJWK(id string, key *rsa.PublicKey) object {
	return object{"kid": id, "use": "sig", "kty": "RSA", "n": inBase64(key.N.Bytes()), "e": inBase64(big.NewInt(int64(key.E)).Bytes())}
}

func inBase64(text []byte) string { return base64.RawURLEncoding.EncodeToString(text) }

// signed is a token of a header and claims.
func signed(header object, claims string, sign func(text string) []byte) string {
	head, err := json.Marshal(header)
	if err != nil {
		panic(err) // it is made of texts
	}
	text := inBase64(head) + "." + inBase64([]byte(claims))
	return text + "." + inBase64(sign(text))
}

func byRSA(key *rsa.PrivateKey) func(string) []byte {
	return func(text string) []byte {
		sum := sha256.Sum256([]byte(text))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			panic(err)
		}
		return signature
	}
}

func bySecret(secret []byte) func(string) []byte {
	return func(text string) []byte {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
}

// protected is what is below a path: for whom, and under which condition.
type protected struct {
	path          string
	authenticator string // empty: jwt
	config        object
	expression    string // empty: for everybody who is somebody
}

// protecting makes the rules.
func protecting(rules ...protected) func(upstream, _ string) []object {
	return func(upstream, _ string) (all []object) {
		for _, p := range rules {
			rule := openRule(upstream)
			rule["id"] = p.path
			rule["match"] = object{"url": "http://<.*>" + p.path + "<(/.*)?>", "methods": []string{"GET", "POST"}}
			rule["authenticators"] = []object{{"handler": cmp.Or(p.authenticator, "jwt"), "config": p.config}}
			rule["mutators"] = []object{{"handler": "header"}}
			if p.expression != "" {
				rule["authorizer"] = object{"handler": "cel", "config": object{"expression": p.expression}}
			}
			all = append(all, rule)
		}
		return all
	}
}

// startProtected starts a guard of these rules, with that authenticator.
func startProtected(t testing.TB, authenticator string, config object, rules ...protected) *bastion {
	t.Helper()
	return startBastion(t, protecting(rules...), func(whole object) {
		section(whole, "authenticators")[authenticator] = object{"enabled": true, "config": config}
		section(whole, "authorizers")["cel"] = object{"enabled": true, "config": object{"expression": "false"}}
	})
}

// startTokenGuard starts one that takes the tokens of a mint.
func startTokenGuard(t testing.TB, m *mint, rules ...protected) *bastion {
	t.Helper()
	return startProtected(t, "jwt", object{"jwks_urls": []string{m.url}, "jwks_ttl": "10m", "jwks_max_wait": "20s"}, rules...)
}

// holds demands of claims below a path that a token with them passes, or does not.
func (g *bastion) holds(t testing.TB, m *mint, path, claims string, passes bool) {
	t.Helper()
	for mode, ask := range modes {
		got := ask(t, g, attempt{target: path, token: m.token(claims)})
		if passes && got.status != http.StatusOK || !passes && (got.status != http.StatusUnauthorized || got.granted()) {
			t.Errorf("%s: %s with %s: got %d: %s", mode, path, claims, got.status, got.body)
		}
	}
}

var securityTokens = []securityRow{
	{id: "JW-02", test: func(t *testing.T, _ *bastion) {
		m := startMint(t)
		g := startTokenGuard(t, m, protected{path: "/x"}, protected{path: "/both", config: object{"allowed_algorithms": []string{"RS256", "HS256"}}})
		der, err := x509.MarshalPKIXPublicKey(&m.key.PublicKey)
		if err != nil {
			t.Fatal(err)
		}
		old := x509.MarshalPKCS1PublicKey(&m.key.PublicKey)
		inPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		for _, path := range []string{"/x", "/both"} {
			g.grants(t, attempt{target: path, token: m.token(`{"sub":"ada"}`)}, nil, path)
			for _, secret := range [][]byte{
				inPEM, inPEM[:len(inPEM)-1], pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: old}), der, old, m.key.N.Bytes(),
				[]byte(inBase64(m.key.N.Bytes())), []byte(*m.set.Load()), nil,
			} {
				for _, algorithm := range []string{"HS256", "hs256", "none", ""} {
					forged := signed(object{"alg": algorithm, "kid": "main"}, `{"sub":"root"}`, bySecret(secret))
					g.refuses(t, attempt{target: path, token: forged}, nil, 401)
				}
			}
		}
	}},
	{id: "JW-03", test: func(t *testing.T, _ *bastion) {
		m, evil := startMint(t), startMint(t)
		g := startTokenGuard(t, m, protected{path: "/x"})
		own := publicJWK("main", &evil.key.PublicKey)
		pointers := []object{
			{"jku": evil.url},
			{"x5u": evil.url},
			{"jwk": own},
			{"jku": evil.url, "x5u": evil.url, "jwk": own},
			{"kid": "../../etc/passwd"},
			{"kid": "main/../main"},
			{"kid": "/dev/null"},
			{"kid": "file:///dev/null"},
			{"kid": evil.url},
			{"kid": "main' OR '1'='1"},
			{"kid": "x' UNION SELECT 'secret' --"},
			{"kid": "main\x00"},
			{"kid": "$(id)"},
			{"kid": "*"},
			{"kid": ""},
			{"kid": evil.url, "jku": evil.url},
			{"kid": []string{"main"}},
			{"kid": "MAIN"},
		}
		for _, pointer := range pointers {
			g.refuses(t, attempt{target: "/x", token: evil.headed(pointer, `{"sub":"root"}`)}, nil, 401)
			// Nor does the right key make up for a name that is not its own.
			if _, renamed := pointer["kid"]; renamed {
				g.refuses(t, attempt{target: "/x", token: m.headed(pointer, `{"sub":"root"}`)}, nil, 401)
			}
		}
		for _, secret := range []string{"", "\x00", "root:x:0:0:root:/root:/bin/bash\n"} { // what a path could lead to
			g.refuses(t, attempt{target: "/x", token: signed(object{"alg": "HS256", "kid": "../../dev/null"}, `{"sub":"root"}`, bySecret([]byte(secret)))}, nil, 401)
		}
		g.grants(t, attempt{target: "/x", token: m.headed(object{"jku": evil.url, "x5u": evil.url}, `{"sub":"ada"}`)}, nil, "/x")
		if asked := evil.asked.Load(); asked != 0 {
			t.Errorf("the address in the token was asked %d times", asked)
		}
	}},
	{id: "JW-05", test: func(t *testing.T, _ *bastion) {
		m := startMint(t)
		g := startTokenGuard(t, m, protected{path: "/x"})
		// There is no leeway. The clock goes on while the test asks, so what holds now has to hold for long.
		at := func(seconds float64) string {
			return fmt.Sprintf("%.3f", float64(time.Now().UnixMilli())/1000+seconds)
		}
		for _, good := range []string{
			`{"exp":` + at(600) + `}`, `{"exp":253402300799}`, `{"exp":9e9}`, `{"nbf":` + at(-0.5) + `}`, `{"iat":` + at(-0.5) + `}`, `{"nbf":0,"iat":0.5}`,
			`{"iat":` + at(-1) + `,"nbf":` + at(-1) + `,"exp":` + at(600) + `}`,
		} {
			g.holds(t, m, "/x", good, true)
		}
		for _, name := range []string{"exp", "nbf", "iat"} {
			for _, value := range []string{
				`"` + at(600) + `"`, `"9999999999"`, `"0"`, `""`, `1e400`, `-1e400`, `1e300`, `253402300800`, `99999999999999999999999`, `-1`, `null`, `true`, `[1]`, `{}`,
				`"never"`, `NaN`, `Infinity`, `0x10`, `01`,
			} {
				g.holds(t, m, "/x", `{"`+name+`":`+value+`}`, false)
			}
			g.holds(t, m, "/x", `{"`+name+`":1,"`+name+`":9999999999}`, false)
		}
		for _, late := range []float64{0, -0.001, -0.5, -1, -5, -60} {
			g.holds(t, m, "/x", `{"exp":`+at(late)+`}`, false)
		}
		for _, name := range []string{"nbf", "iat"} {
			g.holds(t, m, "/x", `{"`+name+`":`+at(3*lifeLimit.Seconds())+`}`, false)
		}
	}},
	{id: "JW-06", test: func(t *testing.T, _ *bastion) {
		m := startMint(t)
		g := startTokenGuard(t, m,
			protected{path: "/shop", config: object{"target_audience": []string{"shop"}}},
			protected{path: "/both", config: object{"target_audience": []string{"shop", "bank"}}},
			protected{path: "/slash", config: object{"trusted_issuers": []string{"https://id.test/"}}},
			protected{path: "/plain", config: object{"trusted_issuers": []string{"https://id.test"}}},
		)
		for path, claims := range map[string]map[string]bool{
			"/shop": {
				`{"aud":"shop"}`: true, `{"aud":["x","shop"]}`: true, `{}`: false, `{"aud":[]}`: false, `{"aud":""}`: false, `{"aud":null}`: false,
				`{"aud":"Shop"}`: false, `{"aud":"shop "}`: false, `{"aud":"shop bank"}`: false, `{"aud":"shop,bank"}`: false, `{"aud":["shop",1]}`: false,
				`{"aud":[["shop"]]}`: false, `{"aud":{"shop":true}}`: false, `{"aud":"shop/"}`: false, `{"AUD":"shop"}`: false, `{"aud":"bank","aud":"shop"}`: false,
			},
			"/both":  {`{"aud":["bank","shop"]}`: true, `{"aud":"shop"}`: false, `{"aud":["shop"]}`: false, `{"aud":"shop bank"}`: false},
			"/slash": {`{"iss":"https://id.test/"}`: true, `{"iss":"https://id.test"}`: false, `{"iss":"https://ID.test/"}`: false, `{"iss":"https://id.test//"}`: false},
			"/plain": {
				`{"iss":"https://id.test"}`: true, `{"iss":"https://id.test/"}`: false, `{"iss":"HTTPS://id.test"}`: false, `{"iss":"http://id.test"}`: false,
				`{"iss":"https://id.test:443"}`: false, `{"iss":"https://id.test.evil.test"}`: false, `{"iss":["https://id.test"]}`: false, `{}`: false, `{"iss":null}`: false,
			},
		} {
			for claim, passes := range claims {
				g.holds(t, m, path, claim, passes)
			}
		}
	}},
	{id: "JW-08", test: func(t *testing.T, _ *bastion) {
		m := startMint(t)
		g := startTokenGuard(t, m, protected{path: "/any"}, protected{path: "/api", config: object{"target_audience": []string{"https://api.test"}}},
			protected{path: "/said", expression: `extra.?token_use.orValue("access") == "access" && !(extra.?typ.orValue("Bearer") in ["ID", "Refresh", "Offline"])`})
		for _, kind := range []string{"JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"} {
			g.grants(t, attempt{target: "/any", token: m.headed(object{"typ": kind}, `{"sub":"ada"}`)}, nil, "/any")
		}
		// A token may say itself that it is for something else.
		for _, kind := range []string{"id+jwt", "refresh+jwt", "rt+jwt", "logout+jwt", "application/logout+jwt", "LOGOUT+JWT", "dpop+jwt", "secevent+jwt", "token-introspection+jwt"} {
			g.refuses(t, attempt{target: "/any", token: m.headed(object{"typ": kind}, `{"sub":"ada"}`)}, nil, 401)
		}
		g.holds(t, m, "/api", `{"sub":"ada","aud":"https://api.test"}`, true)
		g.holds(t, m, "/api", `{"sub":"ada","aud":"the-client","nonce":"1","at_hash":"x"}`, false) // an ID token is meant for the client
		g.holds(t, m, "/said", `{"sub":"ada","token_use":"access"}`, true)
		for _, claims := range []string{`{"sub":"ada","token_use":"id"}`, `{"sub":"ada","token_use":"refresh"}`, `{"sub":"ada","typ":"ID"}`, `{"sub":"ada","typ":"Refresh"}`, `{"token_use":null}`} {
			g.refuses(t, attempt{target: "/said", token: m.token(claims)}, nil, 403)
		}
		uses := object{"access": "access_token", "refresh": "refresh_token", "id": "id_token", "capital": "Access_Token"}
		tokens := map[string]object{}
		for name, use := range uses {
			tokens[name] = object{"sub": "ada", "token_use": use}
		}
		asked := &bastion{asked: map[string]*atomic.Int64{}}
		introspecting := startProtected(t, "oauth2_introspection", object{"introspection_url": asked.startIntrospection(t, "uses", tokens)},
			protected{path: "/x", authenticator: "oauth2_introspection", config: object{"cache": object{"enabled": true}}})
		for range 2 {
			introspecting.grants(t, attempt{target: "/x", token: "access"}, nil, "/x")
			for _, name := range []string{"refresh", "id", "capital"} {
				introspecting.refuses(t, attempt{target: "/x", token: name}, nil, 403)
			}
		}
	}},
	{id: "JW-09", test: func(t *testing.T, _ *bastion) {
		m := startMint(t)
		g := startTokenGuard(t, m, protected{path: "/any"}, protected{path: "/somebody", expression: `subject != ""`},
			protected{path: "/mail", expression: `extra.email.matches("^[^@]+@good[.]test$")`}, protected{path: "/end", expression: `extra.email.endsWith("@good.test")`})
		for _, claims := range []string{`{"sub":1}`, `{"sub":null}`, `{"sub":true}`, `{"sub":["ada"]}`, `{"sub":{"id":"ada"}}`, `{"sub":"ada\u0000"}`, `{"sub":"a\r\nX-Role: admin"}`} {
			g.holds(t, m, "/any", claims, false)
		}
		// The contract has tokens without a subject pass, as nobody, whatever the client says: a rule can ask for more.
		for _, claims := range []string{`{"sub":""}`, `{}`, `{"SUB":"root"}`} {
			for _, said := range asProxied(t, g, attempt{target: "/any", token: m.token(claims), lines: []string{"X-User: root"}}).upstream {
				if user := fmt.Sprint(said.values("X-User")); user != "[]" {
					t.Errorf("%s: the upstream is told of %s", claims, user)
				}
			}
			g.refuses(t, attempt{target: "/somebody", token: m.token(claims)}, nil, 403)
		}
		g.grants(t, attempt{target: "/somebody", token: m.token(`{"sub":"ada"}`)}, nil, "/somebody")
		g.holds(t, m, "/mail", `{"email":"a@good.test"}`, true)
		for _, address := range []string{`"a@good.test@evil.test"`, `"a@evil.test@good.test"`, `"@good.test"`, `"a@good.test\n"`, `"a@xgood.test"`, `"a@GOOD.test.evil.test"`, `["a@good.test"]`, `7`, `null`} {
			g.refuses(t, attempt{target: "/mail", token: m.token(`{"email":` + address + `}`)}, nil, 403)
		}
		g.refuses(t, attempt{target: "/end", token: m.token(`{"email":"a@good.test@evil.test"}`)}, nil, 403)
		// Of a session there has to be somebody, unless it is configured otherwise.
		sessions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			subject, _ := r.Cookie("session")
			fmt.Fprintf(w, `{"subject":%s}`, map[string]string{"empty": `""`, "null": `null`, "number": `7`, "list": `["ada"]`, "good": `"ada"`}[subject.Value])
		}))
		t.Cleanup(sessions.Close)
		nobody := startProtected(t, "cookie_session", object{"check_session_url": sessions.URL, "only": []string{"session"}},
			protected{path: "/x", authenticator: "cookie_session"},
			protected{path: "/anybody", authenticator: "cookie_session", config: object{"allow_empty_subject": true}})
		nobody.grants(t, attempt{target: "/x", lines: []string{"Cookie: session=good"}}, nil, "/x")
		nobody.grants(t, attempt{target: "/anybody", lines: []string{"Cookie: session=empty"}}, nil, "/anybody")
		for _, kind := range []string{"empty", "null", "number", "list"} {
			nobody.refuses(t, attempt{target: "/x", lines: []string{"Cookie: session=" + kind}}, nil, 401, 403)
		}
	}},
	{id: "JW-11", test: func(t *testing.T, _ *bastion) {
		// Nothing here proves that a key is held: a rule that wants bound tokens kept out says so, and no other scheme is taken for Bearer.
		m := startMint(t)
		g := startTokenGuard(t, m, protected{path: "/unbound", expression: `!("cnf" in extra)`})
		g.grants(t, attempt{target: "/unbound", token: m.token(`{"sub":"ada"}`)}, nil, "/unbound")
		for _, binding := range []string{`{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}`, `{"x5t#S256":"bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}`, `{}`, `null`} {
			bound := m.token(`{"sub":"ada","cnf":` + binding + `}`)
			g.refuses(t, attempt{target: "/unbound", token: bound}, nil, 403)
			g.refuses(t, attempt{target: "/unbound", token: bound, lines: []string{"DPoP: " + m.headed(object{"typ": "dpop+jwt"}, `{}`)}}, nil, 403)
			for _, scheme := range []string{"DPoP", "MTLS"} {
				g.refuses(t, attempt{target: "/unbound", lines: []string{"Authorization: " + scheme + " " + bound}}, nil, 401)
			}
		}
	}},
	{id: "JW-12", test: func(t *testing.T, _ *bastion) {
		m, second := startMint(t), newRSA(t)
		both := []object{publicJWK("main", &m.key.PublicKey), publicJWK("second", &second.PublicKey)}
		m.publish(t, both...)
		g := startProtected(t, "jwt", object{"jwks_urls": []string{m.url}, "jwks_ttl": "1s", "jwks_max_wait": "20s"}, protected{path: "/x"})
		of := map[string]attempt{
			"main":   {target: "/x", token: m.token(`{"sub":"ada"}`)},
			"second": {target: "/x", token: signed(object{"alg": "RS256", "kid": "second"}, `{"sub":"ada"}`, byRSA(second))},
		}
		g.grants(t, of["main"], nil, "/x")
		g.grants(t, of["second"], nil, "/x")
		m.publish(t, both[1])
		// Who uses it all the time does not keep it alive.
		await(t, "the key that is gone to be no good", func() bool { return asForwarded(t, g, of["main"]).status == http.StatusUnauthorized })
		g.refuses(t, of["main"], nil, 401)
		g.grants(t, of["second"], nil, "/x")
		// A key of the same name is not the same key.
		m.publish(t, publicJWK("main", &second.PublicKey))
		await(t, "the other key to be gone", func() bool { return asForwarded(t, g, of["second"]).status == http.StatusUnauthorized })
		g.refuses(t, of["main"], nil, 401)
	}},
}

package authn

import (
	"crypto"
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// FuzzJWT looks for tokens that panic, or that are accepted though nobody with
// a key has signed them: the seeds are good tokens that somebody has changed,
// and those of strangers.
func FuzzJWT(f *testing.F) {
	service := pipelinetest.Serve(f, pipelinetest.Answer(http.StatusOK, issuerKeys()))
	handler := newVerifier(f, service, all, newJWTClock())
	seed := issuedJWT(lena)
	f.Add(seed[:len(seed)-4])
	f.Add(swapClaims(seed, `{"sub":"root"}`))
	for _, header := range []string{
		`{"alg":"RS256","kid":"rsa"}`, `{"alg":"PS512","kid":"rsa"}`, `{"alg":"ES256","kid":"ec"}`, `{"alg":"ES384","kid":"ec-long"}`,
		`{"alg":"EdDSA","kid":"ed"}`, `{"alg":"HS256","kid":"oct"}`, `{"alg":"HS256","kid":"rsa"}`, `{"alg":"none","kid":"rsa"}`,
		`{"alg":"RS256","kid":"rsa","kid":"ec"}`, `{"alg":"RS256","kid":"rsa","crit":["b64"],"b64":false}`,
		`{"alg":"RS256","kid":"x","jwk":` + jsonOf(jwk("x", strangeRSA())) + `}`, `{"alg":"RS256","kid":"rsa","x5c":["AAAA"],"jku":"https://x.test"}`,
	} {
		f.Add(jwtOf(header, lena, signRS(strangeRSA(), crypto.SHA256)))
		f.Add(jwtOf(header, `{"exp":1e400}`, noSignature))
	}
	f.Add("..")
	f.Add(strings.Repeat("A", 100) + "\x00.e30.")
	f.Fuzz(func(t *testing.T, token string) {
		request := pipelinetest.Request("Authorization", "Bearer "+token)
		session := pipeline.Session{}
		if err := handler.Authenticate(t.Context(), request, &session); err == nil {
			t.Fatalf("accepted: %q", token)
		}
		if session.Subject != "" || pipelinetest.Extra(&session) != nil {
			t.Errorf("a refused token leaves %+v", session)
		}
	})
}

// FuzzJWTClaims looks for claims that panic, and for sessions that could not
// be told to anybody.
func FuzzJWTClaims(f *testing.F) {
	for _, claims := range []string{
		lena, `{}`, `null`, `{"scp":[1,"a"],"aud":["a",null],"iss":{},"sub":"\u0000"}`, `{"exp":1e400,"nbf":-0,"iat":"x"}`, nested(40), `{"a":1,"a":2}`,
	} {
		f.Add([]byte(claims))
	}
	e := expectation{now: newJWTClock().Now}
	f.Fuzz(func(t *testing.T, claims []byte) {
		var session pipeline.Session
		err := e.read(claims, &session)
		if err != nil {
			if pipeline.KindOf(err) != pipeline.BadCredential || pipelinetest.Extra(&session) != nil {
				t.Errorf("got %v and %+v", err, session)
			}
			return
		}
		if _, ok := pipelinetest.Extra(&session)["scp"].([]string); !ok {
			t.Errorf("scp is %v", pipelinetest.Extra(&session)["scp"])
		}
		if strings.ContainsAny(session.Subject, "\x00\r\n") {
			t.Errorf("the subject is %q", session.Subject)
		}
	})
}

func BenchmarkJWT(b *testing.B) {
	for name, token := range map[string]string{
		"RS256": issuedJWT(lena),
		"ES256": jwtOf(`{"alg":"ES256","kid":"ec"}`, lena, signES(issuerEC(), crypto.SHA256)),
		"EdDSA": jwtOf(`{"alg":"EdDSA","kid":"ed"}`, lena, signEd(issuerEd())),
		"HS256": jwtOf(`{"alg":"HS256","kid":"oct"}`, lena, signHS(hmacSecret, crypto.SHA256)),
		// The worst that a client can have done to it without a key.
		"a refused one of the largest size": jwtOf(`{"alg":"RS256","kid":"rsa","x":"`+strings.Repeat("x", 11000)+`"}`, `{}`, signRS(strangeRSA(), crypto.SHA256)),
	} {
		b.Run(name, func(b *testing.B) {
			service := pipelinetest.Serve(b, pipelinetest.Answer(http.StatusOK, issuerKeys()))
			handler := newVerifier(b, service, all, newJWTClock())
			request := bearingJWT(token)
			b.ReportAllocs()
			for b.Loop() {
				var session pipeline.Session
				err := handler.Authenticate(b.Context(), request, &session)
				if (err == nil) != (session.Subject == "lena") || (err != nil) != strings.HasPrefix(name, "a refused") {
					b.Fatal(err)
				}
			}
		})
	}
}

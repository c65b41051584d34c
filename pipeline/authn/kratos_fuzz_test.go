package authn

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// FuzzKratosAnswer: whatever Kratos answers, or something in its place, nobody
// panics, refusals have a kind, and only a document that says that it is a
// session of somebody who is active makes one.
func FuzzKratosAnswer(f *testing.F) {
	whole := sessionOf("ada")
	const noted = "application/json"
	for _, body := range []string{
		whole, sessionOf("ada", change{"active": false}), sessionOf("ada", change{"identity.state": "inactive"}), sessionOf("ada", change{"expires_at": "2001-01-01T00:00:00Z"}),
		sessionOf(""), sessionOf("ada", change{"tokenized": endingIn(time.Minute)}), whole[:50], whole + whole, "[" + whole + "]", `{}`, `null`, ``, ` `, `"x"`, `7`,
		`{"id":"s","active":true,"identity":{"id":"ada","schema_id":"","schema_url":"","traits":null}}`, `{"id":1,"active":true}`, "\ufeff" + whole,
		`{"id":"s","active":true,"active":false,"identity":null,"identity":{"id":"eve","id":"ada"}}`, `{"ID":"s","ACTIVE":true}`, `{"id":"s","expires_at":"0000-00-00T00:00:00Z"}`,
	} {
		f.Add(200, noted, body, "", "")
	}
	f.Add(200, "text/html", "<html>", "", "")
	f.Add(200, "application/xml", `<Session><Id>s</Id><Active>true</Active></Session>`, "", "")
	f.Add(200, "", whole, "10", "a=b")
	f.Add(200, noted, whole, "-1", "a=b; Path=/")
	f.Add(401, noted, `{"error":{"id":"x","code":"401"}}`, "", "")
	f.Add(403, noted, `{"error":{"id":"session_aal2_required"},"redirect_browser_to":"https://kratos.test/"}`, "", "")
	f.Add(403, noted, `{"error":{"id":"session_aal2_required"},"redirect_browser_to":"\u0000//"}`, "", "")
	f.Add(302, "", "", "", "")
	f.Add(429, noted, "{}", "", "")
	f.Add(500, "text/plain", "oops", "", "")
	f.Fuzz(func(t *testing.T, status int, contentType, body, cacheFor, setCookie string) {
		if status < 200 || status > 599 || !printable(contentType+cacheFor+setCookie) {
			return // no network brings such an answer
		}
		environment := newWorld(t).Environment
		environment.Transport = answering(func(*http.Request) (int, http.Header, string) {
			return status, http.Header{"Content-Type": {contentType}, "Ory-Session-Cache-For": {cacheFor}, "Set-Cookie": {setCookie}, "Location": {"/"}}, body
		})
		handler := checkers["kratos_session"].with(t, environment, "http://kratos.test", `{"pass_set_cookie": true, "cache": {"stale": "1h"}}`)
		var first error
		for i := range 2 { // from Kratos, and remembered
			var session pipeline.Session
			err := handler.Authenticate(t.Context(), withCookie, &session)
			var kind pipeline.Kind
			switch {
			case err == nil:
				extra := pipelinetest.Extra(&session)
				identity, _ := extra["identity"].(map[string]any)
				if status != 200 || session.Subject == "" || identity == nil {
					t.Errorf("%d with %s makes a session of %q with %v", status, body, session.Subject, extra)
				}
			case !errors.As(err, &kind) || kind == pipeline.Internal:
				t.Errorf("a refusal without a kind: %v", err)
			case session.Subject != "" || pipelinetest.Extra(&session) != nil:
				t.Errorf("refused, and yet it leaves %q and %v", session.Subject, pipelinetest.Extra(&session))
			}
			if i == 0 {
				first = err
			} else if (first == nil) != (err == nil) {
				t.Errorf("at first %v, and then %v", first, err)
			}
		}
	})
}

// printable reports whether a text may be the value of a header.
func printable(text string) bool {
	for _, b := range []byte(text) {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}

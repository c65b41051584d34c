package handlers

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"

	"ostiary/pipeline"
)

// FuzzPermit: whatever a client sends, the answer to a gateway that copies its
// headers has no credential in it, nothing about connections and forwarding,
// and nothing of the client's where only the rule may speak.
func FuzzPermit(f *testing.F) {
	f.Add("X_User", "root", "close, X-Trace")
	f.Add("Set-Cookie", "sid=evil", "")
	f.Add("x-accel-redirect", "/internal", "x-user")
	f.Fuzz(func(t *testing.T, name, value, connection string) {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return
		}
		const clients = "client-"
		request := &pipeline.Request{Header: http.Header{"Connection": {connection}, "X-Trace": {"1"}}}
		request.Header.Add(name, clients+value)
		decision := &pipeline.Decision{
			Allowed: true, Identity: pipeline.Names{"X-Roles", "X-User"},
			Session: &pipeline.Session{EchoHeader: true, Header: http.Header{"X-User": {"ada"}}, Withheld: pipeline.Withheld{Headers: []string{"X-Api-Key"}}},
		}
		w := httptest.NewRecorder()
		(&Decisions{Dialect: Oathkeeper}).permit(w, request, decision)
		got := w.Result().Header
		if got.Get("X-User") != "ada" || len(got["X-User"]) != 1 || len(got["X-Roles"]) != 1 || got.Get("X-Roles") != "" {
			t.Errorf("the rule's own are %v", got)
		}
		for named := range strings.SplitSeq(connection, ",") {
			if strings.EqualFold(strings.TrimSpace(named), "X-Trace") && got["X-Trace"] != nil {
				t.Error("a header for one connection only is answered")
			}
		}
		for answered, values := range got {
			if !strings.HasPrefix(strings.Join(values, ""), clients) {
				continue
			}
			plain := strings.ReplaceAll(strings.ToLower(answered), "_", "-")
			for _, never := range strings.Fields(`cookie authorization set-cookie www-authenticate x-session-token location refresh content- if-
				access-control- x-accel- x-forwarded forwarded x-envoy- x-ssl-client- x-real-ip transfer-encoding connection upgrade te trailer host
				proxy- keep-alive x-user x-roles x-api-key strict-transport-security clear-site-data`) {
				if strings.TrimSuffix(never, "-") == plain || strings.HasSuffix(never, "-") && strings.HasPrefix(plain, never) {
					if strings.Contains(answered, "_") && !strings.HasPrefix(never, "x-user") {
						continue // a gateway that copies headers by name does not ask for this one
					}
					t.Errorf("the client's %s is answered", answered)
				}
			}
		}
	})
}

// FuzzPurge: nobody ends sessions without the token, and nothing but a body
// that names some in exactly one way does.
func FuzzPurge(f *testing.F) {
	f.Add("Bearer secret", "application/json", `{"session": "a"}`)
	f.Add("bearer secret", "application/json; charset=utf-8", `{"all": true} {}`)
	f.Add("Bearer secret ", "text/json", `{"ALL": true, "subject": "a"}`)
	f.Fuzz(func(t *testing.T, authorization, contentType, body string) {
		var ended revoked
		r := httptest.NewRequest(http.MethodPost, "/sessions/purge", strings.NewReader(body))
		r.Header["Authorization"], r.Header["Content-Type"] = []string{authorization}, []string{contentType}
		w := httptest.NewRecorder()
		(&Purge{Revoker: &ended, Token: "secret"}).ServeHTTP(w, r)
		switch {
		case (w.Code == http.StatusNoContent) != (ended.times == 1) || ended.times > 1:
			t.Errorf("answered %d, ended %d times", w.Code, ended.times)
		case ended.times == 0:
			return
		case !strings.EqualFold(authorization[:min(7, len(authorization))], "bearer ") || authorization[7:] != "secret":
			t.Errorf("%q ends sessions", authorization)
		case !strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), "application/json"):
			t.Errorf("a body of type %q ends sessions", contentType)
		case (ended.session != "") == (ended.subject != "") && !ended.all, ended.all && ended.session+ended.subject != "":
			t.Errorf("%q ends %+v", body, ended)
		}
	})
}

// revoked is what was ended last.
type revoked struct {
	session, subject string
	all              bool
	times            int
}

func (r *revoked) Revoke(session, subject string, all bool) {
	r.session, r.subject, r.all, r.times = session, subject, all, r.times+1
}

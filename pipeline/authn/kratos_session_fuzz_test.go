package authn

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// FuzzKratosSessionCredential: whatever a client sends, Kratos gets to see one
// credential of the configured kinds and nothing else, and it is one that the
// client sent.
func FuzzKratosSessionCredential(f *testing.F) {
	for _, cookies := range []string{
		"ory_kratos_session=1", "ory_kratos_session=1; ory_kratos_session=2", "ory_kratos_session=; ory_kratos_session=2", `ory_kratos_session="1"`,
		"ory_kratos_session", "=ory_kratos_session", "a=b;ory_kratos_session=1;c", "ory_kratos_session=1,ory_kratos_session=2", "ory_kratos_session =1",
		`ory_kratos_session="a;b"`, "ory_kratos_session=a\\b", "ory_kratos_session=a=b", "$ory_kratos_session=1", ";;", "\tory_kratos_session=1",
	} {
		f.Add(cookies, "", "", false)
		f.Add("theme=dark", cookies, cookies, true)
	}
	f.Add("", "Bearer ory_st_1", "", false)
	f.Add("", "Bearer  ory_st_1", "t", true)
	f.Add("", "bearer\tory_st_1", " ", false)
	f.Add("ory_kratos_session=1", "Basic eA==", "\x7f", false)
	f.Fuzz(func(t *testing.T, cookies, authorization, token string, swapped bool) {
		if strings.ContainsFunc(cookies+authorization+token, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
			return // net/http refuses such headers
		}
		var questions []*http.Request
		environment := newWorld(t).Environment
		environment.Transport = answering(func(r *http.Request) (int, http.Header, string) {
			questions = append(questions, r)
			return 200, nil, sessionOf("ada")
		})
		order := `{}`
		if swapped {
			order = `{"credentials": ["cookie", "bearer"], "bearer_prefix": ""}`
		}
		handler := checkers["kratos_session"].with(t, environment, "http://kratos.test", order)
		header := http.Header{}
		for name, value := range map[string]string{"Cookie": cookies, "Authorization": authorization, "X-Session-Token": token} {
			if value != "" {
				header[name] = []string{value}
			}
		}
		request := pipelinetest.Request()
		request.Header = header
		before := header.Clone()
		var session pipeline.Session
		err := handler.Authenticate(t.Context(), request, &session)
		if (err == nil) != (len(questions) == 1) || (session.Subject == "ada") != (err == nil) {
			t.Fatalf("got %q, %v after %d questions", session.Subject, err, len(questions))
		}
		for name, values := range before {
			if !slices.Equal(header[name], values) {
				t.Errorf("the request's %s is %q now", name, header[name])
			}
		}
		if err != nil {
			return
		}
		sent := questions[0].Header
		switch cookie, byCookie := sent["Cookie"]; {
		case byCookie:
			value, named := strings.CutPrefix(cookie[0], "ory_kratos_session=")
			if !named || value == "" || !strings.Contains(cookies, value) || strings.Contains(value, ";") || sent["X-Session-Token"] != nil {
				t.Errorf("of %q Kratos sees %v", cookies, sent)
			}
		case len(sent["X-Session-Token"]) == 1:
			value := sent["X-Session-Token"][0]
			if value != token && (!strings.HasSuffix(authorization, value) || !swapped && !strings.HasPrefix(value, "ory_st_")) || value == "" || swapped && value == token && !strings.HasSuffix(authorization, value) {
				t.Errorf("of %q and %q Kratos sees %v", authorization, token, sent)
			}
		default:
			t.Errorf("Kratos sees %v", sent)
		}
		for name := range sent {
			if name != "Cookie" && name != "X-Session-Token" && name != "Accept" && name != "User-Agent" {
				t.Errorf("Kratos sees the header %s", name)
			}
		}
	})
}

package authz

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"golang.org/x/net/http/httpguts"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// listening is a service that allows everything, and remembers what it was
// asked last.
type listening struct {
	header http.Header
	body   []byte
}

func (l *listening) RoundTrip(request *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(request.Body)
	l.header, l.body = request.Header, body
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader([]byte(`{"allowed": true}`))), Request: request,
	}, err
}

// FuzzPayload: a value that is put between quotes cannot answer for what stands
// beside it. Either the service is asked what the template says, or it is not
// asked at all.
func FuzzPayload(f *testing.F) {
	f.Add("ada", "editor")
	f.Add("", "")
	f.Add(`ada", "admin": true, "x": "`, `"}`)
	f.Add("\xff", "a\r\nX-Admin: true")
	var service listening
	handler := pipelinetest.New(f, remoteJSON, `{"remote": "http://authorizer.test/", "retry": {"give_up_after": "0s"},
		"payload": "{\"admin\": false, \"subject\": \"{{ .Subject }}\", \"role\": {{ .Extra.role | toJson }}}",
		"headers": {"X-Subject": "{{ .Subject }}", "X-Role": "{{ .Extra.role }}"}}`, pipeline.Environment{Transport: &service})
	f.Fuzz(func(t *testing.T, subject, role string) {
		service = listening{}
		session := pipelinetest.Session(subject, map[string]any{"role": role})
		err := handler.Authorize(t.Context(), pipelinetest.Request("X-Role", "client"), &session)
		if service.body == nil {
			if err == nil {
				t.Error("it is allowed, and nobody was asked")
			}
			return
		}
		for _, name := range []string{"X-Subject", "X-Role"} {
			if values := service.header[name]; len(values) > 1 || len(values) == 1 && (values[0] == "" || !httpguts.ValidHeaderFieldValue(values[0])) {
				t.Errorf("%s: %q", name, values)
			}
		}
		var read struct {
			Admin   *bool `json:"admin"`
			Subject *string
			Role    *string
		}
		if err := json.Unmarshal(service.body, &read); err != nil || read.Admin == nil || *read.Admin || read.Subject == nil || read.Role == nil {
			t.Fatalf("asked %q, which is %+v, %v", service.body, read, err)
		}
		if *read.Role != string([]rune(role)) {
			t.Errorf("the role %q is told as %q", role, *read.Role)
		}
	})
}

// FuzzKetoQuestion: Keto is asked about the very subject and object of the
// request, or not at all.
func FuzzKetoQuestion(f *testing.F) {
	f.Add("ada", "7")
	f.Add(`ada", "relation": "owner`, "")
	f.Add("", "\xff\u2028")
	var service listening
	handler := pipelinetest.New(f, keto, `{"base_url": "http://keto.test", "namespace": "orders", "object": "order:{{ .Extra.order }}",
		"relation": "read", "subject_set": {"namespace": "users", "object": "{{ .Subject }}", "relation": ""}}`, pipeline.Environment{Transport: &service})
	f.Fuzz(func(t *testing.T, subject, order string) {
		service = listening{}
		session := pipelinetest.Session(subject, map[string]any{"order": order})
		err := handler.Authorize(t.Context(), pipelinetest.Request(), &session)
		if service.body == nil || subject == "" {
			if err == nil || service.body != nil {
				t.Errorf("asked %q: %v", service.body, err)
			}
			return
		}
		var asked map[string]any
		if err := json.Unmarshal(service.body, &asked); err != nil {
			t.Fatal(err)
		}
		set, _ := asked["subject_set"].(map[string]any)
		if len(asked) != 4 || len(set) != 3 || asked["namespace"] != "orders" || asked["relation"] != "read" ||
			asked["object"] != "order:"+string([]rune(order)) || set["object"] != string([]rune(subject)) || set["namespace"] != "users" || set["relation"] != "" {
			t.Errorf("%q and %q are asked about as %s", subject, order, service.body)
		}
	})
}

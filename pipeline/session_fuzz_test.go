package pipeline_test

import (
	"encoding/json"
	"net/http"
	"testing"

	strict "github.com/go-jose/go-jose/v4/json"

	"ostiary/pipeline"
)

// FuzzSessionJSON: whatever is in a session, services get a document that can be
// read in one way, with the session's own subject in it.
func FuzzSessionJSON(f *testing.F) {
	f.Add(`ada", "subject": "root`, "/x\u2028", "X-User", "\xff", `{"a": {"subject": "root"}}`, "7")
	f.Add("", "", "", "", `{"a": 1, "a": 2}`, "\x00")
	f.Fuzz(func(t *testing.T, subject, path, name, value, extra, group string) {
		request := &pipeline.Request{Method: "GET", Scheme: "http", Host: "app.test", Path: path, Header: http.Header{name: {value}}}
		session := &pipeline.Session{Subject: subject, Header: http.Header{name: {value}}}
		session.SetExtraJSON(extra)
		session.MatchContext = pipeline.NewMatchContext(request, func() ([]string, error) { return []string{group}, nil })
		text, err := json.Marshal(session)
		if err != nil {
			if json.Valid([]byte(extra)) && json.Unmarshal([]byte(extra), new(map[string]any)) == nil {
				t.Errorf("it cannot be written: %v", err)
			}
			return
		}
		var read struct {
			Subject string         `json:"subject"`
			Extra   map[string]any `json:"extra"`
			Header  http.Header    `json:"header"`
			Match   struct {
				Groups []string `json:"regexp_capture_groups"`
				URL    struct {
					Host string
					Path string
				} `json:"url"`
				Method string      `json:"method"`
				Header http.Header `json:"header"`
			} `json:"match_context"`
		}
		if err := strict.Unmarshal(text, &read); err != nil { // refuses two members of one name
			t.Fatalf("%s: %v", text, err)
		}
		asRunes := func(text string) string { return string([]rune(text)) }
		if read.Subject != asRunes(subject) || read.Match.URL.Path != asRunes(path) || read.Match.URL.Host != "app.test" || read.Match.Groups[0] != asRunes(group) {
			t.Errorf("%s is read as %+v", text, read)
		}
		if values := read.Header[asRunes(name)]; len(values) != 1 || values[0] != asRunes(value) {
			t.Errorf("the header %q: %q has become %q", name, value, read.Header)
		}
	})
}

package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"

	"ostiary/pipeline"
)

// FuzzDecisionLog: whatever a client calls itself and asks for, a decision is
// one line of the log, without bytes that a terminal would obey.
func FuzzDecisionLog(f *testing.F) {
	f.Add("curl\n{\"granted\":true}", "/x\x1b[2J", "mallory\r\nlevel=ERROR", "bad \"credential\"", false)
	f.Fuzz(func(t *testing.T, agent, path, subject, reason string, allowed bool) {
		decision := &pipeline.Decision{Allowed: allowed, Rule: "rule", Session: &pipeline.Session{Subject: subject}, Err: errors.New(reason)}
		request := &pipeline.Request{Method: http.MethodGet, Host: "app.test", RawPath: path, Header: http.Header{"User-Agent": {agent}}}
		var asJSON, asText bytes.Buffer
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&asJSON, nil), slog.NewTextHandler(&asText, nil)} {
			DecisionLog{Log: slog.New(handler)}.Record(&Record{Request: request, Decision: decision, Status: 403})
		}
		for text, obeyed := range map[string]func(rune) bool{asJSON.String(): breaks, asText.String(): obeyed} {
			line, end := strings.CutSuffix(text, "\n")
			if !end || strings.ContainsFunc(line, obeyed) || !utf8.ValidString(line) {
				t.Errorf("logged: %q", text)
			}
		}
		var entry struct {
			Granted bool   `json:"granted"`
			Subject string `json:"subject"`
			Request struct {
				Path  string `json:"path"`
				Agent string `json:"user_agent"`
			} `json:"http_request"`
		}
		if err := json.Unmarshal(asJSON.Bytes(), &entry); err != nil {
			t.Fatalf("%q: %v", asJSON.String(), err)
		}
		if entry.Granted != allowed || entry.Request.Agent != asRunes(agent) || entry.Request.Path != asRunes(path) || allowed && entry.Subject != asRunes(subject) {
			t.Errorf("%q, %q, %q became %+v", agent, path, subject, entry)
		}
	})
}

// breaks are what would break JSON, and obeyed what a terminal takes for more
// than a letter to show.
func breaks(r rune) bool { return r < ' ' }
func obeyed(r rune) bool { return r < ' ' || 0x80 <= r && r < 0xa0 }

// asRunes is a text with every byte that is none replaced.
func asRunes(text string) string { return string([]rune(text)) }

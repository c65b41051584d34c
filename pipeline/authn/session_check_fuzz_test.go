package authn

import (
	"encoding/json"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
	"ostiary/pipeline/internal/remote"
)

// FuzzSessionAnswer: whatever a session service answers, the check does not
// panic, and only a JSON document makes a session.
func FuzzSessionAnswer(f *testing.F) {
	for _, body := range []string{
		`{"subject": "ada", "extra": {"role": "editor"}}`, `{"subject": "ada"`, `{"subject": null}`, `{"subject": 1}`,
		`{"subject": {"subject": "ada"}}`, `[{"subject": "ada"}]`, `"subject"`, ``, ` `, `null`, `{"subject":"a\u0000"}`,
		`{"subject": "ada", "extra": []}`, `{"a.b": {"c": "x"}}`, "\ufeff{}", "{\"subject\": \"\xff\"}", `{"extra": {"a": 1e999}}`,
	} {
		f.Add([]byte(body), "subject", "extra", false)
	}
	f.Add([]byte(`{"identity": {"id": "u", "traits": {"a": 1}}}`), "identity.id", "identity.traits", false)
	f.Add([]byte(`{"a": [{"b": "x"}, {"b": "y"}]}`), `a.#(b=="y").b`, "@this", true)
	f.Add([]byte(`{"end": "2023-11-14T22:13:20Z"}`), "end", "end", true)
	f.Add([]byte(`{"end": 99999999999999999999999}`), "end", "end", true)
	f.Add([]byte(`{"a": 1}`), "{a,a}", `!{"x":1}`, true)
	f.Add([]byte(``), "@pretty", "a.@reverse|0", true)
	f.Fuzz(func(t *testing.T, body []byte, subjectFrom, extraFrom string, allowEmpty bool) {
		places := newReading(sessionCheckConfig{
			SubjectFrom: subjectFrom, ExtraFrom: extraFrom, AllowEmptySubject: allowEmpty,
			SessionFrom: extraFrom, ExpiresFrom: subjectFrom, Cache: sessionCacheConfig{Enabled: true},
		})
		var session pipeline.Session
		err := places.read(&remote.Answer{Body: body}).enter(&session)
		literal := strings.Contains(subjectFrom+extraFrom, "!") // gjson's for text of the path itself
		if !json.Valid(body) && !literal && (session.Subject != "" || pipelinetest.Extra(&session) != nil) {
			t.Errorf("subject %q and extra %v come out of an answer that is not JSON", session.Subject, pipelinetest.Extra(&session))
		}
		if err == nil && session.Subject == "" && !allowEmpty {
			t.Error("an answer about nobody makes a session")
		}
		if err == nil && !json.Valid(body) && (len(body) > 0 || !allowEmpty) {
			t.Error("an answer that is not JSON makes a session")
		}
	})
}

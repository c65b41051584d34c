package authn

import (
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// TestKratosAnswersThatAreNoSession: whatever gives them is not to be
// believed, and nobody is told to log in because of it.
func TestKratosAnswersThatAreNoSession(t *testing.T) {
	t.Parallel()
	const noIdentity = "the answer of Kratos has no identity, or does not say whether the session is active"
	const unreadable = "the answer of Kratos is no session: "
	tests := map[string]struct {
		config string
		answer http.HandlerFunc
		want   string
	}{
		"no state":                {`{}`, good("ada", change{"active": nil}), noIdentity},
		"a state of null":         {`{}`, pipelinetest.Answer(200, `{"id":"s","active":null,"identity":{"id":"ada","schema_id":"","schema_url":"","traits":{}}}`), noIdentity},
		"no identity":             {`{}`, good("ada", change{"identity": nil}), noIdentity},
		"an identity of null":     {`{}`, pipelinetest.Answer(200, `{"id":"s","active":true,"identity":null}`), noIdentity},
		"no body":                 {`{}`, pipelinetest.Answer(200, ``), noIdentity},
		"null":                    {`{}`, pipelinetest.Answer(200, `null`), noIdentity},
		"no id":                   {`{}`, good("ada", change{"id": nil}), unreadable + "no value given for required property id"},
		"an identity without id":  {`{}`, good("ada", change{"identity.id": nil}), unreadable + "no value given for required property id"},
		"a text for the state":    {`{}`, good("ada", change{"active": "true"}), unreadable},
		"a number for the state":  {`{}`, good("ada", change{"active": 1}), unreadable},
		"a text for the identity": {`{}`, good("ada", change{"identity": "ada"}), unreadable},
		"a list for the identity": {`{}`, good("ada", change{"identity": []any{}}), unreadable},
		"a number for the end":    {`{}`, good("ada", change{"expires_at": 1700000000}), unreadable},
		"a word for the end":      {`{}`, good("ada", change{"expires_at": "soon"}), unreadable},
		"a number for the level":  {`{}`, good("ada", change{"authenticator_assurance_level": 2}), unreadable},
		"a page":                  {`{}`, html(200), unreadable + "undefined response type"},
		"XML":                     {`{}`, said(`<Session><Id>s</Id><Active>true</Active><Identity><Id>ada</Id></Identity></Session>`, "Content-Type", "application/xml"), "subject_from does not lead to a text in the session"},
		"a body without a type":   {`{}`, said(`hello`, "Content-Type", ""), unreadable + "undefined response type"},
		"a subject of a number":   {`{"subject_from": "identity.traits.n"}`, good("ada", change{"identity.traits": map[string]any{"n": 1}}), "subject_from does not lead to a text in the session"},
		"a subject that is empty": {`{"subject_from": "identity.traits.n"}`, good("ada", change{"identity.traits": map[string]any{"n": ""}}), "subject_from does not lead to a text in the session"},
		"no subject":              {`{"subject_from": "none"}`, good("ada"), "subject_from does not lead to a text in the session"},
		"an extra of a list":      {`{"extra_from": "devices"}`, good("ada"), "extra_from does not lead to an object in the session"},
		"an extra of a text":      {`{"extra_from": "id"}`, good("ada"), "extra_from does not lead to an object in the session"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kratos := serveKratos(t, test.answer)
			session, err := pass(t, atKratos(t, newWorld(t).Environment, kratos, test.config), withCookie)
			want := pipeline.Unusable.Error() + ": " + test.want
			if kindOf(t, err) != pipeline.Unusable || !strings.HasPrefix(err.Error(), want) || pipelinetest.ReasonOf(err) != "" { //nolint:errorlint // kinds are values
				t.Errorf("got %v, want %s", err, want)
			}
			if session.Subject != "" || pipelinetest.Extra(&session) != nil {
				t.Errorf("got the session %+v", session)
			}
		})
	}
}

func TestKratosSaysThatASessionIsNone(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		changes change
		reason  string
	}{
		"not active":                     {change{"active": false}, "the session is not active"},
		"of somebody who is inactive":    {change{"identity.state": "inactive"}, "the identity is not active"},
		"of somebody in an unknown way":  {change{"identity.state": "archived"}, "the identity is not active"},
		"neither":                        {change{"active": false, "identity.state": "inactive"}, "the session is not active"},
		"over":                           {change{"expires_at": "2023-11-14T22:13:19Z"}, "the session has expired"},
		"over just now":                  {change{"expires_at": "2023-11-14T22:13:20Z"}, "the session has expired"},
		"not active, if nobody is there": {change{"active": false, "identity.state": ""}, "the session is not active"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			kratos := serveKratos(t, good("ada", test.changes))
			session, err := pass(t, atKratos(t, newWorld(t).Environment, kratos, `{}`), withCookie)
			if kindOf(t, err) != pipeline.BadCredential || pipelinetest.ReasonOf(err) != test.reason || session.Subject != "" { //nolint:errorlint // kinds are values
				t.Errorf("got %q, %v; want %q", session.Subject, err, test.reason)
			}
		})
	}
}

// TestKratosRefusalsHaveItsForm: what something before it refuses says nothing
// about the session.
func TestKratosRefusalsHaveItsForm(t *testing.T) {
	t.Parallel()
	for body, kind := range map[string]error{
		``:                               pipeline.BadCredential,
		`{"error":{"code":401}}`:         pipeline.BadCredential,
		`{"error":{}}`:                   pipeline.BadCredential,
		`{"error":"unauthorized"}`:       pipeline.Unusable,
		`{"message":"no API key found"}`: pipeline.Unusable,
		`{}`:                             pipeline.Unusable,
		`[]`:                             pipeline.Unusable,
		`<html>`:                         pipeline.Unusable,
		`Forbidden`:                      pipeline.Unusable,
	} {
		for _, status := range []int{401, 403} {
			kratos := serveKratos(t, pipelinetest.Answer(status, body))
			_, err := pass(t, atKratos(t, newWorld(t).Environment, kratos, `{}`), withCookie)
			if got := kindOf(t, err); got != kind { //nolint:errorlint // kinds are values
				t.Errorf("%d %s: got %v, want %v", status, body, err, kind)
			}
		}
	}
}

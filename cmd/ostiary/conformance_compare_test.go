package main_test

import (
	"encoding/base64"
	"encoding/json"
	"io"
	"testing"
)

// TestComparisonSees holds the comparison itself to account: what is as expected passes, and each single thing
// that is not is told.
func TestComparisonSees(t *testing.T) {
	token := func(claims string) string {
		part := base64.RawURLEncoding.EncodeToString
		return "Bearer " + part([]byte(`{"alg":"ES256","kid":"k1"}`)) + "." + part([]byte(claims)) + ".c2ln"
	}
	var expect expectation
	if err := json.Unmarshal([]byte(`{
		"status": [200, 204],
		"headers": {"x-user": ["ann", "bob"], "x-token": [{"jwt": {
			"header": {"alg": "ES256"}, "claims": {"sub": "ann", "iat": "<any>", "exp": "<any>"}, "lifetime_s": 60}}]},
		"absent": ["x-secret"],
		"body": {"n": 12345678901234567, "half": 0.5},
		"untouched": ["upstream-private"],
		"backends": [{"service": "upstream", "method": "GET", "target": "/a?b", "headers": {"x-user": ["ann"]},
			"absent": ["cookie"], "body": "hello"}]
	}`), &expect); err != nil {
		t.Fatal(err)
	}
	right := func() outcome {
		return outcome{
			answer: answer{200, map[string][]string{
				"x-user":  {"ann", "bob"},
				"x-token": {token(`{"sub":"ann","iat":100,"exp":160.0}`)},
				"x-other": {"free"},
			}, `{"half": 5e-1, "n": 12345678901234567}`},
			backends: []received{{"upstream", "GET", "/a?b", map[string][]string{"x-user": {"ann"}}, "hello"}},
		}
	}
	if differences := expect.differences(right()); len(differences) > 0 {
		t.Errorf("what is as expected differs: %q", differences)
	}

	for name, spoil := range map[string]func(*outcome){
		"no answer":              func(o *outcome) { o.failure = io.ErrUnexpectedEOF },
		"another status":         func(o *outcome) { o.status = 201 },
		"a value less":           func(o *outcome) { o.headers["x-user"] = []string{"ann"} },
		"values in other order":  func(o *outcome) { o.headers["x-user"] = []string{"bob", "ann"} },
		"a header less":          func(o *outcome) { delete(o.headers, "x-user") },
		"another subject":        func(o *outcome) { o.headers["x-token"] = []string{token(`{"sub":"bob","iat":100,"exp":160}`)} },
		"another lifetime":       func(o *outcome) { o.headers["x-token"] = []string{token(`{"sub":"ann","iat":100,"exp":161}`)} },
		"a claim more":           func(o *outcome) { o.headers["x-token"] = []string{token(`{"sub":"ann","iat":1,"exp":61,"a":1}`)} },
		"a header too many":      func(o *outcome) { o.headers["x-secret"] = []string{""} },
		"another number":         func(o *outcome) { o.body = `{"half": 0.5, "n": 12345678901234568}` },
		"a text for a number":    func(o *outcome) { o.body = `{"half": 0.5, "n": "12345678901234567"}` },
		"a body that is no JSON": func(o *outcome) { o.body += "}" },
		"a backend not reached":  func(o *outcome) { o.backends = nil },
		"a backend more":         func(o *outcome) { o.backends = append(o.backends, o.backends[0]) },
		"one not to be touched":  func(o *outcome) { o.backends[0].service = "upstream-private" },
		"another target":         func(o *outcome) { o.backends[0].target = "/a" },
		"another body sent on":   func(o *outcome) { o.backends[0].body = "" },
		"a header lost":          func(o *outcome) { delete(o.backends[0].headers, "x-user") },
		"a header let through":   func(o *outcome) { o.backends[0].headers["cookie"] = []string{"a=b"} },
	} {
		t.Run(name, func(t *testing.T) {
			wrong := right()
			spoil(&wrong)
			if len(expect.differences(wrong)) == 0 {
				t.Error("no difference is told")
			}
		})
	}
}

// TestErrorPagesCompareByCode shows what of an error's body counts: of an error document its code and status, of
// any other JSON all, of a page nothing.
func TestErrorPagesCompareByCode(t *testing.T) {
	expect := expectation{Status: statuses{403}, Body: json.RawMessage(`{"error":{"code":403,"status":"Forbidden"}}`)}
	differences := func(body string) []string {
		return expect.differences(outcome{answer: answer{status: 403, body: body}})
	}
	if told := differences(`{"error":{"code":403,"status":"Forbidden","message":"in other words"}}`); len(told) > 0 {
		t.Errorf("the same error in other words differs: %q", told)
	}
	for _, other := range []string{
		`{"error":{"code":401,"status":"Forbidden"}}`, `{"error":"forbidden"}`, `<h1>Forbidden</h1>`, ``,
	} {
		if len(differences(other)) == 0 {
			t.Errorf("%q does not differ", other)
		}
	}
	expect.Body = json.RawMessage(`"<any>"`)
	if told := differences("<h1>Forbidden</h1>"); len(told) > 0 {
		t.Errorf("a page differs from any page: %q", told)
	}
}

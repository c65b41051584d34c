package onerror

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestWWWAuthenticateQuotesTheRealm(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ config, want string }{
		"as it is by default":    {`{}`, `Basic realm="Please authenticate."`},
		"a word":                 {`{"realm": "files"}`, `Basic realm="files"`},
		"nothing":                {`{"realm": ""}`, `Basic realm=""`},
		"quotes and backslashes": {`{"realm": "a\"b\\c"}`, `Basic realm="a\"b\\c"`},
		"what looks like more parameters": {
			`{"realm": "x\", charset=\"UTF-8"}`, `Basic realm="x\", charset=\"UTF-8"`,
		},
		"letters of other languages": {`{"realm": "Türhüter"}`, `Basic realm="Türhüter"`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := pipelinetest.New(t, wwwAuthenticate, test.config, pipeline.Environment{})
			want := pipeline.Response{
				Status: 401,
				Header: map[string][]string{
					"Content-Type":           {"text/plain; charset=utf-8"},
					"Www-Authenticate":       {test.want},
					"X-Content-Type-Options": {"nosniff"},
				},
				Body: []byte("Unauthorized\n"),
			}
			if diff := cmp.Diff(want, handler.Respond(pipelinetest.Request(), pipeline.NoCredential)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWWWAuthenticateAnswers401WhateverTheErrorWas(t *testing.T) {
	t.Parallel()
	handler := pipelinetest.New(t, wwwAuthenticate, `{}`, pipeline.Environment{})
	for _, kind := range everyKind {
		if got := handler.Respond(pipelinetest.Request(), kind).Status; got != 401 {
			t.Errorf("%s: got %d", kind.Name(), got)
		}
	}
}

func TestWWWAuthenticateRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		want   []string
	}{
		"a realm that ends the line": {`{"realm": "a\r\nX-Evil: 1"}`, []string{`realm: "a\r\nX-Evil: 1" must not have control characters`}},
		"a realm that is no text":    {`{"realm": 7}`, []string{"realm: 7 must not have control characters"}},
		"an unknown key":             {`{"name": "x"}`, []string{"name: unknown key; known are realm, when"}},
		"a network that is none": {
			`{"when": [{"request": {"remote_ip": {"match": ["10.0.0.0/8", "nowhere"]}}}]}`,
			[]string{`when[0].request.remote_ip.match[1]: "nowhere" is not a network such as 10.0.0.0/8`},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, wwwAuthenticate, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

package pipeline_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestErrorResponse(t *testing.T) {
	t.Parallel()
	const secret = "calling 10.0.0.7:4433: connection refused"
	tests := map[string]struct {
		err       error
		requestID string
		verbose   bool
		status    int
		body      string
	}{
		"the usual refusal": {
			pipeline.NoCredential.Because("no token"), "", false, 401,
			`{"error":{"code":401,"status":"Unauthorized","message":"The request could not be authorized"}}`,
		},
		"with the id of the request": {
			pipeline.NoRule, "id-1", false, 404,
			`{"error":{"code":404,"status":"Not Found","request":"id-1","message":"The requested resource could not be found"}}`,
		},
		"with the reason": {
			pipeline.Forbidden.Because("the rule allows nobody"), "id-1", true, 403,
			`{"error":{"code":403,"status":"Forbidden","request":"id-1","reason":"the rule allows nobody","message":"Access credentials are not sufficient to access this resource"}}`,
		},
		"with a reason that is wrapped": {
			fmt.Errorf("at the door: %w", pipeline.NoCredential.Because("no token")), "", true, 401,
			`{"error":{"code":401,"status":"Unauthorized","reason":"no token","message":"Access credentials are invalid"}}`,
		},
		"without a reason, as there is none": {
			pipeline.ManyRules, "", true, 500,
			`{"error":{"code":500,"status":"Internal Server Error","message":"Expected exactly one rule but found multiple rules"}}`,
		},
		"with the reason of a misconfiguration": {
			pipeline.Misconfigured.Because("no such handler"), "", true, 500,
			`{"error":{"code":500,"status":"Internal Server Error","reason":"no such handler","message":"The access rule that matches this request is misconfigured"}}`,
		},
		"with markup escaped": {
			pipeline.Malformed.Because(`<b>"&"</b>`), "<script>\x00\n", true, 400,
			`{"error":{"code":400,"status":"Bad Request","request":"\u003cscript\u003e\u0000\n","reason":"\u003cb\u003e\"\u0026\"\u003c/b\u003e","message":"The request was malformed or contained invalid parameters"}}`,
		},
		"with broken letters mended": {
			pipeline.Malformed, "id-\xff", false, 400,
			`{"error":{"code":400,"status":"Bad Request","request":"id-\ufffd","message":"The request was malformed or contained invalid parameters"}}`,
		},
		"never the cause": {
			pipeline.BadCredential.From(errors.New(secret)), "", true, 401,
			`{"error":{"code":401,"status":"Unauthorized","message":"Access credentials are invalid"}}`,
		},
		"never anything about an error of no kind": {
			errors.New(secret), "", true, 500,
			`{"error":{"code":500,"status":"Internal Server Error","message":"An internal server error occurred, please contact the system administrator"}}`,
		},
		"never anything about an error of a kind nobody knows": {
			pipeline.Kind(200).Because(secret), "", true, 500,
			`{"error":{"code":500,"status":"Internal Server Error","message":"An internal server error occurred, please contact the system administrator"}}`,
		},
		"what is missing from a session that is good otherwise": {
			pipeline.SecondFactor.Because("the rule demands it"), "id-1", false, 401,
			`{"error":{"id":"session_aal2_required","code":401,"status":"Unauthorized","request":"id-1","message":"The request could not be authorized"}}`,
		},
		"what is missing from it, with the reason": {
			pipeline.SecondFactor.Because("the rule demands it"), "", true, 401,
			`{"error":{"id":"session_aal2_required","code":401,"status":"Unauthorized","reason":"the rule demands it","message":"The session needs a second factor"}}`,
		},
		"that a session is too old": {
			pipeline.Outdated, "", false, 401,
			`{"error":{"id":"session_refresh_required","code":401,"status":"Unauthorized","message":"The request could not be authorized"}}`,
		},
		"that a service gives no usable answer": {
			pipeline.Unusable.Because(secret), "", true, 502,
			`{"error":{"code":502,"status":"Bad Gateway","message":"A service that this request depends on gave an answer that is none"}}`,
		},
		"never where a browser would go on": {
			&pipeline.Error{Kind: pipeline.SecondFactor, Continue: "https://" + secret}, "", true, 401,
			`{"error":{"id":"session_aal2_required","code":401,"status":"Unauthorized","message":"The session needs a second factor"}}`,
		},
		"a status that has no name": {
			pipeline.ClientGone, "", false, 499,
			`{"error":{"code":499,"message":"The client closed the request"}}`,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want := pipeline.Response{
				Status: test.status,
				Header: http.Header{"Content-Type": {"application/json"}, "Ory-Error-Id": {""}},
				Body:   []byte(test.body + "\n"),
			}
			if diff := cmp.Diff(want, pipeline.ErrorResponse(test.err, test.requestID, test.verbose)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestErrorResponseDoesNotNameDependenciesToClients(t *testing.T) {
	t.Parallel()
	const secret = "sessions.internal"
	for _, kind := range []pipeline.Kind{pipeline.Internal, pipeline.Limited, pipeline.Unavailable, pipeline.Slow, pipeline.Unusable} {
		refusal := kind.Because("%s is down", secret)
		refusal.Cause = errors.New(secret)
		for _, verbose := range []bool{false, true} {
			if body := string(pipeline.ErrorResponse(refusal, "", verbose).Body); strings.Contains(body, secret) {
				t.Errorf("%s, verbose %t: %s", kind.Name(), verbose, body)
			}
		}
	}
}

func TestErrorResponseHasTheKindOfEveryError(t *testing.T) {
	t.Parallel()
	for kind, want := range everyKind {
		for verbose, message := range map[bool]string{false: want.generic, true: want.verbose} {
			response := pipeline.ErrorResponse(kind.Because(""), "", verbose)
			var got struct {
				Error struct {
					Code            int
					Status, Message string
				}
			}
			if err := json.Unmarshal(response.Body, &got); err != nil {
				t.Fatal(err)
			}
			if response.Status != want.status || got.Error.Code != want.status || got.Error.Message != message || got.Error.Status != http.StatusText(want.status) {
				t.Errorf("kind %d, verbose %t: %d %+v", kind, verbose, response.Status, got)
			}
		}
	}
}

func TestErrorResponseSendsTheHeadersOfAnError(t *testing.T) {
	t.Parallel()
	refusal := pipeline.Limited.Because("slow down")
	refusal.Header = http.Header{"Retry-After": {"17"}, "X-Ratelimit-Limit": {"100", "200"}}
	response := pipeline.ErrorResponse(fmt.Errorf("at the door: %w", refusal), "", false)
	want := http.Header{
		"Content-Type": {"application/json"}, "Ory-Error-Id": {""},
		"Retry-After": {"17"}, "X-Ratelimit-Limit": {"100", "200"},
	}
	if diff := cmp.Diff(want, response.Header); diff != "" {
		t.Error(diff)
	}
	if response.Status != 429 || string(response.Body) != `{"error":{"code":429,"status":"Too Many Requests","message":"Too many requests"}}`+"\n" {
		t.Errorf("%d %s", response.Status, response.Body)
	}
}

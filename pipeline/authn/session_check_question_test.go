package authn

import (
	"maps"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// questionFor is the question that a service gets for a request.
func questionFor(t *testing.T, definition pipeline.Definition[pipeline.Authenticator], config, path string, request *pipeline.Request) pipelinetest.Question {
	t.Helper()
	service := pipelinetest.Serve(t, pipelinetest.Answer(200, `{"subject": "ada", "sub": "ada"}`))
	handler := pipelinetest.New(t, definition, atAddress(t, service.URL+path, config), pipelinetest.Environment(t))
	if err := handler.Authenticate(t.Context(), request, &pipeline.Session{}); err != nil {
		t.Fatal(err)
	}
	questions := service.Asked()
	if len(questions) != 1 {
		t.Fatalf("the service was asked %d times", len(questions))
	}
	question := questions[0]
	if "http://"+question.Host == service.URL {
		question.Host = "service"
	}
	// What the network itself adds is not of the handler's making.
	maps.DeleteFunc(question.Header, func(name string, _ []string) bool {
		return name == "User-Agent" || name == "Accept-Encoding" || name == "Content-Length"
	})
	return question
}

func TestSessionCheckAsks(t *testing.T) {
	t.Parallel()
	const own = "/orders/a%20b/7"
	cookie := http.Header{"Cookie": {"sid=1"}}
	headers := []string{
		"Cookie", "sid=1", "Authorization", "Bearer x", "X-Tenant", "red", "X-Tenant", "blue", "X-Secret", "s",
		"Connection", "X-Tenant", "Te", "trailers", "Content-Type", "text/plain", "Content-Length", "9",
	}
	tests := map[string]struct {
		config, path string
		want         pipelinetest.Question
	}{
		"at the path of the request, with the query of its own address": {
			`{}`, "/whoami?from=gate",
			pipelinetest.Question{Method: "PUT", Target: own + "?from=gate", Host: "service", Header: cookie},
		},
		"at the path of the request, without any query": {
			`{}`, "",
			pipelinetest.Question{Method: "PUT", Target: own, Host: "service", Header: cookie},
		},
		"at its own path": {
			`{"preserve_path": true}`, "/who%2Fami/?from=gate",
			pipelinetest.Question{Method: "PUT", Target: "/who%2Fami/?from=gate", Host: "service", Header: cookie},
		},
		"with the query of the request": {
			`{"preserve_path": true, "preserve_query": false}`, "/whoami?from=gate",
			pipelinetest.Question{Method: "PUT", Target: "/whoami?page=2&access_token=in-query", Host: "service", Header: cookie},
		},
		"with another method": {
			`{"force_method": "POST"}`, "",
			pipelinetest.Question{Method: "POST", Target: own, Host: "service", Header: cookie},
		},
		"telling it the host": {
			`{"preserve_host": true}`, "",
			pipelinetest.Question{Method: "PUT", Target: own, Host: "service", Header: http.Header{
				"Cookie": {"sid=1"}, "X-Forwarded-Host": {"api.example.test"},
			}},
		},
		"with the headers that are listed, in any case and all their values": {
			`{"forward_http_headers": ["x-tenant", "AUTHORIZATION", "X-Missing", "Cookie"]}`, "",
			pipelinetest.Question{Method: "PUT", Target: own, Host: "service", Header: http.Header{
				"Cookie": {"sid=1"}, "X-Tenant": {"red", "blue"}, "Authorization": {"Bearer x"},
			}},
		},
		"without headers that are about the client's connection": {
			`{"forward_http_headers": ["Connection", "Te", "Content-Length", "Host", "Content-Type"]}`, "",
			pipelinetest.Question{Method: "PUT", Target: own, Host: "service", Header: http.Header{
				"Cookie": {"sid=1"}, "Content-Type": {"text/plain"},
			}},
		},
		"with additional headers, which count more than the client's": {
			`{"forward_http_headers": ["X-Tenant"], "additional_headers": {"x-tenant": "green", "X-Gateway": "edge"}}`, "",
			pipelinetest.Question{Method: "PUT", Target: own, Host: "service", Header: http.Header{
				"Cookie": {"sid=1"}, "X-Tenant": {"green"}, "X-Gateway": {"edge"},
			}},
		},
		"for another host": {
			`{"additional_headers": {"Host": "kratos.internal"}}`, "",
			pipelinetest.Question{Method: "PUT", Target: own, Host: "kratos.internal", Header: cookie},
		},
		"telling it the host rather than what is configured": {
			`{"preserve_host": true, "additional_headers": {"X-Forwarded-Host": "spoofed"}}`, "",
			pipelinetest.Question{Method: "PUT", Target: own, Host: "service", Header: http.Header{
				"Cookie": {"sid=1"}, "X-Forwarded-Host": {"api.example.test"},
			}},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			request := pipelinetest.Request(headers...)
			request.Method = http.MethodPut
			if diff := cmp.Diff(test.want, questionFor(t, cookieSession, test.config, test.path, request)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSessionCheckRefusesConfigurationsItCannotKeep(t *testing.T) {
	t.Parallel()
	const noURL = "check_session_url: is not a URL of the form http://host:port/path"
	tests := map[string]struct {
		config string
		want   []string
	}{
		"no address":                  {`{}`, []string{"check_session_url: is required"}},
		"no URL":                      {`{"check_session_url": "whoami"}`, []string{`check_session_url: "whoami" is not a URL with a scheme, such as https://host/path`}},
		"a URL without a host":        {`{"check_session_url": "http:///whoami"}`, []string{noURL}},
		"a URL of another scheme":     {`{"check_session_url": "ftp://host/whoami"}`, []string{noURL}},
		"a method in small letters":   {`{"check_session_url": "http://h", "force_method": "get"}`, []string{`force_method: "get" is not an HTTP method in capitals, such as GET`}},
		"a status that is no success": {`{"check_session_url": "http://h", "valid_status": [200, 401]}`, []string{"valid_status[1]: 401 is more than 299"}},
		"no status at all":            {`{"check_session_url": "http://h", "valid_status": []}`, []string{"valid_status: must not be empty"}},
		"a time-out without a unit":   {`{"check_session_url": "http://h", "timeout": "5"}`, []string{`timeout: "5" is not a duration such as 500ms, 5s or 10m`}},
		"a time-out past all counting": {`{"check_session_url": "http://h", "timeout": "99999999999999h"}`, []string{
			`timeout: is not a duration such as 500ms, 5s or 10m`,
		}},
		"a header that ends its line": {`{"check_session_url": "http://h", "additional_headers": {"X-Gate": "a\r\nX-Evil: 1"}}`, []string{
			"additional_headers.X-Gate: the value has control characters",
		}},
		"a header without a name": {`{"check_session_url": "http://h", "additional_headers": {"": "x"}}`, []string{`additional_headers[""]: is no name for a header`}},
		"several mistakes": {`{"only": "sid", "extra": "x"}`, []string{
			"check_session_url: is required", "extra: unknown key", "only: expected array, got string",
		}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, pipelinetest.Mistakes(t, cookieSession, test.config)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

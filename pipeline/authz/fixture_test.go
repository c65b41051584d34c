package authz

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// at is a configuration with the address of a service under a key.
func at(t testing.TB, key, address, config string) string {
	t.Helper()
	var values map[string]any
	if err := json.Unmarshal([]byte(config), &values); err != nil {
		t.Fatal(err)
	}
	values[key] = address
	text, err := json.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// sessionFor is what an authenticator made of a request, whose rule captured
// two groups.
func sessionFor(request *pipeline.Request) *pipeline.Session {
	return pipelinetest.Knowing(map[string]any{"role": "editor", "age": 41.0, "teams": []any{"red", "blue"}, "mail": `ada"@example.test`}, pipeline.Session{
		Subject:      "ada",
		MatchContext: pipeline.NewMatchContext(request, func() ([]string, error) { return []string{"a b", "7"}, nil }),
	})
}

// withBody is a request with a body.
func withBody(body string, headers ...string) *pipeline.Request {
	request := pipelinetest.Request(headers...)
	request.Body = pipeline.NewBody(io.NopCloser(strings.NewReader(body)))
	return request
}

// wantRefusal fails the test unless the error is of the kind, and says that
// the authorizer could not tell if that is wanted.
func wantRefusal(t testing.TB, err error, kind pipeline.Kind, undecided bool) {
	t.Helper()
	if err == nil || pipeline.KindOf(err) != kind {
		t.Errorf("got error %v, want %v", err, kind)
	}
	if got := errors.Is(err, pipeline.ErrUndecided); got != undecided {
		t.Errorf("%v: undecided is %t, want %t", err, got, undecided)
	}
}

// saying is an answer with these headers, names and values in turn.
func saying(status int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Add(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
	}
}

// endToEnd is a question's header without what the transport adds.
func endToEnd(header http.Header) http.Header {
	rest := header.Clone()
	for _, name := range []string{"Accept-Encoding", "Content-Length", "User-Agent"} {
		rest.Del(name)
	}
	return rest
}

func readAll(t testing.TB, body io.ReadCloser) string {
	t.Helper()
	text, err := io.ReadAll(body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

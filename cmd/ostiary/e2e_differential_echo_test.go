//go:build e2e

package main_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path"
	"testing"
)

// differentialEcho is a service of net/http, which answers with what it got. It is the oracle for Go, and stands behind the gate.
type differentialEcho struct{ server *httptest.Server }

// arrived is what reached the service.
type arrived struct {
	Target  []byte // as it was in the request line
	Decided []byte // what the gate says that it decided on
	Path    []byte // as net/http decodes it
	Cleaned []byte // as a file server takes it
	Pattern string // of a ServeMux
}

func startDifferentialEcho(t *testing.T) *differentialEcho {
	t.Helper()
	nothing := func(http.ResponseWriter, *http.Request) {}
	parts := http.NewServeMux()
	parts.HandleFunc("/protected", nothing)
	parts.HandleFunc("/protected/", nothing)
	parts.HandleFunc("/", nothing)
	e := &differentialEcho{httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		decided, err := base64.StdEncoding.DecodeString(r.Header.Get("X-Decided"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		_, pattern := parts.Handler(r)
		text, err := json.Marshal(arrived{
			[]byte(r.RequestURI), decided, []byte(r.URL.Path), []byte(path.Clean("/" + r.URL.Path)), pattern,
		})
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		fmt.Fprintf(w, "%s %s", r.Header.Get("X-Number"), text)
	}))}
	t.Cleanup(e.server.Close)
	return e
}

func (e *differentialEcho) oracle(t *testing.T) func([]string) ([][]understood, error) {
	t.Helper()
	return httpOracle(t, e.server.Listener.Addr().String(), func(body []byte) ([]understood, error) {
		var a arrived
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, fmt.Errorf("answer %q: %w", body, err)
		}
		return a.readings(), nil
	})
}

func (a *arrived) readings() []understood {
	return []understood{{"Go, decoded", string(a.Path)}, {"Go, cleaned", string(a.Cleaned)}, {"Go, ServeMux", a.Pattern}}
}

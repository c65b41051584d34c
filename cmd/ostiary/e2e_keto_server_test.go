//go:build e2e

package main_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// ketoServer is Ory Keto, which knows who is related to what.
type ketoServer struct {
	*server
	names map[string]string // of its addresses, in files
}

var ketoComponent = component{name: "keto", tags: "sqlite,json1"}

func startKeto(t *testing.T) *ketoServer {
	t.Helper()
	read, write := strconv.Itoa(freePort(t)), strconv.Itoa(freePort(t))
	k := &ketoServer{names: map[string]string{
		"DIR": t.TempDir(), "READ_PORT": read, "WRITE_PORT": write,
		"METRICS_PORT": strconv.Itoa(freePort(t)), "OPL_PORT": strconv.Itoa(freePort(t)),
		"READ": "http://127.0.0.1:" + read, "WRITE": "http://127.0.0.1:" + write,
	}}
	k.server = openServer(t, ketoComponent, k.names, "keto.yaml", "permissions.ts")
	k.run(t, "migrate", "up", "--yes", "-c", "keto.yaml")
	k.args = []string{"serve", "-c", "keto.yaml", "--sqa-opt-out"}
	k.ready = []string{k.names["READ"] + "/health/ready", k.names["WRITE"] + "/health/ready"}
	k.start(t)
	return k
}

// relation is a relation tuple as Keto's API has it. Its subject is either an id or a set.
type relation struct {
	Namespace string      `json:"namespace"`
	Object    string      `json:"object"`
	Relation  string      `json:"relation"`
	SubjectID string      `json:"subject_id,omitempty"`
	Set       *subjectSet `json:"subject_set,omitempty"`
}

type subjectSet struct {
	Namespace string `json:"namespace"`
	Object    string `json:"object"`
	Relation  string `json:"relation"`
}

func (k *ketoServer) relate(t *testing.T, relations ...relation) {
	t.Helper()
	for _, one := range relations {
		fetchJSON(t, http.MethodPut, k.names["WRITE"]+"/admin/relation-tuples", one, http.StatusCreated, nil)
	}
}

// separate takes back a relation to a subject with an id.
func (k *ketoServer) separate(t *testing.T, one relation) {
	t.Helper()
	query := url.Values{"namespace": {one.Namespace}, "object": {one.Object}, "relation": {one.Relation}, "subject_id": {one.SubjectID}}
	fetchJSON(t, http.MethodDelete, k.names["WRITE"]+"/admin/relation-tuples?"+query.Encode(), nil, http.StatusNoContent, nil)
}

// startDirectory is a session service to which every bearer token is the name of a person, and teams tells who
// belongs to which team.
func startDirectory(t *testing.T, teams map[string]string) *httptest.Server {
	t.Helper()
	directory := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"sub": name, "extra": map[string]string{"team": teams[name]}})
	}))
	t.Cleanup(directory.Close)
	return directory
}

package handlers

import (
	"bytes"
	"encoding/json"
	"net/http"

	"github.com/go-chi/chi/v5"

	"ostiary/pipeline"
)

// API is everything on the API port: decisions, and what there is to know
// about the engine (contract 11).
type API struct {
	Decisions []*Decisions // in the order in which they are asked whether a path is theirs
	Admin     *Admin       // what is for operators; nil: it has a port of its own
	Rulebook  Rulebook
	Version   string
	Recorder  Recorder // takes note of requests other than decisions
	// Leaving reports whether the process is about to end and is to be sent
	// nothing more; nil if it never does.
	Leaving func() bool
}

// Handler routes the API. A path that is not there, or not with that method,
// is a 404 (contract 11.6).
func (a *API) Handler() http.Handler {
	service := surface{chi.NewRouter(), APIService, a.Recorder}
	if a.Admin != nil {
		a.Admin.routes(service)
	}
	service.read("/version", a.version)
	service.read("/.well-known/jwks.json", a.keys)
	for path, probe := range map[string]http.HandlerFunc{"/health/alive": alive, "/health/ready": a.ready} {
		service.router.Get(path, probe) // probes are not counted (contract 11.7)
		service.router.Head(path, probe)
	}
	router := service.handler()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if r.URL.RawPath != "" { // then the path has escapes
			path = r.URL.RawPath
		}
		for _, decisions := range a.Decisions {
			if decisions.answers(path) { // past the router, which knows a few methods: a decision may be about any
				decisions.ServeHTTP(w, r)
				return
			}
		}
		if r.RequestURI == "*" { // about the server as a whole (contract 10)
			service.counted(malformed)(w, r)
			return
		}
		router.ServeHTTP(w, r)
	})
}

func malformed(w http.ResponseWriter, r *http.Request) {
	write(w, pipeline.ErrorResponse(pipeline.Malformed, r.Header.Get("X-Request-Id"), false))
}

// writeJSON answers with a document.
func writeJSON(w http.ResponseWriter, value any) { write(w, jsonAnswer(value)) }

// jsonAnswer is an answer of 200 with a document.
func jsonAnswer(value any) pipeline.Response {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // people read URL templates here: <.*>
	if err := encoder.Encode(value); err != nil {
		return pipeline.ErrorResponse(pipeline.Internal, "", false)
	}
	return pipeline.Response{
		Status: http.StatusOK,
		Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		Body:   body.Bytes(),
	}
}

type stateDocument struct {
	Status string `json:"status"`
}

// alive answers as long as the process does. It depends on nothing.
func alive(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, stateDocument{"ok"})
}

// ready tells whether the rules are those that were meant to be in force, and
// the process is to be sent requests (contract 11.3). With ?verbose it tells
// what that depends on.
func (a *API) ready(w http.ResponseWriter, r *http.Request) {
	status := "ok"
	switch {
	case a.Leaving != nil && a.Leaving():
		status = "shutting down"
	case !a.Rulebook.Ready():
		status = "not ready"
	}
	switch {
	case r.URL.Query().Has("verbose"):
		response := jsonAnswer(conditionDocument{status, a.Rulebook.Condition()})
		if status != "ok" {
			response.Status = http.StatusServiceUnavailable
		}
		write(w, response)
	case status == "ok":
		writeJSON(w, stateDocument{status})
	default:
		write(w, notReady(r.Header.Get("X-Request-Id")))
	}
}

type conditionDocument struct {
	Status string          `json:"status"`
	Rules  json.RawMessage `json:"rules"`
}

// notReady is what clients of Oathkeeper know: an error with another code in it
// than its status.
func notReady(requestID string) pipeline.Response {
	response := pipeline.ErrorResponse(pipeline.NoRule, requestID, false)
	response.Status = http.StatusServiceUnavailable
	response.Body = bytes.Replace(response.Body, []byte(`"code":404,"status":"Not Found"`), []byte(`"code":500,"status":"Internal Server Error"`), 1)
	return response
}

func (a *API) version(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, map[string]string{"version": a.Version})
}

// keys publishes the keys that identity tokens are verified with: none, if no
// mutator signs any (contract 11.5 and 14).
func (a *API) keys(w http.ResponseWriter, r *http.Request) {
	keys, err := a.Rulebook.PublicKeys(r.Context())
	if err != nil {
		write(w, pipeline.ErrorResponse(pipeline.Internal, r.Header.Get("X-Request-Id"), false))
		return
	}
	writeJSON(w, map[string][]json.RawMessage{"keys": keys})
}

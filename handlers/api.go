package handlers

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-chi/chi/v5"

	"ostiary/pipeline"
)

// API is everything on the API port: decisions, and what there is to know
// about the engine (contract 11).
type API struct {
	Decisions []*Decisions // in the order in which they are asked whether a path is theirs
	Purge     Purge
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
	router := chi.NewRouter()
	read := func(path string, serve http.HandlerFunc) {
		router.Get(path, serve)
		router.Head(path, serve)
	}
	read("/rules", a.counted(a.rules))
	read("/rules/generations", a.counted(a.generations))
	read("/rules/{id}", a.counted(a.rule))
	read("/version", a.counted(a.version))
	read("/.well-known/jwks.json", a.counted(a.keys))
	read("/health/alive", alive) // probes are not counted (contract 11.7)
	read("/health/ready", a.ready)
	router.Post("/sessions/purge", a.counted(a.Purge.ServeHTTP))
	router.NotFound(a.counted(notFound))
	router.MethodNotAllowed(a.counted(notFound))
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
			a.counted(malformed)(w, r)
			return
		}
		router.ServeHTTP(w, r)
	})
}

func malformed(w http.ResponseWriter, r *http.Request) {
	write(w, pipeline.ErrorResponse(pipeline.Malformed, r.Header.Get("X-Request-Id"), false))
}

// counted records a request that is about the engine itself.
func (a *API) counted(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		answer := observe(w)
		started := time.Now()
		if answer.refusal != nil {
			write(answer, pipeline.ErrorResponse(answer.refusal, r.Header.Get("X-Request-Id"), false))
		} else {
			serve(answer, r)
		}
		a.Recorder.Record(&Record{Service: APIService, HTTP: r, Status: answer.status, Size: answer.size, Took: time.Since(started)})
	}
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

const (
	defaultLimit = 50
	maxLimit     = 500
)

// rules lists the rules, a page of them at a time (contract 11.1).
func (a *API) rules(w http.ResponseWriter, r *http.Request) {
	limit := min(number(r, "limit", defaultLimit), maxLimit)
	offset := number(r, "offset", 0)
	page := []json.RawMessage{}
	position := 0
	for _, rule := range a.Rulebook.Rules() {
		if position >= offset+limit {
			break
		}
		if position >= offset {
			page = append(page, rule)
		}
		position++
	}
	a.nameGeneration(w)
	writeJSON(w, page)
}

// nameGeneration says which rules an answer is about.
func (a *API) nameGeneration(w http.ResponseWriter) {
	number, digest := a.Rulebook.Generation()
	w.Header()["Ostiary-Rules-Generation"] = []string{strconv.FormatUint(number, 10)}
	w.Header()["Ostiary-Rules-Digest"] = []string{digest}
}

// generations lists the last changes of the rules, also those that were
// refused. A rule of this name is only found in the list of all.
func (a *API) generations(w http.ResponseWriter, _ *http.Request) {
	writeJSON(w, a.Rulebook.Generations())
}

// number reads a parameter; what is no number is the default, and what is
// below zero is zero.
func number(r *http.Request, name string, otherwise int) int {
	value, err := strconv.Atoi(r.URL.Query().Get(name))
	if err != nil {
		return otherwise
	}
	return max(value, 0)
}

// rule shows the first rule with the id (contract 11.2).
func (a *API) rule(w http.ResponseWriter, r *http.Request) {
	wanted := chi.URLParam(r, "id")
	if r.URL.RawPath != "" { // then it was routed by the escaped path
		if unescaped, err := url.PathUnescape(wanted); err == nil {
			wanted = unescaped
		}
	}
	for id, rule := range a.Rulebook.Rules() {
		if id == wanted {
			a.nameGeneration(w)
			writeJSON(w, rule)
			return
		}
	}
	write(w, pipeline.ErrorResponse(pipeline.NoRule, r.Header.Get("X-Request-Id"), false))
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

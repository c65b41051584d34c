package handlers

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"

	"github.com/go-chi/chi/v5"

	"ostiary/pipeline"
)

// Admin is what is for operators: the rules (contract 11.1 and 11.2) and how
// they came about, and sessions to end. It is never asked through the proxy.
type Admin struct {
	Rulebook Rulebook
	Purge    Purge
	// Token is what callers have to bear to see rules (RFC 6750); empty:
	// everybody who can connect sees them.
	Token    string
	Recorder Recorder
}

// Handler routes what is for operators on a port of its own.
func (a *Admin) Handler() http.Handler {
	service := surface{chi.NewRouter(), AdminService, a.Recorder}
	a.routes(service)
	return service.handler()
}

func (a *Admin) routes(service surface) {
	service.read("/rules", a.guarded(a.rules))
	service.read("/rules/generations", a.guarded(a.generations))
	service.read("/rules/{id}", a.guarded(a.rule))
	service.router.Post("/sessions/purge", service.counted(a.Purge.ServeHTTP))
}

// guarded answers those only who bear the token.
func (a *Admin) guarded(serve http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if a.Token != "" && !bears(r, a.Token) {
			refuseBearer(w, r, "admin")
			return
		}
		serve(w, r)
	}
}

const (
	defaultLimit = 50
	maxLimit     = 500
)

// rules lists the rules, a page of them at a time (contract 11.1).
func (a *Admin) rules(w http.ResponseWriter, r *http.Request) {
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
func (a *Admin) nameGeneration(w http.ResponseWriter) {
	number, digest := a.Rulebook.Generation()
	w.Header()["Ostiary-Rules-Generation"] = []string{strconv.FormatUint(number, 10)}
	w.Header()["Ostiary-Rules-Digest"] = []string{digest}
}

// generations lists the last changes of the rules, also those that were
// refused. A rule of this name is only found in the list of all.
func (a *Admin) generations(w http.ResponseWriter, _ *http.Request) {
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
func (a *Admin) rule(w http.ResponseWriter, r *http.Request) {
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

package main_test

import (
	"cmp"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// stub is one scripted answer of a backend: to which requests it is given, what it is, and how often.
type stub struct {
	Service string `json:"service"`
	When    struct {
		Method         *string            `json:"method"`
		Path           *string            `json:"path"`
		TargetContains string             `json:"target_contains"`
		BodyContains   string             `json:"body_contains"`
		Headers        map[string]*string `json:"headers"` // a part of any value, or null for a header that is absent
	} `json:"when"`
	Then  scripted `json:"then"`
	Times *int     `json:"times"` // nil is always
}

type scripted struct {
	Status  int         `json:"status"`
	Headers headerLines `json:"headers"`
	Body    content     `json:"body"`
	DelayMS int         `json:"delay_ms"`
	Drop    bool        `json:"drop"`
}

// received is a request that reached a backend. Names of headers are in lower case.
type received struct {
	service, method, target string
	headers                 map[string][]string
	body                    string
}

// backend is a service that the engine calls: it answers by the suite's stubs, and remembers what it was asked.
type backend struct {
	name   string
	server *httptest.Server

	mu    sync.Mutex
	stubs []*stub
	seen  []received
}

func startBackend(name string) *backend {
	b := &backend{name: name}
	b.server = httptest.NewUnstartedServer(http.HandlerFunc(b.serve))
	b.server.Config.DisableGeneralOptionsHandler = true // OPTIONS * is a request like any other
	b.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	b.server.Start()
	return b
}

func (b *backend) address() string { return b.server.Listener.Addr().String() }

// prefer puts a stub in front of those that are there.
func (b *backend) prefer(s *stub) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stubs = slices.Insert(b.stubs, 0, s)
}

// forget drops the requests seen so far.
func (b *backend) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = nil
}

func (b *backend) received() []received {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.seen)
}

func (b *backend) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler) // the engine broke off: nobody is left to answer
	}
	got := received{
		service: b.name,
		method:  r.Method,
		target:  fromLatin1(r.RequestURI),
		headers: map[string][]string{"host": {fromLatin1(r.Host)}},
		body:    string(body),
	}
	for name, values := range r.Header {
		got.headers[strings.ToLower(name)] = fromLatin1All(values)
	}
	for name := range r.Trailer { // net/http moved the names out of the header
		got.headers["trailer"] = append(got.headers["trailer"], name)
	}

	then := b.take(got)
	select {
	case <-time.After(time.Duration(then.DelayMS) * time.Millisecond):
	case <-r.Context().Done():
	}
	if then.Drop {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/plain")
	if then.Body.isJSON {
		w.Header().Set("Content-Type", "application/json")
	}
	if then.Headers.has("content-type") {
		w.Header().Del("Content-Type")
	}
	for _, line := range then.Headers {
		w.Header().Add(line[0], line[1])
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(then.Body.text)))
	w.WriteHeader(cmp.Or(then.Status, http.StatusOK))
	_, _ = io.WriteString(w, then.Body.text) // fails where an answer has no body, as to HEAD
}

// take remembers a request, and picks the first stub that is for it and not used up.
func (b *backend) take(got received) scripted {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.seen = append(b.seen, got)
	for _, s := range b.stubs {
		if s.Times != nil && *s.Times == 0 || !s.isFor(got) {
			continue
		}
		if s.Times != nil {
			*s.Times--
		}
		return s.Then
	}
	if strings.HasPrefix(b.name, "upstream") {
		return scripted{Body: content{text: "upstream reached"}}
	}
	return scripted{Status: http.StatusNotFound, Body: content{text: `{"error": "no stub"}`, isJSON: true}}
}

func (s *stub) isFor(got received) bool {
	path, _, _ := strings.Cut(got.target, "?")
	switch when := s.When; {
	case when.Method != nil && *when.Method != got.method,
		when.Path != nil && *when.Path != path,
		!strings.Contains(got.target, when.TargetContains),
		!strings.Contains(got.body, when.BodyContains):
		return false
	}
	for name, part := range s.When.Headers {
		values := got.headers[strings.ToLower(name)]
		if part == nil && len(values) > 0 {
			return false
		}
		if part != nil && !slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, *part) }) {
			return false
		}
	}
	return true
}

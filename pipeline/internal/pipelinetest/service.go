package pipelinetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"ostiary/pipeline"
)

// Question is what a service was asked.
type Question struct {
	Method string
	Target string // path and query, as on the wire
	Host   string
	Header http.Header
	Body   string
}

// Service is a service on loopback that remembers what it was asked. It ends
// with the test.
type Service struct {
	URL string

	mutex sync.Mutex
	asked []Question
}

// Serve starts a service that gives these answers. The handler finds the body
// read already.
func Serve(t testing.TB, answer http.HandlerFunc) *Service {
	t.Helper()
	s := &Service{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Errorf("the body of a question breaks off: %v", err)
		}
		s.mutex.Lock()
		s.asked = append(s.asked, Question{r.Method, r.RequestURI, r.Host, r.Header, string(body)})
		s.mutex.Unlock()
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	s.URL = server.URL
	return s
}

// Answer is a handler for Serve that always says the same.
func Answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body) // a client that is gone has failed its test already
	}
}

// Asked are all the questions so far, in their order.
func (s *Service) Asked() []Question {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return append([]Question(nil), s.asked...)
}

// Environment is the world with a network of its own, which ends with the
// test.
func Environment(t testing.TB) pipeline.Environment {
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	return pipeline.Environment{Transport: transport, Now: time.Now}
}

// Only is a world in which every address leads to this service.
func (s *Service) Only(t testing.TB) pipeline.Environment {
	environment := Environment(t)
	service, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	environment.Transport = everywhere{service.Host, environment.Transport}
	return environment
}

type everywhere struct {
	host string
	next http.RoundTripper
}

func (e everywhere) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.Scheme, request.URL.Host = "http", e.host
	return e.next.RoundTrip(request)
}

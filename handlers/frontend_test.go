package handlers

import (
	"io"
	"net/http"
	"testing"
)

func saying(text string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) })
}

func TestASwitchServesTheLastHandlerThatItWasGiven(t *testing.T) {
	t.Parallel()
	var s Switch
	address := serve(t, &s)
	if response, body := get(t, address, "/"); response.StatusCode != http.StatusServiceUnavailable || body != "" {
		t.Errorf("before it has one: got %d with %q", response.StatusCode, body)
	}
	for _, text := range []string{"first", "second"} {
		s.Set(saying(text))
		if _, body := get(t, address, "/"); body != text {
			t.Errorf("got %q, want %q", body, text)
		}
	}
}

func TestARequestEndsWithTheHandlerThatItBeganWith(t *testing.T) {
	t.Parallel()
	var s Switch
	began, exchanged := make(chan struct{}), make(chan struct{})
	s.Set(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		close(began)
		<-exchanged
		saying("old").ServeHTTP(w, r)
	}))
	address := serve(t, &s)
	w := dial(t, address)
	w.send("GET / HTTP/1.1\r\nHost: app.test\r\n\r\n")
	<-began
	s.Set(saying("new"))
	close(exchanged)
	if body, err := io.ReadAll(w.answer("GET").Body); err != nil || string(body) != "old" {
		t.Errorf("got %q, %v", body, err)
	}
	if _, body := get(t, address, "/"); body != "new" {
		t.Errorf("the next request got %q", body)
	}
}

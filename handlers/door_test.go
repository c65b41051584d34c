package handlers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"
	"time"
)

// TestAListenerThatIsLeftSendsClientsAway, whatever the answer is and whoever
// makes it.
func TestAListenerThatIsLeftSendsClientsAway(t *testing.T) {
	t.Parallel()
	proxy := boundedProxy(t, Limits{}, discarding)
	api := boundedAPI(t, Limits{}, permitted())
	silent := openBounded(t, Limits{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}), nil)
	for name, test := range map[string]struct {
		gate   boundedGate
		target string
		body   string
	}{
		"an answer of the upstream":  {proxy, "/x", "body"},
		"a permission":               {api, "/decisions/x", ""},
		"an answer without a word":   {silent, "/x", ""},
		"a probe":                    {api, "/health/alive", ""},
		"a page that does not exist": {api, "/nowhere", ""},
	} {
		w := dial(t, test.gate.address)
		text := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: app.test\r\nContent-Length: %d\r\n\r\n%s", test.target, len(test.body), test.body)
		if test.body == "" {
			text = strings.Replace(text, "POST", "GET", 1)
		}
		for _, leaving := range []bool{false, true} {
			if leaving {
				test.gate.door.Leave()
			} else if test.gate.door.Leaving() {
				continue // another case has left it
			}
			w.send(text)
			answer := w.answer("GET")
			if _, err := io.Copy(io.Discard, answer.Body); err != nil {
				t.Fatal(err)
			}
			if answer.Close != leaving {
				t.Errorf("%s: when it is left is %t, the connection is to be closed: %t", name, leaving, answer.Close)
			}
		}
		if !test.gate.door.Leaving() {
			t.Errorf("%s: it is not left", name)
		}
		w.ends()
	}
}

// TestARequestUnderWayIsToldWhenItIsAnswered that its connection is not kept: it
// may have begun before.
func TestARequestUnderWayIsToldWhenItIsAnswered(t *testing.T) {
	t.Parallel()
	arrived, release := make(chan struct{}), make(chan struct{})
	g := boundedProxy(t, Limits{}, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-release
		_, _ = io.WriteString(w, "done")
	})
	w := dial(t, g.address)
	w.send("GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n")
	<-arrived
	g.door.Leave()
	close(release)
	answer := w.answer("GET")
	if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "done" || !answer.Close {
		t.Errorf("got %q, %v; the connection is to be closed: %t", body, err, answer.Close)
	}
	w.ends()
}

// TestAWebSocketThatBeginsAtTheEndIsOneStill: its answer has a header Connection
// of its own.
func TestAWebSocketThatBeginsAtTheEndIsOneStill(t *testing.T) {
	t.Parallel()
	g := boundedProxy(t, Limits{}, webSocketEcho)
	g.door.Leave()
	w := dial(t, g.address)
	w.send(handshake)
	if answer := w.answer("GET"); answer.StatusCode != http.StatusSwitchingProtocols || len(answer.Header["Connection"]) != 1 || answer.Header.Get("Connection") != "Upgrade" {
		t.Fatalf("got %d with %v", answer.StatusCode, answer.Header)
	}
	w.send(frame("hello"))
	w.receives("\x81\x05hello")
	if inside := g.door.Inside(); inside != 1 {
		t.Errorf("%d are under way", inside)
	}
}

// TestAConnectionOfHTTP2IsLeftToo: what was asked is answered, and sooner or
// later the client asks by another connection.
func TestAConnectionOfHTTP2IsLeftToo(t *testing.T) {
	t.Parallel()
	g := boundedAPI(t, Limits{}, permitted())
	client := clientOf(t, 2)
	another := false
	ask := func() {
		t.Helper()
		trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) { another = !info.Reused }}
		request := newRequest(t, http.MethodPost, "http://"+g.address+"/decisions/x", strings.NewReader("x"))
		if status, header, _ := fetch(t, client, request.WithContext(httptrace.WithClientTrace(t.Context(), trace))); status != http.StatusOK || header.Get("Connection") != "" {
			t.Errorf("got %d, %v", status, header)
		}
		g.notes.next(t)
	}
	ask()
	if ask(); another {
		t.Error("a connection is not kept that could be")
	}
	g.door.Leave()
	another = false
	for deadline := time.Now().Add(patience); !another; ask() {
		if time.Now().After(deadline) {
			t.Fatal("the connection is kept")
		}
	}
}

func TestADoorIsEmptyWhenAllHaveGone(t *testing.T) {
	t.Parallel()
	door := new(Door)
	ended, end := context.WithCancel(t.Context())
	end()
	if err := door.Empty(ended); err != nil {
		t.Errorf("nobody came in: %v", err)
	}
	door.enter()
	if err := door.Empty(ended); !errors.Is(err, context.Canceled) || door.Inside() != 1 {
		t.Errorf("with one inside: got %v, %d", err, door.Inside())
	}
	waiting, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	time.AfterFunc(time.Millisecond, door.exit)
	if err := door.Empty(waiting); err != nil || door.Inside() != 0 {
		t.Errorf("got %v, %d", err, door.Inside())
	}
}

// TestAPanicGoesOut too, or the door would never be empty.
func TestAPanicGoesOut(t *testing.T) {
	t.Parallel()
	recorded := newNotes()
	g := openBounded(t, Limits{}, http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("nobody expects it") }), recorded)
	if status, _, _ := fetch(t, clientOf(t, 1), newRequest(t, http.MethodGet, "http://"+g.address+"/", nil)); status != http.StatusInternalServerError {
		t.Errorf("got %d", status)
	}
	waiting, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := g.door.Empty(waiting); err != nil {
		t.Error(err)
	}
}

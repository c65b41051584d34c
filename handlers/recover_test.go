package handlers

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"

	"ostiary/pipeline"
)

// journal is a log that tests read.
type journal struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.Write(line)
}

func (j *journal) String() string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.text.String()
}

const bare500 = `{"error":{"code":500,"status":"Internal Server Error",` +
	`"message":"An internal server error occurred, please contact the system administrator"}}` + "\n"

func TestAPanicIsABare500AndAnEntryInTheLog(t *testing.T) {
	t.Parallel()
	for name, panicked := range map[string]any{
		"a text":              "secret of the engine",
		"an error":            errors.New("secret of the engine"),
		"an error of the run": fmt.Errorf("secret of the engine: %w", io.EOF),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var entries journal
			handler := Frontend(slog.New(slog.NewTextHandler(&entries, nil)), pageCORS, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("X-User", "alice")
				w.Header().Set("Set-Cookie", "a=1")
				panic(panicked)
			}))
			response, body := ask(t, serve(t, handler), "GET /x HTTP/1.1\r\nHost: app.test\r\nOrigin: https://page.test\r\nX-Request-Id: 7\r\nConnection: close\r\n\r\n")
			expectAnswer(t, response, body, http.StatusInternalServerError, plainJSON, bare500)
			if response.Header.Get("X-User") != "" || response.Header.Get("Set-Cookie") != "" {
				t.Errorf("the answer has headers of the one that failed: %v", response.Header)
			}
			entry := entries.String()
			for _, want := range []string{"level=ERROR", `msg="panic while serving a request"`, "secret of the engine", "recover_test.go"} {
				if !strings.Contains(entry, want) {
					t.Errorf("the log does not tell %s: %s", want, entry)
				}
			}
			if n := strings.Count(entry, "\n"); n != 1 {
				t.Errorf("the log has %d entries: %s", n, entry)
			}
		})
	}
}

func TestAPanicWhileDecidingRefuses(t *testing.T) {
	t.Parallel()
	panicking := ruling(func(request *pipeline.Request) pipeline.Decision {
		if request.Path == "/panic" {
			panic("nobody expects it")
		}
		return permitted()(request)
	})
	address, _ := openDecisions(t, panicking)
	w := dial(t, address)
	for target, want := range map[string]int{"/decisions/panic": 500, "/decisions/x": 200} {
		w.send("GET " + target + " HTTP/1.1\r\nHost: app.test\r\n\r\n")
		response := w.answer("GET")
		if _, err := io.Copy(io.Discard, response.Body); err != nil || response.StatusCode != want {
			t.Errorf("%s: got %d, %v; want %d", target, response.StatusCode, err, want)
		}
	}
}

func TestAPanicAfterTheAnswerBeganBreaksTheConnectionOff(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(http.ResponseWriter){
		"the body": func(w http.ResponseWriter) {
			_, _ = io.WriteString(w, "half of it")
			_ = http.NewResponseController(w).Flush()
		},
		"the status": func(w http.ResponseWriter) { w.WriteHeader(http.StatusOK) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var entries journal
			handler := Frontend(slog.New(slog.NewTextHandler(&entries, nil)), CORS{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				begin(w)
				panic("too late")
			}))
			answer := untilClosed(t, serve(t, handler), "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n")
			if strings.HasSuffix(answer, "0\r\n\r\n") || strings.Contains(answer, "too late") || strings.Contains(answer, " 500 ") {
				t.Errorf("the answer looks whole: %q", answer)
			}
			if !strings.Contains(entries.String(), `panic="too late"`) {
				t.Errorf("the log does not tell why: %s", entries.String())
			}
		})
	}
}

func TestAPanicAfterAnInterimAnswerIsStillA500(t *testing.T) {
	t.Parallel()
	address := serve(t, Frontend(quiet, CORS{}, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		panic("after all")
	})))
	w := dial(t, address)
	w.send("GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n")
	if hints := w.answer("GET"); hints.StatusCode != http.StatusEarlyHints {
		t.Fatalf("got %d", hints.StatusCode)
	}
	if response := w.answer("GET"); response.StatusCode != http.StatusInternalServerError {
		t.Errorf("got %d", response.StatusCode)
	}
}

func TestAnAbortIsNoFault(t *testing.T) {
	t.Parallel()
	for name, abort := range map[string]error{"itself": http.ErrAbortHandler, "wrapped": fmt.Errorf("the upstream: %w", http.ErrAbortHandler)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var entries journal
			handler := recovered(slog.New(slog.NewTextHandler(&entries, nil)), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(abort) }))
			if answer := untilClosed(t, serve(t, handler), "GET /x HTTP/1.1\r\nHost: app.test\r\n\r\n"); answer != "" || entries.String() != "" {
				t.Errorf("got %q; in the log: %s", answer, entries.String())
			}
		})
	}
}

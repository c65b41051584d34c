package authn

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

const (
	longestSessionAnswer = 1 << 20 // bytes that are read
	shortTimeout         = `{"timeout": "100ms"}`
)

// hangOn keeps the connection until the client gives up.
func hangOn(r *http.Request) { <-r.Context().Done() }

func breakOff(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

func TestSessionCheckTellsWhyAServiceDoesNotAnswer(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		config string
		answer http.HandlerFunc
		kind   pipeline.Kind
	}{
		"it breaks off":               {`{}`, breakOff, pipeline.Unavailable},
		"it is too slow to begin":     {shortTimeout, func(_ http.ResponseWriter, r *http.Request) { hangOn(r) }, pipeline.Slow},
		"it is too slow to end":       {shortTimeout, func(w http.ResponseWriter, r *http.Request) { beginAnswer(w); hangOn(r) }, pipeline.Slow},
		"it breaks off in the middle": {`{}`, func(w http.ResponseWriter, r *http.Request) { beginAnswer(w); breakOff(w, r) }, pipeline.Unavailable},
		"it says too much":            {`{}`, answerTooLong, pipeline.Unavailable},
		"what it packs is broken":     {`{}`, answerNotPacked, pipeline.Unavailable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := askAbout(t, test.config, test.answer)
			if !errors.Is(err, test.kind) {
				t.Errorf("got %v, want %v", err, test.kind)
			}
			if reason := pipelinetest.ReasonOf(err); reason != "" {
				t.Errorf("clients would read %q", reason)
			}
		})
	}
}

// beginAnswer is an answer that is valid as far as it goes.
func beginAnswer(w http.ResponseWriter) {
	_, _ = io.WriteString(w, `{"subject": "ada"}`)
	_ = http.NewResponseController(w).Flush()
}

// answerNotPacked says that its answer is packed, which it is not.
func answerNotPacked(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	beginAnswer(w)
}

func answerTooLong(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"subject": "ada"}`+strings.Repeat(" ", longestSessionAnswer))
}

func TestSessionCheckReadsAnAnswerOfTheGreatestLength(t *testing.T) {
	t.Parallel()
	const document = `{"subject": "ada"}`
	session, err := askAbout(t, `{}`, pipelinetest.Answer(200, document+strings.Repeat(" ", longestSessionAnswer-len(document))))
	if err != nil || session.Subject != "ada" {
		t.Errorf("got %q, %v", session.Subject, err)
	}
}

func TestSessionCheckTellsThatNobodyListens(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	config := `{"check_session_url": "http://operator:secret@` + address + `/whoami?key=secret"}`
	handler := pipelinetest.New(t, cookieSession, config, pipelinetest.Environment(t))
	err = handler.Authenticate(t.Context(), pipelinetest.Request("Cookie", "sid=1"), &pipeline.Session{})
	if !errors.Is(err, pipeline.Unavailable) {
		t.Errorf("got %v, want an outage", err)
	}
	if text := err.Error(); !strings.Contains(text, "calling "+address+": ") || strings.Contains(text, "secret") {
		t.Errorf("the log would say %q", text)
	}
}

func TestSessionCheckEndsWhenTheClientIsGone(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	service := pipelinetest.Serve(t, func(_ http.ResponseWriter, r *http.Request) {
		cancel()
		hangOn(r)
	})
	handler := pipelinetest.New(t, cookieSession, `{"check_session_url": "`+service.URL+`"}`, pipelinetest.Environment(t))
	err := handler.Authenticate(ctx, pipelinetest.Request("Cookie", "sid=1"), &pipeline.Session{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want a cancelled context", err)
	}
}

package handlers

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestWhatIsAnsweredIsObserved(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer func(http.ResponseWriter)
		status int
		size   int64
	}{
		"nothing":          {func(http.ResponseWriter) {}, 0, 0},
		"a body alone":     {func(w http.ResponseWriter) { _, _ = io.WriteString(w, "hello") }, 200, 5},
		"an empty body":    {func(w http.ResponseWriter) { _, _ = w.Write(nil) }, 200, 0},
		"a status":         {func(w http.ResponseWriter) { w.WriteHeader(404) }, 404, 0},
		"the first status": {func(w http.ResponseWriter) { w.WriteHeader(404); w.WriteHeader(200) }, 404, 0},
		"a status and a body": {func(w http.ResponseWriter) {
			w.WriteHeader(201)
			_, _ = w.Write([]byte("a"))
			_, _ = w.Write([]byte("bc"))
		}, 201, 3},
		"an interim one":        {func(w http.ResponseWriter) { w.WriteHeader(103); w.WriteHeader(204) }, 204, 0},
		"another protocol":      {func(w http.ResponseWriter) { w.WriteHeader(101) }, 101, 0},
		"an interim one, alone": {func(w http.ResponseWriter) { w.WriteHeader(103) }, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := &observed{ResponseWriter: httptest.NewRecorder()}
			test.answer(o)
			if o.status != test.status || o.size != test.size {
				t.Errorf("observed %d with %d bytes, want %d with %d", o.status, o.size, test.status, test.size)
			}
		})
	}
}

func TestAConnectionThatCannotBeTakenOverIsNot(t *testing.T) {
	t.Parallel()
	o := &observed{ResponseWriter: httptest.NewRecorder()}
	if _, _, err := o.Hijack(); !errors.Is(err, http.ErrNotSupported) || o.status != 0 {
		t.Errorf("got %v, and observed %d", err, o.status)
	}
}

func TestAResponseIsWrittenAsItIs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		response pipeline.Response
		status   int
		header   http.Header
	}{
		"with everything": {
			pipeline.Response{Status: 429, Header: http.Header{"Retry-After": {"7"}, "X-Many": {"1", "2"}}, Body: []byte("later")},
			429,
			http.Header{"Retry-After": {"7"}, "X-Many": {"1", "2"}, "Content-Length": {"5"}, "Vary": {"Origin"}},
		},
		"the zero response refuses": {pipeline.Response{}, 500, http.Header{"Content-Length": {"0"}, "Vary": {"Origin"}}},
		"the length is the body's": {
			pipeline.Response{Status: 403, Header: http.Header{"Content-Length": {"99"}}, Body: []byte("no")},
			403,
			http.Header{"Content-Length": {"2"}, "Vary": {"Origin"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			w.Header().Set("Vary", "Origin")
			write(w, test.response)
			if diff := cmp.Diff(test.header, w.Header()); diff != "" || w.Code != test.status || w.Body.String() != string(test.response.Body) {
				t.Errorf("got %d with %q, and headers (-want +got):\n%s", w.Code, w.Body, diff)
			}
		})
	}
}

package onerror

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// FuzzWhen: whatever a client writes into the headers that conditions look at,
// the answer is the same each time, a condition that holds for every type holds
// for whatever the client accepts, and one for a type that the client does not
// write does not.
func FuzzWhen(f *testing.F) {
	for _, accept := range []string{"", "*/*", "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8", "text/html;level=1", ",,;;", "text/*", `a/b;c="d,e"`} {
		for _, contentType := range []string{"", "text/plain; charset=utf-8", "multipart/form-data; boundary=x", "no-slash;;;=", "a/b; c*=utf-8''x", "/"} {
			f.Add(accept, contentType)
		}
	}
	conditions := func(types ...string) when {
		var c clauseConfig
		c.Request.Header.Accept, c.Request.Header.ContentType = types[:1], types[1:]
		w, err := newWhen([]clauseConfig{c}, false)
		if err != nil {
			f.Fatal(err)
		}
		return w
	}
	anything, absent := conditions("*/*"), conditions("x-never/written", "x-never/written")
	f.Fuzz(func(t *testing.T, acceptLine, typeLine string) {
		request := pipelinetest.Request()
		request.Header = http.Header{"Accept": {acceptLine}, "Content-Type": {typeLine}}
		before := request.Header.Clone()
		if !anything.Responsible(request, pipeline.Forbidden) {
			t.Errorf("*/* does not hold for Accept: %q", acceptLine)
		}
		written := strings.Contains(strings.ToLower(acceptLine), "x-never/written")
		if absent.Responsible(request, pipeline.Forbidden) && !written {
			t.Errorf("a type that is not there holds for Accept: %q", acceptLine)
		}
		if !slices.Equal(before["Accept"], request.Header["Accept"]) || !slices.Equal(before["Content-Type"], request.Header["Content-Type"]) {
			t.Errorf("the header has become %v", request.Header)
		}
		for _, name := range append(accepted(request.Header), contentType(request.Header)...) {
			if name != strings.ToLower(name) || name == "" || strings.Contains(name, ";") {
				t.Errorf("%q is taken for a media type", name)
			}
		}
	})
}

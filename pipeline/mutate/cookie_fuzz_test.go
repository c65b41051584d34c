package mutate

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

// FuzzKeptCookies: of the client's cookies the upstream gets all but those that
// are to be kept from it, as they were written.
func FuzzKeptCookies(f *testing.F) {
	f.Add("sid=secret; theme=dark", "sid")
	f.Add("_proxy_0=a;_proxy_1 = b; c", "_proxy*")
	f.Add("sid=secret", "*")
	handler := pipelinetest.New(f, cookie, `{"cookies": {"user": "{{ .Subject }}"}}`, pipeline.Environment{})
	f.Fuzz(func(t *testing.T, line, withheld string) {
		request := pipelinetest.Request()
		request.Header["Cookie"] = []string{line}
		session := pipeline.Session{Subject: "ada", Withheld: pipeline.Withheld{Cookies: []string{withheld}}}
		if err := handler.Mutate(t.Context(), request, &session); err != nil {
			t.Fatal(err)
		}
		want := []string{"user=ada"}
		for pair := range strings.SplitSeq(line, ";") {
			pair = strings.TrimSpace(pair)
			name := cookieNames(pair)[0]
			if pair != "" && name != "user" && !pipeline.CookiesCover([]string{withheld}, name) {
				want = append(want, pair)
			}
		}
		if got := session.Header.Get("Cookie"); got != strings.Join(want, "; ") {
			t.Errorf("the upstream gets %q, want %q", got, want)
		}
		for _, read := range (&http.Request{Header: session.Header}).Cookies() {
			if read.Name != "user" && pipeline.CookiesCover([]string{withheld}, read.Name) {
				t.Errorf("the upstream reads %q", read.Name)
			}
		}
		if !slices.Equal(request.Header["Cookie"], []string{line}) {
			t.Error("the request has been changed")
		}
	})
}

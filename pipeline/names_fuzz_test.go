package pipeline_test

import (
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// FuzzNames: a name covers all that a server may take for it, and nothing else.
func FuzzNames(f *testing.F) {
	f.Add("X-User", "x_USER")
	f.Add("X_User-Id", "x-user_id")
	plain := func(name string) string { return strings.ReplaceAll(lower(name), "_", "-") }
	f.Fuzz(func(t *testing.T, known, name string) {
		if strings.ContainsFunc(known+name, func(r rune) bool { return r >= 0x80 }) {
			return // no header has such a name
		}
		if got, want := (pipeline.Names{"X-Other", known}).Cover(name), plain(name) == plain(known) || plain(name) == "x-other"; got != want {
			t.Errorf("%q covers %q: %t", known, name, got)
		}
		if !(pipeline.Names{known}).Cover(http.CanonicalHeaderKey(known)) {
			t.Errorf("%q does not cover itself in the spelling of Go", known)
		}
	})
}

// lower is strings.ToLower of ASCII letters alone, as headers know them.
func lower(text string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, text)
}

// FuzzCookiesCover: a name with a star at its end covers what begins with it,
// and no other name covers more than itself.
func FuzzCookiesCover(f *testing.F) {
	f.Add("_oauth2_proxy*", "_oauth2_proxy_1")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, known, cookie string) {
		want := known == cookie
		if len(known) > 0 && known[len(known)-1] == '*' && len(cookie) >= len(known)-1 {
			want = want || cookie[:len(known)-1] == known[:len(known)-1]
		}
		if got := pipeline.CookiesCover([]string{known}, cookie); got != want {
			t.Errorf("%q covers %q: %t", known, cookie, got)
		}
	})
}

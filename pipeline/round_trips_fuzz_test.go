package pipeline_test

import (
	"net/http"
	"strings"
	"testing"

	"ostiary/pipeline"
)

// FuzzRoundTrips: what the engine counts it reads again at the same path, from
// one cookie on one line, and never more than it would count itself.
func FuzzRoundTrips(f *testing.F) {
	f.Add("/admin/x", 3, "5-abc")
	f.Add("/a;b/ü\r\nSet-Cookie:x", 0, "99999999999999999999-")
	f.Fuzz(func(t *testing.T, path string, count int, forged string) {
		if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, " \t") {
			return // no canonical path
		}
		count = int(uint8(count)) % 128
		request := &pipeline.Request{Scheme: "https", RawPath: path}
		line := pipeline.RoundTrips(request, count)
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Errorf("the line is %q", line)
		}
		cookie, err := http.ParseSetCookie(line)
		if err != nil || cookie.Name != pipeline.RoundTripsCookie || !cookie.HttpOnly || !cookie.Secure {
			t.Fatalf("%q is %+v, %v", line, cookie, err)
		}
		var paths []string // as browsers read them, by RFC 6265 section 5.2
		for attribute := range strings.SplitSeq(line, ";") {
			if value, is := strings.CutPrefix(strings.TrimSpace(attribute), "Path="); is {
				paths = append(paths, value)
			}
		}
		if len(paths) != 1 || paths[0] != path && paths[0] != "/" {
			t.Errorf("the path %q has become %q", path, paths)
		}
		if got := pipeline.CountRoundTrips([]string{cookie.Value}, path); got != count {
			t.Errorf("%d has become %d", count, got)
		}
		if other := path + "x"; pipeline.CountRoundTrips([]string{cookie.Value}, other) != 0 {
			t.Errorf("what counts for %q counts for %q as well", path, other)
		}
		if got := pipeline.CountRoundTrips([]string{forged}, path); got < 0 || got > 127 {
			t.Errorf("%q counts %d", forged, got)
		}
	})
}

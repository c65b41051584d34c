package pipeline_test

import (
	"bytes"
	"log"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestRoundTripsOfAnotherPathOrThatCannotBeReadAreNone(t *testing.T) {
	t.Parallel()
	const orders = "-7qzl7j"
	for value, want := range map[string]int{
		"0": 0, "1": 1, "5": 5, "05": 5, "127": 127,
		"128": 0, "99999999999999999999": 0, "-1": 0, "+1": 0, "": 0, " 1": 0, "1 ": 0, "1.0": 0, "0x1": 0, "1_0": 0, "one": 0, "١": 0, "1\x00": 0,
	} {
		if got := pipeline.CountRoundTrips([]string{value + orders}, "/orders"); got != want {
			t.Errorf("%q: got %d, want %d", value, got, want)
		}
		if got := pipeline.CountRoundTrips([]string{value + orders}, "/orders/7"); got != 0 {
			t.Errorf("%q counts %d for another path", value, got)
		}
		if got := pipeline.CountRoundTrips([]string{value}, "/orders"); got != 0 {
			t.Errorf("%q counts %d for no path", value, got)
		}
	}
	if got := pipeline.CountRoundTrips([]string{"5-x", "5", "2" + orders, "4" + orders}, "/orders"); got != 2 {
		t.Errorf("of several, the first that is for the path counts: got %d", got)
	}
}

func TestRoundTripsIsACookieForOnePath(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		scheme, path string
		count        int
		want         string
	}{
		"over https":        {"https", "/orders", 1, "ostiary_round_trips=1-7qzl7j; Path=/orders; Max-Age=30; HttpOnly; Secure; SameSite=Lax"},
		"over http":         {"http", "/orders", 2, "ostiary_round_trips=2-7qzl7j; Path=/orders; Max-Age=30; HttpOnly; SameSite=Lax"},
		"for the root":      {"https", "/", 3, "ostiary_round_trips=3-bo0mse; Path=/; Max-Age=30; HttpOnly; Secure; SameSite=Lax"},
		"as it was escaped": {"https", "/a%2Fb/%C3%BC%3B/", 4, "ostiary_round_trips=4-1hbhqkz; Path=/a%2Fb/%C3%BC%3B/; Max-Age=30; HttpOnly; Secure; SameSite=Lax"},
		// What would end the attribute, and with it let a client write others.
		"with a semicolon":       {"https", "/a;Domain=evil.test", 5, "ostiary_round_trips=5-tijiq3; Path=/; Max-Age=30; HttpOnly; Secure; SameSite=Lax"},
		"with letters unescaped": {"https", "/ü", 5, "ostiary_round_trips=5-dhxaf5; Path=/; Max-Age=30; HttpOnly; Secure; SameSite=Lax"},
		"with a line's end":      {"https", "/a\r\nX-Evil: 1", 5, "ostiary_round_trips=5-fax41w; Path=/; Max-Age=30; HttpOnly; Secure; SameSite=Lax"},
		"without a path":         {"https", "", 1, "ostiary_round_trips=1-ztntfp; Path=/; Max-Age=30; HttpOnly; Secure; SameSite=Lax"},
		"to be forgotten":        {"https", "/orders", 0, "ostiary_round_trips=0-7qzl7j; Path=/orders; Max-Age=0; HttpOnly; Secure; SameSite=Lax"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := pipeline.RoundTrips(&pipeline.Request{Scheme: test.scheme, RawPath: test.path}, test.count)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestRoundTripsComeBackForTheirPath: what a browser is told, it tells again.
// It is not parallel: it looks at what the standard library logs.
func TestRoundTripsComeBackForTheirPath(t *testing.T) {
	var complaints bytes.Buffer
	log.SetOutput(&complaints)
	defer log.SetOutput(os.Stderr)
	for _, path := range []string{"/", "/orders", "/a%20b/", "/a,b=c\"d", "/ü/x", "/a\\b", "/a b", "/\x7f", "/\xff", "/\x80"} {
		cookie, err := http.ParseSetCookie(pipeline.RoundTrips(&pipeline.Request{Scheme: "https", RawPath: path}, 3))
		if err != nil {
			t.Errorf("%q: %v", path, err)
			continue
		}
		if !strings.HasPrefix(path, cookie.Path) {
			t.Errorf("%q: the cookie is for %q", path, cookie.Path)
		}
		if got := pipeline.CountRoundTrips([]string{cookie.Value}, path); got != 3 {
			t.Errorf("%q: got %d", path, got)
		}
	}
	if complaints.Len() > 0 {
		t.Errorf("the standard library complains: %s", complaints.String())
	}
}

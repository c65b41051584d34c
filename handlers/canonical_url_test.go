package handlers

import (
	"errors"
	"testing"

	"ostiary/pipeline"
)

func TestCanonicalURLs(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://A.test":              "http://a.test/",
		"HTTPS://a.test:8443/x/../y": "https://a.test:8443/y",
		"ws://a.test./x%20y?q=1":     "ws://a.test/x y",
		"http://a.test?q":            "http://a.test/",
		"a.test/x":                   "the URL does not begin with http://, https://, ws:// or wss://",
		"ftp://a.test/x":             "the URL does not begin with http://, https://, ws:// or wss://",
		"http://user@a.test/":        "the host has a character that no host name has",
		"http://a.test/%2e%2e/x":     "the path has a dot segment in disguise",
		"http://a.test/x#y":          "the path has a number sign or a blank that is not escaped",
	} {
		request, err := Canonical("GET", url)
		var refusal *pipeline.Error
		got := ""
		switch {
		case errors.As(err, &refusal) && refusal.Kind == pipeline.Malformed:
			got = refusal.Reason
		case err == nil:
			got = request.Target()
		}
		if got != want {
			t.Errorf("%s: got %q, %v, want %q", url, got, err, want)
		}
	}
	for _, method := range []string{"", "GET,POST", "CONNECT"} {
		if _, err := Canonical(method, "http://a.test/"); pipeline.KindOf(err) != pipeline.Malformed {
			t.Errorf("%q is accepted: %v", method, err)
		}
	}
}

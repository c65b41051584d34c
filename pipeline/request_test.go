package pipeline_test

import (
	"testing"

	"ostiary/pipeline"
)

func TestRequestTargetIsWhatRulesMatch(t *testing.T) {
	t.Parallel()
	request := pipeline.Request{Scheme: "https", Host: "shop.test:8443", Path: "/a b/ü", RawPath: "/a%20b/%C3%BC", RawQuery: "q=1"}
	if got, want := request.Target(), "https://shop.test:8443/a b/ü"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestRequestURLKeepsEveryByte(t *testing.T) {
	t.Parallel()
	request := pipeline.Request{Scheme: "https", Host: "shop.test", Path: "/a/b", RawPath: "/a%2Fb", RawQuery: "q=1;z=%zz&+"}
	first := request.URL()
	if got, want := first.String(), "https://shop.test/a%2Fb?q=1;z=%zz&+"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	first.Path, first.Host = "/other", "evil.test"
	if got := request.URL().Path; got != "/a/b" || request.Path != "/a/b" || request.URL().Host != "shop.test" {
		t.Errorf("who changes a URL changes the request: %q", got)
	}
}

package pipeline_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"ostiary/pipeline"
)

func TestUpstreamPath(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ base, strip, path, want string }{
		"nothing to do":                           {"", "", "/a/b", "/a/b"},
		"a root that is written":                  {"/", "", "/a/b", "/a/b"},
		"a base path goes in front":               {"/v1", "", "/a", "/v1/a"},
		"a base path ends in one slash":           {"/v1//", "", "/a", "/v1/a"},
		"a base path keeps its escapes":           {"/v%2F1", "", "/a", "/v%2F1/a"},
		"a trailing slash stays":                  {"/v1", "", "/a/", "/v1/a/"},
		"the root behind a base path":             {"/v1", "", "/", "/v1/"},
		"every byte stays":                        {"/v1", "", "/a%2Fb%20c/%c3%bc", "/v1/a%2Fb%20c/%c3%bc"},
		"a prefix goes":                           {"", "/api", "/api/users", "/users"},
		"a prefix without slashes goes":           {"", "api", "/api/users", "/users"},
		"a prefix between slashes goes":           {"", "//api//", "/api/users", "/users"},
		"a prefix of several segments goes":       {"", "/api/v1", "/api/v1/users", "/users"},
		"a prefix goes before the base comes":     {"/api", "/api", "/api/users", "/api/users"},
		"a prefix goes once":                      {"", "/api", "/api/api/users", "/api/users"},
		"a prefix that is all leaves the root":    {"", "/api", "/api", "/"},
		"with its slash, too":                     {"", "/api", "/api/", "/"},
		"a prefix that is all, behind a base":     {"/v1", "/api", "/api", "/v1"},
		"a prefix and a slash, behind a base":     {"/v1", "/api", "/api/", "/v1/"},
		"what follows a prefix keeps its slash":   {"", "/api", "/api/dir/", "/dir/"},
		"what follows a prefix keeps its escapes": {"", "/api", "/api/a%2fb", "/a%2fb"},
		"part of a segment stays":                 {"", "/api", "/apikeys/x", "/apikeys/x"},
		"a prefix somewhere else stays":           {"", "/api", "/x/api/y", "/x/api/y"},
		"half a prefix stays":                     {"", "/api/v1", "/api/v2/x", "/api/v2/x"},
		"a path that is shorter stays":            {"", "/api/v1", "/api", "/api"},
		"a path that is shorter by a slash stays": {"", "/api/v1", "/api/", "/api/"},
		"another case stays":                      {"", "/api", "/API/x", "/API/x"},
		"an escaped prefix goes":                  {"", "/api", "/%61pi/x", "/x"},
		"a prefix with a blank goes":              {"", "/a b", "/a%20b/x", "/x"},
		"a prefix in other letters goes":          {"", "/ü", "/%C3%BC/x", "/x"},
		"an escaped slash parts no segments":      {"", "/a/b", "/a%2Fb/x", "/a%2Fb/x"},
		"what cannot be decoded stays":            {"", "/a", "/%zz/x", "/%zz/x"},
		"a prefix of slashes is none":             {"", "///", "/a", "/a"},
		"a path without a slash stays":            {"", "/a", "*", "*"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: "http://up.test:8080" + test.base, StripPath: test.strip}, pipeline.Environment{})
			if err != nil {
				t.Fatal(err)
			}
			if got := u.Path(test.path); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestNewUpstream(t *testing.T) {
	t.Parallel()
	u, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: "https://user:pass@up.test:8443/v1?q=1", PreserveHost: true}, pipeline.Environment{})
	if err != nil || u.Scheme != "https" || u.Host != "up.test:8443" || !u.PreserveHost || u.Path("/a") != "/v1/a" {
		t.Errorf("got %+v, %v", u, err)
	}
	if u, err := pipeline.NewUpstream(pipeline.UpstreamConfig{StripPath: "/a", PreserveHost: true}, pipeline.Environment{}); u != nil || err != nil {
		t.Errorf("no URL: got %+v, %v", u, err)
	}
	for _, bad := range []string{
		"up.test", "up.test:8080", "/path", "//up.test/x", "ftp://up.test", "unix:///sock", "http:up.test", "http://", "http:///x",
		"http://up.test:port", "http://up.test/%zz", "http://[::1", "http://up.test/\n", " http://up.test", "http://up test/", "HTTP//x",
	} {
		u, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: bad}, pipeline.Environment{})
		if err == nil {
			t.Errorf("%q is taken for %+v", bad, u)
		}
	}
	for bad, shown := range map[string]string{"up.test": `"up.test"`, "ftp://ada:secret@up.test/": `"ftp://***@up.test/"`} {
		_, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: bad}, pipeline.Environment{})
		if want := "url: " + shown + " is not a URL of the form http://host:port/path"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

// TestHowAnUpstreamIsConnectedTo: only an upstream that wants something of its
// own has connections of its own.
func TestHowAnUpstreamIsConnectedTo(t *testing.T) {
	t.Parallel()
	var asked []pipeline.Connecting
	own := http.NewFileTransport(http.Dir("."))
	environment := pipeline.Environment{Upstreams: func(_ pipeline.Environment, c pipeline.Connecting) (http.RoundTripper, error) {
		if asked = append(asked, c); c.CA == "gone.pem" {
			return nil, errors.New("open gone.pem: no such file or directory")
		}
		return own, nil
	}}
	for _, test := range []struct {
		name   string
		config pipeline.UpstreamConfig
		want   pipeline.Connecting
		err    string
	}{
		{"nothing", pipeline.UpstreamConfig{}, pipeline.Connecting{}, ""},
		{"the default in words", pipeline.UpstreamConfig{Protocol: "auto", Timeout: &pipeline.UpstreamTimeout{}, TLS: &pipeline.UpstreamTLS{}}, pipeline.Connecting{}, ""},
		{"a protocol", pipeline.UpstreamConfig{Protocol: "http2"}, pipeline.Connecting{Protocol: "http2"}, ""},
		{
			"times",
			pipeline.UpstreamConfig{Timeout: &pipeline.UpstreamTimeout{Connect: "2s", Response: "1m"}},
			pipeline.Connecting{ConnectTimeout: 2 * time.Second, ResponseTimeout: time.Minute},
			"",
		},
		{
			"TLS",
			pipeline.UpstreamConfig{TLS: &pipeline.UpstreamTLS{ServerName: "up.test"}},
			pipeline.Connecting{UpstreamTLS: pipeline.UpstreamTLS{ServerName: "up.test"}},
			"",
		},
		{"no such protocol", pipeline.UpstreamConfig{Protocol: "h2c"}, pipeline.Connecting{}, `protocol: "h2c" is none of auto, http1 and http2`},
		{"no time", pipeline.UpstreamConfig{Timeout: &pipeline.UpstreamTimeout{Connect: "5"}}, pipeline.Connecting{}, "timeout.connect: is not a duration such as 500ms, 5s or 10m"},
		{"nor this", pipeline.UpstreamConfig{Timeout: &pipeline.UpstreamTimeout{Response: "-1s"}}, pipeline.Connecting{}, "timeout.response: is not a duration such as 500ms, 5s or 10m"},
		{"half a certificate", pipeline.UpstreamConfig{TLS: &pipeline.UpstreamTLS{Key: "key.pem"}}, pipeline.Connecting{}, "tls: a certificate needs its key, and a key its certificate"},
		{"a file that is gone", pipeline.UpstreamConfig{TLS: &pipeline.UpstreamTLS{CA: "gone.pem"}}, pipeline.Connecting{}, "tls: open gone.pem: no such file or directory"},
	} {
		asked = nil
		test.config.URL = "https://up.test"
		u, err := pipeline.NewUpstream(test.config, environment)
		switch {
		case test.err != "":
			if err == nil || err.Error() != test.err {
				t.Errorf("%s: got %v, want %s", test.name, err, test.err)
			}
		case err != nil:
			t.Errorf("%s: %v", test.name, err)
		case test.want == pipeline.Connecting{}:
			if len(asked) > 0 || u.Transport != nil {
				t.Errorf("%s: it has connections of its own: %+v", test.name, asked)
			}
		case len(asked) != 1 || asked[0] != test.want || u.Transport != own:
			t.Errorf("%s: got %+v, want %+v", test.name, asked, test.want)
		}
	}
}

package pipeline_test

import (
	"testing"

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
			u, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: "http://up.test:8080" + test.base, StripPath: test.strip})
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
	u, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: "https://user:pass@up.test:8443/v1?q=1", PreserveHost: true})
	if err != nil || u.Scheme != "https" || u.Host != "up.test:8443" || !u.PreserveHost || u.Path("/a") != "/v1/a" {
		t.Errorf("got %+v, %v", u, err)
	}
	if u, err := pipeline.NewUpstream(pipeline.UpstreamConfig{StripPath: "/a", PreserveHost: true}); u != nil || err != nil {
		t.Errorf("no URL: got %+v, %v", u, err)
	}
	for _, bad := range []string{
		"up.test", "up.test:8080", "/path", "//up.test/x", "ftp://up.test", "unix:///sock", "http:up.test", "http://", "http:///x",
		"http://up.test:port", "http://up.test/%zz", "http://[::1", "http://up.test/\n", " http://up.test", "http://up test/", "HTTP//x",
	} {
		u, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: bad})
		if err == nil {
			t.Errorf("%q is taken for %+v", bad, u)
		}
	}
	for bad, shown := range map[string]string{"up.test": `"up.test"`, "ftp://ada:secret@up.test/": `"ftp://***@up.test/"`} {
		_, err := pipeline.NewUpstream(pipeline.UpstreamConfig{URL: bad})
		if want := shown + " is not a URL of the form http://host:port/path"; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

package repository

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func address(t *testing.T, text string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(text)
	do(t, err)
	return parsed
}

// TestTheLongestServerCounts, if it is the server of the URL at all.
func TestTheLongestServerCounts(t *testing.T) {
	t.Parallel()
	var servers Servers
	for _, text := range []string{
		"https://h/teams", "https://h", "https://h/teams/a/", "https://h:8443/teams", "http://h/", "https://other/teams/a/b/c/d", "https://[::1]/x",
	} {
		servers = append(servers, Server{URL: address(t, text)})
	}
	for target, want := range map[string]string{
		"https://h":                      "https://h",
		"https://h/":                     "https://h",
		"https://h?q":                    "https://h",
		"https://h/rules.json":           "https://h",
		"https://h:443/rules.json":       "https://h",
		"https://H/teams":                "https://h/teams",
		"https://h/teams/":               "https://h/teams",
		"https://h/teams/b.json":         "https://h/teams",
		"https://h/teams/a":              "https://h/teams",
		"https://h/teams/ab":             "https://h/teams",
		"https://h/teams/a/":             "https://h/teams/a/",
		"https://h/teams/a/b/r.json":     "https://h/teams/a/",
		"https://h/teams-2/r.json":       "https://h",
		"https://h/Teams/r.json":         "https://h",
		"https://ada:secret@h/teams/r?q": "https://h/teams",
		"https://h:8443/teams/r.json":    "https://h:8443/teams",
		"https://h:8443/r.json":          "",
		"https://h:444/teams/r.json":     "",
		"http://h:80":                    "http://h/",
		"http://h/teams/a/r.json":        "http://h/",
		"http://h:443/r.json":            "",
		"https://h.example.com/r.json":   "",
		"https://[::1]:443/x/y":          "https://[::1]/x",
		"https://other/teams/a/b/c/":     "",
	} {
		got := ""
		if server := servers.of(address(t, target)); server != nil {
			got = server.URL.String()
		}
		if got != want {
			t.Errorf("%s is asked as %q, want %q", target, got, want)
		}
	}
}

func TestTheServerIsToldWhoAsks(t *testing.T) {
	t.Parallel()
	s := startSite(t, httptest.NewServer, version("[]", "", ""))
	token := filepath.Join(t.TempDir(), "token")
	write(t, map[string]string{token: "  first\n"})
	at := func(path string) *url.URL { return address(t, s.URL+path) }
	servers := []Server{
		{URL: at("/headers"), Headers: map[string]string{"authorization": "Token abc", "X-Team": "a b", "host": "rules.example.com"}},
		{URL: at("/token"), BearerTokenFile: token},
		{URL: at("/both"), BearerTokenFile: token, Headers: map[string]string{"Authorization": "Token abc"}},
	}
	read := func(r *Repository) (credentials, team, host string) {
		t.Helper()
		holds(t, r, r.Name+": []")
		request := s.last()
		return strings.Join(request.Header["Authorization"], ","), request.Header.Get("X-Team"), request.Host
	}
	here := s.Listener.Addr().String()
	personal := strings.Replace(s.URL, "http://", "http://ada:sec%3Aret@", 1)
	const basic = "Basic YWRhOnNlYzpyZXQ=" // ada:sec:ret
	for target, want := range map[string][3]string{
		s.URL + "/":             {"", "", here},
		personal + "/":          {basic, "", here},
		s.URL + "/headers":      {"Token abc", "a b", "rules.example.com"},
		personal + "/headers/r": {"Token abc", "a b", "rules.example.com"},
		s.URL + "/headers-2":    {"", "", here},
		s.URL + "/token/r":      {"Bearer first", "", here},
		personal + "/token/r":   {"Bearer first", "", here},
		s.URL + "/both":         {"Bearer first", "", here},
	} {
		credentials, team, host := read(opened(t, target, servers...))
		if got := [3]string{credentials, team, host}; got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}

	r := opened(t, s.URL+"/token", servers...)
	write(t, map[string]string{token: "second"})
	if credentials, _, _ := read(r); credentials != "Bearer second" {
		t.Errorf("after the token changed: %s", credentials)
	}
	for _, text := range []string{"", " \n", "one\ntwo", "null\x00"} {
		write(t, map[string]string{token: text})
		fails(t, r, token+": has to hold one token, in one line")
	}
	s.traffic()
	do(t, os.Remove(token))
	fails(t, r, "open "+token+": no such file or directory")
	if asked, _ := s.traffic(); asked > 0 {
		t.Error("it was asked without the token")
	}
}

// redirecting answers each path by what it says: a status, and where to go.
func redirecting(to map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if location, there := to[r.URL.Path]; there {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusFound)
			return
		}
		version("[]", "", "")(w, r)
	}
}

func TestADocumentMayBeElsewhere(t *testing.T) {
	t.Parallel()
	insecure := startSite(t, httptest.NewServer, version("[2]", "", ""))
	for name, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, other := startSite(t, start, nil), startSite(t, start, version("[1]", "", ""))
			steps := map[string]string{
				"/relative": "rules.json", "/absolute": s.URL + "/rules.json", "/plain": insecure.URL, "/endless": "/endless", "/0": "/1?another", "/malformed": "/%zz?token=secret",
			}
			for i := range maxRedirects {
				steps[fmt.Sprintf("/%d", i+1)] = fmt.Sprintf("/%d", i+2)
			}
			steps["/far"] = other.URL + "/?moved"
			s.says(redirecting(steps))
			from := func(path string, server Server) *Repository {
				server.URL, server.TLS.CA = address(t, s.URL), authority(t, s)
				return opened(t, s.URL+path+"?token=secret", server)
			}
			named := Server{Headers: map[string]string{"X-Token": "secret"}}
			for _, path := range []string{"/relative", "/absolute", "/1"} {
				r := from(path, named)
				holds(t, r, r.Name+": []")
				if request := s.last(); request.Header.Get("X-Token") != "secret" || request.Header.Get("Referer") != "" {
					t.Errorf("%s: %v", path, request.Header)
				}
			}
			personal := strings.Replace(s.URL, "://", "://ada:secret@", 1)
			r := opened(t, personal+"/absolute", Server{URL: address(t, s.URL), TLS: TLS{CA: authority(t, s)}})
			holds(t, r, r.Name+": []")
			if user, password, _ := s.last().BasicAuth(); user != "ada" || password != "secret" {
				t.Errorf("asked by %s with %s", user, password)
			}
			const (
				often, nowhere = "not reached: it redirects too often", "not reached: it redirects to what is no URL"
				insecurely     = "not reached: it redirects from https to http, which is not followed"
				foreign        = "not reached: it redirects to another server, which the credentials are not for"
			)
			refuses := func(r *Repository, want string) {
				t.Helper()
				fails(t, r, want)
			}
			refuses(from("/endless", Server{}), often)
			refuses(from("/0", Server{}), often)
			refuses(from("/malformed", Server{}), nowhere)
			r = from("/far", Server{})
			holds(t, r, r.Name+": [1]")
			if request := other.last(); request.RequestURI != "/?moved" || request.Header.Get("Referer") != "" {
				t.Errorf("the other server is told %s %v", request.RequestURI, request.Header)
			}
			other.traffic()
			if name == "https" {
				refuses(from("/plain", Server{}), insecurely)
				refuses(from("/plain", named), insecurely)
			}
			refuses(from("/far", named), foreign)
			refuses(from("/far", Server{BearerTokenFile: secretFile(t)}), foreign)
			refuses(opened(t, personal+"/far", Server{URL: address(t, s.URL), TLS: TLS{CA: authority(t, s)}}), foreign)
			if asked, _ := other.traffic(); asked > 0 {
				t.Error("the other server was asked with credentials")
			}
		})
	}
	t.Cleanup(func() {
		if asked, _ := insecure.traffic(); asked > 0 {
			t.Error("the server without TLS was asked")
		}
	})
}

func secretFile(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "token")
	write(t, map[string]string{path: "secret"})
	return path
}

// TestNoSecretIsTold in names and messages, whatever goes wrong.
func TestNoSecretIsTold(t *testing.T) {
	t.Parallel()
	s := startSite(t, httptest.NewServer, nil)
	gone := httptest.NewServer(nil)
	gone.Close()
	path := strings.TrimPrefix(s.URL, "http://")
	servers := []Server{{URL: address(t, s.URL), Headers: map[string]string{"X-Key": "s3cr3t-header"}, BearerTokenFile: secretFile(t)}}
	answers := map[string]http.HandlerFunc{
		"good":      version("[]", `"1"`, ""),
		"404":       http.NotFound,
		"500":       func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusInternalServerError) },
		"hangs up":  raw(t, ""),
		"no HTTP":   raw(t, "hello\r\n"),
		"breaks":    raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"),
		"redirects": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) },
		"elsewhere": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, gone.URL+"/?"+r.URL.RawQuery, http.StatusFound)
		},
		"nowhere": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/%zz?"+r.URL.RawQuery)
			w.WriteHeader(http.StatusFound)
		},
	}
	for name, answer := range answers {
		for _, known := range [][]Server{nil, servers} {
			s.says(answer)
			r := opened(t, "http://s3cr3t-user:s3cr3t-password@"+path+"/rules?s3cr3t-query#s3cr3t-fragment", known...)
			content, err := read(t, r)
			text := fmt.Sprint(r.Name, r.Files, told(content), content.Position, err)
			if strings.Contains(strings.ToLower(text), "secret") || strings.Contains(text, "s3cr3t") || (err == nil) != (name == "good") {
				t.Errorf("%s: %s", name, text)
			}
		}
	}
	for _, url := range []string{"http://s3cr3t@h:s3cr3t/", "https://u:s3cr3t@/?s3cr3t", "http://u:s3cr3t@h/%zz", "u:s3cr3t@h?s3cr3t"} {
		if _, err := Open(url, servers); err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

package keyset

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/pipelinetest"
)

func TestAddressesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	const neither, noServer, noFile = "is not a URL of the form https://host/path or file:///path", "is not a URL of the form https://host:port/path", "is not a URL of the form file:///path"
	tests := map[string]string{
		"":                         neither,
		"/etc/jwks.json":           neither,
		"ftp://host/jwks.json":     neither,
		"data:,x":                  neither,
		"http://":                  noServer,
		"https:///jwks.json":       noServer,
		"http://host:port/":        noServer,
		"file://":                  noFile,
		"file://?x":                noFile,
		"file:///a%zz":             noFile,
		"s3://bucket/jwks.json":    "s3:// is not supported by this version; use https:// or file://",
		"gs://bucket/jwks.json":    "gs:// is not supported by this version; use https:// or file://",
		"azblob://bucket/jwks.son": "azblob:// is not supported by this version; use https:// or file://",
	}
	for address, want := range tests {
		if set, err := Open(pipeline.Environment{}, address, ttl); err == nil || err.Error() != want {
			t.Errorf("%s: got %v, %v; want %s", address, set, err, want)
		}
	}
}

func TestFiles(t *testing.T) {
	good, directory := document(t, named("a")), t.TempDir()
	t.Chdir(directory)
	for name, content := range map[string]string{
		"keys.json": good, "a b?.json": good, "page.html": "<html>", "empty.json": "", "long.json": good + strings.Repeat(" ", maxSize),
	} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("keys.json", "link.json"); err != nil {
		t.Fatal(err)
	}
	tests := map[string]error{
		"file://" + directory + "/keys.json":                   nil,
		"FILE://" + directory + "/keys.json":                   nil,
		"file://" + directory + "/./x/../keys.json":            nil,
		"file://" + directory + "/keys.json?v=1":               nil,
		"file://" + directory + "/a%20b%3F.json":               nil,
		"file://" + directory + "/link.json":                   nil,
		"file://keys.json":                                     nil,
		"file://./keys.json":                                   nil,
		"file://../" + filepath.Base(directory) + "/keys.json": nil,
		"file://" + directory + "/nowhere.json":                pipeline.Unavailable,
		"file://" + directory + "/keys.json/x":                 pipeline.Unavailable,
		"file://" + directory:                                  ErrUnusable,
		"file:///dev/zero":                                     ErrUnusable,
		"file://" + directory + "/page.html":                   ErrUnusable,
		"file://" + directory + "/empty.json":                  ErrUnusable,
		"file://" + directory + "/long.json":                   ErrUnusable,
	}
	for address, want := range tests {
		p := newPlace(t, gone)
		set, err := Open(p.environment(t), address, ttl)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if err := has(t, set, "a"); !errors.Is(err, want) {
			t.Errorf("%s: got %v, want %v", address, err, want)
		}
	}
}

func TestAFileIsReadAgain(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "keys.json")
	write := func(id string) {
		t.Helper()
		if err := os.WriteFile(name, []byte(document(t, named(id))), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("a")
	p := newPlace(t, gone)
	set, err := Open(p.environment(t), "file://"+name, ttl)
	if err != nil {
		t.Fatal(err)
	}
	if err := has(t, set, "a"); err != nil {
		t.Fatal(err)
	}
	write("b")
	if err := has(t, set, "b"); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if err := os.Remove(name); err != nil {
		t.Fatal(err)
	}
	p.advance(ttl)
	if err := has(t, set, "b"); err != nil {
		t.Errorf("when the file is gone: %v", err)
	}
}

func TestServersThatDoNotSayTheRightThing(t *testing.T) {
	t.Parallel()
	good := document(t, named("a"))
	redirect := func(status int, to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/good" {
				pipelinetest.Answer(http.StatusOK, good)(w, r)
				return
			}
			if to != "" {
				w.Header().Set("Location", to)
			}
			w.WriteHeader(status)
		}
	}
	packed() // takes a while, for which no server should be blamed
	tests := map[string]struct {
		answer http.HandlerFunc
		want   error
	}{
		"200":                           {pipelinetest.Answer(http.StatusOK, good), nil},
		"203":                           {pipelinetest.Answer(http.StatusNonAuthoritativeInfo, good), nil},
		"204":                           {pipelinetest.Answer(http.StatusNoContent, ""), ErrUnusable},
		"304":                           {pipelinetest.Answer(http.StatusNotModified, ""), ErrUnusable},
		"401":                           {pipelinetest.Answer(http.StatusUnauthorized, good), ErrUnusable},
		"404":                           {pipelinetest.Answer(http.StatusNotFound, good), ErrUnusable},
		"429":                           {pipelinetest.Answer(http.StatusTooManyRequests, good), pipeline.Limited},
		"500":                           {pipelinetest.Answer(http.StatusInternalServerError, good), pipeline.Unavailable},
		"503":                           {pipelinetest.Answer(http.StatusServiceUnavailable, good), pipeline.Unavailable},
		"a page":                        {pipelinetest.Answer(http.StatusOK, "<html></html>"), ErrUnusable},
		"a document without end":        {endless, pipeline.Unavailable},
		"a small bomb":                  {bomb, pipeline.Unavailable},
		"301 to a path":                 {redirect(http.StatusMovedPermanently, "/good"), nil},
		"302 to a relative path":        {redirect(http.StatusFound, "good"), nil},
		"307 to a path":                 {redirect(http.StatusTemporaryRedirect, "/good"), nil},
		"308 to a path":                 {redirect(http.StatusPermanentRedirect, "/good"), nil},
		"302 to itself":                 {redirect(http.StatusFound, "/"), ErrUnusable},
		"302 to nowhere":                {redirect(http.StatusFound, ""), ErrUnusable},
		"302 to what is no address":     {redirect(http.StatusFound, "http://[::1"), pipeline.Unavailable},
		"302 to another host":           {redirect(http.StatusFound, "http://localhost/good"), ErrUnusable},
		"302 to the metadata of clouds": {redirect(http.StatusFound, "//169.254.169.254/good"), ErrUnusable},
		"302 to a file":                 {redirect(http.StatusFound, "file:///etc/passwd"), ErrUnusable},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t, test.answer)
			if err := has(t, p.open(t, "/"), "a"); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
		})
	}
}

func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := fmt.Fprint(w, strings.Repeat(" ", 1<<16)); err != nil {
			return
		}
	}
}

// packed is 8 MiB of blanks.
var packed = sync.OnceValue(func() []byte {
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	if _, err := writer.Write(bytes.Repeat([]byte(" "), 8<<20)); err != nil {
		panic(err)
	}
	if err := writer.Close(); err != nil {
		panic(err)
	}
	return buffer.Bytes()
})

func bomb(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Encoding", "gzip")
	_, _ = w.Write(packed()) // the reader goes before the end
}

func TestRedirectsThatAreFollowed(t *testing.T) {
	t.Parallel()
	tests := []struct {
		from, to string
		want     bool
	}{
		{"http://a.test/1", "http://a.test/2", true},
		{"http://a.test/1", "http://A.test/2", true},
		{"http://a.test/1", "https://a.test/1", true},
		{"http://a.test:8080/1", "https://a.test:8443/1", true},
		{"https://a.test/1", "http://a.test/1", false},
		{"https://a.test/1", "https://b.test/1", false},
		{"https://a.test/1", "https://a.test.evil/1", false},
		{"https://a.test/1", "https://a.test:8443/1", false},
		{"https://a.test/1", "https://a.test@evil/1", false},
		{"http://a.test/1", "https://b.test/1", false},
		{"http://a.test/1", "ftp://a.test/1", false},
	}
	for _, test := range tests {
		from, to := parsed(t, test.from), parsed(t, test.to)
		if got := near(from, to); got != test.want {
			t.Errorf("from %s to %s: %t", from, to, got)
		}
	}
}

func TestFailuresDoNotShowThePasswordOfAnAddress(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]http.HandlerFunc{"gone": gone, "busy": busy, "elsewhere": http.RedirectHandler("//other.test", http.StatusFound).ServeHTTP} {
		p := newPlace(t, answer)
		set, err := Open(p.environment(t), strings.Replace(p.URL, "://", "://user:secret@", 1), ttl)
		if err != nil {
			t.Fatal(err)
		}
		if err := has(t, set, "a"); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", name, err)
		}
		if user, password, _ := (&http.Request{Header: p.Asked()[0].Header}).BasicAuth(); user != "user" || password != "secret" {
			t.Errorf("%s: asked as %q", name, user)
		}
	}
}

func parsed(t *testing.T, address string) *url.URL {
	t.Helper()
	parsed, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

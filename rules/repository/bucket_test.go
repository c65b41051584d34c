//go:build objectstores

package repository

import (
	"context"
	"crypto/md5"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"ostiary/config/document"
)

// TestAnObjectIsSentOnceForEachVersion: versions are told apart by their tags, as
// times are too coarse for that.
func TestAnObjectIsSentOnceForEachVersion(t *testing.T) {
	s := startStore(t)
	r := opened(t, s.object("rules", "teams/access-rules.json"))
	if r.Name != "s3://rules/teams/access-rules.json?…" || !r.Remote || r.Files != nil {
		t.Errorf("%+v", r)
	}
	for _, step := range []struct {
		text string
		gets int64
	}{{"first", 1}, {"first", 0}, {"other", 1}, {"other", 0}, {"", 1}, {"", 0}, {"first", 1}} {
		s.put(t, "teams/access-rules.json", step.text) // always in the same second
		content := holds(t, r, r.Name+": "+step.text)
		tag := fmt.Sprintf(`"%x"`, md5.Sum([]byte(step.text)))
		if gets := s.gets.Swap(0); gets != step.gets || content.Position != tag {
			t.Errorf("%q was sent %d times, and is called %s", step.text, gets, content.Position)
		}
	}
}

// TestAnObjectThatCannotBeReadSaysWhy, and what was read before is still known.
func TestAnObjectThatCannotBeReadSaysWhy(t *testing.T) {
	s := startStore(t)
	const none, denied = "there is no such object, or no such bucket", "the object store does not let this engine read the object"
	r := opened(t, s.object("rules", "r.json"))
	fails(t, r, none)
	s.put(t, "r.json", "[]")
	holds(t, r, r.Name+": []")
	for status, want := range map[int32]string{
		400: "the server answered 400 Bad Request",
		401: denied,
		403: denied,
		404: none,
		429: "the server answered 429 Too Many Requests",
		501: "the server answered 501 Not Implemented",
		503: "the server answered 503 Service Unavailable",
	} {
		s.status.Store(status)
		failsFor(t, r, want, status == 429 || status == 503)
	}
	s.status.Store(0)
	s.gets.Store(0)
	holds(t, r, r.Name+": []")
	if gets := s.gets.Load(); gets > 0 {
		t.Errorf("it was sent again, %d times", gets)
	}
	do(t, s.backend.ForceDeleteBucket("rules"))
	fails(t, r, none)
	fails(t, opened(t, s.object("gone", "r.json")), none)

	s.status.Store(hang)
	ctx, cancel := context.WithCancel(t.Context())
	limit := &expiry{Context: ctx, over: make(chan struct{})}
	go func() {
		<-s.hanging
		close(limit.over)
	}()
	if _, err := r.Read(limit); err == nil || err.Error() != "not reached: no answer in time" || !Temporary(err) {
		t.Errorf("got %v", err)
	}
	cancel()
	s.Close()
	failsForNow(t, r, "not reached: dial tcp "+s.Listener.Addr().String()+": connect: connection refused")
}

func TestAnObjectHasAnEnd(t *testing.T) {
	s := startStore(t)
	r := opened(t, s.object("rules", "r.json"))
	s.put(t, "r.json", strings.Repeat(" ", document.MaxSize+1))
	fails(t, r, fmt.Sprintf("the object has more than the %d bytes that are read", document.MaxSize))
	s.put(t, "r.json", "[]")
	holds(t, r, r.Name+": []")
}

func TestURLsOfObjects(t *testing.T) {
	gone := filepath.Join(t.TempDir(), "gone.json")
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", gone)
	t.Setenv("STORAGE_EMULATOR_HOST", "")
	for _, name := range []string{"AZURE_STORAGE_ACCOUNT", "AZURE_STORAGE_KEY", "AZURE_STORAGE_SAS_TOKEN", "AZURE_STORAGE_CONNECTION_STRING"} {
		t.Setenv(name, "")
	}
	for url, want := range map[string]string{
		"s3://":                     `"s3:"`,
		"s3://rules":                `"s3://rules"`,
		"s3://rules/":               `"s3://rules/"`,
		"gs:///r.json":              `"gs:///r.json"`,
		"azblob://container?secret": `"azblob://container?…"`,
		"s3://ru les/r.json":        `"a URL that cannot be read"`,
	} {
		want += " is not the URL of an object such as s3://bucket/access-rules.json"
		if r, err := Open(url, nil); err == nil || err.Error() != want {
			t.Errorf("%s: %+v, %v", url, r, err)
		}
	}
	for url, want := range map[string]string{
		"s3://rules/r.json?region=us-east-1&token=secret": `open bucket s3://rules?…: unknown query parameter "token"`,
		"gs://rules/r.json":         "google: error getting credentials using GOOGLE_APPLICATION_CREDENTIALS environment variable: open " + gone + ": no such file or directory",
		"azblob://container/r.json": "azureblob: Options.AccountName is required",
	} {
		fails(t, opened(t, url), "the object store cannot be opened: "+want)
	}
}

const hang = -1 // in place of a status

// store is an object store that speaks Amazon's protocol.
type store struct {
	*httptest.Server
	backend *s3mem.Backend
	gets    atomic.Int64
	status  atomic.Int32 // that it answers with; or hang, or zero
	hanging chan struct{}
}

func startStore(t *testing.T) *store {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "engine")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	s := &store{backend: s3mem.New(), hanging: make(chan struct{}, 1)}
	do(t, s.backend.CreateBucket("rules"))
	serve := gofakes3.New(s.backend).Server()
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			s.gets.Add(1)
		}
		switch status := s.status.Load(); status {
		case hang:
			s.hanging <- struct{}{}
			<-r.Context().Done()
		case 0:
			serve.ServeHTTP(w, r)
		default:
			w.WriteHeader(int(status))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *store) object(bucket, key string) string {
	return fmt.Sprintf("s3://%s/%s?region=us-east-1&use_path_style=true&endpoint=%s", bucket, key, s.URL)
}

func (s *store) put(t *testing.T, key, text string) {
	t.Helper()
	_, err := s.backend.PutObject("rules", key, map[string]string{}, strings.NewReader(text), int64(len(text)), nil)
	do(t, err)
}

package repository

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"ostiary/config/document"
)

// site is a web server that can be told what to do. It remembers what it was
// asked, and counts what it sent.
type site struct {
	*httptest.Server
	mutex  sync.Mutex
	answer http.HandlerFunc
	asked  []*http.Request
	sent   int // bytes of documents
}

func startSite(t *testing.T, start func(http.Handler) *httptest.Server, answer http.HandlerFunc) *site {
	t.Helper()
	s := &site{answer: answer}
	s.Server = start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		answer := s.answer
		s.asked = append(s.asked, r)
		s.mutex.Unlock()
		answer(&counting{w, s}, r)
	}))
	t.Cleanup(s.Close)
	return s
}

type counting struct {
	http.ResponseWriter
	site *site
}

func (c *counting) Write(text []byte) (int, error) {
	n, err := c.ResponseWriter.Write(text)
	c.site.mutex.Lock()
	defer c.site.mutex.Unlock()
	c.site.sent += n
	return n, err
}

func (c *counting) Unwrap() http.ResponseWriter { return c.ResponseWriter }

func (s *site) says(answer http.HandlerFunc) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.answer = answer
}

// last is the last request, which there has to be.
func (s *site) last() *http.Request {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.asked[len(s.asked)-1]
}

// traffic is what there was since it was asked last.
func (s *site) traffic() (asked, sent int) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	asked, sent = len(s.asked), s.sent
	s.asked, s.sent = s.asked[:0], 0
	return asked, sent
}

// version is a document as a web server has it: net/http knows what a condition
// means.
func version(text, tag, modified string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		if modified != "" {
			w.Header().Set("Last-Modified", modified)
		}
		met := r.Header.Get("If-None-Match") != "" && r.Header.Get("If-None-Match") == tag ||
			r.Header.Get("If-None-Match") == "" && modified != "" && r.Header.Get("If-Modified-Since") == modified
		if met {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		_, _ = io.WriteString(w, text)
	}
}

const (
	monday  = "Mon, 02 Nov 2026 10:00:00 GMT"
	tuesday = "Tue, 03 Nov 2026 10:00:00 GMT"
)

// TestADocumentOnTheWebIsSentOnceForEachVersion, whatever tells versions apart.
func TestADocumentOnTheWebIsSentOnceForEachVersion(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(http.Handler) *httptest.Server{"http": httptest.NewServer, "https": httptest.NewTLSServer} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := startSite(t, start, nil)
			r := opened(t, s.URL+"/rules.json", Server{URL: address(t, s.URL), TLS: TLS{CA: authority(t, s)}})
			if name := s.URL + "/rules.json"; r.Name != name || r.Key != name {
				t.Errorf("%+v", r)
			}
			for _, step := range []struct {
				because             string
				text, tag, modified string
				sent                bool
				position            string
			}{
				{"it has not been read", "first", `"1"`, monday, true, `"1"`},
				{"it is the same", "first", `"1"`, monday, false, `"1"`},
				{"it is another within the same second", "other", `"2"`, monday, true, `"2"`},
				{"it is the same", "other", `"2"`, monday, false, `"2"`},
				{"only the date is another", "other", `"2"`, tuesday, false, `"2"`},
				{"its tag is a weak one", "third", `W/"3"`, tuesday, true, `W/"3"`},
				{"it is the same", "third", `W/"3"`, tuesday, false, `W/"3"`},
				{"it has no tag any more", "third", "", tuesday, true, tuesday},
				{"it is the same by its date", "third", "", tuesday, false, tuesday},
				{"its date is an earlier one", "fourth", "", monday, true, monday},
				{"nothing tells versions apart any more", "fourth", "", "", true, ""},
				{"it may be another", "fourth", "", "", true, ""},
				{"it has a tag again", "fourth", `"4"`, "", true, `"4"`},
				{"it is the same", "fourth", `"4"`, "", false, `"4"`},
				{"it is empty", "", `"5"`, "", true, `"5"`},
				{"it is the same", "", `"5"`, "", false, `"5"`},
			} {
				s.says(version(step.text, step.tag, step.modified))
				content := holds(t, r, r.Name+": "+step.text)
				want := 0
				if step.sent {
					want = len(step.text)
				}
				if asked, sent := s.traffic(); asked != 1 || sent != want || content.Position != step.position {
					t.Errorf("%s: asked %d times, sent %d bytes, called %s", step.because, asked, sent, content.Position)
				}
			}
		})
	}
}

func TestAServerIsAskedForADocument(t *testing.T) {
	t.Parallel()
	s := startSite(t, httptest.NewServer, version("[]", `"1"`, monday))
	r := opened(t, s.URL+"/a%2Fb/rules%20of%20mine.json?a=1&b=%26#c")
	holds(t, r, s.URL+"/a%2Fb/rules%20of%20mine.json?…: []")
	request := s.last()
	if request.Method != http.MethodGet || request.RequestURI != "/a%2Fb/rules%20of%20mine.json?a=1&b=%26" {
		t.Errorf("%s %s", request.Method, request.RequestURI)
	}
	if got := request.Header.Get("Accept"); got != "application/json, application/yaml, */*;q=0.5" {
		t.Errorf("it is to answer with %s", got)
	}
	if _, asked := request.Header["If-None-Match"]; asked || request.Header.Get("If-Modified-Since") != "" || request.Header.Get("Authorization") != "" {
		t.Errorf("%v", request.Header)
	}
	holds(t, r, r.Name+": []")
	if request := s.last(); request.Header.Get("If-None-Match") != `"1"` || request.Header.Get("If-Modified-Since") != "" {
		t.Errorf("%v", request.Header)
	}
}

// TestAnAnswerThatIsNoDocumentTakesNothingAway: what was read last is still
// known, and is what a later 304 is about.
func TestAnAnswerThatIsNoDocumentTakesNothingAway(t *testing.T) {
	t.Parallel()
	s := startSite(t, httptest.NewServer, version("[]", `"1"`, ""))
	r := opened(t, s.URL)
	holds(t, r, s.URL+": []")
	for status, temporary := range map[int]bool{
		201: false, 204: false, 206: false, 300: false, 400: false, 401: false, 403: false, 404: false, 410: false, 418: false,
		429: true, 500: true, 501: false, 502: true, 503: true, 504: true,
	} {
		s.says(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"2"`)
			w.WriteHeader(status)
		})
		failsFor(t, r, fmt.Sprintf("the server answered %d %s", status, http.StatusText(status)), temporary)
		s.says(version("not sent", `"1"`, ""))
		holds(t, r, s.URL+": []")
	}
	s.says(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotModified) })
	fails(t, opened(t, s.URL), "the server answered 304 Not Modified") // nobody has it yet
	if Temporary(nil) {
		t.Error("there is nothing that would be temporary")
	}
}

func TestAnAnswerThatBreaksOffIsNone(t *testing.T) {
	t.Parallel()
	s := startSite(t, httptest.NewServer, version("[]", `"1"`, ""))
	r := opened(t, s.URL)
	holds(t, r, s.URL+": []")
	for name, answer := range map[string]string{
		"short of its length":     "HTTP/1.1 200 OK\r\nETag: \"2\"\r\nContent-Length: 10\r\n\r\n[]",
		"in the middle of pieces": "HTTP/1.1 200 OK\r\nETag: \"2\"\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n[]\r\n",
		"in the middle of one":    "HTTP/1.1 200 OK\r\nETag: \"2\"\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n[]",
	} {
		t.Run(name, func(t *testing.T) {
			s.says(raw(t, answer))
			failsForNow(t, r, "the answer breaks off: unexpected EOF")
			s.says(version("[]", `"1"`, ""))
			holds(t, r, s.URL+": []")
			if got := s.last().Header.Get("If-None-Match"); got != `"1"` {
				t.Errorf("what broke off is known as %s", got)
			}
		})
	}
	s.says(raw(t, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nContent-Encoding: gzip\r\n\r\n\x1f\x8b\x08\x00"))
	failsForNow(t, r, "the answer breaks off: unexpected EOF")
}

// raw answers with these bytes and hangs up.
func raw(t *testing.T, answer string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(connection, answer)
		_ = connection.Close()
	}
}

func TestWhatIsNoHTTPIsNotReached(t *testing.T) {
	t.Parallel()
	s := startSite(t, httptest.NewServer, nil)
	for answer, want := range map[string]string{
		"":                              "not reached: EOF",
		"SSH-2.0-OpenSSH\r\n\r\n":       `not reached: net/http: HTTP/1.x transport connection broken: malformed HTTP response "SSH-2.0-OpenSSH"`,
		"HTTP/1.1 OK\r\n\r\n":           `not reached: net/http: HTTP/1.x transport connection broken: malformed HTTP status code "OK"`,
		"HTTP/1.1 200 OK\r\nLocation: ": "not reached: net/http: HTTP/1.x transport connection broken: unexpected EOF",
	} {
		s.says(raw(t, answer))
		failsForNow(t, opened(t, s.URL), want)
	}
}

// TestADocumentHasAnEnd: it is read as it comes, and no further than it may be
// long.
func TestADocumentHasAnEnd(t *testing.T) {
	t.Parallel()
	spaces := strings.Repeat(" ", 1<<20)
	s := startSite(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := io.WriteString(w, spaces); err != nil {
				return
			}
		}
	})
	fails(t, opened(t, s.URL), fmt.Sprintf("the answer has more than the %d bytes that are read", document.MaxSize))
}

func TestAServerThatIsNotThereIsNotReached(t *testing.T) {
	t.Parallel()
	socket, err := net.Listen("tcp", "127.0.0.1:0")
	do(t, err)
	do(t, socket.Close())
	failsForNow(t, opened(t, "http://ada:secret@"+socket.Addr().String()+"/?secret"), "not reached: dial tcp "+socket.Addr().String()+": connect: connection refused")
}

// TestAnAnswerThatDoesNotComeInTimeIsNone, neither its beginning nor its end.
func TestAnAnswerThatDoesNotComeInTimeIsNone(t *testing.T) {
	t.Parallel()
	const neither, end = "not reached: no answer in time", "the answer breaks off: no answer in time"
	for _, want := range []string{neither, end} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			hangs := make(chan struct{}, 1)
			s := startSite(t, httptest.NewServer, func(w http.ResponseWriter, r *http.Request) {
				if want == end {
					_, _ = io.WriteString(w, "[")
					_ = http.NewResponseController(w).Flush()
				}
				hangs <- struct{}{}
				<-r.Context().Done()
			})
			r := opened(t, s.URL)
			// Only the engine knows when it has seen the beginning, so the time it has for that grows.
			for pause := time.Millisecond; ; pause *= 2 {
				limit := &expiry{Context: t.Context(), over: make(chan struct{})}
				go func() {
					<-hangs
					time.Sleep(pause)
					close(limit.over)
				}()
				_, err := r.Read(limit)
				if err == nil || !Temporary(err) || err.Error() != want && (err.Error() != neither || pause > patience) {
					t.Fatalf("got %v", err)
				}
				if err.Error() == want {
					return
				}
			}
		})
	}
}

// expiry is a context whose time is over when the test says so.
type expiry struct {
	context.Context
	over chan struct{}
}

func (e *expiry) Done() <-chan struct{} { return e.over }

func (e *expiry) Err() error {
	select {
	case <-e.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func TestNobodyWaitsAnyMore(t *testing.T) {
	t.Parallel()
	s := startSite(t, httptest.NewServer, version("[]", "", ""))
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := opened(t, s.URL).Read(ended); err == nil || err.Error() != "not reached: context canceled" {
		t.Error(err)
	}
}

// TestTheSameFailureIsToldInTheSameWords: what is another in each attempt, such as
// the port of the engine's side, would make a new problem of an old one.
func TestTheSameFailureIsToldInTheSameWords(t *testing.T) {
	t.Parallel()
	s := startSite(t, httptest.NewServer, func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_ = connection.(*net.TCPConn).SetLinger(0) // hangs up with a reset
		_ = connection.Close()
	})
	r := opened(t, s.URL)
	for range 3 {
		failsForNow(t, r, "not reached: read tcp "+s.Listener.Addr().String()+": read: connection reset by peer")
	}
}

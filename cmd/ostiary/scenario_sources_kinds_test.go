package main_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Something slow takes so many pieces, and a while for each.
const (
	slowPieces = 20
	slowPause  = 50 * time.Millisecond
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// rename puts a text into a file all at once.
func rename(t *testing.T, path, text string) {
	t.Helper()
	fresh := filepath.Join(filepath.Dir(path), ".fresh")
	must(t, os.WriteFile(fresh, []byte(text), 0o644))
	must(t, os.Rename(fresh, path))
}

// documentFaults are what can happen to a file with rules.
func documentFaults(s *sourced, path string) []fault {
	written := func(text string) func(*testing.T, string) {
		return func(t *testing.T, _ string) { must(t, os.WriteFile(path, []byte(text), 0o644)) }
	}
	return []fault{
		{name: "garbage", bring: written("\x00\xffgarbage{"), says: "rules.json:1: "},
		{name: "zero bytes", bring: written(""), says: "rules.json: the file is empty"},
		{name: "an object", bring: written(`{"id": "only"}`), says: "rules.json:1: expected an array of access rules, got object"},
		{
			name:  "truncation",
			bring: func(t *testing.T, _ string) { must(t, os.Truncate(path, 5000)) },
			says:  "rules.json:2: invalid JSON: the file ends in the middle of a value",
		},
		{
			name: "a slow writer",
			bring: func(t *testing.T, next string) {
				file, err := os.Create(path)
				must(t, err)
				defer file.Close()
				for i := range slowPieces {
					_, err := file.WriteString(piece(next, i))
					must(t, err)
					s.decidesBy(t, s.version-1)
					time.Sleep(slowPause)
				}
			},
			says: "rules.json:2: invalid JSON: the file ends in the middle of a value",
			mend: func(t *testing.T, next string) {
				file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
				must(t, err)
				_, err = file.WriteString(piece(next, slowPieces))
				must(t, err)
				must(t, file.Close())
			},
		},
		{
			name: "a symbolic link to itself",
			bring: func(t *testing.T, _ string) {
				must(t, os.Remove(path))
				must(t, os.Symlink(filepath.Base(path), path))
			},
			says: ": too many levels of symbolic links",
		},
		{
			name:  "no permission",
			bring: func(t *testing.T, _ string) { must(t, os.Chmod(path, 0)) },
			says:  ": permission denied",
		},
		{
			name: "a directory",
			bring: func(t *testing.T, _ string) {
				must(t, os.Remove(path))
				must(t, os.Mkdir(path, 0o755))
			},
			says: "is a directory",
			mend: func(t *testing.T, next string) {
				must(t, os.Remove(path))
				s.put(t, next)
			},
		},
	}
}

// piece is one of slowPieces+1 that make up the text.
func piece(text string, i int) string {
	return text[i*len(text)/(slowPieces+1) : (i+1)*len(text)/(slowPieces+1)]
}

// directoryFaults are what can happen to the directory of a file with rules.
func directoryFaults(s *sourced, dir string, gone, unreadable string) []fault {
	back := func(t *testing.T, next string) {
		must(t, os.RemoveAll(dir))
		must(t, os.Rename(dir+"-away", dir))
		s.put(t, next)
	}
	away := func(t *testing.T) { must(t, os.Rename(dir, dir+"-away")) }
	return []fault{
		{name: "the directory is gone", bring: func(t *testing.T, _ string) { away(t) }, says: gone, mend: back},
		{
			name: "the directory is a symbolic link to itself",
			bring: func(t *testing.T, _ string) {
				away(t)
				must(t, os.Symlink(filepath.Base(dir), dir))
			},
			says: ": too many levels of symbolic links", mend: back,
		},
		{
			name:  "no permission for the directory",
			bring: func(t *testing.T, _ string) { must(t, os.Chmod(dir, 0)) },
			says:  unreadable,
			mend: func(t *testing.T, next string) {
				must(t, os.Chmod(dir, 0o755))
				s.put(t, next)
			},
		},
	}
}

func fileSource(t *testing.T, dir string) *sourced {
	t.Helper()
	path := filepath.Join(dir, "rules.json")
	s := &sourced{source: "file://" + path}
	s.put = func(t *testing.T, rules string) { rename(t, path, rules) }
	s.remove = func(t *testing.T) { must(t, os.Remove(path)) }
	s.faults = append(documentFaults(s, path), directoryFaults(s, dir, ": no such file or directory", ": permission denied")...)
	s.faults = append(s.faults, fault{name: "deletion", bring: func(t *testing.T, _ string) { s.remove(t) }, says: ": no such file or directory"})
	return s
}

func directorySource(t *testing.T, dir string) *sourced {
	t.Helper()
	path := filepath.Join(dir, "rules.json")
	s := &sourced{source: "file://" + dir}
	s.put = func(t *testing.T, rules string) { rename(t, path, rules) }
	s.remove = func(t *testing.T) { must(t, os.Remove(path)) }
	s.faults = append(documentFaults(s, path), directoryFaults(s, dir, ": no such file or directory", ": permission denied")...)
	s.faults = append(s.faults,
		fault{name: "deletion", bring: func(t *testing.T, _ string) { s.remove(t) }, says: ": is a directory without a rule file"},
		fault{
			name: "a file in place of the directory",
			bring: func(t *testing.T, _ string) {
				must(t, os.Rename(dir, dir+"-away"))
				must(t, os.WriteFile(dir, []byte("garbage"), 0o644))
			},
			says: ":1: expected an array of access rules, got string",
			mend: func(t *testing.T, next string) {
				must(t, os.Remove(dir))
				must(t, os.Rename(dir+"-away", dir))
				s.put(t, next)
			},
		},
		fault{
			name: "another file, which is broken, in place of the one",
			bring: func(t *testing.T, _ string) {
				must(t, os.Rename(path, filepath.Join(dir, "other.json")))
				must(t, os.WriteFile(filepath.Join(dir, "other.json"), []byte("garbage"), 0o644))
			},
			says: "other.json:1: ",
			mend: func(t *testing.T, next string) {
				must(t, os.Remove(filepath.Join(dir, "other.json")))
				s.put(t, next)
			},
		})
	return s
}

func patternSource(t *testing.T, dir string) *sourced {
	t.Helper()
	path := filepath.Join(dir, "rules.json")
	s := &sourced{source: "file://" + dir + "/*.json"}
	s.put = func(t *testing.T, rules string) { rename(t, path, rules) }
	s.remove = func(t *testing.T) { must(t, os.Remove(path)) }
	const none = ": no file is called like that"
	s.faults = append(documentFaults(s, path), directoryFaults(s, dir, none, ": permission denied")...)
	s.faults = append(s.faults, fault{name: "deletion", bring: func(t *testing.T, _ string) { s.remove(t) }, says: none})
	return s
}

// rulesSite is a web server with rules, which can be told to do something else.
type rulesSite struct {
	address string
	server  *http.Server

	mutex  sync.Mutex
	answer http.HandlerFunc
}

func (s *rulesSite) says(answer http.HandlerFunc) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.answer = answer
}

func (s *rulesSite) listen(t *testing.T) {
	t.Helper()
	socket, err := net.Listen("tcp", s.address)
	must(t, err)
	s.server = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mutex.Lock()
		answer := s.answer
		s.mutex.Unlock()
		answer(w, r)
	})}
	server := s.server
	go func() {
		if err := server.Serve(socket); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}()
}

// text answers with the text, whose versions are told by a tag.
func text(text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", fmt.Sprintf(`"%x"`, sha256.Sum256([]byte(text))))
		http.ServeContent(w, r, "rules.json", time.Time{}, strings.NewReader(text))
	}
}

func webSource(t *testing.T, _ string) *sourced {
	t.Helper()
	site := &rulesSite{address: fmt.Sprintf("127.0.0.1:%d", freePort(t)), answer: http.NotFound}
	ctx, leave := context.WithCancel(context.Background())
	site.listen(t)
	t.Cleanup(func() {
		leave()
		site.server.Close()
	})
	s := &sourced{source: "http://" + site.address + "/rules.json"}
	s.put = func(_ *testing.T, rules string) { site.says(text(rules)) }
	s.remove = func(*testing.T) { site.says(http.NotFound) }
	status := func(status int) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
	}
	always := func(answer http.HandlerFunc) func(*testing.T, string) {
		return func(*testing.T, string) { site.says(answer) }
	}
	raw := func(answer string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			connection, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(connection, answer)
			connection.Close()
		}
	}
	s.faults = []fault{
		{name: "garbage", bring: always(text("\x00\xffgarbage{")), says: "rules.json:1: "},
		{name: "zero bytes", bring: always(text("")), says: "rules.json: the file is empty"},
		{name: "an object", bring: always(text(`{"id": "only"}`)), says: "rules.json:1: expected an array of access rules, got object"},
		{name: "a page", bring: always(text("<!DOCTYPE html><title>Log in</title>")), says: "rules.json:1: "},
		{
			name:  "half of it",
			bring: func(_ *testing.T, next string) { site.says(text(next[:len(next)/2])) },
			says:  "rules.json:2: invalid JSON: the file ends in the middle of a value",
		},
		{
			name:  "an answer that breaks off",
			bring: always(raw("HTTP/1.1 200 OK\r\nETag: \"off\"\r\nContent-Length: 9000\r\n\r\n[]")),
			says:  "the answer breaks off: unexpected EOF",
		},
		{name: "not found", bring: always(http.NotFound), says: "the server answered 404 Not Found"},
		{name: "out of order", bring: always(status(http.StatusInternalServerError)), says: "the server answered 500 Internal Server Error"},
		{name: "no HTTP", bring: always(raw("")), says: "not reached: EOF"},
		{
			name: "no answer",
			bring: always(func(_ http.ResponseWriter, r *http.Request) {
				select {
				case <-r.Context().Done():
				case <-ctx.Done():
				}
			}),
			says: "not reached: no answer in time",
		},
		{
			name: "a slow answer",
			bring: func(_ *testing.T, next string) {
				site.says(func(w http.ResponseWriter, r *http.Request) {
					for i := range slowPieces {
						_, _ = io.WriteString(w, piece(next, i))
						_ = http.NewResponseController(w).Flush()
						select {
						case <-r.Context().Done():
							return
						case <-ctx.Done():
							return
						case <-time.After(slowPause):
						}
					}
				})
			},
			says: "the answer breaks off: no answer in time",
		},
		{
			name:  "a redirect without end",
			bring: always(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) }),
			says:  "not reached: it redirects too often",
		},
		{
			name:  "no server",
			bring: func(*testing.T, string) { site.server.Close() },
			says:  "connection refused",
			mend: func(t *testing.T, next string) {
				s.put(t, next)
				site.listen(t)
			},
		},
	}
	return s
}

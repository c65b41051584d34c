package main_test

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
)

// witness is an upstream that remembers every byte that it is sent, and answers 200 to everything.
type witness struct {
	url     string
	mutex   sync.Mutex
	heard   []*testimony
	answers func(*testimony) string // the whole answer, if it is to be another one; empty: as always
	forgets bool                    // there is too much to remember
}

// testimony is a request as it came.
type testimony struct {
	target string
	lines  []string // of the header, with their case and order
	body   string   // without its chunks, and with its trailer behind it
	name   string   // of the attempt that it came of
}

// values are those of a header, by its name in any case.
func (s *testimony) values(name string) []string {
	var all []string
	for _, line := range s.lines {
		if key, value, _ := strings.Cut(line, ":"); strings.EqualFold(key, name) {
			all = append(all, strings.TrimSpace(value))
		}
	}
	return all
}

func startWitness(t testing.TB) *witness {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &witness{url: "http://" + listener.Addr().String()}
	var serving sync.WaitGroup
	var mutex sync.Mutex
	var open []net.Conn
	serving.Go(func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			mutex.Lock()
			open = append(open, connection)
			mutex.Unlock()
			serving.Go(func() {
				defer connection.Close()
				w.listen(connection)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		mutex.Lock()
		for _, connection := range open {
			connection.Close()
		}
		mutex.Unlock()
		serving.Wait()
	})
	return w
}

// listen hears the requests of a connection.
func (w *witness) listen(connection net.Conn) {
	var raw bytes.Buffer
	reader := bufio.NewReader(io.TeeReader(connection, &raw))
	for {
		raw.Reset()
		request, err := http.ReadRequest(reader)
		if err != nil {
			return
		}
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		head, _, _ := strings.Cut(raw.String(), "\r\n\r\n")
		lines := strings.Split(head, "\r\n")
		text := string(body)
		for name, values := range request.Trailer {
			text += "\n" + name + ": " + strings.Join(values, ",")
		}
		said := &testimony{target: request.RequestURI, lines: lines[1:], body: text, name: request.Header.Get("X-Case")}
		w.mutex.Lock()
		if !w.forgets {
			w.heard = append(w.heard, said)
		}
		answers := w.answers
		w.mutex.Unlock()
		answer := ""
		if answers != nil {
			answer = answers(said)
		}
		if answer == "" {
			answer = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nserved"
		}
		if _, err := io.WriteString(connection, answer); err != nil {
			return
		}
	}
}

// of is what came of the attempt of that name.
func (w *witness) of(name string) []*testimony {
	return w.those(func(s *testimony) bool { return s.name == name })
}

// those are the requests that something holds for.
func (w *witness) those(holds func(*testimony) bool) []*testimony {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.DeleteFunc(slices.Clone(w.heard), func(s *testimony) bool { return !holds(s) })
}

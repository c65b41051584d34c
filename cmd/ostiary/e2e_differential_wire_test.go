//go:build e2e

package main_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// How much is on the way at a time: so little that no side waits for the other to read.
const (
	wireRequests = 64
	wireBytes    = 24 << 10
	wireLimit    = 2 * time.Minute // for a batch, before it counts as hung
)

// pipelined sends requests before those ahead of them are answered, each with any bytes for a target. Servers that refuse one
// may close the connection on those behind it, which are sent again then.
type pipelined struct {
	address string
	// lines are those of the header, of a request for that target. The request line follows from target.
	lines func(target string) string
	// fixed is asked for in place of the target, if it is not empty.
	fixed string

	number     int
	connection net.Conn
	reader     *bufio.Reader
}

// wireAnswer is an answer. Its status is 0 if the server closed the connection without one.
type wireAnswer struct {
	status int
	header http.Header
	body   []byte
}

// toGate are the lines of a request to the site itself.
func toGate(string) string { return "Host: " + gateHost + "\r\n" }

// ask sends a request for each of the targets. What answers with a body behind a status 200 has to begin it with the
// number of the request, so that no answer counts for another target.
func (w *pipelined) ask(targets []string) ([]wireAnswer, error) {
	// Behind a request that ends its connection no other is sent, as far as that can be foreseen: it would be for nothing.
	var order []int
	var sent []string
	pipelining := 0
	for _, ending := range []bool{false, true} {
		for i, target := range targets {
			if endsConnection(target) == ending {
				order, sent = append(order, i), append(sent, target)
			}
		}
		if !ending {
			pipelining = len(sent)
		}
	}
	answers := make([]wireAnswer, len(targets))
	alone := false
	for done := 0; done < len(sent); {
		got, err := w.batch(sent[done:], alone || done >= pipelining)
		if err != nil {
			return nil, err
		}
		switch {
		case len(got) == 0 && alone:
			got, alone = []wireAnswer{{}}, false
		default:
			alone = len(got) == 0
		}
		for _, answer := range got {
			answers[order[done]] = answer
			done++
		}
	}
	return answers, nil
}

// endsConnection reports whether servers are likely to refuse a target and to close the connection.
func endsConnection(target string) bool {
	_, err := url.ParseRequestURI(target)
	return err != nil || strings.ContainsAny(target, " \n")
}

// batch is the answers to the first ones of these requests, until the server closes the connection.
func (w *pipelined) batch(targets []string, alone bool) (answers []wireAnswer, err error) {
	if w.connection == nil {
		if w.connection, err = net.Dial("tcp", w.address); err != nil {
			return nil, fmt.Errorf("connecting to %s: %w", w.address, err)
		}
		w.reader = bufio.NewReaderSize(w.connection, 32<<10)
	}
	if err = w.connection.SetDeadline(time.Now().Add(wireLimit)); err != nil {
		return nil, fmt.Errorf("connection to %s: %w", w.address, err)
	}
	var requests bytes.Buffer
	count := 0
	for count < len(targets) && count < wireRequests && requests.Len() < wireBytes && (count == 0 || !alone) {
		w.write(&requests, targets[count], w.number+count)
		count++
	}
	first := w.number
	w.number += count
	// A server that has already closed the connection is noticed when its answers are read.
	_, _ = w.connection.Write(requests.Bytes())
	for last := false; len(answers) < count && !last; {
		var answer wireAnswer
		answer, last, err = w.read(first + len(answers))
		if errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, errForAnother) {
			return nil, fmt.Errorf("%s, asked for %q: %w", w.address, targets[len(answers)], err)
		}
		if err == nil {
			answers = append(answers, answer)
		}
		if last {
			w.close()
		}
	}
	return answers, nil
}

func (w *pipelined) write(to *bytes.Buffer, target string, number int) {
	line := target
	if w.fixed != "" {
		line = w.fixed
	}
	fmt.Fprintf(to, "GET %s HTTP/1.1\r\nX-Number: %d\r\n%s\r\n", line, number, w.lines(target))
}

var errForAnother = errors.New("the answer is not to this request")

// read reads the next answer. It is the last one if the server closes the connection behind it, or in place of it.
func (w *pipelined) read(number int) (answer wireAnswer, last bool, err error) {
	response, err := http.ReadResponse(w.reader, nil)
	if err != nil {
		return answer, true, fmt.Errorf("answer: %w", err)
	}
	if response.Close && response.StatusCode != http.StatusOK { // what it says may be lost when it closes the connection
		return wireAnswer{response.StatusCode, response.Header, nil}, true, nil
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return answer, true, fmt.Errorf("answer: %w", err)
	}
	if response.StatusCode == http.StatusOK && len(body) > 0 {
		told, rest, _ := bytes.Cut(body, []byte(" "))
		if string(told) != strconv.Itoa(number) {
			return answer, true, fmt.Errorf("%w: its number is %q, not %d", errForAnother, told, number)
		}
		body = rest
	}
	return wireAnswer{response.StatusCode, response.Header, body}, response.Close, nil
}

func (w *pipelined) close() {
	if w.connection != nil {
		w.connection.Close()
		w.connection = nil
	}
}

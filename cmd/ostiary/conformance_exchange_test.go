package main_test

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// exchangeLimit bounds one exchange with the engine; no case expects an answer to take that long.
const exchangeLimit = 20 * time.Second

// request is what a case sends: either its parts, which are written down as they stand, or all bytes in raw.
type request struct {
	Method  string      `json:"method"`
	Target  *string     `json:"target"`
	Host    *string     `json:"host"`
	Headers headerLines `json:"headers"`
	Body    content     `json:"body"`
	Raw     *string     `json:"raw"`
}

// answer is what came back. Names of headers are in lower case.
type answer struct {
	status  int
	headers map[string][]string
	body    string
}

// exchange sends one request over a connection of its own, byte for byte, and reads the first answer. It goes
// without an HTTP client because the requests that matter most are those that no client would send.
func exchange(address string, r request) (answer, error) {
	wire, err := r.wire(address)
	if err != nil {
		return answer{}, err
	}
	conn, err := net.DialTimeout("tcp", address, exchangeLimit)
	if err != nil {
		return answer{}, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(exchangeLimit)); err != nil {
		return answer{}, err
	}
	// An engine may answer before it has read everything; then writing fails, and the answer is there to read.
	_, writeErr := conn.Write(wire)
	got, err := readAnswer(bufio.NewReader(conn), r.method())
	if err != nil {
		return answer{}, cmp.Or(writeErr, err)
	}
	return got, nil
}

func readAnswer(from *bufio.Reader, method string) (answer, error) {
	for {
		response, err := http.ReadResponse(from, &http.Request{Method: method})
		if err != nil {
			return answer{}, err
		}
		if response.StatusCode == http.StatusContinue {
			continue
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			return answer{}, fmt.Errorf("in the body: %w", err)
		}
		headers := map[string][]string{}
		for name, values := range response.Header {
			headers[strings.ToLower(name)] = fromLatin1All(values)
		}
		return answer{response.StatusCode, headers, string(body)}, nil
	}
}

func (r request) method() string { return cmp.Or(r.Method, http.MethodGet) }

// wire is the request as bytes. Everything but the body is Latin-1: one character, one byte.
func (r request) wire(address string) ([]byte, error) {
	if r.Raw != nil {
		return latin1(*r.Raw)
	}
	target, host := "/", address
	if r.Target != nil {
		target = *r.Target
	}
	if r.Host != nil {
		host = *r.Host
	}
	lines := headerLines{{"Host", host}}
	lines = append(lines, r.Headers...)
	bodied := []string{http.MethodPost, http.MethodPut, http.MethodPatch}
	if r.Body.text != "" || slices.Contains(bodied, r.method()) {
		lines = append(lines, [2]string{"Content-Length", strconv.Itoa(len(r.Body.text))})
	}
	if !r.Headers.has("connection") {
		lines = append(lines, [2]string{"Connection", "close"})
	}

	var head strings.Builder
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\n", r.method(), target)
	for _, line := range lines {
		fmt.Fprintf(&head, "%s: %s\r\n", line[0], line[1])
	}
	head.WriteString("\r\n")
	wire, err := latin1(head.String())
	return append(wire, r.Body.text...), err
}

func latin1(text string) ([]byte, error) {
	var out bytes.Buffer
	for _, char := range text {
		if char > 0xFF {
			return nil, fmt.Errorf("%q is not a Latin-1 character", char)
		}
		out.WriteByte(byte(char))
	}
	return out.Bytes(), nil
}

func fromLatin1(text string) string {
	chars := make([]rune, len(text))
	for i := range len(text) {
		chars[i] = rune(text[i])
	}
	return string(chars)
}

func fromLatin1All(texts []string) []string {
	out := make([]string, len(texts))
	for i, text := range texts {
		out[i] = fromLatin1(text)
	}
	return out
}

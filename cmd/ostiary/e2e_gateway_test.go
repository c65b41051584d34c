//go:build e2e

package main_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const gatewaysDir = "../../testdata/deploy/gateways"

// gateway is a server of somebody else that asks the engine about each request. It is started with the files in
// testdata/deploy/gateways, and with addresses of the test in place of theirs.
type gateway struct {
	name  string
	start func(t *testing.T, api, service string) (address string)
}

// peculiarity is what a gateway does in a way of its own.
type peculiarity struct {
	// ownPages: what a refused client reads is the gateway's own. Status and headers are the engine's.
	ownPages bool
	// spells are targets that the gateway spells in another way, and asks about and passes on in that.
	spells map[string]string
}

// peculiarities are those of the gateways, by their names.
var peculiarities = map[string]peculiarity{
	"nginx":   {ownPages: true},
	"caddy":   {},
	"haproxy": {},
	"traefik": {spells: map[string]string{
		"/private/a?q=a%26b%3Dc&q=d+e&n=%25;x": "/private/a?q=a%26b%3Dc&q=d+e&n=%25%3Bx",
		"/public/q?a=1;b=2":                    "/public/q?a=1%3Bb=2",
		"/public/a%2fb":                        "/public/a%2Fb",
		"/public/%7Euser/~user":                "/public/~user/~user",
		"/public/caf%c3%a9":                    "/public/caf%C3%A9",
	}},
}

// spelled is the target as the engine is asked about it and the service sees it.
func (p *peculiarity) spelled(target string) string {
	if spelling, differs := p.spells[target]; differs {
		return spelling
	}
	return target
}

// gatewayFile is a file that operators paste, with each of these texts replaced by the one that follows it.
func gatewayFile(t *testing.T, name string, replace ...string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(gatewaysDir, name))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(string(text), replace[i]) {
			t.Fatalf("%s has no %q", name, replace[i])
		}
	}
	return strings.NewReplacer(replace...).Replace(string(text))
}

// startGateway starts a Debian package's server with these files in its directory. Its arguments have to keep it to
// one process in the foreground. It returns when the address accepts connections; what it printed is shown if
// the test fails.
func startGateway(t *testing.T, s *server, files map[string]string, address string) {
	t.Helper()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		s.kill()
		if t.Failed() {
			text, err := os.ReadFile(s.log())
			t.Logf("from the log of %s (%v):\n%s", s.name, err, text[max(0, len(text)-4000):])
		}
	})
	s.start(t)
	eventually(t, s.name+" listens", func() (string, bool) {
		select {
		case <-s.ended:
			t.Fatalf("%s ended: %v", s.name, s.command.ProcessState)
		default:
		}
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return err.Error(), false
		}
		return "", connection.Close() == nil
	})
}

const gatewayLimit = 30 * time.Second // for one answer, before it counts as hung

// dial connects to the gateway.
func (s *gatewaySite) dial(t *testing.T) (net.Conn, *bufio.Reader) {
	t.Helper()
	connection, err := net.Dial("tcp", s.address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	if err := connection.SetDeadline(time.Now().Add(gatewayLimit)); err != nil {
		t.Fatal(err)
	}
	return connection, bufio.NewReader(connection)
}

// asked is a request, byte for byte.
type asked struct {
	method, target string // a GET if there is no method
	lines          []string
	body           string
}

func (a asked) text() string {
	if a.method == "" {
		a.method = http.MethodGet
	}
	text := fmt.Sprintf("%s %s HTTP/1.1\r\n", a.method, a.target)
	for _, line := range append([]string{"Host: " + gatewayHost}, a.lines...) {
		text += line + "\r\n"
	}
	if a.body != "" {
		text += fmt.Sprintf("Content-Length: %d\r\n", len(a.body))
	}
	return text + "\r\n" + a.body
}

// ask sends a request to the gateway on a connection of its own. seen is what reached the service.
func (s *gatewaySite) ask(t *testing.T, request asked) (answer reply, seen []recorded) {
	t.Helper()
	s.service.take()
	connection, reader := s.dial(t)
	defer connection.Close()
	// A gateway that refuses a body may do so before it has read it.
	go func() { _, _ = io.WriteString(connection, request.text()) }()
	answer = answerOn(t, reader, request)
	return answer, s.service.take()
}

func answerOn(t *testing.T, reader *bufio.Reader, to asked) reply {
	t.Helper()
	response, err := http.ReadResponse(reader, &http.Request{Method: to.method})
	if err != nil {
		t.Fatalf("the answer to %s %s: %v", to.method, to.target, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("the answer to %s %s: %v", to.method, to.target, err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// passes fails the test unless the request is answered by the service, which is returned as it saw it.
func (s *gatewaySite) passes(t *testing.T, request asked) recorded {
	t.Helper()
	answer, seen := s.ask(t, request)
	if answer.status != http.StatusOK || answer.body != upstreamPage || len(seen) != 1 {
		t.Fatalf("%s is answered with %d %q, and reached the service %d times; expected its page",
			request.target, answer.status, answer.body, len(seen))
	}
	return seen[0]
}

// refused fails the test unless the request is refused with this status, and the service hears nothing of it.
func (s *gatewaySite) refused(t *testing.T, request asked, status int) reply {
	t.Helper()
	answer, seen := s.ask(t, request)
	if answer.status != status || len(seen) > 0 {
		t.Fatalf("%s is answered with %d %v, and reached the service %d times; expected %d",
			request.target, answer.status, answer.header, len(seen), status)
	}
	return answer
}

// refusedSomehow is for what a gateway may refuse by itself, in the way it likes.
func (s *gatewaySite) refusedSomehow(t *testing.T, request asked) {
	t.Helper()
	answer, seen := s.ask(t, request)
	if answer.status < 400 || answer.status >= 500 || len(seen) > 0 {
		t.Errorf("%s is answered with %d, and reached the service %d times; expected a refusal", request.target, answer.status, len(seen))
	}
}

// freeAddress is one for a gateway to listen on.
func freeAddress(t *testing.T) string {
	t.Helper()
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(freePort(t)))
}

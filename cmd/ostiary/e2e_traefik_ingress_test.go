//go:build e2e

package main_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"
)

// traefikIngress is Traefik in front of the engine's proxy, with TLS for its clients.
type traefikIngress struct {
	address string
	client  *http.Client // of whoever goes to a host of it
}

// startTraefikIngress starts Traefik for the gate. With hosts, it passes on the Host header; else it writes the engine's
// own address there.
func startTraefikIngress(t *testing.T, g *gate, hosts bool) *traefikIngress {
	t.Helper()
	i := &traefikIngress{address: "127.0.0.1:" + strconv.Itoa(freePort(t))}
	runTraefik(t, map[string]string{
		"http://app:8080":        "http://" + g.ports.address("proxy") + "\n        passHostHeader: " + strconv.FormatBool(hosts),
		"middlewares: [ostiary]": "middlewares: []",
		"entryPoints: [web]":     "entryPoints: [web, websecure]",
		"providers:":             "  websecure:\n    address: " + strconv.Quote(i.address) + "\n    http: {tls: {}, encodeQuerySemicolons: true}\n\nproviders:",
	})
	i.client = &http.Client{Timeout: serverLimit, Transport: &http.Transport{
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return i.dial(ctx) },
	}}
	t.Cleanup(i.client.CloseIdleConnections)
	return i
}

func (i *traefikIngress) dial(ctx context.Context) (net.Conn, error) {
	// Traefik makes up a certificate.
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	return dialer.DialContext(ctx, "tcp", i.address)
}

func (i *traefikIngress) get(t *testing.T, address string) *http.Response {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	// What clients say of themselves ends at Traefik.
	for name, value := range map[string]string{
		"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Host": "public.test", "X-Forwarded-Proto": "http", "X-User": "mallory",
	} {
		request.Header.Set(name, value)
	}
	response, err := i.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { response.Body.Close() })
	return response
}

// TestE2ETraefikIngress has what Traefik says about a request count, and only if the engine knows it.
func TestE2ETraefikIngress(t *testing.T) {
	t.Parallel()
	const known, stranger, engine = "127.0.0.1", "192.0.2.0/24", "the engine's own address"
	// A rule is chosen by the host that the engine was asked for, whatever headers say.
	rule := func(scheme string) guard {
		return guard{
			id: scheme, match: fmt.Sprintf(`{"url": "%s://<app\\.test|127\\.0\\.0\\.1:[0-9]+>/<.*>", "methods": ["GET"]}`, scheme),
			authenticators: `[{"handler": "noop"}]`, user: "by " + scheme,
		}
	}
	for _, test := range []struct {
		name, trusted         string
		hosts                 bool
		user, proto, from, to string // what the service gets to know
	}{
		{"a known one", known, true, "by https", "https", "127.0.0.1, 127.0.0.1", "app.test"},
		{"a known one that names the host in a header", known, false, "by https", "https", "127.0.0.1, 127.0.0.1", "app.test"},
		{"a stranger", stranger, true, "by http", "http", "127.0.0.1", "app.test"},
		{"a stranger that names the host in a header", stranger, false, "by http", "http", "127.0.0.1", engine},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			g := startTraefikGate(t, test.trusted, rule("http"), rule("https"))
			i := startTraefikIngress(t, g, test.hosts)
			g.upstream.take()
			response := i.get(t, "https://app.test"+traefikTarget)
			seen := g.upstream.take()
			if response.StatusCode != http.StatusOK || len(seen) != 1 {
				t.Fatalf("the answer is %s, and %d requests reached the service", response.Status, len(seen))
			}
			for name, want := range map[string]string{
				"X-User": test.user, "X-Forwarded-Proto": test.proto, "X-Forwarded-For": test.from,
				"X-Forwarded-Host": strings.Replace(test.to, engine, g.ports.address("proxy"), 1),
			} {
				if got := strings.Join(seen[0].header.Values(name), " and "); got != want {
					t.Errorf("the service gets %s %q, expected %q", name, got, want)
				}
			}
			if got := seen[0].target; got != traefikArrival {
				t.Errorf("the service is asked for %s, expected %s", got, traefikArrival)
			}
			g.stop(t)
		})
	}
}

// TestE2ETraefikStreams has what lasts go through Traefik and the engine: each step waits for the one before.
func TestE2ETraefikStreams(t *testing.T) {
	t.Parallel()
	read, ended := make(chan struct{}), make(chan struct{})
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/socket" {
			echo(w, r)
			return
		}
		defer close(ended)
		w.Header().Set("Content-Type", "text/event-stream")
		for n := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", n)
			_ = http.NewResponseController(w).Flush()
			select {
			case <-read:
			case <-r.Context().Done():
				return
			}
		}
		<-r.Context().Done() // until the client has gone
	}))
	t.Cleanup(service.Close)
	// Traefik says of a WebSocket that it came by wss. Which scheme that is to a rule is not what is tried here.
	g := startTraefikGate(t, "127.0.0.1", open("all", "<https?|wss>://app.test/<.*>", service.URL))
	i := startTraefikIngress(t, g, true)

	t.Run("events arrive one by one, and the end of the client", func(t *testing.T) {
		response := i.get(t, "https://app.test/events")
		if got := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || got != "text/event-stream" {
			t.Fatalf("the answer is %s with %s", response.Status, got)
		}
		events := bufio.NewReader(response.Body)
		for n := range 3 {
			want := fmt.Sprintf("data: %d\n\n", n)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(events, got); err != nil || string(got) != want {
				t.Fatalf("the event is %q (%v), expected %q", got, err, want)
			}
			read <- struct{}{}
		}
		response.Body.Close()
		eventually(t, "the service learns that the client has gone", func() (string, bool) {
			select {
			case <-ended:
				return "", true
			default:
				return "it has not", false
			}
		})
	})
	t.Run("a WebSocket is open both ways", func(t *testing.T) {
		conn, err := i.dial(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(serverLimit))
		_, _ = io.WriteString(conn, "GET /socket HTTP/1.1\r\nHost: app.test\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
			"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
		reader := bufio.NewReader(conn)
		response, err := http.ReadResponse(reader, nil)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusSwitchingProtocols || response.Header.Get("Upgrade") != "websocket" {
			t.Fatalf("the answer is %s with %v", response.Status, response.Header)
		}
		for n := range 3 {
			want := fmt.Sprintf("\x00\xff frame %d", n)
			got := make([]byte, len(want))
			if _, err := io.WriteString(conn, want); err != nil {
				t.Fatal(err)
			}
			if _, err := io.ReadFull(reader, got); err != nil || string(got) != want {
				t.Fatalf("%q comes back (%v), expected %q", got, err, want)
			}
		}
	})
	g.stop(t)
}

// echo answers a handshake and sends back whatever comes.
func echo(w http.ResponseWriter, r *http.Request) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: "+r.Header.Get("Upgrade")+"\r\nConnection: Upgrade\r\n\r\n")
	_, _ = io.Copy(conn, buffered)
}

//go:build e2e

package main_test

import (
	"bytes"
	"io"
	"net"
	"sync"
	"testing"
)

// wire is a way to a service that keeps what goes there, byte for byte, and changes none.
type wire struct {
	address string

	mu   sync.Mutex
	sent bytes.Buffer
}

func startWire(t *testing.T, service string) *wire {
	t.Helper()
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{address: listener.Addr().String()}
	var open sync.WaitGroup
	open.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			open.Go(func() { w.connect(client, service) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		open.Wait() // the engine and the service have gone by then, and the connections with them
	})
	return w
}

func (w *wire) connect(client net.Conn, service string) {
	defer client.Close()
	server, err := net.Dial("tcp", service)
	if err != nil {
		return
	}
	defer server.Close()
	ended := make(chan struct{}, 2)
	go func() {
		_, _ = io.Copy(io.MultiWriter(w, server), client) // kept before there can be an answer to it
		ended <- struct{}{}
	}()
	go func() {
		_, _ = io.Copy(client, server)
		ended <- struct{}{}
	}()
	<-ended
}

// Write keeps what goes to the service.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.sent.Write(p)
}

// count is how often this was sent to the service.
func (w *wire) count(text string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return bytes.Count(w.sent.Bytes(), []byte(text))
}

// visit is who comes with a session, and with a cookie that is the service's business.
type visit struct{ session, theme string }

// keepsTheSession fails the test unless the service got the one cookie at least this often, and never the other.
func (w *wire) keepsTheSession(t *testing.T, v visit, requests int) {
	t.Helper()
	if got := w.count(v.theme); got < requests {
		t.Errorf("the service got its own cookie %d times, expected %d", got, requests)
	}
	if got := w.count(v.session); got > 0 {
		t.Errorf("the service got the session cookie %d times", got)
	}
}

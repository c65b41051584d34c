//go:build e2e

package main_test

import (
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"testing"
)

// TestE2EKratosOutage kills Kratos and brings it back.
func TestE2EKratosOutage(t *testing.T) {
	t.Parallel()
	s := startSite(t,
		guarded("app", "kratos_session", `"cache": {"enabled": false}, "circuit_breaker": {"failures": 3, "pause": "8s"}`),
		guarded("remembered", "kratos_session", `"cache": {"ttl": "1h"}`),
		guarded("generic", "cookie_session", `"circuit_breaker": {"enabled": false}`),
	)
	k := s.kratos
	alice, visitor := k.create(t, "alice"), s.visitor(t)
	visitor.logIn(t, k, alice)
	app, remembered, generic := k.on("app", "/graph"), k.on("remembered", "/"), k.on("generic", "/")
	hosts := []string{app, remembered, generic}
	for _, address := range hosts {
		s.expect(t, visitor, address, welcomed(alice))
	}
	down := turnedAway(http.StatusServiceUnavailable)

	t.Run("while it is down nobody is sent to a login that does not work", func(t *testing.T) {
		k.kill()
		s.expect(t, visitor, app, down)
		s.expect(t, visitor, generic, down)
		s.expect(t, visitor, remembered, welcomed(alice))
		s.expect(t, s.visitor(t), app, s.sentToLogin(app)) // no session to ask about
	})
	t.Run("and after a few failures it is not asked for a while", func(t *testing.T) {
		asked := refuseAt(t, "127.0.0.1:"+k.names["PUBLIC_PORT"])
		var after string
		eventually(t, "the circuit opens", func() (string, bool) {
			answer := visitor.send(t, http.MethodGet, app, navigation, "")
			after = answer.header.Get("Retry-After")
			return http.StatusText(answer.status), answer.status == http.StatusServiceUnavailable && after != ""
		})
		if seconds, err := strconv.Atoi(after); err != nil || seconds < 1 || seconds > 8 {
			t.Errorf("Retry-After is %q, expected what is left of 8 seconds", after)
		}
		before := asked.Load()
		for range 5 {
			s.expect(t, visitor, app, down)
		}
		if now := asked.Load(); now != before {
			t.Errorf("Kratos was asked %d times though the circuit is open", now-before)
		}
	})
	t.Run("it is over when Kratos is back", func(t *testing.T) {
		k.start(t)
		for _, address := range hosts {
			s.becomes(t, visitor, address, welcomed(alice))
		}
	})
	s.stop(t)
}

// refuseAt stands in for a server that accepts connections and ends them. It counts them.
func refuseAt(t *testing.T, address string) *atomic.Int64 {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var accepted atomic.Int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			accepted.Add(1)
			conn.Close()
		}
	}()
	t.Cleanup(func() {
		listener.Close()
		<-done
	})
	return &accepted
}

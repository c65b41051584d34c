package handlers

import (
	"errors"
	"net"
	"testing"
	"testing/synctest"
)

// TestFurtherConnectionsWaitForRoom: nobody is refused, and nobody is served
// before another one leaves.
func TestFurtherConnectionsWaitForRoom(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		network := listenInMemory(t)
		listener := Bounded(network, 2)
		accepted, ended := make(chan net.Conn, 10), make(chan error, 1)
		go func() {
			for {
				connection, err := listener.Accept()
				if err != nil {
					ended <- err
					return
				}
				accepted <- connection
			}
		}()
		for range 5 {
			go func() { _, _ = network.DialContext(t.Context(), "", "") }()
		}
		expect := func(want int) {
			t.Helper()
			if synctest.Wait(); len(accepted) != want {
				t.Errorf("%d connections are accepted, want %d", len(accepted), want)
			}
		}
		expect(2)
		first := <-accepted
		expect(1)
		_ = first.Close()
		_ = first.Close() // which makes no more room
		expect(2)
		_ = (<-accepted).Close()
		_ = (<-accepted).Close()
		expect(2)
		_ = listener.Close()
		if err := <-ended; !errors.Is(err, net.ErrClosed) {
			t.Errorf("it ended with %v", err)
		}
	})
}

func TestAConnectionStaysOneOfTCP(t *testing.T) {
	t.Parallel()
	socket := Bounded(listen(t), 1)
	dial(t, socket.Addr().String())
	connection, err := socket.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if _, ok := connection.(interface{ CloseWrite() error }); !ok {
		t.Errorf("a %T cannot be closed in one direction", connection)
	}
}

func TestNoBoundIsNone(t *testing.T) {
	t.Parallel()
	if socket := listen(t); Bounded(socket, 0) != socket {
		t.Error("it is wrapped all the same")
	}
}

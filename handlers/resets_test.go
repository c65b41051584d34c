package handlers

import (
	"context"
	"net"
	"testing"
)

// broken is a connection that only can be closed.
type broken struct {
	net.Conn
	closed bool
}

func (b *broken) Close() error {
	b.closed = true
	return nil
}

func TestAClientThatTakesMostRequestsBackLosesItsConnection(t *testing.T) {
	t.Parallel()
	waiting := t.Context()
	gone, leave := context.WithCancel(waiting)
	leave()
	for name, test := range map[string]struct {
		answered, takenBack int
		closed              bool
	}{
		"all of them":       {0, mostResets + 1, true},
		"most of them":      {mostResets - 1, mostResets + 1, true},
		"as many as it may": {0, mostResets, false},
		"half of them":      {mostResets + 1, mostResets + 1, false},
		"none":              {3 * mostResets, 0, false},
	} {
		connection := new(broken)
		counted := resets{connection: connection}
		for range test.answered {
			counted.count(waiting)
		}
		for range test.takenBack {
			counted.count(gone)
		}
		if connection.closed != test.closed {
			t.Errorf("%s: the connection is closed: %t, want %t", name, connection.closed, test.closed)
		}
	}
}

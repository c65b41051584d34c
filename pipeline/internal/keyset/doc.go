// Package keyset keeps JSON Web Key Sets (RFC 7517) at hand: it reads them from
// the addresses of a configuration, again before they grow old, and holds on
// to what it has while their source is down. It knows nothing of requests or
// tokens, or of what the keys are for.
package keyset

import (
	"errors"
	"time"
)

const (
	// maxStale bounds how long keys are still good after they were last read,
	// while their source does not answer (contract 14, JWKS). A source that
	// answers without a key takes it back at once.
	maxStale = time.Hour

	// unknownInterval is the shortest time between two readings of one set
	// that are due to nothing but a key that it does not have: a client that
	// makes up names of keys causes no more than that.
	unknownInterval = 5 * time.Second

	// down is how long after a failed reading a source counts as known to be
	// down: keys from before then serve without waiting for the next attempt.
	down = 20 * time.Second

	// After a first failure the next one in need of the set tries again; from
	// the second on there is a pause before that, which doubles up to maxPause.
	firstPause = 250 * time.Millisecond
	maxPause   = 10 * time.Second
)

var (
	// ErrNoKey means that sources answered, and that the key is not there.
	ErrNoKey = errors.New("no key set has the key")

	// ErrUnusable means that a source answered with something that is no key
	// set, or is larger than one should be.
	ErrUnusable = errors.New("the answer cannot be used as a key set")
)

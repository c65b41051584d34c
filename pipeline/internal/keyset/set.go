package keyset

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"ostiary/pipeline"
)

// Set is one key set, kept up to date by those who use it: while they do, it
// is read again in the background in the last quarter of its time to live, so
// that nobody waits. It is safe for concurrent use, and reading it takes no
// lock. A set that nobody uses any more does nothing.
type Set struct {
	read source
	ttl  time.Duration
	now  func() time.Time

	state   atomic.Pointer[state]
	running atomic.Pointer[reading] // under way, or nil

	asking sync.Mutex // guards what only those take who miss a key:
	asked  time.Time  // when that last was the reason for a reading
}

// state is what is known of a set. It never changes.
type state struct {
	keys *Keys     // as last read; nil if they never were
	at   time.Time // when that was begun

	err      error     // why the last reading failed; nil if it did not
	failures int       // in a row
	failed   time.Time // the last of them
	resume   time.Time // when to try again
}

// reading is an attempt to read a set. There is one at a time.
type reading struct {
	began time.Time
	done  chan struct{} // closed when the set's state tells how it went
}

// Open is the set at an address, http://, https:// or file://, whose keys are
// good for ttl without asking again; nothing is read before somebody needs it.
// Handlers that ask for the same share one. An error says what is wrong with
// the address.
func Open(environment pipeline.Environment, address string, ttl time.Duration) (*Set, error) {
	read, err := newSource(address, environment)
	if err != nil {
		return nil, err
	}
	key := fmt.Sprintf("key set\x00%s\x00%s", address, ttl)
	return pipeline.Share(environment, key, func() *Set {
		s := &Set{read: read, ttl: ttl, now: environment.Now}
		s.state.Store(&state{})
		return s
	}), nil
}

// Keys are the keys of the set, whatever they are; see Sets.First for how it
// waits and fails.
func (s *Set) Keys(ctx context.Context, wait time.Duration) (*Keys, error) {
	return Sets{s}.First(ctx, wait, func(*Keys) bool { return true })
}

// fresh are the keys, if they are younger than the time to live; else nil.
func (s *Set) fresh() *Keys {
	known, now := s.state.Load(), s.now()
	if !s.young(known, now) {
		return nil
	}
	if now.Sub(known.at) >= s.ttl-s.ttl/4 {
		s.refresh(known, now)
	}
	return known.keys
}

func (s *Set) young(known *state, now time.Time) bool {
	return known.younger(s.ttl, now)
}

// younger reports whether there are keys of less than that age. From a time
// yet to come, after the clock was put back, they may be of any age.
func (known *state) younger(age time.Duration, now time.Time) bool {
	since := now.Sub(known.at)
	return known.keys != nil && since >= 0 && since < age
}

// lasting reports whether there are keys that an outage may excuse and that
// suit.
func (known *state) lasting(now time.Time, suits func(*Keys) bool) bool {
	return known.younger(maxStale, now) && suits(known.keys)
}

// refresh begins a reading, or joins the one under way. It is nil during the
// pause after failures. known is what the caller has seen of the set: if there
// is news by now, the reading that it gets is already done.
func (s *Set) refresh(known *state, now time.Time) *reading {
	if under := s.running.Load(); under != nil {
		return under
	}
	if now.Before(known.resume) {
		return nil
	}
	begun := &reading{began: now, done: make(chan struct{})}
	for !s.running.CompareAndSwap(nil, begun) {
		if under := s.running.Load(); under != nil {
			return under
		}
	}
	if s.state.Load() != known { // another reading has ended since the caller looked
		s.running.Store(nil)
		close(begun.done)
		return begun
	}
	go s.carryOut(begun, known)
	return begun
}

// carryOut reads the set, for everybody who waits and in nobody's name: it
// goes on when they give up.
func (s *Set) carryOut(r *reading, before *state) {
	keys, err := s.readKeys()
	after := &state{keys: keys, at: r.began}
	if err != nil {
		now := s.now()
		after = &state{
			keys: before.keys, at: before.at,
			err: err, failures: before.failures + 1, failed: now, resume: now.Add(pause(before.failures)),
		}
	}
	s.state.Store(after)
	s.running.Store(nil)
	close(r.done)
}

// readKeys reads the set. No document, however strange, may end the process:
// there is no request here whose recovery would catch a panic.
func (s *Set) readKeys() (keys *Keys, err error) {
	defer func() {
		if p := recover(); p != nil {
			keys, err = nil, fmt.Errorf("%w: reading it panics: %v", ErrUnusable, p)
		}
	}()
	ctx, cancel := context.WithTimeout(context.Background(), patience.Total)
	defer cancel()
	text, err := s.read(ctx)
	if err != nil {
		return nil, err
	}
	return Parse(text)
}

// pause is how long to leave a source alone after a failure, by the number of
// failures before that one.
func pause(before int) time.Duration {
	if before == 0 {
		return 0
	}
	return min(firstPause<<min(before-1, 10), maxPause)
}

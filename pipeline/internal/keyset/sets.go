package keyset

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"ostiary/pipeline"
)

// Sets are key sets that are asked in their order.
type Sets []*Set

// Verifying is the key of that id to verify signatures with, from the first
// set that has one; see Keys.Verifying, and First for how it waits and fails.
func (l Sets) Verifying(ctx context.Context, id string, wait time.Duration) (any, error) {
	var key any
	_, err := l.First(ctx, wait, func(keys *Keys) bool {
		found, ok := keys.Verifying(id)
		if ok {
			key = found
		}
		return ok
	})
	if !errors.Is(err, ErrNoKey) {
		return key, err
	}
	for _, s := range l {
		if keys := s.state.Load().keys; keys != nil && keys.unfit[id] != nil {
			return nil, fmt.Errorf("%w: the one of that id is left out: %w", err, keys.unfit[id])
		}
	}
	return nil, err
}

// First are the keys of the first set that suits.
//
// Keys younger than their time to live are taken at once. If none of these
// suits, the sets that are older are read again, all at the same time, and
// those that are not, as far as unknownInterval allows; the first one to come
// in that suits is taken. That lasts wait at most, and goes on in the
// background for the next caller. Then old keys have to do, if their source
// failed or has not answered yet, up to maxStale.
//
// The error is ErrNoKey if a source answered, even if others did not; a
// pipeline.Unavailable, pipeline.Slow or pipeline.Limited if none did; and
// ErrUnusable if all that came were answers that are no key sets.
func (l Sets) First(ctx context.Context, wait time.Duration, suits func(*Keys) bool) (*Keys, error) {
	for _, s := range l {
		if keys := s.fresh(); keys != nil && suits(keys) {
			return keys, nil
		}
	}
	readings := make([]*reading, len(l))
	for i, s := range l {
		var keys *Keys
		if keys, readings[i] = s.pursue(suits); keys != nil {
			return keys, nil
		}
		wait = s.left(wait, readings[i], suits)
	}
	return l.await(ctx, wait, readings, suits)
}

// pursue begins what is worth waiting for: a reading of the set, or nil. A
// source that is known to be down is not waited for if its old keys suit.
func (s *Set) pursue(suits func(*Keys) bool) (*Keys, *reading) {
	known, now := s.state.Load(), s.now()
	if s.young(known, now) {
		return s.miss(suits)
	}
	begun := s.refresh(known, now)
	known = s.state.Load()
	if known.err != nil && now.Sub(known.failed) < down && known.lasting(now, suits) {
		return known.keys, nil
	}
	return nil, begun
}

// miss has the set read again because of a key that young keys do not have, if
// that is not too often. Who comes while that goes on waits for it too.
func (s *Set) miss(suits func(*Keys) bool) (*Keys, *reading) {
	s.asking.Lock()
	defer s.asking.Unlock()
	known, now := s.state.Load(), s.now()
	if suits(known.keys) { // it has come in meanwhile
		return known.keys, nil
	}
	under := s.running.Load()
	if under == nil && now.Sub(s.asked) >= unknownInterval {
		if under = s.refresh(known, now); under != nil {
			s.asked = now
		}
	}
	return nil, under
}

// left is how much of wait is left for a reading that has been under way for a
// while, if there are old keys that suit as well.
func (s *Set) left(wait time.Duration, r *reading, suits func(*Keys) bool) time.Duration {
	now := s.now()
	if r == nil || !s.state.Load().lasting(now, suits) {
		return wait
	}
	return min(wait, wait-now.Sub(r.began))
}

// await waits for readings, and takes the first one that suits. It leaves
// nothing behind: a source may take longer than anybody waits.
func (l Sets) await(ctx context.Context, wait time.Duration, readings []*reading, suits func(*Keys) bool) (*Keys, error) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	cases := []reflect.SelectCase{receive(timer.C), receive(ctx.Done())}
	under := 0
	for _, r := range readings {
		one := reflect.SelectCase{Dir: reflect.SelectRecv} // never, if there is no reading
		if r != nil {
			one = receive(r.done)
			under++
		}
		cases = append(cases, one)
	}
	answered := make([]bool, len(l))
	for ; under > 0; under-- {
		chosen, _, _ := reflect.Select(cases)
		switch chosen {
		case 0:
			return l.fallBack(answered, suits)
		case 1:
			return nil, pipeline.Slow.From(ctx.Err())
		}
		cases[chosen].Chan = reflect.Value{}
		i := chosen - 2
		known := l[i].state.Load()
		answered[i] = known.err == nil
		if answered[i] && suits(known.keys) || !answered[i] && known.lasting(l[i].now(), suits) {
			return known.keys, nil
		}
	}
	return l.fallBack(answered, suits)
}

func receive(channel any) reflect.SelectCase {
	return reflect.SelectCase{Dir: reflect.SelectRecv, Chan: reflect.ValueOf(channel)}
}

// fallBack looks for old keys of sources that did not answer, or else explains
// why there are none. The keys of sources that did answer are new, whether
// they came in time or just now.
func (l Sets) fallBack(answered []bool, suits func(*Keys) bool) (*Keys, error) {
	var failure error
	for i, s := range l {
		known, now := s.state.Load(), s.now()
		if known.lasting(now, suits) {
			return known.keys, nil
		}
		err := known.err
		switch {
		case answered[i], s.young(known, now):
			err = ErrNoKey
		case err == nil:
			err = pipeline.Slow.Because("a key set did not arrive in time")
		}
		if weight(err) > weight(failure) {
			failure = err
		}
	}
	if failure == nil {
		return nil, ErrNoKey
	}
	return nil, failure
}

// weight orders the reasons why there is no key: that it does not exist says
// more than that a source is down, and that more than that it is a wrong one.
func weight(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrNoKey):
		return 3
	case pipeline.KindOf(err).Outage():
		return 2
	default:
		return 1
	}
}

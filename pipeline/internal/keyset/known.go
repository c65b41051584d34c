package keyset

import (
	"context"
	"time"
)

// Prefetch begins the first reading of the set, so that whoever needs it first
// need not wait. A reading that is done or under way is enough.
func (s *Set) Prefetch() {
	if known := s.state.Load(); known.keys == nil && known.err == nil {
		s.refresh(known, s.now())
	}
}

// Known are the keys for those who would rather do without than ask a source
// again that has just failed. Otherwise it is as Keys.
func (s *Set) Known(ctx context.Context, wait time.Duration) (*Keys, error) {
	known, now := s.state.Load(), s.now()
	if known.err == nil || now.Sub(known.failed) >= maxPause {
		return s.Keys(ctx, wait)
	}
	if known.lasting(now, func(*Keys) bool { return true }) {
		return known.keys, nil
	}
	return nil, known.err
}

package handlers

import (
	"maps"
	"sync"
	"sync/atomic"
)

// series are the time series of a metric by their labels. Looking one up, as
// every request does, takes no lock; only a new one does.
type series[K comparable, V any] struct {
	known  atomic.Pointer[map[K]V]
	adding sync.Mutex
}

// get is the series with these labels; add makes it when they are new.
func (s *series[K, V]) get(labels K, add func(K) V) V {
	if known := s.known.Load(); known != nil {
		if found, ok := (*known)[labels]; ok {
			return found
		}
	}
	s.adding.Lock()
	defer s.adding.Unlock()
	next := make(map[K]V)
	if known := s.known.Load(); known != nil {
		if found, ok := (*known)[labels]; ok {
			return found
		}
		next = maps.Clone(*known)
	}
	next[labels] = add(labels)
	s.known.Store(&next)
	return next[labels]
}

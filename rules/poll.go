package rules

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

// Poll says how often repositories are asked that have to be, and how long one
// answer may take.
type Poll struct {
	Every   time.Duration // zero: only when Hurry is called
	Timeout time.Duration // zero: longestAnswer
}

// Poll asks the repositories that are on the network, each of them every so
// often, until the context ends. It calls news when one of them has something
// else to say than before, also that it has nothing to say: Reload takes it.
func (l *Loader) Poll(ctx context.Context, news func()) {
	var asking sync.WaitGroup
	defer asking.Wait()
	for {
		l.mutex.Lock()
		settings, sources := l.settings, l.sources
		l.mutex.Unlock()
		current, stop := context.WithCancel(ctx)
		for _, s := range sources {
			if s.post != nil {
				asking.Go(func() { s.poll(current, settings, news) })
			}
		}
		select {
		case <-ctx.Done():
			stop()
			return
		case <-l.due:
			stop()
			asking.Wait() // a repository is asked by one at a time
		}
	}
}

func (s *source) poll(ctx context.Context, settings Settings, news func()) {
	for {
		var due <-chan time.Time // never
		if settings.Poll.Every > 0 {
			due = time.After(spread(settings.Poll.Every) - s.post.age())
		}
		hurried := false
		select {
		case <-ctx.Done():
			return
		case <-due:
		case <-s.post.hurry:
			hurried = true
		}
		if s.fetch(ctx, settings) {
			news()
		}
		if ctx.Err() != nil && hurried {
			s.hurry() // whoever polls from now on has to
		}
	}
}

// spread varies a pause by a tenth, so that many engines do not all ask in the
// same moment.
func spread(pause time.Duration) time.Duration {
	return pause + time.Duration((rand.Float64()-0.5)/5*float64(pause)) //nolint:gosec // it is no secret
}

// Hurry has the repositories on the network asked at once instead of when it is
// time.
func (l *Loader) Hurry() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	for _, s := range l.sources {
		if s.post != nil {
			s.hurry()
		}
	}
}

func (s *source) hurry() {
	select {
	case s.post.hurry <- struct{}{}:
	default: // it is about to be asked
	}
}

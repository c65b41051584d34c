package handlers

import (
	"context"
	"errors"
	"net/http"
	"sync/atomic"
	"time"

	"ostiary/pipeline"
)

// Door is where requests come in to a listener, from its start to its end and
// through all reloads. It counts those that are under way, tells which are
// refused by the limits, and when the listener is about to close, sends clients
// away with what they ask next. The zero Door has no limits.
type Door struct {
	limits  atomic.Pointer[Limits]
	inside  atomic.Int64
	leaving atomic.Bool
}

// Limit sets the limits for the requests that come from now on. Those of
// connections and headers are not the door's to keep.
func (d *Door) Limit(limits Limits) { d.limits.Store(&limits) }

// Leave sends clients to other instances from now on: their requests are
// answered, but their connections are not kept.
func (d *Door) Leave() { d.leaving.Store(true) }

// Leaving reports whether clients are sent away.
func (d *Door) Leaving() bool { return d.leaving.Load() }

// Inside is how many requests are under way, WebSockets among them.
func (d *Door) Inside() int { return int(d.inside.Load()) }

// Empty returns when no request is under way any more, or with the context's
// error when it ends.
func (d *Door) Empty(ctx context.Context) error {
	const pause = 10 * time.Millisecond
	look := time.NewTicker(pause)
	defer look.Stop()
	for d.inside.Load() > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err() //nolint:wrapcheck // it is the context's own
		case <-look.C:
		}
	}
	return nil
}

// Handler lets requests in to next. One that the limits refuse goes there too:
// whoever would have served it refuses it in its own way, and takes note of it.
func (d *Door) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := observe(w)
		answer.leaving = &d.leaving
		limits, full := d.enter()
		defer d.exit()
		if answer.refusal = limits.refusal(r); answer.refusal == nil && full {
			answer.refusal = limits.overloaded()
		}
		if len(r.RequestURI) > shownTarget && errors.Is(answer.refusal, pipeline.TargetTooLong) {
			r.RequestURI = r.RequestURI[:shownTarget]
		}
		limits.bound(r)
		next.ServeHTTP(answer, r)
		answer.end()
	})
}

// enter counts one more request, which has to exit in the end, whether or not
// there is room for it.
func (d *Door) enter() (limits Limits, full bool) {
	inside := d.inside.Add(1)
	if set := d.limits.Load(); set != nil {
		limits = *set
	}
	return limits, limits.Requests > 0 && inside > int64(limits.Requests)
}

func (d *Door) exit() { d.inside.Add(-1) }

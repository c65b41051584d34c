package authn

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unsafe"

	"ostiary/pipeline"
	"ostiary/pipeline/internal/cache"
)

// sessionCacheConfig is the key cache of the authenticators that ask a session
// service.
type sessionCacheConfig struct {
	Enabled     bool   `json:"enabled"`
	TTL         string `json:"ttl"`
	NegativeTTL string `json:"negative_ttl"`
	Stale       string `json:"stale"`
	MaxCost     int    `json:"max_cost"`
}

// verdict is what a session service says about credentials: whose session they
// are of, or why they are of none. It is shared between requests and never
// changed.
type verdict struct {
	refusal error // nil: there is a session
	passing bool  // a refusal that the client is about to mend, and that is not kept

	id      string // of the session; empty if the service does not say
	subject string
	person  string   // another name of the subject, by which it may be revoked
	extra   string   // an object as JSON; empty if there is none
	header  []header // for the upstream

	login kratosLogin // of a session of Kratos

	expires time.Time     // when the session ends; zero if the service does not say
	keep    time.Duration // how long the service allows to keep this

	standsUntil time.Time // when the latest it may stand in for another; zero: as long as the session lives
}

// hearing is what a request heard when it asked the service itself: the cookies
// are for its client, and only if the verdict is the one that counts.
type hearing struct {
	verdict   *verdict // nil: it heard none
	setCookie []string
}

// enter puts what the verdict says into the session of a request.
func (v *verdict) enter(session *pipeline.Session) error {
	if v.refusal != nil {
		return v.refusal
	}
	session.Subject = v.subject
	if v.extra != "" {
		session.SetExtraJSON(v.extra)
	}
	for _, h := range v.header {
		session.SetHeader(h.name, h.values...)
	}
	return nil
}

// header is a header for the upstream, under its canonical name.
type header struct {
	name   string
	values []string
}

// own parts the verdict from the answer that it was read from, so that it takes
// no more than it weighs.
func (v *verdict) own() {
	v.id, v.subject, v.person, v.extra = strings.Clone(v.id), strings.Clone(v.subject), strings.Clone(v.person), strings.Clone(v.extra)
	for i, h := range v.header {
		v.header[i].values = slices.Clone(h.values) // or all of the answer's header would stay
	}
}

// weight is what the verdict takes, in bytes.
func (v *verdict) weight() int {
	weight := int(unsafe.Sizeof(*v)) + room(v.id) + room(v.subject) + room(v.person) + room(v.extra)
	for _, h := range v.header {
		weight += int(unsafe.Sizeof(h))
		for _, value := range h.values {
			weight += int(unsafe.Sizeof(value)) + room(value)
		}
	}
	if v.refusal != nil {
		weight += refusalRoom
	}
	return weight
}

// room is what a text takes in memory of its own, which is given out in pieces
// that are somewhat larger.
func room(text string) int { return len(text) + len(text)/8 + 8 }

// refusalRoom is about what a refusal takes with its reason, in bytes.
const refusalRoom = 256

// remembered is a verdict with what decides on its further use.
type remembered struct {
	*verdict
	asked time.Time
	until time.Time     // when it was to be asked again
	stale time.Duration // how long ago that was, of one that stands in for another

	since atomic.Pointer[pipeline.Revocation] // the last one that it is known to have survived
}

// weight is what it takes with its verdict, in bytes.
func (r *remembered) weight() int { return int(unsafe.Sizeof(*r)) + r.verdict.weight() }

// revoked reports whether the session was ended since the service was asked.
func (r *remembered) revoked() bool {
	since := r.since.Load()
	latest, ended := since.Since(r.id, r.subject, r.person)
	if !ended && latest != since {
		r.since.Store(latest)
	}
	return ended
}

// sessionCache remembers what a session service said. nil remembers nothing.
type sessionCache struct {
	verdicts    *cache.Cache[*remembered]
	last        *cache.Cache[*remembered] // those that may be used while the service is out of order; nil: none
	ttl         time.Duration             // of a session, at most
	negativeTTL time.Duration             // of a refusal
	stale       time.Duration             // how long after its time a session may still be used
	revocations *pipeline.Revocations
	now         func() time.Time
}

func newSessionCache(c sessionCacheConfig, environment pipeline.Environment) (*sessionCache, error) {
	if !c.Enabled {
		return nil, nil
	}
	s := &sessionCache{revocations: environment.Revocations, now: environment.Now}
	for _, duration := range []struct {
		into *time.Duration
		text string
		key  string
	}{{&s.ttl, c.TTL, "ttl"}, {&s.negativeTTL, c.NegativeTTL, "negative_ttl"}, {&s.stale, c.Stale, "stale"}} {
		var err error
		if *duration.into, err = pipeline.ParseDuration(duration.text, "cache", duration.key); err != nil {
			return nil, err
		}
	}
	most := c.MaxCost
	if s.stale > 0 { // what is kept for an outage takes its half
		most /= 2
		s.last = cache.Weighed(environment.Now, most, (*remembered).weight)
	}
	s.verdicts = cache.Weighed(environment.Now, most, (*remembered).weight)
	return s, nil
}

// verdict is what the cache holds for the key, or else what the service says
// when it is asked. Equal questions that come at the same time are asked once.
// A verdict from before a revocation of its session is used for nobody, and
// neither is one that was on its way then.
func (s *sessionCache) verdict(ctx context.Context, key cache.Key, ask asking) (*remembered, error) {
	for {
		r, err := s.verdicts.Load(ctx, key, func(ctx context.Context) (*remembered, time.Duration, error) {
			return s.ask(ctx, key, ask)
		})
		if err != nil || !r.revoked() {
			return r, err
		}
		s.forget(key, r)
	}
}

// again is what the service says after it said what is known, and is kept in its
// place. If the service does not say anything, that stays.
func (s *sessionCache) again(ctx context.Context, key cache.Key, known *remembered, ask asking) (*remembered, error) {
	for {
		r, err := s.verdicts.Load(ctx, cache.KeyOf("again", key.Part()), func(ctx context.Context) (*remembered, time.Duration, error) {
			if kept, ok := s.verdicts.Get(key); ok && kept != known { // somebody has just looked
				return kept, 0, nil
			}
			r, life, err := s.ask(ctx, key, ask)
			switch {
			case err != nil || r.stale > 0:
			case life > 0:
				s.verdicts.Keep(key, r, life)
			default:
				s.verdicts.Forget(key, func(*remembered) bool { return true })
			}
			return r, 0, err
		})
		if err != nil || !r.revoked() {
			return r, err
		}
		known = r
	}
}

// asking asks the service.
type asking func(context.Context) (*verdict, error)

// forget has the service asked again, unless somebody did so already.
func (s *sessionCache) forget(key cache.Key, meant *remembered) {
	s.verdicts.Forget(key, func(kept *remembered) bool { return kept == meant })
}

func (s *sessionCache) ask(ctx context.Context, key cache.Key, ask asking) (*remembered, time.Duration, error) {
	before := s.revocations.Latest()
	v, err := ask(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil: // the client is gone, which says nothing about the service
		return nil, 0, err
	default:
		return s.standIn(key, err)
	}
	v.own()
	r := &remembered{verdict: v, asked: s.now()}
	r.since.Store(before)
	life := s.life(v)
	r.until = r.asked.Add(life)
	if s.last != nil {
		if v.refusal == nil && life > 0 {
			s.last.Keep(key, r, min(life+s.stale, s.until(v.expires), s.until(v.standsUntil)))
		} else {
			s.last.Forget(key, func(*remembered) bool { return true })
		}
	}
	return r, life, nil
}

// standIn is an older verdict for one that cannot be had now. It is not kept:
// the service may be back with the next request.
func (s *sessionCache) standIn(key cache.Key, err error) (*remembered, time.Duration, error) {
	if s.last == nil || !pipeline.KindOf(err).Outage() {
		return nil, 0, err
	}
	last, there := s.last.Get(key)
	if !there || last.revoked() {
		return nil, 0, err
	}
	r := &remembered{verdict: last.verdict, asked: last.asked, until: last.until, stale: max(s.now().Sub(last.until), 1)}
	r.since.Store(last.since.Load())
	return r, 0, nil
}

// life is how long a verdict is used: as long as the configuration, the session
// and the service allow, whichever ends first.
func (s *sessionCache) life(v *verdict) time.Duration {
	switch {
	case v.passing:
		return 0
	case v.refusal != nil:
		return s.negativeTTL
	default:
		return max(min(s.ttl, s.until(v.expires), v.keep), 0)
	}
}

// until is how long it is until an end, if there is one.
func (s *sessionCache) until(end time.Time) time.Duration {
	if end.IsZero() {
		return cache.Forever
	}
	return end.Sub(s.now())
}

// cacheFor is how long a session service allows to keep an answer, which Kratos
// says in seconds. What cannot be read allows nothing.
func cacheFor(header http.Header) time.Duration {
	values := header["Ory-Session-Cache-For"]
	if len(values) == 0 {
		return cache.Forever
	}
	seconds, err := strconv.ParseUint(values[0], 10, 31)
	if err != nil {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

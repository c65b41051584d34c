package rules

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"sync"
	"time"

	"ostiary/config/document"
	"ostiary/rules/repository"
)

// source is a repository with the last good rules that it held.
type source struct {
	*repository.Repository
	post   *post // of what has to be asked over the network; otherwise nil
	strict bool

	holdings []*holding // in order
	complete bool       // all that it held was good at one time, or recalled
	position string     // of what was read last
	read     time.Time  // when
	changed  bool       // since somebody asked last

	cached time.Time         // when the rules were kept that a start without the repository began with; zero once it has been read
	unread *document.Problem // why the repository as a whole could not be read
	kept   [sha256.Size]byte // digest of the content that is in the cache
	unkept string            // why what counts is not in it
}

// holding is a document of a repository.
type holding struct {
	name     string
	text     []byte // of the last good rules
	digest   [sha256.Size]byte
	loaded   bool // at least once
	rules    []*definition
	warnings document.Problems

	failed  [sha256.Size]byte // what could not be read; zero if the last read was good
	problem document.Problems

	cut      [sha256.Size]byte // a text that the last good one begins with
	cutSince time.Time
}

// problems are why what the repository holds now is not what counts.
func (s *source) problems() (problems document.Problems) {
	if s.unread != nil {
		return document.Problems{*s.unread}
	}
	for _, h := range s.holdings {
		problems = append(problems, h.problem...)
	}
	return problems
}

// digest tells contents apart: of everything whose rules count.
func (s *source) digest() [sha256.Size]byte {
	hash := sha256.New()
	for _, h := range s.holdings {
		if h.loaded {
			fmt.Fprintf(hash, "%q %x\n", h.name, h.digest)
		}
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// readAs says whether unknown keys are mistakes. When that changes, the same
// text is to be judged anew.
func (s *source) readAs(strict bool) {
	if s.strict == strict {
		return
	}
	s.strict, s.holdings = strict, slices.Clone(s.holdings)
	for i, h := range s.holdings {
		again := *h
		again.digest, again.failed = [sha256.Size]byte{}, [sha256.Size]byte{}
		s.holdings[i] = &again
	}
}

// refresh reads the repository. What cannot be read whole never replaces what
// was: the last good rules stay, and problems say why.
func (s *source) refresh(ctx context.Context, now time.Time) {
	if s.post != nil {
		if content, at, err := s.post.last(); !at.IsZero() {
			s.take(content, at, err)
		}
		return
	}
	content, err := s.Read(ctx)
	s.take(content, now, err)
}

// take makes what was read the rules that count, as far as it is good. A document
// that is gone takes its rules along, but not while another one that may have
// been put in its place cannot be used.
func (s *source) take(content repository.Content, now time.Time, err error) {
	if err != nil {
		s.unread = &document.Problem{File: s.Name, Message: err.Error()}
		return
	}
	s.unread, s.read = nil, now
	seen := now
	if s.post != nil {
		seen = time.Time{} // a server says how long its answer is
	}
	var holdings []*holding
	whole, good := true, true
	for _, d := range content.Documents {
		h := s.holding(d.Name)
		s.changed = h.refresh(d, s.strict, seen) || s.changed
		whole, good = whole && h.loaded, good && h.problem == nil
		holdings = append(holdings, h)
	}
	if !whole {
		for _, h := range s.holdings {
			if h.loaded && !slices.ContainsFunc(holdings, h.isNamesake) {
				holdings = append(holdings, h)
			}
		}
	}
	s.changed = s.changed || !slices.EqualFunc(s.holdings, holdings, (*holding).isNamesake)
	s.holdings, s.complete = holdings, s.complete || whole
	if good {
		s.position, s.cached = content.Position, time.Time{}
	}
}

func (h *holding) isNamesake(other *holding) bool { return h.name == other.name }

func (s *source) holding(name string) *holding {
	for _, h := range s.holdings {
		if h.name == name {
			again := *h // another source with the same history may be the one that counts in the end
			return &again
		}
	}
	return &holding{name: name}
}

// cutTime is how long a text has to stand that may be one that is being written.
const cutTime = 200 * time.Millisecond

// isCut reports whether the text may end too early: it is that of the last good
// rules up to somewhere, and has not stood for long. Of YAML nobody could tell
// otherwise, because half of a list is a list. Without the time, it is whole.
func (h *holding) isCut(text []byte, digest [sha256.Size]byte, now time.Time) bool {
	if now.IsZero() || !h.loaded || len(text) >= len(h.text) || !bytes.HasPrefix(h.text, text) {
		return false
	}
	if h.cut != digest {
		h.cut, h.cutSince = digest, now
	}
	return now.Sub(h.cutSince) < cutTime
}

// refresh takes a document in, and reports whether its rules are others now.
func (h *holding) refresh(d repository.Document, strict bool, now time.Time) (changed bool) {
	digest := sha256.Sum256(d.Text)
	if d.Err != nil {
		digest = sha256.Sum256([]byte("unreadable\x00" + d.Err.Error()))
	}
	switch {
	case h.loaded && d.Err == nil && digest == h.digest:
		h.failed, h.problem = [sha256.Size]byte{}, nil
		return false
	case digest == h.failed:
		return false
	}
	var problems document.Problems
	var rules []*definition
	var warnings document.Problems
	if d.Err != nil {
		problems = document.Problems{{File: d.Name, Message: d.Err.Error()}}
	} else {
		rules, warnings, problems = parse(d.Name, d.Text, strict, h.rules)
	}
	if len(problems) > 0 {
		h.failed, h.problem = digest, problems
		return false
	}
	if h.isCut(d.Text, digest, now) {
		h.problem = document.Problems{{File: d.Name, Message: "ends where it did not before, and is not believed for a moment: it may be being written"}}
		return false
	}
	h.loaded, h.text, h.digest, h.rules, h.warnings = true, d.Text, digest, rules, warnings
	h.failed, h.problem = [sha256.Size]byte{}, nil
	return true
}

// recall begins with the rules that were kept, where the repository itself has
// none that can be used. Later it counts for itself.
func (s *source) recall(cache repository.Cache) {
	content, saved, err := cache.Load(s.Repository)
	if err != nil {
		return
	}
	kept := &source{Repository: s.Repository, strict: s.strict}
	kept.take(content, saved, nil)
	if len(kept.problems()) > 0 {
		return // an earlier version took for rules what this one does not
	}
	s.kept, s.holdings = kept.digest(), slices.Clone(s.holdings)
	for _, k := range kept.holdings {
		i := slices.IndexFunc(s.holdings, k.isNamesake)
		switch {
		case i < 0:
			s.holdings = append(s.holdings, k)
		case !s.holdings[i].loaded: // what is wrong now stays to be seen
			k.failed, k.problem = s.holdings[i].failed, s.holdings[i].problem
			s.holdings[i] = k
		}
	}
	s.complete, s.position, s.read, s.cached = true, kept.position, saved, saved
}

// keep writes the rules that count into the cache, if they are not in it.
func (s *source) keep(cache repository.Cache, now time.Time) error {
	digest := s.digest()
	if s.Written() || digest == s.kept || !s.complete {
		return nil
	}
	content := repository.Content{Position: s.position}
	for _, h := range s.holdings {
		if h.loaded {
			content.Documents = append(content.Documents, repository.Document{Name: h.name, Text: h.text})
		}
	}
	if err := cache.Save(s.Repository, content, now); err != nil {
		s.unkept = err.Error()
		return err //nolint:wrapcheck // it says what and where
	}
	s.kept, s.unkept = digest, ""
	return nil
}

// State is how a source is, for people and monitoring.
type State string

// The states.
const (
	Live    State = "live"    // what it holds is what counts
	Stale   State = "stale"   // what it holds cannot be used; the last good rules count
	Cached  State = "cached"  // it has not been read since the start; the rules that were kept count
	Missing State = "missing" // it has not been read, and nothing is kept: it has no rules
)

// SourceReport tells how a source is.
type SourceReport struct {
	Source   string    `json:"source"`
	State    State     `json:"state"`
	Rules    int       `json:"rules"`
	Digest   string    `json:"digest,omitempty"`   // of the text of its rules
	Position string    `json:"position,omitempty"` // how the repository itself calls its content
	Read     time.Time `json:"read,omitzero"`      // when it was last read, or kept
	Problems []string  `json:"problems,omitempty"`
	NotKept  string    `json:"not_kept,omitempty"` // why its rules are not there for a start without it
}

func (s *source) report() SourceReport {
	r := SourceReport{Source: s.Name, State: Live, Position: s.position, Read: s.read.UTC().Truncate(time.Millisecond), NotKept: s.unkept}
	for _, problem := range s.problems() {
		r.Problems = append(r.Problems, problem.String())
	}
	loaded := false
	for _, h := range s.holdings {
		r.Rules += len(h.rules)
		loaded = loaded || h.loaded
	}
	switch {
	case !loaded:
		r.State = Missing
	case !s.cached.IsZero():
		r.State = Cached
	case len(r.Problems) > 0:
		r.State = Stale
	}
	if loaded {
		digest := s.digest()
		r.Digest = hex.EncodeToString(digest[:8])
	}
	return r
}

// post holds what was read last of a repository that has to be asked, for whoever
// asks for it next. Reading it takes as long as it takes; nobody else waits.
type post struct {
	hurry chan struct{} // it is to be asked at once

	mutex   sync.Mutex
	asked   time.Time // by this machine's clock
	content repository.Content
	at      time.Time // zero: nothing has come yet
	err     error
}

func (p *post) put(content repository.Content, at time.Time, err error) (news bool) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	news = p.at.IsZero() || (err == nil) != (p.err == nil) || err != nil && err.Error() != p.err.Error() ||
		err == nil && !same(content, p.content)
	p.content, p.at, p.err, p.asked = content, at, err, time.Now()
	return news
}

// age is how long ago the repository was asked.
func (p *post) age() time.Duration {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return time.Since(p.asked)
}

func (p *post) last() (repository.Content, time.Time, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.content, p.at, p.err
}

func same(a, b repository.Content) bool {
	return a.Position == b.Position && slices.EqualFunc(a.Documents, b.Documents, func(a, b repository.Document) bool {
		return a.Name == b.Name && bytes.Equal(a.Text, b.Text)
	})
}

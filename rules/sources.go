package rules

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"sync"
	"time"

	"ostiary/config/document"
	"ostiary/rules/repository"
)

// readSources reads the repositories that the settings name, each of them once.
// Those that were known before keep their last good rules. Problems are mistakes
// in the settings. What has to be asked over the network has the time of a few
// more attempts if patient is true.
func readSources(ctx context.Context, settings Settings, before []*source, patient bool) (sources []*source, problems document.Problems) {
	places := map[*source]document.Path{}
	for i, url := range settings.Repositories {
		at := document.Path{"access_rules", "repositories", strconv.Itoa(i)}
		opened, err := repository.Open(url, settings.Servers)
		if err != nil {
			problems = append(problems, document.Problem{Path: at, Message: err.Error()})
			continue
		}
		if find(sources, opened) != nil {
			continue
		}
		next := &source{}
		if old := find(before, opened); old != nil {
			*next = *old
		}
		next.Repository = opened
		if opened.Remote && next.post == nil {
			next.post = &post{hurry: make(chan struct{}, 1)}
		}
		next.readAs(settings.Strict)
		sources, places[next] = append(sources, next), at
	}
	mistaken := len(problems) > 0 // then nobody on the network is bothered
	if !mistaken {
		fetchFirst(ctx, settings, sources, patient)
	}
	for _, s := range sources {
		if mistaken && s.post != nil {
			continue
		}
		s.refresh(ctx, settings.now())
		if !s.complete && settings.CacheDirectory != "" {
			s.recall(repository.Cache{Directory: settings.CacheDirectory})
		}
		s.changed = false // everything is built anyway
		switch {
		case s.Written(): // what is written in the configuration is part of it
			problems = append(problems, s.problems()...)
		case s.Remote && !s.complete: // nothing tells when it will have rules
			if s.unread != nil {
				problems = append(problems, document.Problem{Path: places[s], Message: s.unread.String()})
			}
			for _, h := range s.holdings {
				problems = append(problems, h.problem...)
			}
		}
	}
	return sources, problems
}

// find is the source that reads the same repository.
func find(sources []*source, wanted *repository.Repository) *source {
	for _, s := range sources {
		if s.Key == wanted.Key && s.Remote == wanted.Remote {
			return s
		}
	}
	return nil
}

// fetchFirst asks the repositories that have never been asked, all at the same
// time.
func fetchFirst(ctx context.Context, settings Settings, sources []*source, patient bool) {
	var asking sync.WaitGroup
	for _, s := range sources {
		if s.post == nil {
			continue
		}
		if _, at, _ := s.post.last(); !at.IsZero() {
			continue
		}
		var pauses []time.Duration
		bounded := settings
		if patient {
			if !s.isKept(settings) {
				pauses = startPauses
			}
		} else { // changes of other sources have to wait meanwhile
			bounded.Poll.Timeout = min(cmp.Or(settings.Poll.Timeout, longestAnswer), hastyAnswer)
		}
		asking.Go(func() { s.fetch(ctx, bounded, pauses...) })
	}
	asking.Wait()
}

func (s *source) isKept(settings Settings) bool {
	if settings.CacheDirectory == "" {
		return false
	}
	_, _, err := repository.Cache{Directory: settings.CacheDirectory}.Load(s.Repository)
	return err == nil
}

// hastyAnswer bounds how long a repository may take to answer that a running
// engine is told of.
const hastyAnswer = 5 * time.Second

// startPauses are those between attempts to read a repository that the engine
// cannot start without (contract 2.4).
var startPauses = []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second}

// fetch asks the repository, and once more after each pause as long as it is out
// of order. It puts what it says where refresh finds it, and reports whether that
// is news.
func (s *source) fetch(ctx context.Context, settings Settings, pauses ...time.Duration) (news bool) {
	for {
		content, err := s.readWithin(ctx, settings.Poll.Timeout)
		if _, at, _ := s.post.last(); ctx.Err() != nil && !at.IsZero() {
			return false // nobody waits for it any more
		}
		if len(pauses) == 0 || !repository.Temporary(err) || ctx.Err() != nil {
			return s.post.put(content, settings.now(), err)
		}
		if settings.Waiting != nil {
			settings.Waiting(fmt.Sprintf("waiting for rules: %s: %v; it is asked again in %s", s.Name, err, pauses[0]))
		}
		select {
		case <-ctx.Done():
		case <-time.After(pauses[0]):
		}
		pauses = pauses[1:]
	}
}

// longestAnswer bounds how long an answer may take if the settings do not.
const longestAnswer = time.Minute

func (s *source) readWithin(ctx context.Context, timeout time.Duration) (repository.Content, error) {
	bounded, cancel := context.WithTimeout(ctx, cmp.Or(timeout, longestAnswer))
	defer cancel()
	return s.Read(bounded) //nolint:wrapcheck // whoever tells about it names the source
}

// now is the time; in tests it is theirs.
func (s Settings) now() time.Time {
	if s.Environment.Now == nil {
		return time.Now()
	}
	return s.Environment.Now()
}

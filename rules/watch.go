package rules

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"

	"ostiary/rules/repository"
)

// poll is how often files are looked at without any event, for file systems that
// announce nothing.
const poll = time.Second

// Watcher tells when files may have changed: by being written, renamed over,
// or swapped through symbolic links anywhere on the way to them, as Kubernetes
// does with ConfigMaps. The files need not exist, nor their directories. It
// may announce a change that is none.
type Watcher struct {
	notify *fsnotify.Watcher // nil if the system has no events to give
	poll   time.Duration

	mutex    sync.Mutex
	patterns []string
	watched  map[string]bool // directories
	seen     string          // fingerprint of all that the patterns match
}

// NewWatcher makes a watcher of no files. If the system cannot announce
// changes, it looks for them once a second, and err says why.
func NewWatcher() (w *Watcher, err error) {
	w = &Watcher{poll: poll, watched: make(map[string]bool)}
	if w.notify, err = fsnotify.NewWatcher(); err != nil {
		w.notify = nil
		return w, fmt.Errorf("files are polled, because changes are not announced: %w", err)
	}
	return w, nil
}

// Follow watches the files at these paths, and those that match one of the
// patterns (filepath.Match), from now on, and no others.
func (w *Watcher) Follow(paths, patterns []string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.patterns = nil
	for _, path := range paths {
		w.follow(repository.Literally(path))
	}
	for _, pattern := range patterns {
		w.follow(pattern)
	}
	w.arm()
	w.seen = fingerprint(w.patterns)
}

func (w *Watcher) follow(pattern string) {
	if absolute, err := filepath.Abs(pattern); err == nil {
		w.patterns = append(w.patterns, absolute)
	}
}

// Run calls changed after each change until the context ends.
func (w *Watcher) Run(ctx context.Context, changed func()) {
	var events chan fsnotify.Event
	var failures chan error
	if w.notify != nil {
		defer w.notify.Close() //nolint:errcheck // nothing is left to lose
		events, failures = w.notify.Events, w.notify.Errors
	}
	ticker := time.NewTicker(w.poll)
	defer ticker.Stop()
	gathered := time.NewTimer(0)
	gathered.Stop()
	var settling settling
	announced := false
	wait := func() {
		now := time.Now()
		gathered.Reset(settling.event(now).Sub(now))
	}
	announce := func() {
		announced = false
		began := time.Now()
		changed()
		settling.settled(began, time.Now())
	}
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-events:
			announced = announced || w.concerns(event.Name)
			wait()
		case <-failures: //nolint:errcheck // what was lost is looked for
			wait() // to look for what the events would have told that were lost
		case <-gathered.C:
			settling.looked()
			if w.look() || announced {
				announce()
			}
		case <-ticker.C:
			if settling.isCalm() && w.look() {
				announce()
			}
		}
	}
}

// concerns reports whether an event is about one of the files themselves, so
// that it counts even if nothing about the file looks different.
func (w *Watcher) concerns(name string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.ContainsFunc(w.patterns, func(pattern string) bool {
		matches, err := filepath.Match(pattern, name)
		return matches && err == nil
	})
}

// look reports whether any of the files looks different from the last time,
// and watches directories that have appeared on the way to them.
func (w *Watcher) look() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.arm() // first, so that nothing happens unseen in between
	now := fingerprint(w.patterns)
	if now == w.seen {
		return false
	}
	w.seen = now
	return true
}

// arm watches every directory whose changes may concern the files.
func (w *Watcher) arm() {
	if w.notify == nil {
		return
	}
	wanted := map[string]bool{}
	for _, pattern := range w.patterns {
		for _, directory := range concerned(pattern) {
			wanted[directory] = true
		}
	}
	for directory := range wanted {
		// Adding once more is cheap, and needed when the directory is not the
		// one that it was; if it fails there is the poll.
		_ = w.notify.Add(directory)
	}
	for directory := range w.watched {
		if !wanted[directory] {
			_ = w.notify.Remove(directory)
		}
	}
	w.watched = wanted
}

// maxLinks bounds the symbolic links that are followed, as the kernel does.
const maxLinks = 40

// concerned are the directories in which a change may add a file that matches
// the pattern, take one away, or lead to another one.
func concerned(pattern string) []string {
	if path, only := repository.Only(pattern); only {
		return directories(path)
	}
	parent := filepath.Dir(pattern)
	found := concerned(parent)
	for _, path := range expand(parent) {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			found = append(found, directories(filepath.Join(path, "any"))...)
		}
	}
	for _, path := range expand(pattern) {
		found = append(found, directories(path)...)
	}
	return found
}

// expand is the paths that match the pattern.
func expand(pattern string) []string {
	if path, only := repository.Only(pattern); only {
		return []string{path}
	}
	paths, err := filepath.Glob(pattern)
	if err != nil {
		return nil // nothing matches what is no pattern
	}
	return paths
}

// directories are the directories in which a change may lead path to another
// file: its own, that of every symbolic link on the way, and the nearest one
// above those that do not exist.
func directories(path string) []string {
	var found []string
	pending := []string{path}
	for links := 0; len(pending) > 0 && links < maxLinks; links++ {
		current := pending[0]
		pending = pending[1:]
		directory := string(filepath.Separator)
		steps := strings.Split(strings.Trim(current, string(filepath.Separator)), string(filepath.Separator))
		for i, step := range steps {
			here := filepath.Join(directory, step)
			info, err := os.Lstat(here)
			switch {
			case err != nil:
				found = append(found, directory)
			case info.Mode()&os.ModeSymlink != 0:
				found = append(found, directory)
				if target, err := os.Readlink(here); err == nil {
					if !filepath.IsAbs(target) {
						target = filepath.Join(directory, target)
					}
					pending = append(pending, filepath.Join(append([]string{target}, steps[i+1:]...)...))
				}
			case i == len(steps)-1:
				found = append(found, directory)
			default:
				directory = here
				continue
			}
			break
		}
	}
	return found
}

// fingerprint changes when a file is another one, or was written to, or is there
// no more.
func fingerprint(patterns []string) string {
	var b strings.Builder
	for _, pattern := range patterns {
		for _, path := range expand(pattern) {
			info, err := os.Stat(path)
			if err != nil {
				fmt.Fprintf(&b, "%s -\n", path)
				continue
			}
			fmt.Fprintf(&b, "%s %d %d %v\n", path, info.Size(), info.ModTime().UnixNano(), identity(info))
		}
	}
	return b.String()
}

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
)

const (
	// gather is how long events are collected before a change is announced:
	// a rename or a ConfigMap swap makes several of them at once.
	gather = 5 * time.Millisecond
	// poll is how often files are looked at without any event, for file
	// systems that announce nothing.
	poll = time.Second
)

// Watcher tells when files may have changed: by being written, renamed over,
// or swapped through symbolic links anywhere on the way to them, as Kubernetes
// does with ConfigMaps. The files need not exist, nor their directories. It
// may announce a change that is none.
type Watcher struct {
	notify *fsnotify.Watcher // nil if the system has no events to give
	poll   time.Duration

	mutex   sync.Mutex
	paths   []string
	watched map[string]bool // directories
	seen    string          // fingerprint of all the paths
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

// Follow watches these files from now on, and no others.
func (w *Watcher) Follow(paths []string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.paths = nil
	for _, path := range paths {
		if absolute, err := filepath.Abs(path); err == nil {
			w.paths = append(w.paths, absolute)
		}
	}
	w.arm()
	w.seen = fingerprint(w.paths)
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
	var gathered <-chan time.Time
	announced := false
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-events:
			announced = announced || w.concerns(event.Name)
			if gathered == nil {
				gathered = time.After(gather)
			}
		case <-failures: //nolint:errcheck // what was lost is looked for
			// Events were lost: look for what they would have told.
			if gathered == nil {
				gathered = time.After(gather)
			}
		case <-gathered:
			gathered = nil
			if w.look() || announced {
				changed()
			}
			announced = false
		case <-ticker.C:
			if w.look() {
				changed()
			}
		}
	}
}

// concerns reports whether an event is about one of the files themselves, so
// that it counts even if nothing about the file looks different.
func (w *Watcher) concerns(name string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return slices.Contains(w.paths, name)
}

// look reports whether any of the files looks different from the last time,
// and watches directories that have appeared on the way to them.
func (w *Watcher) look() bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.arm() // first, so that nothing happens unseen in between
	now := fingerprint(w.paths)
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
	for _, path := range w.paths {
		for _, directory := range directories(path) {
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

// fingerprint changes when a file is another one or was written to.
func fingerprint(paths []string) string {
	var b strings.Builder
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			b.WriteString("-\n")
			continue
		}
		fmt.Fprintf(&b, "%d %d %v\n", info.Size(), info.ModTime().UnixNano(), identity(info))
	}
	return b.String()
}

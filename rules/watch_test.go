package rules

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/fsnotify/fsnotify"
)

// patience is how long a test waits for what has to happen.
const patience = 20 * time.Second

// never is longer than any test: what is noticed, events have told.
const never = time.Hour

// watcher makes one that follows the files, and runs it to the end of the
// test. Whenever it announces a change, there is a value in the channel.
func watcher(t *testing.T, every time.Duration, paths ...string) (*Watcher, <-chan struct{}) {
	t.Helper()
	w, err := NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	w.poll = every
	w.Follow(paths, nil)
	return w, run(t, w)
}

// polling makes a watcher on a system that announces nothing.
func polling(t *testing.T, paths ...string) (*Watcher, <-chan struct{}) {
	t.Helper()
	w := &Watcher{poll: time.Millisecond, watched: map[string]bool{}}
	w.Follow(paths, nil)
	return w, run(t, w)
}

func run(t *testing.T, w *Watcher) <-chan struct{} {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	announced := make(chan struct{}, 1)
	go func() {
		defer close(ended)
		w.Run(ctx, func() {
			select {
			case announced <- struct{}{}:
			default: // one is waiting already
			}
		})
	}()
	t.Cleanup(func() {
		cancel()
		<-ended
	})
	return announced
}

// announcedBy waits for a change to be announced at which the file has this
// text; "-" stands for no file.
func announcedBy(t *testing.T, announced <-chan struct{}, path, text string) {
	t.Helper()
	deadline := time.After(patience)
	for {
		select {
		case <-announced:
			content, err := os.ReadFile(path)
			if err != nil {
				content = []byte("-")
			}
			if string(content) == text {
				return
			}
		case <-deadline:
			t.Fatalf("nobody announced that %s is %q", path, text)
		}
	}
}

func link(t *testing.T, target, path string) {
	t.Helper()
	if err := errors.Join(os.Symlink(target, path+".new"), os.Rename(path+".new", path)); err != nil {
		t.Fatal(err)
	}
}

func directory(t *testing.T, path ...string) string {
	t.Helper()
	made := filepath.Join(path...)
	if err := os.MkdirAll(made, 0o700); err != nil {
		t.Fatal(err)
	}
	return made
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
}

// TestEveryWayToChangeAFileIsAnnounced, by events as well as by looking.
func TestEveryWayToChangeAFileIsAnnounced(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(t *testing.T, folder, path string, expect func(text string)){
		"written in place": func(t *testing.T, _, path string, expect func(string)) {
			write(t, path, "1")
			expect("1")
			write(t, path, "longer")
			expect("longer")
			write(t, path, "")
			expect("")
		},
		"renamed over": func(t *testing.T, _, path string, expect func(string)) {
			for _, text := range []string{"1", "2", "longer"} {
				replace(t, path, text)
				expect(text)
			}
		},
		"removed and written again": func(t *testing.T, _, path string, expect func(string)) {
			remove(t, path)
			expect("-")
			write(t, path, "0")
			expect("0")
		},
		"its directory replaced": func(t *testing.T, folder, path string, expect func(string)) {
			next := directory(t, filepath.Dir(folder), "next")
			write(t, filepath.Join(next, filepath.Base(path)), "1")
			if err := errors.Join(os.Rename(folder, folder+".old"), os.Rename(next, folder)); err != nil {
				t.Fatal(err)
			}
			expect("1")
			replace(t, path, "2")
			expect("2")
		},
		"its directory removed and made again": func(t *testing.T, folder, path string, expect func(string)) {
			remove(t, folder)
			expect("-")
			directory(t, folder)
			write(t, path, "1")
			expect("1")
		},
		"made a link": func(t *testing.T, folder, path string, expect func(string)) {
			write(t, filepath.Join(folder, "other"), "1")
			link(t, "other", path)
			expect("1")
			write(t, filepath.Join(folder, "other"), "longer")
			expect("longer")
		},
	} {
		for kind, start := range map[string]func(t *testing.T, paths ...string) (*Watcher, <-chan struct{}){
			"events":  func(t *testing.T, paths ...string) (*Watcher, <-chan struct{}) { return watcher(t, never, paths...) },
			"polling": polling,
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				folder := directory(t, t.TempDir(), "rules")
				path := filepath.Join(folder, "rules.json")
				write(t, path, "0")
				// A file system may tell apart only times that are some
				// milliseconds from each other.
				if err := os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour)); err != nil {
					t.Fatal(err)
				}
				_, announced := start(t, path)
				change(t, folder, path, func(text string) {
					t.Helper()
					announcedBy(t, announced, path, text)
				})
			})
		}
	}
}

// TestFilesAndDirectoriesMayAppearLater, slowly or all at once.
func TestFilesAndDirectoriesMayAppearLater(t *testing.T) {
	t.Parallel()
	t.Run("a file", func(t *testing.T) {
		t.Parallel()
		path := filepath.Join(t.TempDir(), "rules.json")
		_, announced := watcher(t, never, path)
		write(t, path, "1")
		announcedBy(t, announced, path, "1")
	})
	t.Run("directories at once", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		path := filepath.Join(root, "a", "b", "c", "rules.json")
		_, announced := watcher(t, time.Second, path) // one may come to be while its parent is being looked at
		write(t, filepath.Join(directory(t, root, "a", "b", "c"), "rules.json"), "1")
		announcedBy(t, announced, path, "1")
	})
	t.Run("one after the other", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		path := filepath.Join(root, "a", "b", "rules.json")
		w, announced := watcher(t, never, path)
		for _, next := range []string{"a", "a/b"} {
			watches(t, w, directory(t, root, next))
		}
		write(t, path, "1")
		announcedBy(t, announced, path, "1")
	})
	t.Run("a link into nothing", func(t *testing.T) {
		t.Parallel()
		root := t.TempDir()
		path := filepath.Join(root, "rules.json")
		link(t, "later/rules.json", path)
		w, announced := watcher(t, never, path)
		watches(t, w, directory(t, root, "later"))
		write(t, filepath.Join(root, "later", "rules.json"), "1")
		announcedBy(t, announced, path, "1")
	})
}

// watches waits until a directory is watched.
func watches(t *testing.T, w *Watcher, directory string) {
	t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		w.mutex.Lock()
		found := w.watched[directory]
		w.mutex.Unlock()
		if found {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is not watched", directory)
		}
	}
}

func TestLinksAnywhereOnTheWayAreFollowed(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, name := range []string{"blue", "green"} {
		write(t, filepath.Join(directory(t, root, "stores", name), "rules.json"), name)
	}
	directory(t, root, "etc")
	link(t, filepath.Join(root, "stores", "blue"), filepath.Join(root, "current"))
	link(t, "../current/rules.json", filepath.Join(root, "etc", "rules.json"))
	path := filepath.Join(root, "etc", "rules.json")
	_, announced := watcher(t, never, path)

	link(t, filepath.Join(root, "stores", "green"), filepath.Join(root, "current"))
	announcedBy(t, announced, path, "green")
	replace(t, filepath.Join(root, "stores", "green", "rules.json"), "greener")
	announcedBy(t, announced, path, "greener")
	link(t, "../stores/blue/rules.json", path)
	announcedBy(t, announced, path, "blue")
	write(t, filepath.Join(root, "stores", "blue", "rules.json"), "bluer")
	announcedBy(t, announced, path, "bluer")
}

func TestOtherFilesCanBeFollowedWhileItRuns(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	var paths []string
	for _, name := range []string{"a", "b"} {
		path := filepath.Join(directory(t, root, name), "rules.json")
		write(t, path, "0")
		paths = append(paths, path)
	}
	w, announced := watcher(t, never, paths[0])
	w.Follow(paths[1:], nil)
	replace(t, paths[1], "1")
	announcedBy(t, announced, paths[1], "1")
	if watched := w.notify.WatchList(); !slices.Equal(watched, []string{filepath.Join(root, "b")}) {
		t.Errorf("watched are %q", watched)
	}
	w.Follow(nil, nil)
	if watched := w.notify.WatchList(); len(watched) > 0 {
		t.Errorf("watched are %q", watched)
	}
	w.Follow(paths, nil)
	replace(t, paths[0], "1")
	announcedBy(t, announced, paths[0], "1")
}

// TestRelativePathsAreThoseOfTheWorkingDirectory at the time when the watcher
// is told of them.
func TestRelativePathsAreThoseOfTheWorkingDirectory(t *testing.T) {
	folder := t.TempDir()
	t.Chdir(folder)
	_, announced := watcher(t, never, "rules.json")
	t.Chdir(t.TempDir())
	path := filepath.Join(folder, "rules.json")
	write(t, path, "1")
	announcedBy(t, announced, path, "1")
}

// TestLostEventsAreMadeUpFor by looking: the system says when it has lost some.
func TestLostEventsAreMadeUpFor(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "rules.json")
	w, announced := watcher(t, never, path)
	if err := w.notify.Remove(folder); err != nil {
		t.Fatal(err)
	}
	write(t, path, "1")
	w.notify.Errors <- fsnotify.ErrEventOverflow
	announcedBy(t, announced, path, "1")
}

func TestAWatcherEndsWithItsContext(t *testing.T) {
	t.Parallel()
	w, err := NewWatcher()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w.Run(ctx, func() { t.Error("a change was announced") })
	if err := w.notify.Add(t.TempDir()); err == nil {
		t.Error("it still watches")
	}
	w.Follow([]string{"rules.json"}, nil) // is of no use any more, and no harm
}

// TestPatternsAreFollowed wherever a file may appear that matches them.
func TestPatternsAreFollowed(t *testing.T) {
	t.Parallel()
	for name, follow := range map[string]func(t *testing.T, patterns ...string) <-chan struct{}{
		"by events": func(t *testing.T, patterns ...string) <-chan struct{} {
			w, err := NewWatcher()
			if err != nil {
				t.Fatal(err)
			}
			w.poll = never
			w.Follow(nil, patterns)
			return run(t, w)
		},
		"by looking": func(t *testing.T, patterns ...string) <-chan struct{} {
			w := &Watcher{poll: time.Millisecond, watched: map[string]bool{}}
			w.Follow(nil, patterns)
			return run(t, w)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := t.TempDir()
			announced := follow(t, filepath.Join(root, "*.json"), filepath.Join(root, "teams", "*", "rules.json"))
			expect := func(path, text string) {
				t.Helper()
				announcedBy(t, announced, path, text)
			}
			path := filepath.Join(root, "a.json")
			write(t, path, "1")
			expect(path, "1")
			replace(t, path, "2")
			expect(path, "2")
			remove(t, path)
			expect(path, "-")

			blue := filepath.Join(root, "teams", "blue", "rules.json")
			directory(t, root, "teams", "blue")
			write(t, blue, "1")
			expect(blue, "1")
			green := filepath.Join(directory(t, root, "teams", "green"), "rules.json")
			write(t, green, "1")
			expect(green, "1")
			replace(t, blue, "2")
			expect(blue, "2")
			remove(t, filepath.Join(root, "teams", "blue"))
			expect(blue, "-")
		})
	}
}

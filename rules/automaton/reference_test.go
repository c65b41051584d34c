package automaton

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/dlclark/regexp2"
)

// compiling keeps the engine from compiling while it matches: expressions share
// sets of characters, which its compiler writes to.
var compiling sync.RWMutex

// compileReference compiles a pattern with the engine whose dialect it is.
func compileReference(pattern string) (compiled *regexp2.Regexp, err error) {
	compiling.Lock()
	defer compiling.Unlock()
	defer func() {
		if reason := recover(); reason != nil {
			err = fmt.Errorf("panic: %v", reason)
		}
	}()
	compiled, err = regexp2.Compile(pattern, regexp2.RE2)
	if compiled != nil {
		compiled.MatchTimeout = 100 * time.Millisecond
	}
	return compiled, err
}

// checkRegexp holds the parser to what the engine says of a pattern and a text.
// It reports whether the engine came to an end.
func checkRegexp(t *testing.T, pattern, text string) (decided bool) {
	t.Helper()
	_, refused := compileReference(pattern)
	whole, refusedWhole := compileReference(`\A(` + pattern + `)\z`)
	e, err := ParseRegexp(pattern)
	switch {
	case errors.Is(err, errTooLong) || errors.Is(err, errTooNested):
		return false
	case err != nil:
		if refused == nil && refusedWhole == nil {
			t.Fatalf("%q is refused: %v", pattern, err)
		}
		return false
	case refused != nil || refusedWhole != nil:
		if len(e.Doubts) == 0 {
			t.Fatalf("%q is taken, while the engine says %v, %v", pattern, refused, refusedWhole)
		}
		return false
	}
	compiling.RLock()
	matches, err := whole.MatchString(text)
	compiling.RUnlock()
	if err != nil {
		return false
	}
	switch got := interpret(e, text); {
	case len(e.Doubts) == 0 && got != matches:
		t.Fatalf("%q on %q: %v, want %v", pattern, text, got, matches)
	case matches && !got:
		t.Fatalf("%q on %q: does not match, with doubts %q", pattern, text, e.Doubts)
	}
	return true
}

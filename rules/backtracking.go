package rules

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/dlclark/regexp2"
	"github.com/dlclark/regexp2/syntax"
)

// matchTimeout bounds a match by the engine for backtracking, which runs where
// patterns are not regular.
const matchTimeout = 250 * time.Millisecond

// errUndecided says that a pattern did not come to an end in time.
var errUndecided = errors.New("the pattern took too long to match")

// backtracking is an expression for the engine that tries everything, within
// matchTimeout.
type backtracking struct{ expression *regexp2.Regexp }

// compiling keeps that engine from compiling while it matches: expressions
// share sets of characters, which its compiler writes to.
var compiling sync.RWMutex

// newBacktracking compiles an expression. An error is a [syntax.Error], unless
// the engine itself failed.
func newBacktracking(expression string) (b *backtracking, err error) {
	compiling.Lock()
	defer compiling.Unlock()
	defer func() {
		if failure := recover(); failure != nil {
			b, err = nil, fmt.Errorf("the engine fails: %v", failure)
		}
	}()
	compiled, err := regexp2.Compile(expression, regexp2.RE2)
	if err != nil {
		var invalid *syntax.Error
		if errors.As(err, &invalid) {
			return nil, invalid
		}
		return nil, fmt.Errorf("the engine fails: %w", err)
	}
	compiled.MatchTimeout = matchTimeout
	return &backtracking{compiled}, nil
}

func (b *backtracking) matches(text string) (bool, error) {
	compiling.RLock()
	defer compiling.RUnlock()
	matches, err := b.expression.MatchString(text)
	if err != nil {
		return false, errUndecided
	}
	return matches, nil
}

// captures are the groups of a text that matches, nil if it does not.
func (b *backtracking) captures(text string) ([]string, error) {
	compiling.RLock()
	defer compiling.RUnlock()
	found, err := b.expression.FindStringMatch(text)
	if err != nil {
		return nil, errUndecided
	}
	if found == nil {
		return nil, nil
	}
	captured := []string{}
	for _, group := range found.Groups()[1:] {
		captured = append(captured, group.String())
	}
	return captured, nil
}

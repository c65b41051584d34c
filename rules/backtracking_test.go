package rules

import "testing"

// TestExpressionsAreCompiledWhileOthersMatch is for the race detector: reloads
// compile while requests are being decided on.
func TestExpressionsAreCompiledWhileOthersMatch(t *testing.T) {
	t.Parallel()
	const source = `\A(?:\w|[[:alpha:]]|\d|(?<x>.)\k<x>)+\z`
	matching, err := newBacktracking(source)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	for range 2 {
		go func() {
			for range 100 {
				if matches, err := matching.matches("ab--12"); !matches || err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		go func() {
			for range 100 {
				if _, err := newBacktracking(source); err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range 4 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

package pipelinetest

import (
	"sync/atomic"
	"time"
)

// Clock stands still until it is put forward. It is safe for concurrent use:
// handlers look at it in the background too.
type Clock struct{ passed atomic.Int64 }

var noon = time.Date(2031, 5, 4, 12, 0, 0, 0, time.UTC)

// Now is the time of the clock: a noon of 2031 at first.
func (c *Clock) Now() time.Time { return noon.Add(time.Duration(c.passed.Load())) }

// Advance puts the clock forward.
func (c *Clock) Advance(by time.Duration) { c.passed.Add(int64(by)) }

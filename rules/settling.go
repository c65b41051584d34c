package rules

import "time"

// A change is taken in when no event has come for a moment: a rename or a
// ConfigMap swap makes several of them at once. In a burst of changes the moment
// is longer, so that a writer who is busy is not followed step by step, but not
// without end.
const (
	gather     = 5 * time.Millisecond
	gatherMore = 50 * time.Millisecond  // when the last change is younger than calm
	gatherMost = 250 * time.Millisecond // from the first event on
	calm       = 500 * time.Millisecond

	// rest is how many times longer than it took to take a change in nothing is
	// done about the next one: most of the machine is for decisions.
	rest     = 4
	restMost = 5 * time.Second
)

// settling says when it is time to look what events were about.
type settling struct {
	first  time.Time // event that nobody has looked into; zero if there is none
	last   time.Time // when a change was taken in
	rested time.Time // from when on there is time for the next one
}

// event says until when to wait for further ones.
func (s *settling) event(now time.Time) time.Time {
	if s.first.IsZero() {
		s.first = now
	}
	until := now.Add(gather)
	if now.Sub(s.last) < calm {
		until = now.Add(gatherMore)
	}
	if most := s.first.Add(gatherMost); until.After(most) {
		until = most
	}
	if until.Before(s.rested) {
		until = s.rested
	}
	return until
}

// looked says that the events so far are done with.
func (s *settling) looked() { s.first = time.Time{} }

// isCalm reports whether there are no events to look into.
func (s *settling) isCalm() bool { return s.first.IsZero() }

// settled says that a change was taken in.
func (s *settling) settled(began, ended time.Time) {
	s.last = ended
	s.rested = ended.Add(min(rest*ended.Sub(began), restMost))
}

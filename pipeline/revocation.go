package pipeline

import (
	"slices"
	"sync"
	"sync/atomic"
)

// Revocation ends sessions before their time. Each of its fields that is set
// names some, and whatever one of them names is ended.
type Revocation struct {
	Session string // the session with this id
	Subject string // all sessions of this subject
	All     bool

	next atomic.Pointer[Revocation]
}

// Revocations tell whoever remembers sessions which of them have ended. It is
// a list to which is only added: who asks a session service notes the latest
// revocation before asking, and looks before each use of the answer whether one
// that came after it concerns the session. So an answer that was on its way
// while its session was revoked is never used either. Only the last
// maxRevocations are kept; whatever was asked before those counts as ended.
//
// The nil Revocations are none.
type Revocations struct {
	adding sync.Mutex
	latest atomic.Pointer[Revocation]
	oldest *Revocation
	kept   int // from the oldest to the latest
}

// maxRevocations bounds what a list takes.
const maxRevocations = 10_000

// NewRevocations is an empty list.
func NewRevocations() *Revocations {
	r := &Revocations{oldest: &Revocation{}, kept: 1}
	r.latest.Store(r.oldest)
	return r
}

// Revoke ends sessions: when it returns, no answer from before is used for them.
func (r *Revocations) Revoke(session, subject string, all bool) {
	added := &Revocation{Session: session, Subject: subject, All: all}
	r.adding.Lock()
	defer r.adding.Unlock()
	r.latest.Swap(added).next.Store(added)
	if r.kept++; r.kept > maxRevocations {
		forgotten := r.oldest
		r.oldest = forgotten.next.Load()
		forgotten.next.Store(&Revocation{All: true}) // for who still looks from there on
		r.kept--
	}
}

// Latest is the revocation that was made last; nil if there is no list.
func (r *Revocations) Latest() *Revocation {
	if r == nil {
		return nil
	}
	return r.latest.Load()
}

// Since looks through the revocations that came after this one. ended tells
// whether one of them concerns the session, of a subject that may go by several
// names; latest is where to go on next time.
func (r *Revocation) Since(session string, subjects ...string) (latest *Revocation, ended bool) {
	for latest = r; latest != nil; {
		next := latest.next.Load()
		if next == nil {
			break
		}
		if latest = next; latest.concerns(session, subjects) {
			return latest, true
		}
	}
	return latest, false
}

func (r *Revocation) concerns(session string, subjects []string) bool {
	return r.All || (r.Session != "" && r.Session == session) || (r.Subject != "" && slices.Contains(subjects, r.Subject))
}

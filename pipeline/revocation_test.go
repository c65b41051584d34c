package pipeline_test

import (
	"runtime"
	"strconv"
	"sync"
	"testing"
	"time"
	"weak"

	"ostiary/pipeline"
)

func TestRevocationEndsWhatItNames(t *testing.T) {
	t.Parallel()
	const id, subject = "s-1", "ada"
	tests := map[string]struct {
		revoke func(*pipeline.Revocations)
		ended  bool
	}{
		"nothing was revoked":          {func(*pipeline.Revocations) {}, false},
		"the session":                  {func(r *pipeline.Revocations) { r.Revoke(id, "", false) }, true},
		"another session":              {func(r *pipeline.Revocations) { r.Revoke("s-2", "", false) }, false},
		"an id that is the subject":    {func(r *pipeline.Revocations) { r.Revoke(subject, "", false) }, false},
		"the subject":                  {func(r *pipeline.Revocations) { r.Revoke("", subject, false) }, true},
		"another subject":              {func(r *pipeline.Revocations) { r.Revoke("", "bob", false) }, false},
		"a subject that is the id":     {func(r *pipeline.Revocations) { r.Revoke("", id, false) }, false},
		"all":                          {func(r *pipeline.Revocations) { r.Revoke("", "", true) }, true},
		"nothing in particular":        {func(r *pipeline.Revocations) { r.Revoke("", "", false) }, false},
		"the session and somebody":     {func(r *pipeline.Revocations) { r.Revoke(id, "bob", false) }, true},
		"the session, and then others": {func(r *pipeline.Revocations) { r.Revoke(id, "", false); r.Revoke("s-2", "", false) }, true},
		"others, and then the subject": {func(r *pipeline.Revocations) { r.Revoke("s-2", "", false); r.Revoke("", subject, false) }, true},
		"only others":                  {func(r *pipeline.Revocations) { r.Revoke("s-2", "", false); r.Revoke("", "bob", false) }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			revocations := pipeline.NewRevocations()
			asked := revocations.Latest()
			test.revoke(revocations)
			latest, ended := asked.Since(id, subject)
			if ended != test.ended {
				t.Errorf("ended: %t, want %t", ended, test.ended)
			}
			if !ended && latest != revocations.Latest() {
				t.Error("the next look would see the same again")
			}
		})
	}
}

func TestRevocationDoesNotEndWhatNobodyNamed(t *testing.T) {
	t.Parallel()
	revocations := pipeline.NewRevocations()
	asked := revocations.Latest()
	revocations.Revoke("s-1", "", false)
	revocations.Revoke("", "ada", false)
	if _, ended := asked.Since("", ""); ended {
		t.Error("a session without an id and a subject is taken for one that was named")
	}
}

func TestRevocationOfBeforeDoesNotCount(t *testing.T) {
	t.Parallel()
	revocations := pipeline.NewRevocations()
	revocations.Revoke("s-1", "", false)
	asked := revocations.Latest() // the user has logged in again
	if _, ended := asked.Since("s-1", "ada"); ended {
		t.Error("it ends what was asked about later")
	}
	revocations.Revoke("s-1", "", false)
	if _, ended := asked.Since("s-1", "ada"); !ended {
		t.Error("the next one ends nothing")
	}
}

// TestRevocationsAreLookedAtOnce: who goes on from the latest one does not see
// those before again.
func TestRevocationsAreLookedAtOnce(t *testing.T) {
	t.Parallel()
	revocations := pipeline.NewRevocations()
	since := revocations.Latest()
	for i := range 100 {
		revocations.Revoke(strconv.Itoa(i), "", false)
		latest, ended := since.Since("s-1", "ada")
		if ended || latest == since || latest.Session != strconv.Itoa(i) {
			t.Fatalf("after %d: ended %t, latest %q", i, ended, latest.Session)
		}
		since = latest
	}
}

func TestNoRevocationsEndNothing(t *testing.T) {
	t.Parallel()
	var none *pipeline.Revocations
	latest, ended := none.Latest().Since("s-1", "ada")
	if latest != nil || ended {
		t.Errorf("got %v, %t", latest, ended)
	}
}

func TestRevocationsAtTheSameTimeAreAllSeen(t *testing.T) {
	t.Parallel()
	const many, each = 8, 200
	revocations := pipeline.NewRevocations()
	asked := revocations.Latest()
	var group sync.WaitGroup
	for i := range many {
		group.Go(func() {
			for j := range each {
				name := strconv.Itoa(i*each + j)
				before := revocations.Latest()
				revocations.Revoke(name, "", false)
				if _, ended := before.Since(name, ""); !ended {
					t.Errorf("session %s is not ended when Revoke returns", name)
				}
			}
		})
	}
	group.Wait()
	for i := range many * each {
		if _, ended := asked.Since(strconv.Itoa(i), ""); !ended {
			t.Errorf("the revocation of session %d was lost", i)
		}
	}
}

// manyRevocations is more than a list keeps.
const manyRevocations = 10_000

// TestRevocationsAreForgottenWhenThereAreMany: the list does not grow for ever,
// and who looks from before its beginning on sees that everything has ended.
func TestRevocationsAreForgottenWhenThereAreMany(t *testing.T) {
	t.Parallel()
	revocations := pipeline.NewRevocations()
	first := revocations.Latest()
	revocations.Revoke("s-1", "", false)
	second, old := revocations.Latest(), weak.Make(revocations.Latest())
	for range manyRevocations - 2 {
		revocations.Revoke("s-2", "", false)
	}
	if _, ended := first.Since("s", "ada"); ended {
		t.Error("it is forgotten too early")
	}
	revocations.Revoke("s-2", "", false)
	if _, ended := first.Since("s", "ada"); !ended {
		t.Error("a session goes on of which nobody knows what became")
	}
	if _, ended := second.Since("s", "ada"); ended {
		t.Error("the next one is forgotten as well")
	}
	revocations.Revoke("s-2", "", false)
	if _, ended := second.Since("s", "ada"); !ended {
		t.Error("the next one is not forgotten")
	}
	runtime.KeepAlive(second)
	for deadline := time.Now().Add(10 * time.Second); old.Value() != nil; runtime.GC() {
		if time.Now().After(deadline) {
			t.Fatal("nobody holds it and it is still there")
		}
	}
	runtime.KeepAlive(revocations)
}

func TestRevocationEndsASubjectByAnyOfItsNames(t *testing.T) {
	t.Parallel()
	revocations := pipeline.NewRevocations()
	asked := revocations.Latest()
	revocations.Revoke("", "ada", false)
	for name, test := range map[string]struct {
		names []string
		want  bool
	}{"the first": {[]string{"ada", "u-7"}, true}, "another": {[]string{"u-7", "ada"}, true}, "none": {[]string{"u-7", ""}, false}, "no names": {nil, false}} {
		if _, ended := asked.Since("s-1", test.names...); ended != test.want {
			t.Errorf("%s: ended %t", name, ended)
		}
	}
}

package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"ostiary/pipeline"
)

// patience bounds how long a test waits for what has to come. Nothing is
// measured with it; it only ends a test that would wait for ever.
const patience = 20 * time.Second

var quiet = slog.New(slog.DiscardHandler)

// ruling decides what a test says.
type ruling func(*pipeline.Request) pipeline.Decision

func (r ruling) Decide(_ context.Context, request *pipeline.Request) pipeline.Decision {
	return r(request)
}

func (ruling) Refuse(_ *pipeline.Request, refusal error) pipeline.Decision { return refused(refusal) }

// refused is a decision against a request that tells the client everything.
func refused(refusal error) pipeline.Decision {
	return pipeline.Decision{Stage: pipeline.Matching, Err: refusal, Response: pipeline.ErrorResponse(refusal, "", true)}
}

// permitted is the decision for every request, after the changes.
func permitted(changes ...func(*pipeline.Decision)) ruling {
	decision := pipeline.Decision{Allowed: true, Rule: "rule", Session: &pipeline.Session{Subject: "alice"}}
	for _, change := range changes {
		change(&decision)
	}
	return func(*pipeline.Request) pipeline.Decision { return decision }
}

// to sends what is permitted upstream.
func to(t testing.TB, upstream pipeline.UpstreamConfig) func(*pipeline.Decision) {
	t.Helper()
	compiled, err := pipeline.NewUpstream(upstream, pipeline.Environment{})
	if err != nil {
		t.Fatal(err)
	}
	return func(d *pipeline.Decision) { d.Upstream = compiled }
}

// sets has the session set headers.
func sets(header http.Header) func(*pipeline.Decision) {
	return func(d *pipeline.Decision) { d.Session.Header = header }
}

// owns has the rule claim headers for itself.
func owns(names ...string) func(*pipeline.Decision) {
	return func(d *pipeline.Decision) { d.Identity = names }
}

// withholds has the session keep credentials from the upstream.
func withholds(withheld pipeline.Withheld) func(*pipeline.Decision) {
	return func(d *pipeline.Decision) { d.Session.Withheld = withheld }
}

// echoes is what the noop mutator asks for.
func echoes(d *pipeline.Decision) { d.Session.EchoHeader = true }

// notes keeps what was recorded.
type notes chan Record

func newNotes() notes { return make(notes, 64) }

func (n notes) Record(record *Record) { n <- *record }

// next is the record that was made first of those not seen yet. It may be made
// after the client has its answer.
func (n notes) next(t testing.TB) Record {
	t.Helper()
	select {
	case record := <-n:
		return record
	case <-time.After(patience):
		t.Fatal("nothing was recorded")
		return Record{}
	}
}

// page is a rule as the Rulebook shows it.
type page struct{ id, document string }

type rulebook struct {
	pages       []page
	ready       bool
	keys        []json.RawMessage
	unreachable error // why there are no keys
}

func (b rulebook) Rules() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for _, p := range b.pages {
			if !yield(p.id, json.RawMessage(p.document)) {
				return
			}
		}
	}
}

func (b rulebook) Ready() bool { return b.ready }

func (b rulebook) Generation() (uint64, string) { return 7, "d1" }

func (b rulebook) Generations() []json.RawMessage {
	return []json.RawMessage{json.RawMessage(`{"generation":7}`), json.RawMessage(`{"generation":6}`)}
}

func (b rulebook) Condition() json.RawMessage {
	return json.RawMessage(`{"sources":[]}`)
}

func (b rulebook) PublicKeys(context.Context) ([]json.RawMessage, error) {
	return b.keys, b.unreachable
}

// expectMalformed checks that a request was refused as malformed, and why.
func expectMalformed(t testing.TB, err error, reason string) {
	t.Helper()
	var refusal *pipeline.Error
	switch {
	case !errors.As(err, &refusal):
		t.Errorf("got the error %v, want one of the pipeline's", err)
	case refusal.Kind != pipeline.Malformed || refusal.Reason != reason:
		t.Errorf("refused as %q because %q, want %q because %q", refusal.Kind, refusal.Reason, pipeline.Malformed, reason)
	}
}

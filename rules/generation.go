package rules

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"
)

// Generation tells about one change of the rules: that they came in force, what
// changed, and where they came from; or why they did not.
type Generation struct {
	Number   uint64         `json:"generation"` // of a refused one: that which stayed in force
	State    string         `json:"state"`      // published or refused
	At       time.Time      `json:"at"`
	Digest   string         `json:"digest"` // of all rules in force; the same in every engine that has the same
	Rules    int            `json:"rules"`
	Broken   int            `json:"broken"`   // of these, how many deny everything or are left out
	Overlaps int            `json:"overlaps"` // pairs of rules that both match some request
	Added    Changes        `json:"added"`
	Removed  Changes        `json:"removed"`
	Changed  Changes        `json:"changed"`
	Sources  []SourceReport `json:"sources"`
	Problems []string       `json:"problems,omitempty"` // why it was refused
}

// Changes are ids of rules: how many, and the first of them.
type Changes struct {
	Count int      `json:"count"`
	Rules []string `json:"rules,omitempty"`
}

const (
	maxGenerations = 32  // that are remembered
	maxNamed       = 100 // rules, and problems, of each
)

func changes(ids []string) Changes {
	return Changes{Count: len(ids), Rules: slices.Clone(ids[:min(len(ids), maxNamed)])}
}

// remember adds to the history that rules are in force.
func (l *Loader) remember(report *Report) {
	g := l.present("published")
	g.Added, g.Removed, g.Changed = changes(report.Added), changes(report.Removed), changes(report.Changed)
	l.record(g)
}

// Refuse adds to the history that something is not in force, and why. What was
// in force before still is.
func (l *Loader) Refuse(problems []string) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	g := l.present("refused")
	g.Problems = slices.Clone(problems[:min(len(problems), maxNamed)])
	l.record(g)
}

// present is an entry about what is in force.
func (l *Loader) present(is string) Generation {
	set := l.engine.set.Load()
	g := Generation{
		Number: set.generation, State: is, At: l.settings.now().UTC().Truncate(time.Millisecond), Digest: set.digest,
		Rules: len(set.listing), Broken: len(set.listing) - set.Working(), Overlaps: set.overlaps,
	}
	for _, s := range l.sources {
		g.Sources = append(g.Sources, s.report())
	}
	return g
}

func (l *Loader) record(g Generation) {
	l.history = slices.Insert(l.history, 0, g)
	l.history = l.history[:min(len(l.history), maxGenerations)]
	l.engine.history.Store(new(slices.Clone(l.history)))
}

// digestOf tells sets of rules apart, by what their documents say.
func digestOf(definitions []*definition) string {
	hash := sha256.New()
	for _, d := range definitions {
		hash.Write(d.digest[:])
	}
	return hex.EncodeToString(hash.Sum(nil)[:8])
}

// state is what the loader knows and the engine tells.
type state struct {
	settled bool // every source has been read once
	minimum int  // rules that have to work
	sources []SourceReport
	refused []string // why the rules of the sources, good as each of them is, are not in force together
}

// Ready reports whether the rules in force are those that were meant: every
// source has been read once since the start, or was recalled from what was kept
// of it, and there are as many rules as have to be. A source that fails later, or
// that a later configuration adds before it is there, does not count: the rules
// in force do not become worse by it (contract 11.3 and 14).
func (e *Engine) Ready() bool {
	return e.state.Load().ready(e.set.Load())
}

func (s *state) ready(set *Set) bool { return s.settled && set.Working() >= s.minimum }

// Generation is the number of the Set in force, and the digest of its rules.
func (e *Engine) Generation() (number uint64, digest string) {
	set := e.set.Load()
	return set.generation, set.digest
}

// Generations are JSON documents about the last changes, the newest first.
func (e *Engine) Generations() []json.RawMessage {
	documents := []json.RawMessage{}
	if history := e.history.Load(); history != nil {
		for _, g := range *history {
			documents = append(documents, encode(g))
		}
	}
	return documents
}

// Condition is a JSON document about what readiness depends on.
func (e *Engine) Condition() json.RawMessage {
	state, set := e.state.Load(), e.set.Load()
	sources := state.sources
	if sources == nil {
		sources = []SourceReport{}
	}
	return encode(struct {
		Ready      bool           `json:"ready"`
		Generation uint64         `json:"generation"`
		Digest     string         `json:"digest"`
		Rules      int            `json:"rules"`
		Working    int            `json:"working"`
		Minimum    int            `json:"minimum"`
		Refused    []string       `json:"refused,omitempty"`
		Sources    []SourceReport `json:"sources"`
	}{
		state.ready(set), set.generation, set.digest, len(set.listing), set.Working(), state.minimum,
		state.refused[:min(len(state.refused), maxNamed)], sources,
	})
}

func encode(value any) json.RawMessage {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // people read it
	if err := encoder.Encode(value); err != nil {
		panic(err) // texts and numbers
	}
	return bytes.TrimSpace(text.Bytes())
}

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"sync/atomic"

	"ostiary/config"
	"ostiary/config/document"
	"ostiary/handlers"
	"ostiary/rules"
)

// discretion keeps out of everything that is written what the configuration
// only refers to. The zero value knows of nothing.
type discretion struct {
	tried   atomic.Pointer[config.Config]
	inForce atomic.Pointer[config.Config]
	before  atomic.Pointer[config.Config] // what is under way may still tell of it
}

// try lets it know of a configuration that may come in force.
func (d *discretion) try(c *config.Config) { d.tried.Store(c) }

// adopt lets it know of the one that is.
func (d *discretion) adopt(c *config.Config) { d.before.Store(d.inForce.Swap(c)) }

func (d *discretion) redact(text string) string {
	inForce, tried, before := d.inForce.Load(), d.tried.Load(), d.before.Load()
	if inForce != nil {
		text = inForce.Redact(text)
	}
	if tried != nil && tried != inForce {
		text = tried.Redact(text)
	}
	if before != nil {
		text = before.Redact(text)
	}
	return text
}

func (d *discretion) error(err error) error {
	if err == nil {
		return nil
	}
	if text := err.Error(); d.redact(text) != text {
		return errors.New(d.redact(text))
	}
	return err
}

func (d *discretion) problems(all document.Problems) document.Problems {
	all = slices.Clone(all)
	for i := range all {
		all[i].File, all[i].Message = d.redact(all[i].File), d.redact(all[i].Message)
	}
	return all
}

// report is one that anybody may read.
func (d *discretion) report(r *rules.Report) *rules.Report {
	readable := *r
	readable.Rejected, readable.Refused = d.problems(r.Rejected), d.problems(r.Refused)
	readable.Flaws, readable.Warnings = d.problems(r.Flaws), d.problems(r.Warnings)
	return &readable
}

// discreetRulebook shows rules, and where they come from, to anybody.
type discreetRulebook struct {
	handlers.Rulebook
	*discretion
}

// Rules are the rules without what is to be kept.
func (r discreetRulebook) Rules() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for id, rule := range r.Rulebook.Rules() {
			if !yield(r.redact(id), r.document(rule)) {
				return
			}
		}
	}
}

// Generations are the last changes without it.
func (r discreetRulebook) Generations() []json.RawMessage {
	all := slices.Clone(r.Rulebook.Generations())
	for i := range all {
		all[i] = r.document(all[i])
	}
	return all
}

// Condition is what readiness depends on, without it.
func (r discreetRulebook) Condition() json.RawMessage { return r.document(r.Rulebook.Condition()) }

// document is a JSON document without it, or null if that is none: references
// may have characters that JSON writes in another way.
func (r discreetRulebook) document(text json.RawMessage) json.RawMessage {
	if text = json.RawMessage(r.redact(string(text))); !json.Valid(text) {
		return json.RawMessage("null")
	}
	return text
}

// writer is w for whoever need not know what is to be kept.
func (d *discretion) writer(w io.Writer) io.Writer { return discreet{w, d} }

type discreet struct {
	to io.Writer
	*discretion
}

func (d discreet) Write(text []byte) (int, error) {
	if _, err := io.WriteString(d.to, d.redact(string(text))); err != nil {
		return 0, fmt.Errorf("log: %w", err)
	}
	return len(text), nil
}

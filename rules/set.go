package rules

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/rules/automaton"
)

// Set is all the access rules that are in force at one time, compiled. It
// never changes: a request that began with one Set ends with it.
type Set struct {
	generation uint64
	digest     string               // of what the rules' documents say
	rules      []*compiled          // in the order of sources and documents
	matcher    *automaton.Automaton // its patterns are those of the rules
	failure    error                // why there is no matcher: the rules are too much for one
	refusals   *pipeline.Pipeline   // answers for requests that no single rule answers for
	noMatch    pipeline.Kind        // how a request is refused that no rule matches
	listing    []listed             // what GET /rules shows
	overlaps   int                  // pairs of rules that both match some request
	mask       *masking
	publishers []pipeline.KeyPublisher
	identity   pipeline.Names // all headers that some rule may set, in order

	refusesDoubleEncoding bool
}

// compiled is a rule that is ready to match and to run.
type compiled struct {
	definition *definition
	id         string
	priority   int
	methods    []string // as requests write them, in order; none of a rule for remote procedure calls
	pattern    *pattern
	pipeline   *pipeline.Pipeline
}

// listed is a rule as its author wrote it, what is wrong with it, and which
// other rules it overlaps.
type listed struct {
	*definition
	problems document.Problems
	overlaps document.Problems
}

// Decide finds the one rule that answers for the request and runs its
// pipeline. No rule, several rules of the highest priority, or a pattern that
// takes too long are refusals that belong to no rule (contract 3.4).
func (s *Set) Decide(ctx context.Context, request *pipeline.Request) pipeline.Decision {
	target := request.Target()
	rule, err := s.answering(request.Method, target, request.Override)
	if err != nil {
		return s.stamped(s.refusals.Refuse(request, pipeline.Matching, "", err))
	}
	return s.stamped(rule.pipeline.Run(ctx, request, func() ([]string, error) { return rule.pattern.captures(target) }))
}

// stamped says of a decision by which rules it was made.
func (s *Set) stamped(decision pipeline.Decision) pipeline.Decision {
	decision.Generation = s.generation
	return decision
}

// Refuse answers a request that cannot be decided on at all.
func (s *Set) Refuse(request *pipeline.Request, refusal error) pipeline.Decision {
	return s.stamped(s.refusals.Refuse(request, pipeline.Matching, "", refusal))
}

// match finds the rule that answers: of those whose method and URL template
// match, the one with the highest priority. This is the seam behind which rules
// are found: everything that looks for a rule comes through here.
func (s *Set) match(method, target string) (*compiled, error) {
	var found *compiled
	var refusal error = s.noMatch
	relevant := math.MinInt // the lowest priority that can change the outcome
	for _, m := range s.matcher.Match(target) {
		rule := s.rules[m.Pattern]
		if rule.priority < relevant || !slices.Contains(rule.methods, method) {
			continue
		}
		switch matches, err := rule.pattern.decides(m, target); {
		case err != nil:
			// The rule might be the one that forbids this request.
			refusal, relevant = pipeline.Internal.From(fmt.Errorf("rule %q: %w", rule.id, err)), rule.priority+1
		case !matches:
		case found != nil && found.priority == rule.priority:
			refusal, relevant = pipeline.ManyRules.From(fmt.Errorf("rules %q and %q both match", found.id, rule.id)), rule.priority+1
		default:
			found, refusal, relevant = rule, nil, rule.priority
		}
	}
	if refusal != nil {
		return nil, refusal
	}
	return found, nil
}

// Rules yields the id and the JSON document of every rule, in order, without
// its secrets and with what is wrong with it.
func (s *Set) Rules() iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		for _, rule := range s.listing {
			if !yield(rule.ID, rule.show(s.mask)) {
				return
			}
		}
	}
}

func (l listed) show(mask *masking) json.RawMessage {
	shown := struct {
		*Rule
		Problems []string `json:"problems,omitempty"`
		Overlaps []string `json:"overlaps,omitempty"`
	}{Rule: mask.rule(&l.Rule)}
	for _, problem := range l.problems {
		shown.Problems = append(shown.Problems, problem.String())
	}
	for _, overlap := range l.overlaps {
		shown.Overlaps = append(shown.Overlaps, overlap.String())
	}
	text, err := json.Marshal(shown)
	if err != nil {
		return json.RawMessage(`null`)
	}
	return text
}

// Working is the number of rules that can allow a request.
func (s *Set) Working() int {
	working := 0
	for _, rule := range s.rules {
		if !rule.pipeline.Broken() {
			working++
		}
	}
	return working
}

// upper is a rule's method as requests write it: a rule may name it in any
// case, a request may not (contract 14, method).
func upper(method string) string { return strings.ToUpper(method) }

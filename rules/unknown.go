package rules

import (
	"maps"
	"slices"
	"strconv"
	"sync"

	"ostiary/config/document"
)

// silentlyKnown are keys that other tools leave in rules and that mean nothing.
var silentlyKnown = []string{"configMapName"}

// unknownKeys are the keys of a rule that nobody reads.
func unknownKeys(rule *definition, fields map[string]any) document.Problems {
	if ruleShape.covers(fields, silentlyKnown...) {
		return nil
	}
	return ruleShape.unknown(rule, fields, nil, silentlyKnown...)
}

// ruleShape is that of a whole rule.
var ruleShape = &shape{}

// shape is the keys that the schema knows at one place of a rule. It is looked
// up once, when a rule has something there.
type shape struct {
	path document.Path

	once  sync.Once
	known map[string]any // nil: any key will do

	mutex sync.Mutex
	below map[string]*shape
}

func (s *shape) keys() map[string]any {
	s.once.Do(func() { s.known, _ = ruleSchema.At(s.path)["properties"].(map[string]any) })
	return s.known
}

// at is the shape of what is at a key, or at any place of a list.
func (s *shape) at(step string) *shape {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	next := s.below[step]
	if next == nil {
		if s.below == nil {
			s.below = map[string]*shape{}
		}
		next = &shape{path: s.path.With(step)}
		s.below[step] = next
	}
	return next
}

// inList stands for any place of a list.
const inList = "0"

// covers reports whether all keys are known, those below as well.
func (s *shape) covers(fields map[string]any, also ...string) bool {
	known := s.keys()
	if known == nil {
		return true
	}
	for key, value := range fields {
		if _, ok := known[key]; !ok {
			if !slices.Contains(also, key) {
				return false
			}
			continue
		}
		switch value := value.(type) {
		case map[string]any:
			if !s.at(key).covers(value) {
				return false
			}
		case []any:
			for _, item := range value {
				if nested, ok := item.(map[string]any); ok && !s.at(key).at(inList).covers(nested) {
					return false
				}
			}
		}
	}
	return true
}

// unknown are the keys that covers stumbles over, in order. at is where the
// fields are in the rule.
func (s *shape) unknown(rule *definition, fields map[string]any, at document.Path, also ...string) document.Problems {
	known := s.keys()
	if known == nil {
		return nil
	}
	var problems document.Problems
	for _, key := range slices.Sorted(maps.Keys(fields)) {
		path := at.With(key)
		if _, ok := known[key]; !ok {
			if !slices.Contains(also, key) {
				problems = append(problems, rule.problem(path, "unknown key"+document.Suggest(key, slices.Sorted(maps.Keys(known)))))
			}
			continue
		}
		switch value := fields[key].(type) {
		case map[string]any:
			problems = append(problems, s.at(key).unknown(rule, value, path)...)
		case []any:
			for i, item := range value {
				if nested, ok := item.(map[string]any); ok {
					problems = append(problems, s.at(key).at(inList).unknown(rule, nested, path.With(strconv.Itoa(i)))...)
				}
			}
		}
	}
	return problems
}

package rules

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"

	"ostiary/config/document"
	"ostiary/pipeline"
)

// Settings say where rules come from and how they are read.
type Settings struct {
	Repositories []string // URLs (contract 2.4)
	Strategy     Strategy
	Strict       bool // unknown keys are mistakes
	Handlers     pipeline.Handlers
	Pipeline     pipeline.Settings
	Environment  pipeline.Environment
}

// Loader keeps the Set of an Engine up to date. All sources together make one
// Set, which is published at once or not at all.
type Loader struct {
	engine *Engine

	mutex      sync.Mutex
	settings   Settings
	sources    []*source
	builder    *pipeline.Builder
	generation uint64
	digests    map[string][sha256.Size]byte // of the rules in force, by their ids
}

// NewLoader makes a loader for the engine's rules.
func NewLoader(engine *Engine) *Loader { return &Loader{engine: engine} }

// Report tells what a load found and did.
type Report struct {
	Published  bool     // a new Set is in force
	Generation uint64   // of the Set in force, counted from 1
	Rules      int      // of the Set in force
	Broken     int      // of these, how many deny everything or are left out
	Added      []string // ids, as compared with the Set before
	Removed    []string
	Changed    []string
	Rejected   document.Problems // sources whose last good rules stay in force
	Flaws      document.Problems // rules that deny or are left out
	Warnings   document.Problems
}

// Configure puts new settings in force, with all their sources read anew. An
// error means that they cannot be used; everything stays as it was.
func (l *Loader) Configure(settings Settings) (*Report, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var sources []*source
	var problems document.Problems
	for i, url := range settings.Repositories {
		at := document.Path{"access_rules", "repositories", strconv.Itoa(i)}
		repository, err := parseRepository(url)
		if err != nil {
			problems = append(problems, document.Problem{Path: at, Message: err.Error()})
			continue
		}
		if find(sources, repository) != nil {
			continue
		}
		next := &source{}
		if old := find(l.sources, repository); old != nil {
			*next = *old
		}
		next.repository = repository
		next.readAs(settings.Strict)
		next.refresh()
		if repository.path == "" && len(next.problem) > 0 {
			// What is written in the configuration is part of it.
			problems = append(problems, next.problem...)
		}
		sources = append(sources, next)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	builder := pipeline.NewBuilder(settings.Handlers, settings.Pipeline, settings.Environment, l.builder)
	set, report := l.build(settings, sources, builder)
	if faults := builder.Faults(); len(faults) > 0 {
		return nil, faultProblems(faults)
	}
	l.settings, l.sources = settings, sources
	l.publish(set, builder, report)
	return report, nil
}

func faultProblems(faults []pipeline.Fault) document.Problems {
	var problems document.Problems
	for _, f := range faults {
		at := document.Path{f.Stage, f.Handler, "config"}
		if f.Stage == "errors.handlers" {
			at = document.Path{"errors", "handlers", f.Handler, "config"}
		}
		problems = append(problems, document.Problem{Path: at.With(f.Path...), Message: f.Message})
	}
	return problems
}

// find is the source of the same file, or of the same URL if it is no file.
func find(sources []*source, wanted *repository) *source {
	for _, s := range sources {
		if s.path == wanted.path && (s.path != "" || s.url == wanted.url) {
			return s
		}
	}
	return nil
}

// Reload reads all sources again and publishes a new Set if any of them
// changed.
func (l *Loader) Reload() *Report {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	changed := false
	for _, s := range l.sources {
		before, loaded := s.digest, s.loaded
		s.refresh()
		changed = changed || s.digest != before || s.loaded != loaded
	}
	if !changed {
		set := l.engine.set.Load()
		report := &Report{Generation: l.generation, Rules: len(set.listing), Broken: len(set.listing) - set.Working()}
		for _, s := range l.sources {
			report.Rejected = append(report.Rejected, s.problem...)
		}
		return report
	}
	builder := pipeline.NewBuilder(l.settings.Handlers, l.settings.Pipeline, l.settings.Environment, l.builder)
	set, report := l.build(l.settings, l.sources, builder)
	l.publish(set, builder, report)
	return report
}

// Files are the paths of the files that rules come from.
func (l *Loader) Files() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var paths []string
	for _, s := range l.sources {
		if s.path != "" {
			paths = append(paths, s.path)
		}
	}
	return paths
}

func (l *Loader) build(settings Settings, sources []*source, builder *pipeline.Builder) (*Set, *Report) {
	report := &Report{}
	var definitions []*definition
	for _, s := range sources {
		definitions = append(definitions, s.rules...)
		report.Rejected = append(report.Rejected, s.problem...)
		report.Warnings = append(report.Warnings, s.warnings...)
	}
	report.Warnings = append(report.Warnings, checkIDs(definitions)...)
	report.Warnings = append(report.Warnings, checkMatches(definitions, settings.Strategy)...)
	set, flaws := compile(definitions, settings.Strategy, builder, newMasking(settings.Handlers))
	report.Flaws = flaws
	report.Rules = len(definitions)
	report.Broken = len(definitions) - set.Working()
	for _, d := range definitions {
		d.origin.forget()
	}
	return set, report
}

func (l *Loader) publish(set *Set, builder *pipeline.Builder, report *Report) {
	l.generation++
	set.generation = l.generation
	l.engine.set.Store(set)
	l.builder = builder
	report.Published, report.Generation = true, l.generation
	next := make(map[string][sha256.Size]byte, len(set.listing))
	for i, rule := range set.listing {
		id := rule.ID
		if _, taken := next[id]; taken || id == "" {
			id = fmt.Sprintf("%s[%d]", rule.ID, i)
		}
		next[id] = rule.digest
	}
	report.Added, report.Removed, report.Changed = compare(l.digests, next)
	l.digests = next
}

// compare tells how the rules after differ from those before, by their ids.
func compare(before, after map[string][sha256.Size]byte) (added, removed, changed []string) {
	for _, key := range slices.Sorted(maps.Keys(after)) {
		switch old, there := before[key]; {
		case !there:
			added = append(added, key)
		case old != after[key]:
			changed = append(changed, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(before)) {
		if _, there := after[key]; !there {
			removed = append(removed, key)
		}
	}
	return added, removed, changed
}

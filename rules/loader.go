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
	Repositories   []string // URLs (contract 2.4)
	Strategy       Strategy
	Strict         bool // unknown keys are mistakes
	NoMatch        int  // status of a request that no rule matches: 401, 403, or else 404
	RefuseOverlaps bool // rules that overlap are refused, all of them
	GuardIdentity  bool // the identity headers of any rule are no client's to set at any other
	Handlers       pipeline.Handlers
	Pipeline       pipeline.Settings
	Environment    pipeline.Environment
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
	accepted   []*definition                // the rules in force
	refused    document.Problems            // why those of the sources are not
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
	Overlaps   int      // pairs of rules of the Set in force that both match some request
	Added      []string // ids, as compared with the Set before
	Removed    []string
	Changed    []string
	Rejected   document.Problems // sources whose last good rules stay in force
	Refused    document.Problems // why the rules of all sources together are not in force: those before them are
	Flaws      document.Problems // rules that deny or are left out
	Warnings   document.Problems
}

// Configure puts new settings in force, with all their sources read anew. An
// error means that they cannot be used; everything stays as it was.
func (l *Loader) Configure(settings Settings) (*Report, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	sources, problems := readSources(settings, l.sources)
	if len(problems) > 0 {
		return nil, problems
	}
	next := l.build(settings, sources, definitionsOf(sources))
	if faults := next.builder.Faults(); len(faults) > 0 {
		return nil, faultProblems(faults)
	}
	if l.refused = next.report.Refused; len(l.refused) > 0 {
		// The settings are good, and count for the rules that stay in force.
		next = l.build(settings, sources, l.accepted)
		next.report.Refused = l.refused
	}
	l.settings, l.sources = settings, sources
	l.publish(next)
	return next.report, nil
}

// readSources reads the repositories that the settings name, each of them once.
// Those that were known before keep their last good rules. Problems are mistakes
// in the settings.
func readSources(settings Settings, before []*source) (sources []*source, problems document.Problems) {
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
		if old := find(before, repository); old != nil {
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
	return sources, problems
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
	if changed {
		next := l.build(l.settings, l.sources, definitionsOf(l.sources))
		if l.refused = next.report.Refused; len(l.refused) == 0 {
			l.publish(next)
			return next.report
		}
	}
	return l.unchanged()
}

// unchanged is the report of a load that leaves the Set in force as it is.
func (l *Loader) unchanged() *Report {
	set := l.engine.set.Load()
	report := &Report{
		Generation: l.generation, Rules: len(set.listing), Broken: len(set.listing) - set.Working(), Overlaps: set.overlaps, Refused: l.refused,
	}
	for _, s := range l.sources {
		report.Rejected = append(report.Rejected, s.problem...)
	}
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

// built is a Set that is ready to be published, with all that belongs to it.
type built struct {
	set         *Set
	definitions []*definition
	builder     *pipeline.Builder
	report      *Report
}

func definitionsOf(sources []*source) []*definition {
	var definitions []*definition
	for _, s := range sources {
		definitions = append(definitions, s.rules...)
	}
	return definitions
}

// build makes a Set of these rules. If the settings refuse it as a whole, the
// report says so.
func (l *Loader) build(settings Settings, sources []*source, definitions []*definition) built {
	report := &Report{}
	for _, s := range sources {
		report.Rejected = append(report.Rejected, s.problem...)
		report.Warnings = append(report.Warnings, s.warnings...)
	}
	report.Warnings = append(report.Warnings, checkIDs(definitions)...)
	report.Warnings = append(report.Warnings, checkMatches(definitions, settings.Strategy)...)
	report.Warnings = append(report.Warnings, checkUpstreams(definitions)...)
	builder := pipeline.NewBuilder(settings.Handlers, settings.Pipeline, settings.Environment, l.builder)
	set, flaws := compile(definitions, settings.Strategy, builder, newMasking(settings.Handlers))
	set.noMatch = noMatch(settings.NoMatch)
	if settings.GuardIdentity {
		set.claim(set.identity)
		if set.Working() < len(definitions) {
			// A rule that cannot be built may not say what it would set, and services rely on it at the others.
			set.claim(l.engine.IdentityHeaders())
		}
	}
	conflicts, others := set.tell(set.compare(maxInside))
	if set.failure != nil {
		report.Refused = append(report.Refused, document.Problem{Message: set.failure.Error()})
	}
	if settings.RefuseOverlaps && len(conflicts) > 0 {
		report.Refused = slices.Concat(report.Refused, conflicts, flaws) // what else there is to mend
	}
	report.Warnings = slices.Concat(report.Warnings, checkDoubts(set), conflicts, others)
	report.Flaws = flaws
	report.Rules = len(definitions)
	report.Broken = len(definitions) - set.Working()
	report.Overlaps = set.overlaps
	for _, d := range definitions {
		d.origin.forget()
	}
	return built{set, definitions, builder, report}
}

// noMatch is how a request is refused that no rule matches.
func noMatch(status int) pipeline.Kind {
	for _, kind := range []pipeline.Kind{pipeline.NoRuleUnauthorized, pipeline.NoRuleForbidden} {
		if kind.Status() == status {
			return kind
		}
	}
	return pipeline.NoRule
}

func (l *Loader) publish(next built) {
	set, report := next.set, next.report
	l.generation++
	set.generation = l.generation
	l.engine.set.Store(set)
	l.builder, l.accepted = next.builder, next.definitions
	report.Published, report.Generation = true, l.generation
	digests := make(map[string][sha256.Size]byte, len(set.listing))
	for i, rule := range set.listing {
		id := rule.ID
		if _, taken := digests[id]; taken || id == "" {
			id = fmt.Sprintf("%s[%d]", rule.ID, i)
		}
		digests[id] = rule.digest
	}
	report.Added, report.Removed, report.Changed = compare(l.digests, digests)
	l.digests = digests
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

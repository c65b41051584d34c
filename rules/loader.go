package rules

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"sync"

	"ostiary/config/document"
	"ostiary/pipeline"
	"ostiary/rules/repository"
)

// Settings say where rules come from and how they are read.
type Settings struct {
	Repositories   []string // URLs (contract 2.4)
	Servers        repository.Servers
	Poll           Poll
	CacheDirectory string // where the last good rules are kept; empty: nowhere
	MinimumRules   int    // that have to work before the engine is ready
	Strategy       Strategy
	Strict         bool // unknown keys are mistakes
	NoMatch        int  // status of a request that no rule matches: 401, 403, or else 404
	RefuseOverlaps bool // rules that overlap are refused, all of them
	GuardIdentity  bool // the identity headers of any rule are no client's to set at any other
	// RefuseDoubleEncoding refuses paths that are escaped twice.
	RefuseDoubleEncoding bool
	Handlers             pipeline.Handlers
	Pipeline             pipeline.Settings
	Environment          pipeline.Environment

	// Waiting is told, if it is not nil, why a start takes longer.
	Waiting func(reason string)
}

// Loader keeps the Set of an Engine up to date. All sources together make one
// Set, which is published at once or not at all: read, parsed, compiled and
// proved aside.
type Loader struct {
	engine *Engine
	due    chan struct{} // there are other repositories to poll

	mutex      sync.Mutex
	settings   Settings
	sources    []*source
	settled    bool // every source has been read once
	builder    *pipeline.Builder
	generation uint64
	history    []Generation
	accepted   []*definition                // the rules in force
	refused    document.Problems            // why those of the sources are not
	digests    map[string][sha256.Size]byte // of the rules in force, by their ids
}

// NewLoader makes a loader for the engine's rules.
func NewLoader(engine *Engine) *Loader { return &Loader{engine: engine, due: make(chan struct{}, 1)} }

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
	Sources    []SourceReport
	Rejected   document.Problems // sources whose last good rules stay in force
	Refused    document.Problems // why the rules of all sources together are not in force: those before them are
	Flaws      document.Problems // rules that deny or are left out
	Warnings   document.Problems
	Unkept     []string // why rules are not there for a start without their source
}

// Configure puts new settings in force, with all their sources read anew; those
// that have to be asked over the network only if they are new. An error means
// that they cannot be used; everything stays as it was.
func (l *Loader) Configure(ctx context.Context, settings Settings) (*Report, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	sources, problems := readSources(ctx, settings, l.sources, l.generation == 0)
	if len(problems) > 0 {
		return nil, problems
	}
	next := l.build(settings, sources, definitionsOf(sources))
	if faults := next.builder.Faults(); len(faults) > 0 {
		return nil, faultProblems(faults)
	}
	if l.refused = next.report.Refused; len(l.refused) > 0 {
		// The settings are good, and count for the rules that stay in force.
		stay := l.accepted
		if l.generation == 0 {
			stay = l.kept(settings, sources)
		}
		next = l.build(settings, sources, stay)
		next.report.Refused = l.refused
	}
	l.settings, l.sources = settings, sources
	select {
	case l.due <- struct{}{}:
	default: // it is known already
	}
	l.publish(next)
	return l.told(next.report), nil
}

// kept are the rules that were in force when all of them were kept, for a start
// at which those of the sources are refused together; none if they are not all
// there, or are refused as well.
func (l *Loader) kept(settings Settings, sources []*source) []*definition {
	if settings.CacheDirectory == "" {
		return nil
	}
	var recalled []*source
	for _, s := range sources {
		if !s.Written() {
			s = &source{Repository: s.Repository, strict: s.strict}
			s.recall(repository.Cache{Directory: settings.CacheDirectory})
			if !s.complete {
				return nil
			}
		}
		recalled = append(recalled, s)
	}
	definitions := definitionsOf(recalled)
	if len(l.build(settings, recalled, definitions).report.Refused) > 0 {
		return nil
	}
	return definitions
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

// Reload reads all sources again and publishes a new Set if any of them
// changed. Of those that have to be asked over the network it takes what Poll
// has brought.
func (l *Loader) Reload(ctx context.Context) *Report {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	changed := false
	for _, s := range l.sources {
		s.refresh(ctx, l.settings.now())
		changed, s.changed = changed || s.changed, false
	}
	if changed {
		next := l.build(l.settings, l.sources, definitionsOf(l.sources))
		if l.refused = next.report.Refused; len(l.refused) == 0 {
			l.publish(next)
			return l.told(next.report)
		}
	}
	return l.told(l.unchanged())
}

// unchanged is the report of a load that leaves the Set in force as it is.
func (l *Loader) unchanged() *Report {
	set := l.engine.set.Load()
	report := &Report{
		Generation: l.generation, Rules: len(set.listing), Broken: len(set.listing) - set.Working(), Overlaps: set.overlaps, Refused: l.refused,
	}
	for _, s := range l.sources {
		report.Rejected = append(report.Rejected, s.problems()...)
	}
	return report
}

// told completes a report by how the sources are, keeps the rules that are in
// force for a start without them, and lets the engine know whether it is ready.
func (l *Loader) told(report *Report) *Report {
	for _, s := range l.sources {
		if l.settings.CacheDirectory != "" && len(l.refused) == 0 {
			if err := s.keep(repository.Cache{Directory: l.settings.CacheDirectory}, l.settings.now()); err != nil {
				report.Unkept = append(report.Unkept, err.Error())
			}
		}
		report.Sources = append(report.Sources, s.report())
	}
	l.settled = l.settled || !slices.ContainsFunc(l.sources, func(s *source) bool { return !s.complete })
	next := &state{settled: l.settled, minimum: l.settings.MinimumRules, sources: report.Sources}
	for _, problem := range l.refused {
		next.refused = append(next.refused, problem.String())
	}
	// Where all rules were refused from the start, none were meant to be in force.
	next.settled = next.settled && (len(l.refused) == 0 || len(l.accepted) > 0)
	l.engine.state.Store(next)
	return report
}

// Files are the paths, and patterns of paths, of the files that rules come from.
func (l *Loader) Files() []string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	var paths []string
	for _, s := range l.sources {
		paths = append(paths, s.Files...)
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

// definitionsOf are the rules of all sources. A file that several of them name
// counts once.
func definitionsOf(sources []*source) []*definition {
	var definitions []*definition
	seen := map[string]bool{}
	for _, s := range sources {
		for _, h := range s.holdings {
			if !h.loaded {
				continue
			}
			if len(s.Files) > 0 {
				file := h.name
				if absolute, err := filepath.Abs(file); err == nil {
					file = absolute
				}
				if seen[file] {
					continue
				}
				seen[file] = true
			}
			definitions = append(definitions, h.rules...)
		}
	}
	return definitions
}

// build makes a Set of these rules. If the settings refuse it as a whole, the
// report says so.
func (l *Loader) build(settings Settings, sources []*source, definitions []*definition) built {
	report := &Report{Warnings: checkSources(sources)}
	for _, s := range sources {
		report.Rejected = append(report.Rejected, s.problems()...)
		for _, h := range s.holdings {
			report.Warnings = append(report.Warnings, h.warnings...)
		}
	}
	report.Warnings = append(report.Warnings, checkIDs(definitions)...)
	report.Warnings = append(report.Warnings, checkMatches(definitions, settings.Strategy)...)
	report.Warnings = append(report.Warnings, checkUpstreams(definitions)...)
	builder := pipeline.NewBuilder(settings.Handlers, settings.Pipeline, settings.Environment, l.builder)
	set, flaws := compile(definitions, settings.Strategy, builder, newMasking(settings.Handlers))
	set.noMatch, set.refusesDoubleEncoding = noMatch(settings.NoMatch), settings.RefuseDoubleEncoding
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
	set.generation, set.digest = l.generation, digestOf(next.definitions)
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
	l.remember(report)
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

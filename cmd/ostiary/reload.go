package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"ostiary/config"
	"ostiary/config/document"
	"ostiary/handlers"
	"ostiary/rules"
)

// settle is how long a file may be in pieces before that is called a problem:
// a writer that truncates and then writes needs a moment.
const settle = 250 * time.Millisecond

// follow keeps the deployment up to date with its files, and with the rules on
// the network, until the context ends.
func (d *deployment) follow(ctx context.Context) {
	watcher, err := rules.NewWatcher()
	if err != nil {
		d.log.Warn(err.Error())
	}
	d.watcher = watcher
	d.watch()
	refresh := func() {
		d.refresh(ctx)
		d.refreshCertificates()
	}
	refresh() // what changed between the start and now
	var polling sync.WaitGroup
	polling.Go(func() { d.loader.Poll(ctx, refresh) })
	polling.Go(func() { d.obey(ctx) })
	polling.Go(func() { d.insist(ctx, refresh) })
	watcher.Run(ctx, refresh)
	polling.Wait()
}

// insist tries a configuration again that is not in force, at first soon and
// then less often: what it lacks may be on the network, such as a source of
// rules, or in a file that nobody watches yet.
func (d *deployment) insist(ctx context.Context, again func()) {
	const soon, seldom = time.Second, 30 * time.Second
	for pause := soon; ; {
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
		d.mutex.Lock()
		rejected := d.rejected != nil
		if rejected {
			clear(d.digest[:]) // no file has this one
		}
		d.mutex.Unlock()
		if !rejected {
			pause = soon
			continue
		}
		again()
		pause = min(2*pause, seldom)
	}
}

func (d *deployment) watch() {
	files := slices.Concat(d.life.certificates.files(), d.source.Files, slices.Collect(maps.Keys(d.referred)))
	d.watcher.Follow(files, d.loader.Files())
}

// refresh reads again what may have changed. A problem is only reported when
// it is still there a moment later.
func (d *deployment) refresh(ctx context.Context) {
	problems := d.reload(ctx)
	if d.known(problems) {
		return
	}
	time.AfterFunc(settle, func() {
		if ctx.Err() != nil {
			return
		}
		switch again := d.reload(ctx); {
		case slices.Equal(again, problems):
			d.report(again)
		case len(again) > 0: // it is something else now, which has its moment too
			d.refresh(ctx)
		}
	})
}

// known reports whether there are no problems, or none that are not in the log
// already.
func (d *deployment) known(problems []string) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if len(problems) == 0 {
		d.reported = nil
	}
	return slices.Equal(problems, d.reported)
}

func (d *deployment) report(problems []string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if slices.Equal(problems, d.reported) {
		return
	}
	d.reported = problems
	d.log.Error("a change is not in force; what was in force before still is", "problems", strings.Join(problems, "\n")+"\n")
	subject := handlers.RulesSubject
	if d.rejected != nil {
		subject = handlers.ConfigurationSubject
	}
	d.metrics.Reloaded(subject, false)
	d.loader.Refuse(problems)
}

// reload puts in force what is new and good, and returns what is not good.
func (d *deployment) reload(ctx context.Context) (problems []string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	report := &rules.Report{}
	// Files may change once more while what they say is put in force, and nobody
	// tells of that: they are watched anew then.
	for range 3 {
		digest, referred := d.filesDigest(), d.referredNow()
		if digest == d.digest && maps.Equal(referred, d.referred) {
			break
		}
		d.digest, d.referred = digest, referred
		report, d.rejected = d.reconfigure(ctx)
	}
	if again := d.loader.Reload(ctx); again.Published || !report.Published {
		report = again
	}
	report = d.discretion.report(report)
	d.publish(report)
	if d.rejected != nil {
		problems = append(problems, d.rejected.Error())
	}
	for _, p := range slices.Concat(report.Rejected, report.Refused) {
		problems = append(problems, p.String())
	}
	return problems
}

func (d *deployment) reconfigure(ctx context.Context) (*rules.Report, error) {
	c, err := config.Load(d.source)
	if err != nil {
		return &rules.Report{}, fmt.Errorf("configuration: %w", err)
	}
	report, err := d.apply(ctx, c)
	if err != nil {
		return &rules.Report{}, fmt.Errorf("configuration: %w", err)
	}
	d.referred = c.Referred()
	d.watch()
	d.warn(c.Warnings)
	d.log.Info("configuration reloaded")
	d.metrics.Reloaded(handlers.ConfigurationSubject, true)
	return report, nil
}

// publish tells log and metrics about a load.
func (d *deployment) publish(report *rules.Report) {
	d.tellSources(report)
	if !report.Published {
		return
	}
	d.warn(report.Warnings)
	for _, flaw := range report.Flaws {
		d.log.Error("a rule denies everything that it matches: " + flaw.String())
	}
	number, digest := d.engine.Generation()
	d.log.Info("access rules in force", "generation", number, "digest", digest, "rules", report.Rules, "broken", report.Broken,
		"added", few(report.Added), "removed", few(report.Removed), "changed", few(report.Changed))
	d.metrics.Reloaded(handlers.RulesSubject, true)
	d.metrics.Rules(number, digest, report.Rules-report.Broken, report.Broken, report.Overlaps)
}

// tellSources tells how the sources of the rules are.
func (d *deployment) tellSources(report *rules.Report) {
	states := map[string]int{string(rules.Live): 0, string(rules.Stale): 0, string(rules.Cached): 0, string(rules.Missing): 0}
	problematic := 0
	for _, s := range report.Sources {
		states[string(s.State)]++
		if s.State != rules.Live {
			problematic++
		}
		recalled := s.State == rules.Cached
		if recalled && !d.recalled[s.Source] {
			d.log.Warn("rules are in force as they were kept, because their source cannot be read", "source", s.Source, "kept", s.Read, "rules", s.Rules)
		}
		d.recalled[s.Source] = recalled
	}
	d.metrics.Sources(states, problematic, len(report.Refused) > 0)
	for _, problem := range report.Unkept {
		if !slices.Contains(d.unkept, problem) {
			d.log.Warn(problem)
		}
	}
	d.unkept = report.Unkept
}

// few are ids for a line of the log; all of a large set would be no line any more.
func few(ids []string) string {
	const most = 10
	if len(ids) <= most {
		return fmt.Sprint(ids)
	}
	return fmt.Sprintf("%v and %d more", ids[:most], len(ids)-most)
}

func (d *deployment) warn(warnings []document.Problem) {
	for _, warning := range warnings {
		d.log.Warn(warning.String())
	}
}

// filesDigest tells whether the configuration files have changed.
func (d *deployment) filesDigest() [sha256.Size]byte {
	hash := sha256.New()
	for _, name := range d.source.Files {
		content, err := os.ReadFile(name) //nolint:gosec // the operator names the files
		fmt.Fprintf(hash, "%d %v\n", len(content), err)
		hash.Write(content)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// referredNow are the files that references name, with the fingerprints of what
// they say now.
func (d *deployment) referredNow() map[string][sha256.Size]byte {
	now := make(map[string][sha256.Size]byte, len(d.referred))
	for path := range d.referred {
		now[path] = config.Fingerprint(path)
	}
	return now
}

package rules

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"ostiary/rules/repository"
)

// TestASourceIsOnlyParsedAgainWhenItsTextIsAnother: looking at files once a
// second costs nothing but their digest.
func TestASourceIsOnlyParsedAgainWhenItsTextIsAnother(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "rules")
	r, err := repository.Open("file://"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &source{Repository: r}
	refresh := func(text string) *holding {
		if text == "" {
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
		} else {
			write(t, path, text)
		}
		s.refresh(t.Context(), time.Now())
		return s.holdings[0]
	}
	first := refresh(one).rules
	if again := refresh(one); len(first) != 1 || again.rules[0] != first[0] {
		t.Error("good rules were parsed again")
	}
	problem := refresh("{").problem
	if again := refresh("{"); len(problem) != 1 || &again.problem[0] != &problem[0] {
		t.Error("bad rules were parsed again")
	}
	if gone := refresh(""); len(s.problems()) != 1 || s.problems()[0].Message == problem[0].Message || gone.rules[0] != first[0] {
		t.Errorf("without a file: %v", s.problems())
	}
	if again := refresh(one); len(s.problems()) > 0 || again.rules[0] != first[0] {
		t.Errorf("the same again: %v", s.problems())
	}
}

// TestADirectoryIsASourceOfManyDocuments, each of which keeps its own last good
// rules; one that is taken away takes its rules with it.
func TestADirectoryIsASourceOfManyDocuments(t *testing.T) {
	for _, source := range []string{"rules.d", "rules.d/*.json"} {
		t.Run(source, func(t *testing.T) {
			t.Chdir(t.TempDir())
			directory(t, "rules.d")
			write(t, "rules.d/b.json", two)
			write(t, "rules.d/a.json", one)
			write(t, "rules.d/.c.json", "not for us")
			write(t, "rules.d/README", "nor this")
			d := &deployment{engine: NewEngine()}
			d.loader = NewLoader(d.engine)
			report, err := d.loader.Configure(t.Context(), from(source))
			if err != nil {
				t.Fatal(err)
			}
			d.expect(t, report, true, "one two", "")

			write(t, "rules.d/a.json", "[{")
			write(t, "rules.d/c.json", three)
			const rejected = "rules.d/a.json:1: invalid JSON: the file ends in the middle of a value\n"
			d.expect(t, d.loader.Reload(t.Context()), true, "one two three", rejected)
			remove(t, "rules.d/b.json")
			d.expect(t, d.loader.Reload(t.Context()), true, "one three", rejected)
			write(t, "rules.d/a.json", two)
			d.expect(t, d.loader.Reload(t.Context()), true, "two three", "")

			remove(t, "rules.d")
			for range 2 {
				report := d.loader.Reload(t.Context())
				if report.Published || len(report.Rejected) != 1 || d.inForce() != "two three" {
					t.Errorf("without the directory: %+v", report)
				}
			}
			directory(t, "rules.d")
			if report := d.loader.Reload(t.Context()); len(report.Rejected) != 1 || d.inForce() != "two three" {
				t.Errorf("with an empty one: %+v", report)
			}
			write(t, "rules.d/a.json", "[]")
			d.expect(t, d.loader.Reload(t.Context()), true, "", "")
		})
	}
}

// TestRulesDoNotGoBeforeTheirSuccessorsCanBeUsed: a document that is gone may
// have been renamed to one that is broken.
func TestRulesDoNotGoBeforeTheirSuccessorsCanBeUsed(t *testing.T) {
	t.Chdir(t.TempDir())
	directory(t, "rules.d")
	write(t, "rules.d/a.json", one)
	write(t, "rules.d/b.json", two)
	settings := from("rules.d")
	settings.CacheDirectory = "kept"
	d := &deployment{engine: NewEngine()}
	d.loader = NewLoader(d.engine)
	configure := func() *Report {
		t.Helper()
		report, err := d.loader.Configure(t.Context(), settings)
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	configure()
	expect := func(report *Report, published bool, ids, rejected string, state State) {
		t.Helper()
		d.expect(t, report, published, ids, rejected)
		if got := report.Sources[0].State; got != state || !d.engine.Ready() {
			t.Errorf("the source is %s, want %s; ready: %t", got, state, d.engine.Ready())
		}
	}
	const cut = ":1: invalid JSON: the file ends in the middle of a value\n"
	remove(t, "rules.d/a.json")
	write(t, "rules.d/c.json", "[{")
	expect(d.loader.Reload(t.Context()), true, "two one", "rules.d/c.json"+cut, Stale)
	write(t, "rules.d/b.json", three)
	expect(d.loader.Reload(t.Context()), true, "three one", "rules.d/c.json"+cut, Stale)
	expect(configure(), true, "three one", "rules.d/c.json"+cut, Stale)

	// A start finds in the cache what is not to be had from the directory.
	d = &deployment{engine: NewEngine()}
	d.loader = NewLoader(d.engine)
	expect(configure(), true, "three one", "rules.d/c.json"+cut, Cached)
	expect(d.loader.Reload(t.Context()), false, "three one", "rules.d/c.json"+cut, Cached)

	write(t, "rules.d/c.json", two)
	expect(d.loader.Reload(t.Context()), true, "three two", "", Live)

	remove(t, "rules.d")
	write(t, "rules.d", "[{")
	expect(d.loader.Reload(t.Context()), true, "three two", "rules.d"+cut, Stale)
	write(t, "rules.d", one)
	expect(d.loader.Reload(t.Context()), true, "one", "", Live)
}

func TestAFileOfSeveralSourcesCountsOnce(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a.json": one, "b.json": two})
	report, err := d.loader.Configure(t.Context(), from("b.json", ".", "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	d.expect(t, report, true, "two one", "")
	if len(report.Warnings) > 0 {
		t.Errorf("warnings: %v", report.Warnings)
	}
}

// TestHalfOfAListIsNoNewListYet: whoever writes YAML in place may not be done.
func TestHalfOfAListIsNoNewListYet(t *testing.T) {
	t.Chdir(t.TempDir())
	rule := func(id string) string {
		return "- id: " + id + "\n  match: {url: 'http://" + id + ".test/', methods: [GET]}\n" +
			"  authenticators: [{handler: anonymous}]\n  authorizer: {handler: allow}\n  mutators: [{handler: noop}]\n"
	}
	write(t, "a.yaml", rule("one")+rule("two"))
	now := time.Now()
	settings := from("a.yaml")
	settings.Environment.Now = func() time.Time { return now }
	d := &deployment{engine: NewEngine()}
	d.loader = NewLoader(d.engine)
	if _, err := d.loader.Configure(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	const unbelieved = "a.yaml: ends where it did not before, and is not believed for a moment: it may be being written\n"
	write(t, "a.yaml", rule("one"))
	d.expect(t, d.loader.Reload(t.Context()), false, "one two", unbelieved)
	write(t, "a.yaml", rule("one")+rule("three"))
	d.expect(t, d.loader.Reload(t.Context()), true, "one three", "")
	write(t, "a.yaml", rule("one"))
	d.expect(t, d.loader.Reload(t.Context()), false, "one three", unbelieved)
	now = now.Add(cutTime - 1)
	d.expect(t, d.loader.Reload(t.Context()), false, "one three", unbelieved)
	now = now.Add(1)
	d.expect(t, d.loader.Reload(t.Context()), true, "one", "")
	d.expect(t, d.loader.Reload(t.Context()), false, "one", "")
}

// TestASecondNameOfABrokenFileTakesNoRulesAway, nor another spelling of its path.
func TestASecondNameOfABrokenFileTakesNoRulesAway(t *testing.T) {
	t.Chdir(t.TempDir())
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	directory(t, "more")
	write(t, "more/a.json", two)
	write(t, "more/b.json", one)
	d := &deployment{engine: NewEngine()}
	d.loader = NewLoader(d.engine)
	configure := func(sources ...string) *Report {
		t.Helper()
		report, err := d.loader.Configure(t.Context(), from(sources...))
		if err != nil {
			t.Fatal(err)
		}
		return report
	}
	d.expect(t, configure("more/b.json"), true, "one", "")
	write(t, "more/b.json", "{")
	const cut = "more/b.json:1: invalid JSON: the file ends in the middle of a value\n"
	d.expect(t, d.loader.Reload(t.Context()), false, "one", cut)
	d.expect(t, configure("more", "more/b.json"), true, "two one", cut+cut)
	write(t, "more/b.json", one)
	d.expect(t, configure("more", "more/b.json", filepath.Join(folder, "more", "a.json")), true, "two one", "")
}

// TestAStartWithRulesThatAreRefusedBeginsWithThoseThatWereKept, and without any
// is not ready.
func TestAStartWithRulesThatAreRefusedBeginsWithThoseThatWereKept(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one, "b": two})
	settings := from("a", "b")
	settings.RefuseOverlaps = true
	settings.MinimumRules = 0
	settings.CacheDirectory = "kept"
	d.restart(t, settings)
	write(t, "b", list(simple("clash", "one.example.com")))
	report := d.restart(t, settings)
	if d.expect(t, report, true, "one two", ""); len(report.Refused) != 1 || !d.engine.Ready() {
		t.Errorf("ready: %t, refused: %v", d.engine.Ready(), report.Refused)
	}
	if condition := string(d.engine.Condition()); !strings.Contains(condition, `"refused":["b:`) {
		t.Error(condition)
	}
	settings.CacheDirectory = ""
	report = d.restart(t, settings)
	if d.expect(t, report, true, "", ""); len(report.Refused) != 1 || d.engine.Ready() {
		t.Errorf("without a cache: ready: %t, refused: %v", d.engine.Ready(), report.Refused)
	}
	write(t, "b", two)
	d.expect(t, d.loader.Reload(t.Context()), true, "one two", "")
	if condition := string(d.engine.Condition()); strings.Contains(condition, "refused") || !d.engine.Ready() {
		t.Error(condition)
	}
}

// TestReadyMeansThatEverySourceHasBeenRead once. What fails later does not count.
func TestReadyMeansThatEverySourceHasBeenRead(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one})
	ready := func(want bool, states ...State) {
		t.Helper()
		if got := d.engine.Ready(); got != want {
			t.Errorf("ready is %t", got)
		}
		for i, s := range d.engine.state.Load().sources {
			if s.State != states[i] {
				t.Errorf("source %s is %s, want %s", s.Source, s.State, states[i])
			}
		}
	}
	ready(true, Live)

	fresh := &deployment{engine: NewEngine()}
	fresh.loader = NewLoader(fresh.engine)
	d = fresh
	ready(false)
	if _, err := d.loader.Configure(t.Context(), from("a", "b")); err != nil {
		t.Fatal(err)
	}
	ready(false, Live, Missing)
	write(t, "b", "{")
	d.loader.Reload(t.Context())
	ready(false, Live, Missing)
	write(t, "b", two)
	d.loader.Reload(t.Context())
	ready(true, Live, Live)
	write(t, "b", "{")
	d.loader.Reload(t.Context())
	ready(true, Live, Stale)
	if _, err := d.loader.Configure(t.Context(), from("a", "b", "c")); err != nil {
		t.Fatal(err)
	}
	ready(true, Live, Stale, Missing)

	settings := from("a", "b")
	settings.MinimumRules = 3
	if _, err := d.loader.Configure(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	ready(false, Live, Stale)
	settings.MinimumRules = 0
	write(t, "a", "[]")
	write(t, "b", "[]")
	if _, err := d.loader.Configure(t.Context(), settings); err != nil {
		t.Fatal(err)
	}
	ready(true, Live, Live)
}

// TestAStartWithoutItsSourcesBeginsWithWhatWasKept, and with nothing else: only
// rules that were in force are kept.
func TestAStartWithoutItsSourcesBeginsWithWhatWasKept(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one, "b": two})
	settings := from("a", "b")
	settings.CacheDirectory = "kept"
	settings.RefuseOverlaps = true
	if report := d.restart(t, settings); len(report.Unkept) > 0 {
		t.Fatal(report.Unkept)
	}
	write(t, "b", list(simple("clash", "one.example.com"))) // which is refused, and not kept
	if report := d.loader.Reload(t.Context()); len(report.Refused) == 0 {
		t.Fatalf("%+v", report)
	}
	remove(t, "a")
	write(t, "b", "")
	report := d.restart(t, settings)
	d.expect(t, report, true, "one two", "a: no such file or directory\nb: the file is empty\n")
	if a, b := report.Sources[0], report.Sources[1]; a.State != Cached || b.State != Cached || a.Read.IsZero() || len(b.Problems) != 1 || !d.engine.Ready() {
		t.Errorf("ready: %t, %+v", d.engine.Ready(), report.Sources)
	}
	d.expect(t, d.loader.Reload(t.Context()), false, "one two", "a: no such file or directory\nb: the file is empty\n")
	write(t, "a", one)
	d.expect(t, d.loader.Reload(t.Context()), false, "one two", "b: the file is empty\n")
	write(t, "b", three)
	report = d.loader.Reload(t.Context())
	d.expect(t, report, true, "one three", "")
	if a, b := report.Sources[0], report.Sources[1]; a.State != Live || b.State != Live {
		t.Errorf("%+v", report.Sources)
	}
	remove(t, "b")
	d.expect(t, d.restart(t, settings), true, "one three", "b: no such file or directory\n")

	// What is damaged is not used.
	kept, err := filepath.Glob("kept/*.rules")
	if err != nil || len(kept) != 2 {
		t.Fatalf("kept are %q, %v", kept, err)
	}
	for _, path := range kept {
		if err := os.Truncate(path, 300); err != nil {
			t.Fatal(err)
		}
	}
	d.expect(t, d.restart(t, settings), true, "one", "b: no such file or directory\n")
}

// TestRulesCountThoughTheyCannotBeKept: that is told, and tried again.
func TestRulesCountThoughTheyCannotBeKept(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one, "kept": "a file where the directory should be"})
	settings := from("a")
	settings.CacheDirectory = "kept"
	report, err := d.loader.Configure(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	const unkept = "the last good rules of a cannot be kept in kept: not a directory"
	if len(report.Unkept) != 1 || report.Unkept[0] != unkept || report.Sources[0].NotKept != unkept || d.inForce() != "one" {
		t.Errorf("%q, %+v", report.Unkept, report.Sources)
	}
	remove(t, "kept")
	if report := d.loader.Reload(t.Context()); len(report.Unkept) > 0 || report.Sources[0].NotKept != "" {
		t.Errorf("%q, %+v", report.Unkept, report.Sources)
	}
	if _, err := os.Stat("kept"); errors.Is(err, os.ErrNotExist) {
		t.Error("nothing is kept")
	}
}

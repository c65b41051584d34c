package rules

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
)

// deployment is an engine with rules from files in one folder, which is the
// working directory, so that messages name the files without it.
type deployment struct {
	engine *Engine
	loader *Loader
}

// deploy writes the files and loads them in the order of their names.
func deploy(t *testing.T, files map[string]string) (*deployment, *Report) {
	t.Helper()
	t.Chdir(t.TempDir())
	var names []string
	for name, text := range files {
		write(t, name, text)
		names = append(names, name)
	}
	slices.Sort(names)
	d := new(deployment)
	return d, d.restart(t, from(names...))
}

// restart begins anew, without anything that the engine before knew.
func (d *deployment) restart(t *testing.T, settings Settings) *Report {
	t.Helper()
	d.engine = NewEngine()
	d.loader = NewLoader(d.engine)
	report, err := d.loader.Configure(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// inForce are the ids of the rules in force, in order.
func (d *deployment) inForce() string {
	var ids []string
	for id := range d.engine.Rules() {
		ids = append(ids, id)
	}
	return strings.Join(ids, " ")
}

// expect holds the deployment to the rules in force and the report to what was
// rejected.
func (d *deployment) expect(t *testing.T, report *Report, published bool, ids, rejected string) {
	t.Helper()
	if got := d.inForce(); got != ids {
		t.Errorf("in force are %q, want %q", got, ids)
	}
	if report.Published != published || report.Rules != len(strings.Fields(ids)) || report.Generation != d.engine.set.Load().generation {
		t.Errorf("published %v, %d rules, generation %d", report.Published, report.Rules, report.Generation)
	}
	if got := lines(report.Rejected...); got != rejected {
		t.Errorf("rejected:\n%swant:\n%s", got, rejected)
	}
}

var (
	one   = list(simple("one", "one.example.com"))
	two   = list(simple("two", "two.example.com"))
	three = list(simple("three", "three.example.com"))
)

// TestWhatCannotBeReadKeepsTheLastGoodRules, however it cannot, for as long as
// it cannot, and what can be read again is in force at once.
func TestWhatCannotBeReadKeepsTheLastGoodRules(t *testing.T) {
	for name, test := range map[string]struct {
		spoil    func(t *testing.T)
		rejected string
	}{
		"deleted": {func(t *testing.T) {
			if err := os.Remove("a"); err != nil {
				t.Fatal(err)
			}
		}, "a: no such file or directory\n"},
		"a directory in its place": {func(t *testing.T) {
			if err := errors.Join(os.Remove("a"), os.Mkdir("a", 0o700)); err != nil {
				t.Fatal(err)
			}
		}, "a: is a directory without a rule file (*.json, *.yaml or *.yml); for no rules write a file with []\n"},
		"a link into nothing": {func(t *testing.T) {
			if err := errors.Join(os.Remove("a"), os.Symlink("nothing", "a")); err != nil {
				t.Fatal(err)
			}
		}, "a: no such file or directory\n"},
		"a link in a circle": {func(t *testing.T) {
			if err := errors.Join(os.Remove("a"), os.Symlink("a", "a")); err != nil {
				t.Fatal(err)
			}
		}, "a: too many levels of symbolic links\n"},
		"too large": {func(t *testing.T) {
			if err := os.Truncate("a", document.MaxSize+1); err != nil {
				t.Fatal(err)
			}
		}, "a: has 67108865 bytes, more than the 67108864 that are read\n"},
		"zero bytes":    {func(t *testing.T) { write(t, "a", "") }, "a: the file is empty\n"},
		"blank":         {func(t *testing.T) { write(t, "a", " \n\n") }, "a: the file is empty\n"},
		"truncated":     {func(t *testing.T) { write(t, "a", one[:len(one)/2]+"\n") }, "a:3: invalid JSON: the file ends in the middle of a value\n"},
		"no list":       {func(t *testing.T) { write(t, "a", `{"id": "one"}`) }, "a:1: expected an array of access rules, got object\n"},
		"a wrong type":  {func(t *testing.T) { write(t, "a", "[\n"+simple("new", "n")+",\n{\"id\": 1}]") }, "a:4: rule [1]: id: expected string, got integer\n"},
		"a bad version": {func(t *testing.T) { write(t, "a", `[{"id": "one", "version": "new"}]`) }, "a:1: rule \"one\": version: \"new\" is not a version such as v0.40.1\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d, report := deploy(t, map[string]string{"a": one, "b": two})
			d.expect(t, report, true, "one two", "")
			test.spoil(t)
			for range 2 {
				d.expect(t, d.loader.Reload(t.Context()), false, "one two", test.rejected)
			}
			if got := outcome(d.engine, "one.example.com", "/"); got != "one" {
				t.Errorf("the last good rule: %s", got)
			}

			// A change of another source is no reason to wait.
			write(t, "b", three)
			d.expect(t, d.loader.Reload(t.Context()), true, "one three", test.rejected)
			// Nor to lose the last good rules is a change of the configuration.
			report, err := d.loader.Configure(t.Context(), from("a"))
			if err != nil {
				t.Fatal(err)
			}
			d.expect(t, report, true, "one", test.rejected)

			if err := os.RemoveAll("a"); err != nil {
				t.Fatal(err)
			}
			write(t, "a", one)
			d.expect(t, d.loader.Reload(t.Context()), false, "one", "")
			write(t, "a", two)
			d.expect(t, d.loader.Reload(t.Context()), true, "two", "")
		})
	}
}

func TestASourceThatIsBadFromTheStartHasNoRules(t *testing.T) {
	d, report := deploy(t, map[string]string{"a": `[{"id": 1}]`, "b": two})
	const rejected = "a:1: rule [0]: id: expected string, got integer\n"
	d.expect(t, report, true, "two", rejected)
	d.expect(t, d.loader.Reload(t.Context()), false, "two", rejected)
	write(t, "a", one)
	d.expect(t, d.loader.Reload(t.Context()), true, "one two", "")
}

func TestAFileMayAppearLater(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one})
	report, err := d.loader.Configure(t.Context(), from("a", "rules/b"))
	if err != nil {
		t.Fatal(err)
	}
	const rejected = "rules/b: no such file or directory\n"
	d.expect(t, report, true, "one", rejected)
	if err := os.Mkdir("rules", 0o700); err != nil {
		t.Fatal(err)
	}
	d.expect(t, d.loader.Reload(t.Context()), false, "one", rejected)
	write(t, "rules/b", two)
	d.expect(t, d.loader.Reload(t.Context()), true, "one two", "")
}

func TestNoRulesAreRulesToo(t *testing.T) {
	for _, none := range []string{"[]", "null", "[] # none\n", "---\n"} {
		d, _ := deploy(t, map[string]string{"a": one})
		write(t, "a", none)
		d.expect(t, d.loader.Reload(t.Context()), true, "", "")
		if d.engine.Ready() {
			t.Errorf("%q is ready", none)
		}
		write(t, "a", one)
		d.expect(t, d.loader.Reload(t.Context()), true, "one", "")
	}
}

func TestRulesKeepTheOrderOfTheirSources(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one, "b": list(simple("z", "z"), simple("y", "y")), "c": three})
	if got := d.inForce(); got != "one z y three" {
		t.Errorf("in force are %q", got)
	}
	if _, err := d.loader.Configure(t.Context(), from("c", "b", "a")); err != nil {
		t.Fatal(err)
	}
	if got := d.inForce(); got != "three z y one" {
		t.Errorf("in force are %q", got)
	}
}

// TestAReportTellsWhatChanged by the ids of rules, and by their places where
// ids do not tell them apart.
func TestAReportTellsWhatChanged(t *testing.T) {
	type changes struct{ Added, Removed, Changed []string }
	d, report := deploy(t, map[string]string{"a": list(simple("x", "x"), simple("y", "y"), simple("z", "z"))})
	of := func(r *Report) changes { return changes{r.Added, r.Removed, r.Changed} }
	if diff := cmp.Diff(changes{Added: []string{"x", "y", "z"}}, of(report)); diff != "" {
		t.Errorf("at the start (-want +got):\n%s", diff)
	}
	for _, step := range []struct {
		name, text string
		want       changes
	}{
		{"the same", list(simple("x", "x"), simple("y", "y"), simple("z", "z")), changes{}},
		{"another order and another form", list(simple("z", "z"), simple("x", "x"), strings.ReplaceAll(simple("y", "y"), "\n", " ")), changes{}},
		{"one of each", list(simple("w", "w"), simple("x", "xx"), simple("y", "y")), changes{[]string{"w"}, []string{"z"}, []string{"x"}}},
		{"a twin", list(simple("w", "w"), simple("x", "xx"), simple("y", "y"), simple("w", "v")), changes{Added: []string{"w[3]"}}},
		{"no ids", list(simple("", "1"), simple("", "2")), changes{Added: []string{"[0]", "[1]"}, Removed: []string{"w", "w[3]", "x", "y"}}},
		{"no rules", "[]", changes{Removed: []string{"[0]", "[1]"}}},
	} {
		write(t, "a", step.text)
		if diff := cmp.Diff(step.want, of(d.loader.Reload(t.Context()))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
	}
}

func TestGenerationsCountWhatWasPublished(t *testing.T) {
	d, report := deploy(t, map[string]string{"a": one})
	if !report.Published || report.Generation != 1 {
		t.Errorf("the first: %+v", report)
	}
	for _, step := range []struct {
		text       string
		published  bool
		generation uint64
	}{{one, false, 1}, {two, true, 2}, {"", false, 2}, {two, false, 2}, {one, true, 3}} {
		write(t, "a", step.text)
		if report = d.loader.Reload(t.Context()); report.Published != step.published || report.Generation != step.generation {
			t.Errorf("%q: %+v", step.text, report)
		}
	}
	report, err := d.loader.Configure(t.Context(), from("a"))
	if err != nil || !report.Published || report.Generation != 4 {
		t.Errorf("configured: %+v, %v", report, err)
	}
}

// TestABrokenRuleStaysBrokenInEveryReport, with the line where it stands, also
// when it is another source that changed.
func TestABrokenRuleStaysBrokenInEveryReport(t *testing.T) {
	d, report := deploy(t, map[string]string{"a": "[\n\n" + strings.Replace(simple("one", "one"), "allow", "alow", 1) + "]", "b": two})
	const flaw = "a:4: rule \"one\": authorizer (alow): there is no handler of that name; did you mean \"allow\"?\n"
	for range 2 {
		if got := lines(report.Flaws...); got != flaw || report.Rules != 2 || report.Broken != 1 {
			t.Errorf("%d rules, %d broken:\n%s", report.Rules, report.Broken, got)
		}
		write(t, "b", three)
		report = d.loader.Reload(t.Context())
	}
	if report.Published || report.Broken != 1 || report.Rules != 2 {
		t.Errorf("nothing changed, and the report is %+v", report)
	}
}

package rules

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
)

// overlapping are an engine, a loader and the files that it loads.
func overlapping(t *testing.T, files map[string]string) *deployment {
	t.Helper()
	t.Chdir(t.TempDir())
	for name, text := range files {
		write(t, name, text)
	}
	d := &deployment{engine: NewEngine()}
	d.loader = NewLoader(d.engine)
	return d
}

func (d *deployment) configure(t *testing.T, refuse bool, files ...string) *Report {
	t.Helper()
	settings := from(files...)
	settings.RefuseOverlaps = refuse
	report, err := d.loader.Configure(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

var (
	public    = simple("public", "app.example.com")
	admin     = simple("admin", "app.example.com")
	exception = strings.NewReplacer(`"id"`, `"priority": 1, "id"`, "<.*>", "admin<.*>").Replace(admin)
)

func TestAnOverlapSaysWhichRulesWhereAndWhatToDo(t *testing.T) {
	for name, test := range map[string]struct{ a, b, want string }{
		"in one file":       {list(public, admin), "[]", "a:4: rules \"public\" and \"admin\" both match GET http://app.example.com/; give one of them a higher priority\n"},
		"in two files":      {list(public), list(admin), "b:2: rules \"public\" and \"admin\" both match GET http://app.example.com/; give one of them a higher priority\n"},
		"the same id":       {list(public), list(public), "b:2: rules \"public\" (a:2) and \"public\" (b:2) both match GET http://app.example.com/; give one of them a higher priority\n"},
		"no ids":            {list(simple("", "a")), list(simple("", "a")), "b:2: rules [0] (a:2) and [0] (b:2) both match GET http://a/; give one of them a higher priority\n"},
		"no id":             {list(simple("", "a"), simple("x", "a")), "[]", "a:4: rules [0] (a:2) and \"x\" both match GET http://a/; give one of them a higher priority\n"},
		"quotes":            {list(simple(`\"`, "a"), simple("x", "a")), "[]", "a:4: rules \"\\\"\" and \"x\" both match GET http://a/; give one of them a higher priority\n"},
		"another priority":  {list(public, exception), "[]", ""},
		"an equal priority": {list(exception, exception), "[]", "a:4: rules \"admin\" (a:2) and \"admin\" (a:4) both match GET http://app.example.com/admin; give one of them a higher priority\n"},
	} {
		t.Run(name, func(t *testing.T) {
			d := overlapping(t, map[string]string{"a": test.a, "b": test.b})
			var got strings.Builder
			for _, warning := range d.configure(t, false, "a", "b").Warnings {
				if strings.Contains(warning.Message, "both match") {
					got.WriteString(warning.String() + "\n")
				}
			}
			if diff := cmp.Diff(test.want, got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// at is a rule of that id for that URL, in a line of its own.
func at(id, template, more string) string {
	return `{"id": "` + id + `", "match": {"url": "` + template + `", "methods": ["GET"]}, ` + more + `"authenticators": [{"handler": "anonymous"}], "authorizer": {"handler": "allow"}, "mutators": [{"handler": "header"}]}`
}

// TestRulesAreCompared for all requests that there are.
func TestRulesAreCompared(t *testing.T) {
	high := `"priority": 1, `
	for name, test := range map[string]struct{ first, second, want string }{
		"apart by their hosts":         {at("a", "http://a.test/<.*>", ""), at("b", "http://b.test/<.*>", ""), ""},
		"apart by a look-ahead":        {at("a", "http://a.test/<(?!admin).*>", ""), at("b", "http://a.test/admin<.*>", ""), ""},
		"apart by their methods":       {at("a", "http://a.test/", ""), strings.Replace(at("b", "http://a.test/", ""), "GET", "POST", 1), ""},
		"apart in requests there are":  {at("a", "http://<.+>/x", ""), at("b", "http://a.test/x/<[^/]*>/<.*>/..", ""), ""},
		"hosts in another case":        {at("a", "http://A.test/", ""), at("b", "http://a.<TEST>/", ""), `a:3: rules "a" and "b" both match GET http://a.test/; give one of them a higher priority`},
		"a host that runs on":          {at("a", "http://a.test<.*>", ""), at("b", "http://<[a-z.]+>.org/x", ""), `a:3: rules "a" and "b" both match GET http://a.test.org/x; give one of them a higher priority`},
		"a schemes' list":              {at("a", "<https|http>://a.test/<.*>", ""), at("b", "https://a.test/<[0-9]+>/x", ""), `a:3: rules "a" and "b" both match GET https://a.test/0/x, and rule "b" can never answer, because rule "a" matches whatever it matches; give it a higher priority`},
		"one inside of the other":      {at("a", "http://a.test/admin", ""), at("b", "http://a.test/<.*>", ""), `a:3: rules "a" and "b" both match GET http://a.test/admin, and rule "a" can never answer, because rule "b" matches whatever it matches; give it a higher priority`},
		"a default with an exception":  {at("a", "http://a.test/<.*>", ""), at("b", "http://a.test/admin", high), ""},
		"a default before all others":  {at("a", "http://a.test/<.*>", high), at("b", "http://a.test/admin", ""), `a:3: rule "b" can never answer: rule "a" has a higher priority and matches whatever it matches, such as GET http://a.test/admin`},
		"perhaps":                      {at("a", `http://a.test/<(?<x>[a-z]+)-\\k<x>>`, ""), at("b", "http://a.test/<[a-m]-[n-z]>", ""), `a:3: rules "a" and "b" may both match GET http://a.test/a-x; it cannot be told, because rule "a" has a back-reference in column 14`},
		"perhaps, and it is confirmed": {at("a", `http://a.test/<(?<x>[a-z]+)-\\k<x>>`, ""), at("b", "http://a.test/x-x", ""), `a:3: rules "a" and "b" both match GET http://a.test/x-x; give one of them a higher priority`},
		"another priority, perhaps":    {at("a", `http://a.test/<(?<x>[a-z]+)-\\k<x>>`, high), at("b", "http://a.test/<[a-z]-[a-z]>", ""), ""},
	} {
		t.Run(name, func(t *testing.T) {
			d := overlapping(t, map[string]string{"a": list(test.first, test.second)})
			report := d.configure(t, false, "a")
			warnings := slices.DeleteFunc(report.Warnings, func(p document.Problem) bool { return strings.Contains(p.Message, "only trying can decide") })
			got := strings.TrimSuffix(lines(warnings...), "\n")
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if conflict := strings.Contains(test.want, "both match") && !strings.Contains(test.want, "may both"); (report.Overlaps == 1) != conflict {
				t.Errorf("%d overlaps are counted", report.Overlaps)
			}
		})
	}
}

// TestOverlapsWithoutEnd are told in part.
func TestOverlapsWithoutEnd(t *testing.T) {
	rules := make([]string, 20)
	for i := range rules {
		rules[i] = at(fmt.Sprint("rule-", i), "http://a.test/<.*>", "")
	}
	d := overlapping(t, map[string]string{"a": list(rules...)})
	report := d.configure(t, false, "a")
	if len(report.Warnings) != maxTold+1 || report.Overlaps != 20*19/2 {
		t.Errorf("%d warnings of %d overlaps", len(report.Warnings), report.Overlaps)
	}
	if got := report.Warnings[maxTold].String(); got != "90 more pairs of rules overlap; `ostiary rules lint` names them all" {
		t.Errorf("got %s", got)
	}
}

const bothMatch = `:4: rules "public" and "admin" both match GET http://app.example.com/; give one of them a higher priority`

// TestOverlapsAreWarnedOf and put in force, as long as nobody wants it
// otherwise: the one request in question is refused, and no other.
func TestOverlapsAreWarnedOf(t *testing.T) {
	d := overlapping(t, map[string]string{"a": list(public, admin, simple("alone", "alone.example.com"))})
	report := d.configure(t, false, "a")
	d.expect(t, report, true, "public admin alone", "")
	if got := lines(report.Warnings...); got != "a"+bothMatch+"\n" || report.Overlaps != 1 || len(report.Refused) > 0 || report.Broken > 0 {
		t.Errorf("%d overlaps, refused: %v, warnings:\n%s", report.Overlaps, report.Refused, got)
	}
	if got := outcome(d.engine, "app.example.com", "/"); !strings.HasSuffix(got, `rules "public" and "admin" both match`) {
		t.Errorf("the request in question: %s", got)
	}
	if got := outcome(d.engine, "alone.example.com", "/"); got != "alone" {
		t.Errorf("another one: %s", got)
	}
	if report := d.loader.Reload(t.Context()); report.Published || report.Overlaps != 1 {
		t.Errorf("nothing changed, and the report is %+v", report)
	}
	write(t, "a", list(public, exception))
	report = d.loader.Reload(t.Context())
	d.expect(t, report, true, "public admin", "")
	if report.Overlaps != 0 || len(report.Warnings) > 0 {
		t.Errorf("%d overlaps, warnings: %v", report.Overlaps, report.Warnings)
	}
	for path, want := range map[string]string{"/": "public", "/admin": "admin"} {
		if got := outcome(d.engine, "app.example.com", path); got != want {
			t.Errorf("%s, which was in question: %s", path, got)
		}
	}
}

// TestOverlapsAreListed with both rules.
func TestOverlapsAreListed(t *testing.T) {
	d := overlapping(t, map[string]string{"a": list(public, admin, simple("alone", "alone.example.com"), exception)})
	d.configure(t, false, "a")
	shown := `"overlaps":["a` + strings.ReplaceAll(bothMatch, `"`, `\"`) + `"]}`
	var got []bool
	for _, document := range d.engine.Rules() {
		got = append(got, strings.HasSuffix(string(document), shown))
		if strings.Contains(string(document), "overlaps") != got[len(got)-1] {
			t.Errorf("%s\nwant …%s", document, shown)
		}
	}
	if diff := cmp.Diff([]bool{true, true, false, false}, got); diff != "" {
		t.Errorf("which rules show it (-want +got):\n%s", diff)
	}
}

// TestOverlapsCanBeRefused: then the rules that were in force before stay, all
// of them, for as long as there are overlaps, and it is said as often as
// somebody looks.
func TestOverlapsCanBeRefused(t *testing.T) {
	d := overlapping(t, map[string]string{"a": list(public), "b": two})
	report := d.configure(t, true, "a", "b")
	d.expect(t, report, true, "public two", "")

	refused := func(report *Report, inForce, want string) {
		t.Helper()
		d.expect(t, report, false, inForce, "")
		if got := lines(report.Refused...); got != want || report.Overlaps != 0 {
			t.Errorf("%d overlaps in force, refused:\n%swant:\n%s", report.Overlaps, got, want)
		}
	}
	write(t, "a", list(public, admin))
	for range 3 {
		refused(d.loader.Reload(t.Context()), "public two", "a"+bothMatch+"\n")
	}
	write(t, "b", three) // a change that is good by itself, but not of the whole
	refused(d.loader.Reload(t.Context()), "public two", "a"+bothMatch+"\n")
	write(t, "b", list(public, strings.Replace(simple("three", "three.example.com"), "allow", "alow", 1))) // nor is this one
	refused(d.loader.Reload(t.Context()), "public two", "a"+bothMatch+`
b:2: rules "public" (a:2) and "public" (b:2) both match GET http://app.example.com/; give one of them a higher priority
b:2: rules "admin" and "public" both match GET http://app.example.com/; give one of them a higher priority
b:5: rule "three": authorizer (alow): there is no handler of that name; did you mean "allow"?
`)
	if got := outcome(d.engine, "app.example.com", "/"); got != "public" {
		t.Errorf("a rule that stays: %s", got)
	}
	write(t, "b", three)
	write(t, "a", list(public, exception))
	report = d.loader.Reload(t.Context())
	d.expect(t, report, true, "public admin three", "")
	if len(report.Refused) > 0 || report.Generation != 2 {
		t.Errorf("%+v", report)
	}
	write(t, "a", "") // unreadable is another matter
	d.expect(t, d.loader.Reload(t.Context()), false, "public admin three", "a: the file is empty\n")
}

// TestAtTheStartThereAreNoRulesToKeep, so what is refused then leaves an engine
// that is not ready, and refuses in the way of the configuration.
func TestAtTheStartThereAreNoRulesToKeep(t *testing.T) {
	d := overlapping(t, map[string]string{"a": list(public, admin)})
	settings := from("a")
	settings.RefuseOverlaps, settings.NoMatch = true, 403
	report, err := d.loader.Configure(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	d.expect(t, report, true, "", "")
	if got := lines(report.Refused...); got != "a"+bothMatch+"\n" || d.engine.Ready() {
		t.Errorf("ready: %v, refused:\n%s", d.engine.Ready(), got)
	}
	if got := d.engine.Decide(t.Context(), request("GET", "app.example.com", "/")).Response.Status; got != 403 {
		t.Errorf("answered with %d", got)
	}
	write(t, "a", list(public, exception))
	d.expect(t, d.loader.Reload(t.Context()), true, "public admin", "")
}

// TestRefusingIsAMatterOfTheConfiguration: with it come new settings, which
// count for the rules that stay in force, whoever it was that was refused.
func TestRefusingIsAMatterOfTheConfiguration(t *testing.T) {
	d := overlapping(t, map[string]string{"a": list(public, admin), "b": two})
	configure := func(refuse bool, status int, files ...string) *Report {
		t.Helper()
		settings := from(files...)
		settings.RefuseOverlaps, settings.NoMatch = refuse, status
		report, err := d.loader.Configure(t.Context(), settings)
		if err != nil {
			t.Fatal(err)
		}
		if got := d.engine.Decide(t.Context(), request("GET", "nobody", "/")).Response.Status; got != status {
			t.Errorf("without a rule the answer is %d, want %d", got, status)
		}
		return report
	}
	for _, step := range []struct {
		name             string
		refuse           bool
		status           int
		files, inForce   string
		refused, overlap int
	}{
		{"warned of", false, 404, "a b", "public admin two", 0, 1},
		{"refused and nevertheless in force, because it was before", true, 401, "a b", "public admin two", 1, 1},
		{"a source less", true, 403, "b", "two", 0, 0},
		{"and once more", true, 401, "b a", "two", 1, 0},
		{"warned of again", false, 403, "b a", "two public admin", 0, 1},
	} {
		report := configure(step.refuse, step.status, strings.Fields(step.files)...)
		d.expect(t, report, true, step.inForce, "")
		if len(report.Refused) != step.refused || report.Overlaps != step.overlap {
			t.Errorf("%s: %d overlaps, refused: %v", step.name, report.Overlaps, report.Refused)
		}
		if again := d.loader.Reload(t.Context()); again.Published || len(again.Refused) != step.refused || again.Overlaps != step.overlap {
			t.Errorf("%s: nothing changed, and the report is %+v", step.name, again)
		}
	}
}

package rules

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"ostiary/config/document"
	"ostiary/pipeline"
)

func inline(text string) string { return "inline://" + base64.StdEncoding.EncodeToString([]byte(text)) }

// TestAConfigurationThatCannotBeUsedChangesNothing, and every mistake in it is
// told at once.
func TestAConfigurationThatCannotBeUsedChangesNothing(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one})
	for name, test := range map[string]struct {
		repositories []string
		settings     func(*pipeline.Settings)
		want         string
	}{
		"schemes": {
			repositories: []string{"file://a", "https:///rules", "a", "file:///a[", "git://x/y"},
			want: `access_rules.repositories[1]: "https:///rules" is not a URL such as https://rules.example.com/access-rules.json
access_rules.repositories[2]: "a" is not a URL such as file:///etc/rules/access-rules.json
access_rules.repositories[3]: "file:///a[" is no pattern of paths: a bracket is not closed, or nothing follows a backslash
access_rules.repositories[4]: there are no repositories of the kind git://; use file://, inline://, http://, https://, s3://, gs:// or azblob://`,
		},
		"rules inside of the configuration": {
			repositories: []string{"file://missing", inline("[\n{\"id\": 1}]"), inline(`{}`), inline(""), "inline://[]"},
			want: `access_rules.repositories[4]: the text behind inline:// is not base64 (standard alphabet, with padding): illegal base64 data at input byte 0
inline://:2: rule [0]: id: expected string, got integer
inline://:1: expected an array of access rules, got object
inline://: the file is empty`,
		},
		"handlers": {
			repositories: []string{"file://b"},
			settings: func(s *pipeline.Settings) {
				s.Authenticators = map[string]pipeline.Setting{"anonymous": {Enabled: true, Config: map[string]any{"subject": true}}}
				s.ErrorHandlers = map[string]pipeline.Setting{"redirect": {Enabled: true, Config: map[string]any{"to": `\`}}}
			},
			want: `authenticators.anonymous.config.subject: expected string, got boolean
errors.handlers.redirect.config.to: "\\" is not a URL`,
		},
	} {
		settings := from()
		settings.Repositories = test.repositories
		if test.settings != nil {
			test.settings(&settings.Pipeline)
		}
		report, err := d.loader.Configure(t.Context(), settings)
		if report != nil || err == nil || err.Error() != test.want {
			t.Errorf("%s: %+v\n%v\nwant:\n%s", name, report, err, test.want)
		}
		if problems := (document.Problems{}); !errors.As(err, &problems) {
			t.Errorf("%s: the error is a %T", name, err)
		}
		if got := outcome(d.engine, "one.example.com", "/"); got != "one" {
			t.Errorf("%s: afterwards %s", name, got)
		}
	}
	write(t, "a", two)
	d.expect(t, d.loader.Reload(t.Context()), true, "two", "")
}

func TestASourceThatIsNamedTwiceIsLoadedOnce(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a b": one})
	settings := from("a b", "a b", "./a%20b", "x/../a b?version=1")
	settings.Repositories = append(settings.Repositories, inline(two), inline(two), inline(three), inline(one))
	report, err := d.loader.Configure(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	d.expect(t, report, true, "one two three one", "") // inline the same rule is another source
	if got := strings.Join(d.loader.Files(), ", "); got != "a b, a b/*.json, a b/*.yaml, a b/*.yml" {
		t.Errorf("the files are %s", got)
	}
}

func TestSourcesComeAndGoWithTheConfiguration(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one, "b": two})
	for _, step := range []struct {
		repositories []string
		want         string
	}{
		{[]string{"file://b"}, "two"},
		{nil, ""},
		{[]string{inline(three), "file://a"}, "three one"},
		{[]string{inline(two), "file://a"}, "two one"},
		{[]string{"file://a", "file://b"}, "one two"},
	} {
		settings := from()
		settings.Repositories = step.repositories
		report, err := d.loader.Configure(t.Context(), settings)
		if err != nil {
			t.Fatal(err)
		}
		d.expect(t, report, true, step.want, "")
	}
}

// TestASourceThatIsTakenAwayIsForgotten: its last good rules do not come back
// with its name.
func TestASourceThatIsTakenAwayIsForgotten(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one, "b": two})
	if _, err := d.loader.Configure(t.Context(), from("b")); err != nil {
		t.Fatal(err)
	}
	write(t, "a", "")
	report, err := d.loader.Configure(t.Context(), from("a", "b"))
	if err != nil {
		t.Fatal(err)
	}
	d.expect(t, report, true, "two", "a: the file is empty\n")
}

// TestStrictnessIsAMatterOfTheConfiguration: when it changes the same text is
// judged anew, and like any source that became bad keeps its last good rules.
func TestStrictnessIsAMatterOfTheConfiguration(t *testing.T) {
	careless := strings.Replace(one, `"id"`, `"idd": 1, "id"`, 1)
	d, report := deploy(t, map[string]string{"a": careless})
	const warning = "a:2: rule \"one\": idd: unknown key; did you mean \"id\"?\n"
	if got := lines(report.Warnings...); got != warning {
		t.Errorf("warnings: %s", got)
	}
	settings := from("a")
	settings.Strict = true
	for range 2 {
		report, err := d.loader.Configure(t.Context(), settings)
		if err != nil {
			t.Fatal(err)
		}
		d.expect(t, report, true, "one", warning)
		d.expect(t, d.loader.Reload(t.Context()), false, "one", warning)
	}
	settings.Strict = false
	report, err := d.loader.Configure(t.Context(), settings)
	if err != nil {
		t.Fatal(err)
	}
	d.expect(t, report, true, "one", "")
	if got := lines(report.Warnings...); got != warning {
		t.Errorf("warnings: %s", got)
	}
}

func TestTheStrategyIsAMatterOfTheConfiguration(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": list(strings.Replace(simple("one", "<[a-z]*>"), "<.*>", "x", 1))})
	settings := from("a")
	const refused = "Requested url does not match any rules"
	for range 2 {
		for strategy, want := range map[Strategy]string{Regexp: refused, Glob: "one"} {
			settings.Strategy = strategy
			if _, err := d.loader.Configure(t.Context(), settings); err != nil {
				t.Fatal(err)
			}
			if got := outcome(d.engine, "shop", "/x"); got != "one" {
				t.Errorf("%s: %s", strategy, got)
			}
			if got := outcome(d.engine, "x1", "/x"); got != want { // as a regular expression [a-z]* has no digits
				t.Errorf("%s: %s, want %s", strategy, got, want)
			}
		}
	}
}

// numbered is an authenticator that knows how many were made before it, so
// that a test sees which instance is at work.
type numbered struct{ number int64 }

func (n numbered) Authenticate(_ context.Context, _ *pipeline.Request, session *pipeline.Session) error {
	session.Subject = fmt.Sprint(n.number)
	return nil
}

// TestHandlersAreCarriedOverWhileTheirConfigurationIsTheSame, and no longer:
// what they have cached stays warm, and nothing cached outlives the
// configuration that produced it.
func TestHandlersAreCarriedOverWhileTheirConfigurationIsTheSame(t *testing.T) {
	var made atomic.Int64
	schema := []byte(`{"description": "Counts.", "type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string", "default": "0"}}}`)
	definition := pipeline.Define("numbered", schema, func(struct{ A, B string }, pipeline.Environment) (pipeline.Authenticator, error) {
		return numbered{made.Add(1)}, nil
	})
	rule := func(id, config string) string {
		return strings.Replace(simple(id, id), `"anonymous"`, `"numbered", "config": `+config, 1)
	}
	t.Chdir(t.TempDir())
	engine := NewEngine()
	loader := NewLoader(engine)
	configure := func(b string) {
		t.Helper()
		settings := from("rules")
		settings.Handlers.Authenticators = []pipeline.Definition[pipeline.Authenticator]{definition}
		settings.Pipeline.Authenticators = map[string]pipeline.Setting{"numbered": {Enabled: true, Config: map[string]any{"b": b}}}
		if _, err := loader.Configure(t.Context(), settings); err != nil {
			t.Fatal(err)
		}
	}
	// instance is the number of the instance that a rule has.
	instance := func(id string) string {
		t.Helper()
		decision := engine.Decide(context.Background(), request("GET", id, "/"))
		if !decision.Allowed {
			t.Fatalf("%s: %v", id, decision.Err)
		}
		return decision.Session.Subject
	}

	write(t, "rules", list(rule("x", `{"a": "1"}`), rule("y", `{"a": "2"}`), rule("z", `{"b": "9", "a": "1"}`)))
	configure("9")
	x, y := instance("x"), instance("y")
	if x == y || instance("z") != x {
		t.Fatalf("x has %s, y has %s, z has %s", x, y, instance("z"))
	}
	expect := func(step, wantX, wantY string) {
		t.Helper()
		if gotX, gotY := instance("x"), instance("y"); gotX != wantX || gotY != wantY {
			t.Errorf("%s: x has %s, want %s, and y has %s, want %s", step, gotX, wantX, gotY, wantY)
		}
	}

	configure("9")
	expect("the same again", x, y)
	write(t, "rules", list(rule("y", `{"b": "9", "a": "2"}`), rule("x", `{"a": "1"}`)))
	loader.Reload(t.Context())
	expect("the same, written otherwise", x, y)
	write(t, "rules", list(rule("x", `{"a": "2"}`), rule("y", `{"a": "1"}`)))
	loader.Reload(t.Context())
	expect("changed places", y, x)

	configure("8")
	if instance("x") == y || instance("y") == x {
		t.Error("an instance outlives the configuration it was made for")
	}
	other := instance("x")
	configure("9")
	if got := instance("x"); got == y || got == other {
		t.Error("an instance comes back with the configuration it was made for")
	}
}

package rules

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// told are the generations that the engine tells of, the newest first.
func (d *deployment) told(t *testing.T) []Generation {
	t.Helper()
	var generations []Generation
	for _, text := range d.engine.Generations() {
		var g Generation
		if err := json.Unmarshal(text, &g); err != nil {
			t.Fatal(err)
		}
		generations = append(generations, g)
	}
	return generations
}

// TestEveryChangeOfTheRulesIsRemembered: what it changed, where the rules came
// from, and why one is not in force.
func TestEveryChangeOfTheRulesIsRemembered(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one, "b": two})
	write(t, "b", list(simple("two", "other.example.com"), simple("three", "three.example.com")))
	d.loader.Reload(t.Context())
	write(t, "a", "[]")
	d.loader.Reload(t.Context())
	write(t, "a", "{")
	report := d.loader.Reload(t.Context())
	d.loader.Refuse([]string{report.Rejected[0].String()})
	var b strings.Builder
	for _, g := range d.told(t) {
		fmt.Fprintf(&b, "%d %s: %d rules, +%v -%v ~%v %q\n", g.Number, g.State, g.Rules, g.Added, g.Removed, g.Changed, g.Problems)
	}
	const want = `3 refused: 2 rules, +{0 []} -{0 []} ~{0 []} ["a:1: invalid JSON: the file ends in the middle of a value"]
3 published: 2 rules, +{0 []} -{1 [one]} ~{0 []} []
2 published: 3 rules, +{1 [three]} -{0 []} ~{1 [two]} []
1 published: 2 rules, +{2 [one two]} -{0 []} ~{0 []} []
`
	if b.String() != want {
		t.Errorf("got:\n%swant:\n%s", b.String(), want)
	}
	newest, first := d.told(t)[0], d.told(t)[3]
	if newest.Sources[0].State != Stale || newest.Sources[1].State != Live || newest.Sources[1].Rules != 2 || newest.Sources[1].Digest == first.Sources[1].Digest {
		t.Errorf("%+v", newest.Sources)
	}
}

// TestADigestTellsWhetherRulesAreTheSame, in whichever engine they are.
func TestADigestTellsWhetherRulesAreTheSame(t *testing.T) {
	digest := func(files map[string]string) string {
		t.Helper()
		d, _ := deploy(t, files)
		number, digest := d.engine.Generation()
		if number != 1 || digest == "" || d.told(t)[0].Digest != digest {
			t.Errorf("generation %d has the digest %q", number, digest)
		}
		return digest
	}
	first := digest(map[string]string{"a": one, "b": two})
	if again := digest(map[string]string{"x": one, "y": two}); again != first {
		t.Error("the same rules have another digest")
	}
	if other := digest(map[string]string{"a": one, "b": three}); other == first {
		t.Error("other rules have the same digest")
	}
}

func TestOnlyTheLastGenerationsAreRemembered(t *testing.T) {
	var many []string
	for i := range maxNamed + 5 {
		many = append(many, simple(fmt.Sprint("rule", i), fmt.Sprintf("h%d.example.com", i)))
	}
	d, _ := deploy(t, map[string]string{"a": one})
	for i := range maxGenerations + 3 {
		write(t, "a", list(append(many, simple("last", fmt.Sprintf("l%d.example.com", i)))...))
		d.loader.Reload(t.Context())
	}
	told := d.told(t)
	if len(told) != maxGenerations || told[0].Number != maxGenerations+4 {
		t.Errorf("%d generations, the last of them %d", len(told), told[0].Number)
	}
	write(t, "a", one)
	d.loader.Reload(t.Context())
	if removed := d.told(t)[0].Removed; removed.Count != maxNamed+6 || len(removed.Rules) != maxNamed {
		t.Errorf("%d of %d rules are named", len(removed.Rules), removed.Count)
	}
}

func TestDecisionsNameTheirGeneration(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one})
	for want := uint64(1); want <= 3; want++ {
		for _, host := range []string{"one.example.com", "none.example.com"} {
			if got := d.engine.Decide(t.Context(), request("GET", host, "/")); got.Generation != want {
				t.Errorf("%s: decided by generation %d, want %d", host, got.Generation, want)
			}
		}
		if got := d.engine.Refuse(request("GET", "one.example.com", "/"), nil); got.Generation != want {
			t.Errorf("refused by generation %d, want %d", got.Generation, want)
		}
		write(t, "a", list(simple("one", "one.example.com"), simple(fmt.Sprint("more", want), "more.example.com")))
		d.loader.Reload(t.Context())
	}
}

func TestTheConditionIsTold(t *testing.T) {
	d, _ := deploy(t, map[string]string{"a": one, "b": "{"})
	const want = `{"ready":false,"generation":1,"digest":"D","rules":1,"working":1,"minimum":1,"sources":[` +
		`{"source":"a","state":"live","rules":1,"digest":"D","read":"T"},` +
		`{"source":"b","state":"missing","rules":0,"read":"T","problems":["b:1: invalid JSON: the file ends in the middle of a value"]}]}`
	if got := stable(string(d.engine.Condition())); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := string(NewEngine().Condition()); got != `{"ready":false,"generation":0,"digest":"","rules":0,"working":0,"minimum":1,"sources":[]}` {
		t.Errorf("before anything is loaded: %s", got)
	}
}

// stable puts something that is always the same in place of digests and times.
func stable(text string) string {
	for field, stand := range map[string]string{`"digest":"`: "D", `"read":"`: "T"} {
		var b strings.Builder
		for {
			before, after, found := strings.Cut(text, field)
			b.WriteString(before)
			if !found {
				break
			}
			_, rest, _ := strings.Cut(after, `"`)
			b.WriteString(field + stand + `"`)
			text = rest
		}
		text = b.String()
	}
	return text
}

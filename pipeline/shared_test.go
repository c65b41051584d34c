package pipeline_test

import (
	"sync"
	"testing"

	"ostiary/pipeline"
)

// sharing is an authenticator whose constructor asks for a shared thing under
// the name that it is configured with. It keeps it in what the test looks at.
func sharing(things map[string]*int) pipeline.Handlers {
	handlers := kit()
	handlers.Authenticators = append(handlers.Authenticators, pipeline.Define("sharing", []byte(gaugeSchema),
		func(c gaugeConfig, e pipeline.Environment) (pipeline.Authenticator, error) {
			things[c.List[0]] = pipeline.Share(e, c.Name, func() *int { return new(int) })
			return authenticator(refuseNothing), nil
		}))
	return handlers
}

func TestShareGivesEqualNeedsTheSameThing(t *testing.T) {
	t.Parallel()
	things := map[string]*int{}
	handlers := sharing(things)
	first := pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, nil)
	use := func(b *pipeline.Builder, key, as string) {
		built(t, b, plan(pipeline.Step{Handler: "sharing", Config: []byte(`{"name": "` + key + `", "list": ["` + as + `"]}`)}))
	}
	use(first, "keys", "a")
	use(first, "keys", "b")
	use(first, "other", "c")
	if things["a"] != things["b"] || things["a"] == things["c"] {
		t.Errorf("got %p, %p and %p", things["a"], things["b"], things["c"])
	}
	second := pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, first)
	use(second, "keys", "d")
	if things["d"] != things["a"] {
		t.Error("a thing is not carried over")
	}
	third := pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, second)
	use(third, "other", "e")
	if things["e"] == things["c"] {
		t.Error("a thing that nobody asked for in between comes back")
	}
}

func TestShareWithoutABuilderSharesNothing(t *testing.T) {
	t.Parallel()
	add := func() *int { return new(int) }
	first := pipeline.Share(pipeline.Environment{}, "keys", add)
	if first == pipeline.Share(pipeline.Environment{}, "keys", add) {
		t.Error("two worlds share a thing")
	}
}

func TestShareIsForConcurrentUse(t *testing.T) {
	t.Parallel()
	handlers := kit()
	var environment pipeline.Environment
	handlers.Authenticators = append(handlers.Authenticators, pipeline.Define("grab", []byte(gaugeSchema),
		func(_ gaugeConfig, e pipeline.Environment) (pipeline.Authenticator, error) {
			environment = e
			return authenticator(refuseNothing), nil
		}))
	built(t, pipeline.NewBuilder(handlers, allEnabled(handlers, nil), pipeline.Environment{}, nil), plan(pipeline.Step{Handler: "grab", Config: []byte(`{"name": "n"}`)}))
	var group sync.WaitGroup
	found := make([]*int, 8)
	for i := range found {
		group.Go(func() { found[i] = pipeline.Share(environment, "keys", func() *int { return new(int) }) })
	}
	group.Wait()
	for _, thing := range found {
		if thing != found[0] {
			t.Error("there are two things of one key")
		}
	}
}

package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestAHandlerThatNeedsCapturesHurtsNobodyWhoDoesNotUseIt(t *testing.T) {
	t.Parallel()
	handlers := kit()
	handlers.Authorizers = append(handlers.Authorizers, pipeline.Define("capturing",
		[]byte(`{"type": "object", "additionalProperties": false}`),
		func(_ struct{}, environment pipeline.Environment) (pipeline.Authorizer, error) {
			if environment.Globs {
				return nil, &pipeline.Mistake{Message: "needs captures"}
			}
			return authorizer(nil), nil
		}))
	builder := pipeline.NewBuilder(handlers, allEnabled(handlers, map[string]any{"name": "n"}), pipeline.Environment{Globs: true}, nil)
	if _, flaws := builder.Build(under(one("allow"))); len(flaws) != 0 {
		t.Errorf("flaws: %+v", flaws)
	}
	_, flaws := builder.Build(under(one("capturing")))
	want := []pipeline.Flaw{{Step: []string{"authorizers"}, Handler: "capturing", Message: "needs captures"}}
	if diff := cmp.Diff(want, flaws); diff != "" {
		t.Error(diff)
	}
	if faults := builder.Faults(); len(faults) != 0 {
		t.Errorf("the configuration is at fault: %v", faults)
	}
}

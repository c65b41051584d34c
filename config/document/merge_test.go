package document_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/config/document"
)

func TestMerge(t *testing.T) {
	for name, test := range map[string]struct{ under, over, want string }{
		"maps":            {`{"a":1,"b":{"c":1,"d":1}}`, `{"b":{"d":2,"e":2}}`, `{"a":1,"b":{"c":1,"d":2,"e":2}}`},
		"lists":           {`{"a":[1,2,3]}`, `{"a":[4]}`, `{"a":[4]}`},
		"a map by a text": {`{"a":{"b":1}}`, `{"a":"x"}`, `{"a":"x"}`},
		"a text by a map": {`{"a":"x"}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		"by null":         {`{"a":{"b":1}}`, `{"a":null}`, `{"a":null}`},
		"null":            {`{"a":null}`, `{"a":{"b":1}}`, `{"a":{"b":1}}`},
		"as a whole":      {`{"whole":{"a":1},"x":{"whole":{"a":1}}}`, `{"whole":{"b":2},"x":{"whole":{"b":2}}}`, `{"whole":{"b":2},"x":{"whole":{"b":2}}}`},
		"the root":        {`[1]`, `{"a":1}`, `{"a":1}`},
	} {
		t.Run(name, func(t *testing.T) {
			under, over := parse(t, test.under, document.JSON).Value, parse(t, test.over, document.JSON).Value
			whole := func(path document.Path) bool { return path[len(path)-1] == "whole" }
			got, _ := json.Marshal(document.Merge(under, over, whole))
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for text, value := range map[string]any{test.under: under, test.over: over} {
				if diff := cmp.Diff(parse(t, text, document.JSON).Value, value); diff != "" {
					t.Errorf("an argument changed:\n%s", diff)
				}
			}
		})
	}
}

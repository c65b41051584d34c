package pipeline_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostiary/pipeline"
)

func TestExtraIsReadOnce(t *testing.T) {
	t.Parallel()
	var session pipeline.Session
	session.SetExtraJSON(`{"role": "editor", "n": 1}`)
	first := extra(t, &session)
	if diff := cmp.Diff(map[string]any{"role": "editor", "n": 1.0}, first); diff != "" {
		t.Error(diff)
	}
	first["role"] = "owner" // who reads it may write to it: it is the session's own
	if got := extra(t, &session)["role"]; got != "owner" {
		t.Errorf("it was read again, and is %v", got)
	}
}

// TestExtraThatNobodyAsksForCostsNothing is not parallel: it counts what is
// allocated.
func TestExtraThatNobodyAsksForCostsNothing(t *testing.T) {
	var session pipeline.Session
	if n := testing.AllocsPerRun(100, func() { session.SetExtraJSON(`{"role": "editor"}`) }); n != 0 {
		t.Errorf("a document that nobody asks for costs %v allocations", n)
	}
}

func TestExtraBelongsToTheRequest(t *testing.T) {
	t.Parallel()
	const document = `{"roles": ["editor"]}` // as a cache shares it
	var ada, bob pipeline.Session
	ada.SetExtraJSON(document)
	bob.SetExtraJSON(document)
	extra(t, &ada)["roles"].([]any)[0] = "owner" //nolint:forcetypeassert // a panic fails the test as well
	if diff := cmp.Diff(map[string]any{"roles": []any{"editor"}}, extra(t, &bob)); diff != "" {
		t.Errorf("bob sees what ada's request wrote: %s", diff)
	}
}

func TestExtraThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	for document, want := range map[string]string{
		`{"role": `:         "extra: unexpected end of JSON input",
		`["role"]`:          "extra: json: cannot unmarshal array into Go value of type map[string]interface {}",
		`{"n": 1e999}`:      "extra: json: cannot unmarshal number 1e999 into Go value of type float64",
		`{} {}`:             "extra: invalid character '{' after top-level value",
		"{\"a\": \"\x00\"}": "extra: invalid character '\\x00' in string literal",
	} {
		session := pipeline.Session{MatchContext: pipeline.NewMatchContext(&pipeline.Request{}, nil)}
		session.SetExtraJSON(document)
		for range 2 { // it does not become an empty one by being asked for twice
			known, err := session.Extra()
			if err == nil || err.Error() != want || known != nil {
				t.Errorf("%s: got %v, %v, want %q", document, known, err, want)
			}
		}
		if text, err := json.Marshal(&session); err == nil {
			t.Errorf("%s: services would get %s", document, text)
		}
	}
}

func TestTheExtraThatWasSetLastCounts(t *testing.T) {
	t.Parallel()
	var session pipeline.Session
	if got := extra(t, &session); got != nil {
		t.Errorf("before any: %v", got)
	}
	session.SetExtraJSON(`{"by": "document"}`)
	session.SetExtra(map[string]any{"by": "map"})
	if got := extra(t, &session)["by"]; got != "map" {
		t.Errorf("got the one of the %v", got)
	}
	session.SetExtraJSON(`{"by": "document"}`)
	if got := extra(t, &session)["by"]; got != "document" {
		t.Errorf("got the one of the %v", got)
	}
	session.SetExtraJSON("")
	if got := extra(t, &session); got != nil {
		t.Errorf("after none: %v", got)
	}
	session.SetExtraJSON("null")
	if got := extra(t, &session); got != nil {
		t.Errorf("after null: %v", got)
	}
}
